"""Train a tiny HigherHRNet on synthetic crowds alone.

    python examples/train_tiny_higherhrnet.py --output runs/tiny_crowds

draws crowds of 1 to 12 figures who overlap, trains, measures the result on crowds of another seed, and writes
higherhrnet_tiny_synthetic.safetensors. Learning starts from the bundled weights for single
figures, as the paper starts from those for ImageNet. The same command goes on after a kill. `--quick` does
the same with hardly any data, to show that it runs.
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
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from hrpose.data.coco import CocoKeypoints
from hrpose.data.crowds import SIZE, write_crowds
from hrpose.data.memory import BottomUpInMemory
from hrpose.data.pictures import BottomUpAugment
from hrpose.hub import find_card, load_weights
from hrpose.hub.read import CONFIG
from hrpose.losses import MultiResolutionLoss
from hrpose.models import BottomUp, config_to_dict
from hrpose.train import evaluate, fit
from hrpose.types import PoseMaps, PoseTargets

START = "hrnet_tiny.synthetic_128x96"  # stem and stages 1 to 3; stage 4 and the head start anew
CARD = find_card("higherhrnet_tiny.synthetic_384")  # the network and the codec that are trained
TINY, CODEC = CARD.config, CARD.spec.codec
TRAIN_SEED, VAL_SEED, TEST_SEED = 1, 2, 3
WORKERS = 2  # processes that draw


@dataclasses.dataclass(frozen=True, kw_only=True)
class Round:
    """A part of the learning: each begins with the best weights of the one before."""

    side: int  # of the views, pixels
    epochs: int
    lr: float


SCALES = (1.0, 4 / 3)  # that the pictures are measured in
PICTURES = 8000
# Small views are learned from quickly. Tags lean on the border of the input, so the last rounds have the size
# that is read.
ROUNDS = (
    Round(side=256, epochs=3, lr=2e-3),
    Round(side=SIZE[0], epochs=3, lr=1.5e-3),
    Round(side=SIZE[0], epochs=1, lr=1e-3),
)
MILD = BottomUpAugment(scale=(0.8, 1.1), rotation=10, translate=15)
QUICK = tuple(dataclasses.replace(each, epochs=1) for each in ROUNDS)


class GuidedLoss(MultiResolutionLoss):
    """Heatmaps, pull and push, and a guide: the tag of a keypoint says where the middle of its person is.

    Pull and push alone leave open what a tag shall be, and a short course is over before people agree on it.
    The place of their middle is a good answer for all but people above one another, whom the push parts.
    """

    def __init__(self) -> None:
        super().__init__(
            heatmap_factors=(2.0, 4.0),  # the finer map has as much to say as the coarser one
            push_factors=(0.01,),
            pull_factors=(0.01,),
            push="max",  # "exp" hardly pushes tags that are nearly equal, and a short course stays there
            tag_dims=2,
            margin=3.0,  # keeps people apart when distances are rounded
        )
        self.guide_factor = 0.01
        self.span = 16.0  # between the tags of the left and of the right border

    def forward(self, maps: PoseMaps, targets: PoseTargets) -> dict[str, Tensor]:
        """The terms of `MultiResolutionLoss`, and "guide"."""
        return super().forward(maps, targets) | {
            "guide": self.guide_factor * self.guide(maps.tags[0].float(), targets.tags[0])
        }

    def guide(self, tags: Tensor, places: Tensor) -> Tensor:
        """How far tags (N, 2K, h, w) at places (N, M, K) are from the middles of their people."""
        (height, width), there = tags.shape[-2:], (places >= 0)[..., None]  # (N, M, K, 1)
        index = places.clamp(min=0)
        pixel = index % (height * width)
        points = torch.stack((pixel % width, pixel // width), 3) / width - 0.5  # (N, M, K, 2)
        middles = (points * there).sum(2, keepdim=True) / there.sum(2, keepdim=True).clamp(min=1)
        flat = tags.reshape(len(tags), 2, -1)  # (N, 2, K * h * w)
        read = flat.gather(2, index.flatten(1)[:, None].expand(-1, 2, -1))
        read = read.view(len(tags), 2, *places.shape[1:]).movedim(1, -1)  # (N, M, K, 2)
        off = F.smooth_l1_loss(read, (self.span * middles).expand_as(read), reduction="none")
        return (off * there).sum() / there.sum().clamp(min=1)


def main() -> None:
    asked = parse()
    torch.set_num_threads(asked.threads)
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch if asked.output is None else asked.output)
        model, seconds = train(output, asked)
        round_weights(model)
        crowds = draw(output / "test", 2 if asked.quick else 300, TEST_SEED).pictures(CODEC)
        stats = evaluate(model, crowds, scales=SCALES)
        facts = {"command": shlex.join(["python", "examples/train_tiny_higherhrnet.py", *sys.argv[1:]])}
        facts |= {"seed": asked.seed, "training_minutes": round(seconds / 60, 1), "started_from": START}
        facts |= {"knows": "synthetic crowds of 1 to 12 figures only"}
        facts |= {"torch": torch.__version__, **{name: round(value, 4) for name, value in stats.items()}}
        facts |= {"AP_at_one_scale": round(evaluate(model, crowds)["AP"], 4)}
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
    parser.add_argument("--workers", type=int, default=0, help="processes that make views")
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
    model.criterion = GuidedLoss()
    crowds = draw(output / "train", 6 if asked.quick else PICTURES, TRAIN_SEED)
    val = draw(output / "val", 2 if asked.quick else 48, VAL_SEED)
    print(f"{len(crowds.people)} figures to learn from, {len(val.people)} to validate on")
    seconds = 0.0
    for number, course in enumerate(QUICK if asked.quick else ROUNDS):
        seconds += learn(model, crowds, val, output / f"round{number}", course, asked)
    return model, seconds


def learn(
    model: BottomUp,
    crowds: CocoKeypoints,
    val: CocoKeypoints,
    folder: Path,
    course: Round,
    asked: argparse.Namespace,
) -> float:
    """One round; the model then has the best weights. Returned: how long it took, in seconds."""
    codec = dataclasses.replace(CODEC, input_size=course.side)
    views = BottomUpInMemory(crowds.whole_pictures(), codec, crowds.skeleton, augment=MILD, seed=asked.seed)
    result = fit(
        model,
        views,
        val.pictures(codec),
        output=folder,
        epochs=course.epochs,
        batch_size=8,
        lr=course.lr,
        warmup=200,
        ema=0.998,
        amp=True,  # bfloat16: nearly twice as fast on processors that have it
        seed=asked.seed,
        workers=asked.workers,
    )
    model.load_state_dict(load_file(result.best / "model.safetensors"))
    return float(sum(record["seconds"] for record in result.history))


def draw(folder: Path, pictures: int, seed: int) -> CocoKeypoints:
    """Crowds in COCO format; a folder that is there already is used as it is."""
    annotations = folder / "annotations.json"
    if not annotations.is_file():
        write_crowds(folder, pictures, seed=seed, workers=WORKERS if pictures > 50 else 0)
    return CocoKeypoints.from_file(annotations, folder / "images")


def round_weights(model: BottomUp) -> None:
    """Weights of convolutions as float16 has them, which halves the file."""
    for weight in model.parameters():
        if weight.dim() == 4:
            weight.data.copy_(weight.data.half())


def write(model: BottomUp, output: Path, facts: dict[str, str]) -> Path:
    """The weights, with the settings of the model and the facts about it in the file's header."""
    path = output / "higherhrnet_tiny_synthetic.safetensors"
    weights = {
        name: (value.half() if value.dim() == 4 else value).contiguous()
        for name, value in model.state_dict().items()
    }
    config = json.dumps(config_to_dict(model.config))
    save_file(weights, path, metadata={"format": "pt", CONFIG: config, **facts})
    return path


if __name__ == "__main__":
    main()
