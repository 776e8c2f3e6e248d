"""Train a tiny HigherHRNet on synthetic crowds alone.

    python examples/train_tiny_higherhrnet.py --output runs/tiny_crowds

draws crowds of 1 to 12 figures who overlap, trains, measures the result on crowds of another seed, and writes
higherhrnet_tiny_synthetic.safetensors. The same command goes on after a kill. `--quick` does the same with
hardly any data, to show that it runs.
"""

import argparse
import dataclasses
import hashlib
import json
import shlex
import sys
import tempfile
import time
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from hrpose.backbones.hrnet import HRNetConfig
from hrpose.codecs import HigherHRNet
from hrpose.codecs.tags import TagGrouping
from hrpose.data.coco import CocoKeypoints
from hrpose.data.memory import BottomUpInMemory
from hrpose.data.pictures import BottomUpAugment
from hrpose.data.synthetic import write_coco
from hrpose.losses import MultiResolutionLoss
from hrpose.models import BottomUp, BottomUpConfig
from hrpose.skeletons import COCO
from hrpose.train import evaluate, fit

TINY = BottomUpConfig(
    backbone=HRNetConfig(
        widths=(32, 48, 80),
        stem_width=24,
        stage1_block="basic",
        stage1_blocks=1,
        stage1_width=32,
        rounds=(1, 3),
        blocks=1,
        outputs=1,
    ),
    deconv_channels=(24,),
    deconv_blocks=1,
)
CODEC = HigherHRNet(
    input_size=192, sigma=1.5, grouping=TagGrouping(joint_order=TagGrouping.joint_order_of(COCO))
)
CROWD = {"size": (256, 256), "people": (1, 12), "crowding": 0.25, "heights": (0.35, 0.75)}
TRAIN_SEED, VAL_SEED, TEST_SEED = 1, 2, 3
WORKERS = 2  # processes that draw


@dataclasses.dataclass(frozen=True)
class Budget:
    pictures: int
    val_pictures: int
    test_pictures: int
    epochs: int


def main() -> None:
    asked = parse()
    budget = Budget(6, 2, 2, 1) if asked.quick else Budget(asked.pictures, 60, 300, asked.epochs)
    torch.set_num_threads(asked.threads)
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch if asked.output is None else asked.output)
        start = time.perf_counter()
        model = train(output, budget, asked)
        minutes = (time.perf_counter() - start) / 60
        crowds = draw(output / "test", budget.test_pictures, TEST_SEED)
        stats = evaluate(model, crowds.pictures(CODEC))
        facts = {"command": shlex.join(["python", "examples/train_tiny_higherhrnet.py", *sys.argv[1:]])}
        facts |= {"seed": asked.seed, "minutes": round(minutes, 1), "people": "synthetic crowds of 1 to 12"}
        facts |= {"torch": torch.__version__, **{name: round(value, 4) for name, value in stats.items()}}
        path = write(model, output, {name: str(value) for name, value in facts.items()})
        facts |= {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
        print(json.dumps(facts, indent=2))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", help="folder for pictures, checkpoints and weights; else a temporary one")
    parser.add_argument("--pictures", type=int, default=6000)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--quick", action="store_true", help="a few seconds: shows that it runs, learns nothing"
    )
    return parser.parse_args()


def train(output: Path, budget: Budget, asked: argparse.Namespace) -> BottomUp:
    """Draw the crowds and learn from them; the weights of the highest AP on the validation crowds."""
    torch.manual_seed(asked.seed)
    model = BottomUp(TINY)
    model.criterion = MultiResolutionLoss(push_factors=(0.01,), pull_factors=(0.01,))
    crowds = draw(output / "train", budget.pictures, TRAIN_SEED)
    mild = BottomUpAugment(scale=(0.8, 1.1), rotation=10, translate=15)
    views = BottomUpInMemory(crowds.whole_pictures(), CODEC, crowds.skeleton, augment=mild, seed=asked.seed)
    val = draw(output / "val", budget.val_pictures, VAL_SEED).pictures(CODEC)
    print(f"{len(views)} crowds, {len(crowds.people)} figures, to learn from, {len(val)} to validate on")
    result = fit(
        model,
        views,
        val,
        output=output / "run",
        epochs=budget.epochs,
        batch_size=8,
        lr=asked.lr,
        warmup=100,
        ema=0.997,
        amp=True,  # bfloat16: nearly twice as fast on processors that have it
        seed=asked.seed,
    )
    model.load_state_dict(load_file(result.best / "model.safetensors"))
    return model


def draw(folder: Path, pictures: int, seed: int) -> CocoKeypoints:
    """Crowds in COCO format; a folder that is there already is used as it is."""
    annotations = folder / "annotations.json"
    if not annotations.is_file():
        write_coco(folder, pictures, seed=seed, workers=WORKERS if pictures > 50 else 0, **CROWD)
    return CocoKeypoints.from_file(annotations, folder / "images")


def write(model: BottomUp, output: Path, facts: dict[str, str]) -> Path:
    """The weights with the facts about them in the file's header."""
    path = output / "higherhrnet_tiny_synthetic.safetensors"
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(weights, path, metadata={"format": "pt", **facts})
    return path


if __name__ == "__main__":
    main()
