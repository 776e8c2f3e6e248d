"""Ask of synthetic crowds what the HigherHRNet paper asks of COCO: what do finer heatmaps give, and to whom?

    python examples/multi_resolution.py --output runs/multi_resolution

trains two tiny networks on the same crowds in the same order, several seeds of each: one with heatmaps at 1/4
of the picture, one with heatmaps at 1/2 as well, both supervised. Crowds that neither has seen are then read
in five ways. From the first network: its map as it is, and enlarged in two steps, as that at 1/4 of the other
is; what that gives owes nothing to a finer map. From the second: its map at 1/2, the mean of both (heatmap
aggregation), and that at 1/4 alone, which shows what supervision at 1/2 does to it. All ways of a network
read the same weights.

AP of all people, and of those below and above the median area, goes to multi_resolution.json and .png. As in
COCO, people of the other size are ignored: finding them neither gains nor loses. AP asks for points in their
place and for people kept apart by their tags; `off` asks for the first alone: how many pixels lie between a
point that is seen and the nearest found of its kind, whoever it was given to (the median). The same command
goes on after a kill. `--quick` does the same with hardly any data, to show that it runs.
"""

import argparse
import dataclasses
import json
import math
import shlex
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from hrpose.backbones.hrnet import HRNetConfig
from hrpose.codecs import HigherHRNet
from hrpose.codecs.aggregate import resize
from hrpose.codecs.tags import TagGrouping
from hrpose.data.coco import CocoKeypoints
from hrpose.data.memory import BottomUpInMemory
from hrpose.data.people import Person
from hrpose.data.pictures import BottomUpAugment
from hrpose.data.synthetic import write_coco
from hrpose.hub import load_weights
from hrpose.losses import MultiResolutionLoss
from hrpose.metrics import coco_ap
from hrpose.models import BottomUp, BottomUpConfig
from hrpose.skeletons import COCO
from hrpose.train import fit
from hrpose.train.evaluate import detect, ground_truth
from hrpose.types import PoseMaps

START = "hrnet_tiny.synthetic_128x96"  # stem and stages 1 to 3; stage 4 and the head start anew
BOTH = BottomUpConfig(
    backbone=HRNetConfig(
        widths=(32, 48, 64, 96),
        stem_width=16,
        stage1_block="basic",
        stage1_blocks=1,
        stage1_width=32,
        rounds=(1, 2, 1),
        blocks=1,
        outputs=1,
    ),
    deconv_channels=(24,),
    deconv_blocks=1,
    tag_dims=2,
)
QUARTER = dataclasses.replace(BOTH, deconv_channels=(), tags=(True,), joined=())
NETWORKS = {"1/4": QUARTER, "1/4 and 1/2": BOTH}
TWO_STEPS = "1/4, in two steps"
READINGS = {  # network, and which of its heatmaps are read
    "1/4 alone": ("1/4", (0,)),
    TWO_STEPS: ("1/4", (0,)),
    "+ 1/2, 1/2 read": ("1/4 and 1/2", (1,)),
    "+ 1/2, both read": ("1/4 and 1/2", (0, 1)),
    "+ 1/2, 1/4 read": ("1/4 and 1/2", (0,)),
}
STEPS = (
    ("1/4 alone", TWO_STEPS),
    (TWO_STEPS, "+ 1/2, 1/2 read"),
    (TWO_STEPS, "+ 1/2, both read"),
    (TWO_STEPS, "+ 1/2, 1/4 read"),
    ("+ 1/2, 1/2 read", "+ 1/2, both read"),
    ("1/4 alone", "+ 1/2, both read"),
)
FIGURES = {  # our name, COCO's
    "AP": "AP",
    "AP50": "AP50",
    "AP75": "AP75",
    "AR": "AR",
    "AP_small": "APm",
    "AP_large": "APl",
    "AR_small": "ARm",
    "AR_large": "ARl",
}
OFF = ("off", "off_small", "off_large")  # pixels
SHOWN = {
    "AP": "AP, everybody",
    "AP_small": "AP, the smaller half",
    "AP_large": "AP, the larger half",
    "off": "points are off by, pixels",
}
SEEN = 2  # COCO's flag of a point that nothing hides
CODEC = HigherHRNet(
    input_size=256, tag_dims=2, grouping=TagGrouping(joint_order=TagGrouping.joint_order_of(COCO))
)
CROWD = {"size": (256, 256), "people": (1, 12), "crowding": 0.25, "heights": (0.35, 0.75)}
MILD = BottomUpAugment(scale=(0.8, 1.1), rotation=10, translate=15)
TRAIN_SEED, TEST_SEED = 1, 3

Run = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Budget:
    pictures: int
    test_pictures: int
    epochs: int
    batch_size: int = 8


