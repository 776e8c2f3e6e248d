"""Mask AP against the number of pixels that the tag loss draws of each instance in a step.

    python examples/benchmarks/sampled_pixels.py --output runs/sampled

trains a small network for each number of pixels and each seed, all with the same pictures and steps, and
draws the curve into sampled_pixels.png. Maps have the size of the picture: a figure has hundreds of pixels.
A run that is done already is not done again, so that several processes can share one folder.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

import torch

from hrpose.backbones.hrnet import HRNetConfig
from hrpose.codecs import InstanceGrouping
from hrpose.data.coco_instances import CocoInstances
from hrpose.data.instances import InstanceDataset
from hrpose.data.pictures import BottomUpAugment
from hrpose.data.synthetic import write_coco
from hrpose.losses import InstanceLoss
from hrpose.models import InstanceConfig, InstanceSegmenter
from hrpose.train import evaluate, fit

ALL = 0  # stands for every pixel
NETWORK = InstanceConfig(
    backbone=HRNetConfig(
        widths=(16, 32, 64),
        stem_width=16,
        stage1_block="basic",
        stage1_blocks=1,
        stage1_width=16,
        rounds=(1, 2),
        blocks=1,
        upsample="bilinear",
    ),
    tag_dims=2,
    hidden=48,
    coordinates=True,
    upsample=4,
)
INPUT = 96
OVERLAPPING = {"size": (128, 128), "people": (2, 4), "crowding": 0.4, "heights": (0.6, 1.0)}
MILD = BottomUpAugment(scale=(0.85, 1.15), rotation=10, translate=10)
GROUPING = InstanceGrouping(min_pixels=60, candidates=128)


def main() -> None:
    asked = parse()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch if asked.output is None else asked.output)
        train = draw(output / "train", asked.pictures, 1)
        views = train.pictures(INPUT, stride=1, augment=MILD, seed=0, in_memory=True, grouping=GROUPING)
        test = draw(output / "test", asked.test_pictures, 3).pictures(INPUT, stride=1, grouping=GROUPING)
        for seed in asked.seeds:
            for samples in asked.samples:
                path = output / f"{samples}_{seed}.json"
                if not path.is_file():
                    path.write_text(json.dumps(measure(views, test, samples, seed, asked.epochs)))
        runs = [json.loads(path.read_text()) for path in sorted(output.glob("*_*.json"))]
        print(table(runs))
        plot(runs, output / "sampled_pixels.png")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", help="folder for pictures, figures and the plot; else a temporary one")
    parser.add_argument("--samples", type=int, nargs="+", default=[8, 64, 512, ALL], help="0: all pixels")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--pictures", type=int, default=1600)
    parser.add_argument("--test-pictures", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--quick", action="store_true", help="hardly any data, for the tests")
    asked = parser.parse_args()
    if asked.quick:
        asked.pictures, asked.test_pictures, asked.epochs = 4, 2, 1
        asked.seeds, asked.samples = [0], [8, ALL]
    return asked


def draw(folder: Path, pictures: int, seed: int) -> CocoInstances:
    """Pictures in COCO format; a folder that is there already is used as it is."""
    annotations = folder / "annotations.json"
    if not annotations.is_file():
        write_coco(folder, pictures, seed=seed, workers=2 if pictures > 50 else 0, **OVERLAPPING)
    content = json.loads(annotations.read_text())
    content["images"] = content["images"][:pictures]
    wanted = {image["id"] for image in content["images"]}
    content["annotations"] = [entry for entry in content["annotations"] if entry["image_id"] in wanted]
    return CocoInstances.from_file(content, folder / "images")


def measure(
    views: InstanceDataset, test: InstanceDataset, samples: int, seed: int, epochs: int
) -> dict[str, float]:
    """Train one network, and the figures of what it finds."""
    torch.manual_seed(seed)
    model = InstanceSegmenter(NETWORK)
    model.criterion = InstanceLoss(samples or None, tag_dims=NETWORK.tag_dims)
    views.seed = seed
    with tempfile.TemporaryDirectory() as folder:
        result = fit(
            model,
            views,
            output=folder,
            epochs=epochs,
            batch_size=8,
            lr=3e-3,
            warmup=50,
            clip_grad=5.0,
            amp=True,
            seed=seed,
            progress=False,
        )
    seconds = sum(record["seconds"] for record in result.history)
    stats = evaluate(model, test, flip_test=False)
    print(f"{name(samples)} pixels, seed {seed}: AP50 {stats['AP50']:.3f}", flush=True)
    facts = {"samples": samples, "seed": seed, "epochs": epochs, "pictures": len(views), "seconds": seconds}
    return facts | stats


def name(samples: int) -> str:
    return "all" if samples == ALL else str(samples)


def by_samples(runs: list[dict[str, float]], figure: str) -> dict[int, list[float]]:
    """A figure of all seeds for each number of pixels, fewest first."""
    order = sorted({run["samples"] for run in runs}, key=lambda samples: samples or float("inf"))
    return {samples: [run[figure] for run in runs if run["samples"] == samples] for samples in order}


def table(runs: list[dict[str, float]]) -> str:
    """The mean and the range over seeds, a line for each number of pixels."""
    lines = ["| pixels | seeds | AP50 | lowest to highest | AP |", "| --- | --- | --- | --- | --- |"]
    whole = by_samples(runs, "AP")
    for samples, values in by_samples(runs, "AP50").items():
        spread = f"{min(values):.3f} to {max(values):.3f}"
        means = statistics.mean(values), statistics.mean(whole[samples])
        lines.append(f"| {name(samples)} | {len(values)} | {means[0]:.3f} | {spread} | {means[1]:.3f} |")
    return "\n".join(lines)


def plot(runs: list[dict[str, float]], path: Path) -> None:
    """The curve of the means, and a dot a run."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 3.2), layout="constrained")
    points = by_samples(runs, "AP50")
    places = list(range(len(points)))
    axes.plot(places, [statistics.mean(values) for values in points.values()], color="#1e96ff")
    for place, values in zip(places, points.values(), strict=True):
        axes.plot([place] * len(values), values, "o", color="#1e96ff", alpha=0.5)
    axes.set_xticks(places, [name(samples) for samples in points])
    axes.set_xlabel("pixels drawn of each instance in a step")
    axes.set_ylabel("mask AP50")
    highest = max(max(values) for values in points.values())
    axes.set_ylim(0, 1.1 * (highest or 1.0))  # nothing found at all in a short trial
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
