"""Train a tiny HigherHRNet on synthetic crowds alone.

    python examples/train_tiny_higherhrnet.py --output runs/tiny_crowds

draws crowds of 1 to 12 figures who overlap, trains, measures the result on crowds of another seed, and writes
higherhrnet_tiny_synthetic.safetensors. Learning starts from the bundled weights for single figures, as the
paper starts from those for ImageNet. The same command goes on after a kill. `--quick` does the same with
hardly any data, to show that it runs.
"""

import argparse
import dataclasses
import hashlib
import json
import shlex
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from hrpose.backbones.hrnet import HRNetConfig
from hrpose.codecs import HigherHRNet
from hrpose.codecs.tags import TagGrouping
from hrpose.data.coco import CocoKeypoints
from hrpose.data.crowds import write_crowds
from hrpose.data.memory import BottomUpInMemory
from hrpose.data.pictures import BottomUpAugment
from hrpose.hub import load_weights
from hrpose.hub.read import CONFIG
from hrpose.losses import MultiResolutionLoss
from hrpose.models import BottomUp, BottomUpConfig, BottomUpSpec, config_to_dict
from hrpose.skeletons import COCO
from hrpose.train import evaluate, fit

START = "hrnet_tiny.synthetic_128x96"  # stem and stages 1 to 3; stage 4 and the head start anew
CODEC = HigherHRNet(
    input_size=384,
    sigma=2.0,
    tag_dims=2,
    grouping=TagGrouping(joint_order=TagGrouping.joint_order_of(COCO)),
)
TINY = BottomUpConfig(
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
    spec=BottomUpSpec(skeleton=COCO, codec=CODEC),
)
TRAIN_SEED, VAL_SEED, TEST_SEED = 1, 2, 3
WORKERS = 2  # processes that draw


@dataclasses.dataclass(frozen=True, kw_only=True)
class Round:
    """A part of the learning: each begins with the best weights of the one before."""

    side: int  # of the pictures, pixels
    pictures: int
    epochs: int
    lr: float


# Small pictures are learned from quickly. Tags lean on the border of the input, so the last round has the
# size that is read.
ROUNDS = (
    Round(side=256, pictures=6000, epochs=8, lr=2e-3),
    Round(side=384, pictures=3000, epochs=24, lr=1.5e-3),
)
MILD = BottomUpAugment(scale=(0.8, 1.1), rotation=10, translate=15)
QUICK = tuple(dataclasses.replace(each, pictures=6, epochs=1) for each in ROUNDS)


def main() -> None:
    asked = parse()
    torch.set_num_threads(asked.threads)
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch if asked.output is None else asked.output)
        model, seconds = train(output, asked)
        side = CODEC.input_size
        crowds = draw(output / "test", 2 if asked.quick else 300, TEST_SEED, side)
        stats = evaluate(model, crowds.pictures(CODEC))
        facts = {"command": shlex.join(["python", "examples/train_tiny_higherhrnet.py", *sys.argv[1:]])}
        facts |= {"seed": asked.seed, "training_minutes": round(seconds / 60, 1), "started_from": START}
        facts |= {"knows": "synthetic crowds of 1 to 12 figures only"}
        facts |= {"torch": torch.__version__, **{name: round(value, 4) for name, value in stats.items()}}
        path = write(model, output, {name: str(value) for name, value in facts.items()})
        facts |= {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
        print(json.dumps(facts, indent=2))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", help="folder for pictures, checkpoints and weights; else a temporary one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--quick", action="store_true", help="a few seconds: shows that it runs, learns nothing"
    )
    return parser.parse_args()


def train(output: Path, asked: argparse.Namespace) -> tuple[BottomUp, float]:
    """Draw the crowds and learn from them; the weights of the highest AP on the validation crowds.

    Also returned: how long the learning took, in seconds.
    """
    torch.manual_seed(asked.seed)
    model = BottomUp(TINY)
    print(load_weights(model, START, strict=False))
    # "exp" hardly pushes tags that are nearly equal, and so few steps do not lead out of there; a margin of 3
    # keeps people apart when distances are rounded
    model.criterion = MultiResolutionLoss(
        push_factors=(0.01,), pull_factors=(0.01,), push="max", tag_dims=CODEC.tag_dims, margin=3.0
    )
    seconds = 0.0
    for number, course in enumerate(QUICK if asked.quick else ROUNDS):
        seconds += learn(model, output / f"round{number}", course, asked)
    return model, seconds


def learn(model: BottomUp, folder: Path, course: Round, asked: argparse.Namespace) -> float:
    """One round; the model then has the best weights. Returned: how long it took, in seconds."""
    crowds = draw(folder / "train", course.pictures, TRAIN_SEED, course.side)
    codec = dataclasses.replace(CODEC, input_size=course.side)
    views = BottomUpInMemory(crowds.whole_pictures(), codec, crowds.skeleton, augment=MILD, seed=asked.seed)
    val = draw(folder / "val", 2 if asked.quick else 48, VAL_SEED, course.side).pictures(codec)
    print(f"{len(views)} crowds, {len(crowds.people)} figures, to learn from, {len(val)} to validate on")
    result = fit(
        model,
        views,
        val,
        output=folder / "run",
        epochs=course.epochs,
        batch_size=8,
        lr=course.lr,
        warmup=200,
        ema=0.998,
        amp=True,  # bfloat16: nearly twice as fast on processors that have it
        evaluate_every=4,
        seed=asked.seed,
    )
    model.load_state_dict(load_file(result.best / "model.safetensors"))
    return float(sum(record["seconds"] for record in result.history))


def draw(folder: Path, pictures: int, seed: int, side: int) -> CocoKeypoints:
    """Crowds in COCO format; a folder that is there already is used as it is."""
    annotations = folder / "annotations.json"
    if not annotations.is_file():
        workers = WORKERS if pictures > 50 else 0
        write_crowds(folder, pictures, seed=seed, size=(side, side), workers=workers)
    return CocoKeypoints.from_file(annotations, folder / "images")


def write(model: BottomUp, output: Path, facts: dict[str, str]) -> Path:
    """The weights, with the settings of the model and the facts about it in the file's header."""
    path = output / "higherhrnet_tiny_synthetic.safetensors"
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    config = json.dumps(config_to_dict(model.config))
    save_file(weights, path, metadata={"format": "pt", CONFIG: config, **facts})
    return path


if __name__ == "__main__":
    main()