class InTwoSteps(BottomUp):
    """Enlarges the map at 1/4 to 1/2 before anyone enlarges it to the picture."""

    def forward(self, images: Tensor) -> PoseMaps:
        maps = super().forward(images)
        (coarse,) = maps.heatmaps
        height, width = coarse.shape[2:]
        return PoseMaps((coarse, resize(coarse, (2 * height, 2 * width))), maps.tags)


def main() -> None:
    asked = parse()
    budget = Budget(4, 2, 1, 2) if asked.quick else Budget(asked.pictures, 200, asked.epochs)
    torch.set_num_threads(asked.threads)
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch if asked.output is None else asked.output)
        crowds = draw(output / "train", budget.pictures, TRAIN_SEED)
        test = draw(output / "test", budget.test_pictures, TEST_SEED)
        runs: list[Run] = []
        for seed in range(2 if asked.quick else asked.seeds):
            for network in NETWORKS:
                runs += learn_and_read(network, crowds, test, output, budget, seed)
        write(runs, median_area(test), budget, output / "multi_resolution.json")
        plot(runs, output / "multi_resolution.png")
        print((output / "multi_resolution.json").read_text())


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", help="folder for pictures, weights and results; else a temporary one")
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=3, help="runs of each network, 2 at least")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--quick", action="store_true", help="a few seconds: shows that it runs, learns nothing"
    )
    return parser.parse_args()


def draw(folder: Path, pictures: int, seed: int) -> CocoKeypoints:
    """Crowds in COCO format; a folder that is there already is used as it is."""
    annotations = folder / "annotations.json"
    if not annotations.is_file():
        write_coco(folder, pictures, seed=seed, **CROWD)
    return CocoKeypoints.from_file(annotations, folder / "images")


def codec_of(network: str, maps: tuple[int, ...] = ()) -> HigherHRNet:
    """The codec for the heatmaps of a network, of which `maps` are read, all if ()."""
    strides = (4, 2)[: NETWORKS[network].resolutions]
    return dataclasses.replace(CODEC, strides=strides, heatmap_maps=maps)


def learn_and_read(
    network: str, crowds: CocoKeypoints, test: CocoKeypoints, output: Path, budget: Budget, seed: int
) -> list[Run]:
    """One training, and the test crowds read in every way that fits its network; done once."""
    folder = output / f"{network.replace('/', '_')}_{seed}"
    kept = folder / "readings.json"
    if not kept.is_file():
        model = train(network, crowds, folder, budget, seed)
        ways = [way for way, (own, _) in READINGS.items() if own == network]
        kept.write_text(json.dumps([measure(way, model, test, seed) for way in ways]))
    runs: list[Run] = json.loads(kept.read_text())
    for run in runs:
        print(run, flush=True)
    return runs


def train(network: str, crowds: CocoKeypoints, folder: Path, budget: Budget, seed: int) -> BottomUp:
    """The weights after the last epoch; the seed decides new layers, order and views."""
    torch.manual_seed(seed)
    config = NETWORKS[network]
    model = BottomUp(config)
    load_weights(model, START, strict=False)
    # "exp" has no slope where all tags are equal, and so few steps do not lead out of there
    model.criterion = MultiResolutionLoss(
        heatmap_factors=(1.0,) * config.resolutions,
        push_factors=(0.01,),
        pull_factors=(0.01,),
        push="max",
        tag_dims=config.tag_dims,
    )
    codec, pictures = codec_of(network), crowds.whole_pictures()
    views = BottomUpInMemory(pictures, codec, crowds.skeleton, augment=MILD, seed=seed)
    settings = {"epochs": budget.epochs, "batch_size": budget.batch_size, "lr": 2e-3, "warmup": 200}
    result = fit(model, views, output=folder, seed=seed, ema=0.998, amp=True, progress=False, **settings)
    model.load_state_dict(load_file(result.last / "model.safetensors"))
    return model


def measure(way: str, model: BottomUp, test: CocoKeypoints, seed: int) -> Run:
    """What the model finds in the test crowds if its heatmaps are read in this way."""
    data = test.pictures(codec_of(*READINGS[way]))
    if way == TWO_STEPS:
        weights, model = model.state_dict(), InTwoSteps(model.config)
        model.load_state_dict(weights)
    found = list(detect(model, data))
    bounds = (0.0, median_area(test))  # "medium" is then the smaller half, "large" the larger
    stats = coco_ap(ground_truth(data), found, sigmas=data.skeleton.sigmas, area_bounds=bounds)
    run = {"way": way, "seed": seed, "people": len(data.people), "found": len(found)}
    run |= {figure: round(stats[name], 4) for figure, name in FIGURES.items()}
    return run | off_by(test.people, found, bounds[1])


