"""Compare the two ways in which an hourglass brings its sides together: skip="add" and skip="concat".

    python examples/compare_skip.py --output runs/skip

trains small networks of two stacks on the same crops of synthetic figures, several seeds of each kind,
measures them on figures that none has seen, and writes skip.json and skip.png. "concat" has one more
convolution at every level, so that parameters and operations are told too. The same command goes on after a
kill. `--quick` does the same with hardly any data, to show that it runs.
"""

import argparse
import dataclasses
import json
import math
import shlex
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from hrpose.codecs import MSRA
from hrpose.data.augment import TopDownAugment
from hrpose.data.coco import CocoKeypoints
from hrpose.data.memory import TopDownInMemory
from hrpose.data.synthetic import write_coco
from hrpose.data.topdown import TopDownDataset
from hrpose.models import HourglassConfig, StackedHourglass
from hrpose.train import fit

CODEC = MSRA(input_size=(64, 64), sigma=1.5)
MILD = TopDownAugment(scale=0.1, rotation=12, half_body_probability=0, flip_probability=0)
SMALL = HourglassConfig(num_keypoints=17, unit="conv_bn", stem=(16, 32), widths=(32, 32, 32, 32))
KINDS = {"add": SMALL, "concat": dataclasses.replace(SMALL, skip="concat")}
TRAIN_SEED, TEST_SEED = 1, 3
FIGURE = "AP50"  # stricter ones are out of reach for maps of 16 x 16: their own targets reach an AP of 0.305
CLEAR = 2.0  # standard errors from which a difference is called clear

Run = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Budget:
    pictures: int
    test_pictures: int
    epochs: int
    batch_size: int = 16


def main() -> None:
    asked = parse()
    budget = Budget(4, 2, 1, 4) if asked.quick else Budget(asked.pictures, 300, asked.epochs)
    torch.set_num_threads(asked.threads)
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch if asked.output is None else asked.output)
        people = draw(output / "train", budget.pictures, TRAIN_SEED)
        crops = TopDownInMemory(people.people, CODEC, people.skeleton, augment=MILD)
        test = draw(output / "test", budget.test_pictures, TEST_SEED).crops(CODEC)
        runs: list[Run] = []
        for seed in range(2 if asked.quick else asked.seeds):
            for kind in KINDS:
                runs.append(train(kind, crops, test, output / f"{kind}_{seed}", budget, seed))
                write(runs, budget, output)
        plot(runs, output / "skip.png")
        print((output / "skip.json").read_text())


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", help="folder for pictures, weights and results; else a temporary one")
    parser.add_argument("--pictures", type=int, default=1500)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3, help="runs of each kind, 2 at least")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--quick", action="store_true", help="a few seconds: shows that it runs, learns nothing"
    )
    return parser.parse_args()


def draw(folder: Path, pictures: int, seed: int) -> CocoKeypoints:
    """Pictures of figures in COCO format; a folder that is there already is used as it is."""
    annotations = folder / "annotations.json"
    if not annotations.is_file():
        write_coco(folder, pictures, seed=seed)
    return CocoKeypoints.from_file(annotations, folder / "images")


def train(
    kind: str, crops: TopDownInMemory, test: TopDownDataset, folder: Path, budget: Budget, seed: int
) -> Run:
    """One run, measured after its last epoch; the seed decides first weights and the order of the crops."""
    torch.manual_seed(seed)
    result = fit(
        StackedHourglass(KINDS[kind]),
        crops,
        test,
        output=folder,
        epochs=budget.epochs,
        batch_size=budget.batch_size,
        lr=4e-3,
        warmup=50,
        evaluate_every=budget.epochs,
        flip_test=False,
        amp=True,  # bfloat16
        seed=seed,
        progress=False,
    )
    last = result.history[-1]
    run = {"kind": kind, "seed": seed, "crops": len(crops), "test_people": len(test)}
    run |= {name: round(last[name], 4) for name in ("AP", "AP50", "AP75")}
    run |= {"loss": [round(record["loss"], 6) for record in result.history]}
    print(f"{kind}, seed {seed}: {FIGURE} {run[FIGURE]}, loss {run['loss'][-1]}", flush=True)
    return run


def size_of(config: HourglassConfig) -> dict[str, float]:
    """How large a network is, and how many multiplications with additions one crop takes it."""
    with torch.device("meta"):
        model = StackedHourglass(config).eval()
        with FlopCounterMode(display=False) as counter:
            model(torch.zeros(1, 3, *CODEC.input_size))
    parameters = sum(p.numel() for p in model.parameters())
    return {"parameters": parameters, "mega_operations": round(counter.get_total_flops() / 2e6, 1)}


def compare(kind: str, other: str, runs: list[Run]) -> dict[str, Any]:
    """How much higher the mean of `other` is, and whether chance could have done it."""
    ours, theirs = ([run[FIGURE] for run in runs if run["kind"] == name] for name in (kind, other))
    difference = statistics.mean(theirs) - statistics.mean(ours)
    error = math.sqrt(statistics.variance(ours) / len(ours) + statistics.variance(theirs) / len(theirs))
    clear = abs(difference) > CLEAR * error
    return {
        "difference": round(difference, 4),
        "standard_error": round(error, 4),
        "verdict": "exceeds the spread" if clear else "within the spread of the seeds",
    }


def write(runs: list[Run], budget: Budget, output: Path) -> None:
    """All that is known so far."""
    kinds: dict[str, Any] = {}
    for kind, config in KINDS.items():
        values = [run[FIGURE] for run in runs if run["kind"] == kind]
        kinds[kind] = size_of(config) | {FIGURE: values}
        if len(values) > 1:
            kinds[kind]["mean"] = round(statistics.mean(values), 4)
            kinds[kind]["standard_deviation"] = round(statistics.stdev(values), 4)
    facts: dict[str, Any] = {"command": shlex.join(["python", "examples/compare_skip.py", *sys.argv[1:]])}
    facts |= {"torch": torch.__version__, "budget": dataclasses.asdict(budget), "kinds": kinds}
    if all("mean" in kind for kind in kinds.values()):
        facts["concat against add"] = compare("add", "concat", runs)
    facts["runs"] = runs
    (output / "skip.json").write_text(json.dumps(facts, indent=2))


def plot(runs: list[Run], path: Path) -> None:
    """The loss after each epoch, a line a run, and beside them what each run reached."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    course, end = figure.subplots(1, 2, width_ratios=(2, 1))
    for place, kind in enumerate(KINDS):
        own = [run for run in runs if run["kind"] == kind]
        for number, run in enumerate(own):
            epochs = range(1, len(run["loss"]) + 1)
            course.plot(epochs, run["loss"], ".-", color=f"C{place}", label=kind if number == 0 else None)
        end.plot([place] * len(own), [run[FIGURE] for run in own], "o", color=f"C{place}")
        end.plot([place - 0.3, place + 0.3], [statistics.mean(run[FIGURE] for run in own)] * 2, "k-")
    course.set(xlabel="epoch", ylabel="loss", yscale="log", title="training")
    course.legend()
    end.set(xticks=range(len(KINDS)), xticklabels=KINDS, ylabel=FIGURE, title="figures not seen")
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
