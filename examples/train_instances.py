"""Tell overlapping synthetic figures apart, from nothing, in minutes on a CPU.

    python examples/train_instances.py --output runs/instances

draws pictures of 2 to 4 figures who overlap, trains an instance segmenter on them, measures mask AP on
pictures of another seed, and writes instances.png: what was given, and what was found in each, in colours.
The same command goes on after a kill. `--quick` does the same with hardly any data, to show that it runs.
"""

import argparse
import dataclasses
import json
import tempfile
import time
from pathlib import Path

import torch

from hrpose.backbones.hrnet import HRNetConfig
from hrpose.data.coco_instances import CocoInstances
from hrpose.data.images import read_image
from hrpose.data.pictures import BottomUpAugment
from hrpose.data.synthetic import write_coco
from hrpose.losses import InstanceLoss
from hrpose.models import InstanceConfig, InstanceSegmenter
from hrpose.predict.instances import InstancePredictor
from hrpose.train import evaluate, fit
from hrpose.viz import draw_masks, panels

TINY = InstanceConfig(
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
    coordinates=True,  # two figures in the same clothes differ by their place alone
)
INPUT = 96  # pixels of a side that the network sees
OVERLAPPING = {"size": (128, 128), "people": (2, 4), "crowding": 0.4, "heights": (0.6, 1.0)}
TRAIN_SEED, TEST_SEED = 1, 3
MILD = BottomUpAugment(scale=(0.85, 1.15), rotation=10, translate=10)


@dataclasses.dataclass(frozen=True)
class Budget:
    pictures: int
    test_pictures: int
    epochs: int


def main() -> None:
    asked = parse()
    budget = Budget(6, 2, 1) if asked.quick else Budget(asked.pictures, asked.test_pictures, asked.epochs)
    torch.set_num_threads(asked.threads)
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch if asked.output is None else asked.output)
        start, cpu = time.perf_counter(), time.process_time()
        model = train(output, budget, asked)
        facts = {
            "seed": asked.seed,
            "samples": asked.samples,
            "minutes": round((time.perf_counter() - start) / 60, 1),
            "cpu_minutes": round((time.process_time() - cpu) / 60, 1),
        }
        test = draw(output / "test", budget.test_pictures, TEST_SEED)
        stats = evaluate(model, test.pictures(INPUT))
        print(json.dumps(facts | {name: round(value, 4) for name, value in stats.items()}))
        print(f"drawn: {picture(model, test, output / 'instances.png')}")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", help="folder for pictures, weights and the drawing; else a temporary one")
    parser.add_argument("--pictures", type=int, default=1600)
    parser.add_argument("--test-pictures", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=36)
    parser.add_argument(
        "--samples", type=int, default=64, help="pixels drawn of each figure in a step; 0: all"
    )
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--quick", action="store_true", help="a few seconds: shows that it runs, learns nothing"
    )
    return parser.parse_args()


def train(output: Path, budget: Budget, asked: argparse.Namespace) -> InstanceSegmenter:
    """Draw the pictures and learn from them; the model of the last epoch."""
    torch.manual_seed(asked.seed)
    model = InstanceSegmenter(TINY)
    model.criterion = InstanceLoss(asked.samples or None, tag_dims=TINY.tag_dims)
    figures = draw(output / "train", budget.pictures, TRAIN_SEED)
    views = figures.pictures(INPUT, augment=MILD, seed=asked.seed, in_memory=True)
    print(figures.summary())
    fit(
        model,
        views,
        output=output / "run",
        epochs=budget.epochs,
        batch_size=8,
        lr=asked.lr,
        warmup=100,
        clip_grad=5.0,
        amp=True,  # bfloat16: nearly twice as fast on processors that have it
        seed=asked.seed,
    )
    return model


def draw(folder: Path, pictures: int, seed: int) -> CocoInstances:
    """Pictures in COCO format; a folder that is there already is used as it is."""
    annotations = folder / "annotations.json"
    if not annotations.is_file():
        write_coco(folder, pictures, seed=seed, workers=2 if pictures > 50 else 0, **OVERLAPPING)
    return CocoInstances.from_file(annotations, folder / "images")


def picture(model: InstanceSegmenter, test: CocoInstances, path: Path) -> Path:
    """Some of the test pictures: as given, as annotated, and as found."""
    shown = [(one, read_image(one.image_path)) for one in test.whole_pictures[:6]]
    found = InstancePredictor(model, flip_test=True)([image for _, image in shown])
    rows = [
        tile
        for (one, image), each in zip(shown, found, strict=True)
        for tile in (draw_masks(image, []), draw_masks(image, one.masks()), draw_masks(image, each.masks))
    ]
    panels(rows, ["picture", "annotated", "found"] * len(shown), columns=6).save(path)
    return path


if __name__ == "__main__":
    main()