def off_by(people: Sequence[Person], found: Sequence[dict[str, Any]], bound: float) -> dict[str, float]:
    """Pixels from the points of people to the nearest found of their kind: the median of all, and by size."""
    poses: dict[Any, list[np.ndarray]] = {}
    for entry in found:
        poses.setdefault(entry["image_id"], []).append(np.reshape(entry["keypoints"], (-1, 3)))
    small, large = [], []
    for person in people:
        known = np.array(poses.get(person.image_id, np.zeros((1, len(person.keypoints), 3))))
        distances = np.linalg.norm(known[:, :, :2] - person.keypoints[:, :2], axis=2)
        distances[known[:, :, 2] <= 0] = CODEC.input_size  # not found: as far off as a picture is wide
        seen = distances.min(0)[person.keypoints[:, 2] == SEEN].tolist()
        (small if person.area <= bound else large).extend(seen)
    values = zip(OFF, (small + large, small, large), strict=True)
    return {name: round(statistics.median(each), 3) for name, each in values}


def median_area(crowds: CocoKeypoints) -> float:
    """Square pixels that half of the people are below."""
    return statistics.median(person.area for person in crowds.people)


def size_of(config: BottomUpConfig) -> dict[str, float]:
    """How large a network is, and how many multiplications with additions one picture takes it."""
    with torch.device("meta"):
        model = BottomUp(config).eval()
        with FlopCounterMode(display=False) as counter:
            model(torch.zeros(1, 3, CODEC.input_size, CODEC.input_size))
    parameters = sum(p.numel() for p in model.parameters())
    return {"parameters": parameters, "mega_operations": round(counter.get_total_flops() / 2e6, 1)}


def figures_of(way: str, runs: list[Run], figure: str) -> list[float]:
    """One a seed, in the order of the seeds."""
    return [run[figure] for run in runs if run["way"] == way]


def summary(values: list[float]) -> dict[str, float]:
    spread = {"standard_deviation": statistics.stdev(values), "least": min(values), "most": max(values)}
    return {name: round(value, 4) for name, value in {"mean": statistics.mean(values), **spread}.items()}


def compare(way: str, other: str, runs: list[Run], figure: str) -> dict[str, Any]:
    """How much higher `other` is, seed by seed, and whether chance could have done it.

    The mean difference lies within `give_or_take` of the one that many seeds would give, with 95 %
    confidence (Student's t).
    """
    from scipy.stats import t as student

    pairs = zip(figures_of(way, runs, figure), figures_of(other, runs, figure), strict=True)
    steps = [after - before for before, after in pairs]
    error = statistics.stdev(steps) / math.sqrt(len(steps))
    reach = float(student.ppf(0.975, len(steps) - 1)) * error
    clear = abs(statistics.mean(steps)) > reach
    return {
        "by_seed": [round(step, 4) for step in steps],
        "mean": round(statistics.mean(steps), 4),
        "give_or_take": round(reach, 4),
        "verdict": "exceeds the spread" if clear else "within the spread of the seeds",
    }


def write(runs: list[Run], bound: float, budget: Budget, path: Path) -> None:
    """All figures, their means and spreads, and how the ways compare."""
    names = (*FIGURES, *OFF)
    facts: dict[str, Any] = {
        "command": shlex.join(["python", "examples/multi_resolution.py", *sys.argv[1:]]),
        "torch": torch.__version__,
        "budget": dataclasses.asdict(budget),
        "small_and_large_part_at": bound,
        "networks": {network: size_of(config) for network, config in NETWORKS.items()},
        "ways": {way: {name: summary(figures_of(way, runs, name)) for name in names} for way in READINGS},
        "differences": {
            f"{before} -> {after}": {name: compare(before, after, runs, name) for name in names}
            for before, after in STEPS
        },
        "runs": runs,
    }
    path.write_text(json.dumps(facts, indent=2))


def plot(runs: list[Run], path: Path) -> None:
    """A panel a figure: a line a seed from way to way, and a bar at each mean."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 4), layout="constrained")
    panels = figure.subplots(1, len(SHOWN))
    for panel, (name, title) in zip(panels, SHOWN.items(), strict=True):
        columns = [figures_of(way, runs, name) for way in READINGS]
        for number, values in enumerate(zip(*columns, strict=True)):
            panel.plot(values, "o-", color=f"C{number}", linewidth=0.7, label=f"seed {number}")
        means = [statistics.mean(values) for values in columns]
        starts, ends = ([place + side for place in range(len(means))] for side in (-0.3, 0.3))
        panel.hlines(means, starts, ends, color="black", linewidth=2, label="mean")
        panel.margins(y=0.2)
        panel.set(title=title, xticks=range(len(columns)), ylim=(0, None))
        panel.set_xticklabels([way.replace(", ", ",\n") for way in READINGS], fontsize=7)
    panels[0].legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
