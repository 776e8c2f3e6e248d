"""Train the tiny HRNet whose weights hrpose ships, on synthetic figures alone.

    python examples/train_tiny_hrnet.py --output runs/tiny

draws the figures, trains, measures the result on figures of another seed, and writes
hrnet_tiny_synthetic.safetensors. `--quick` does the same with hardly any data, to show that it runs.
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

from hrpose.data.augment import TopDownAugment
from hrpose.data.coco import CocoKeypoints
from hrpose.data.memory import TopDownInMemory
from hrpose.data.synthetic import write_coco
from hrpose.data.topdown import TopDownDataset
from hrpose.hub import find_card
from hrpose.hub.read import CONFIG
from hrpose.models import TopDown, TopDownConfig, config_to_dict
from hrpose.train import evaluate, fit

CARD = find_card("hrnet_tiny.synthetic_128x96")  # the network and the codec that are trained
TINY, CODEC = CARD.config.backbone, CARD.spec.codec
TRAIN_SEED, VAL_SEED, TEST_SEED = 1, 2, 3
WORKERS = 2  # processes that draw
RATES = (3e-3, 2e-3)  # of each round


@dataclasses.dataclass(frozen=True)
class Budget:
    pictures: int
    val_pictures: int
    test_pictures: int
    epochs: tuple[int, ...]  # of each round


def main() -> None:
    asked = parse()
    budget = Budget(6, 2, 2, (1, 1)) if asked.quick else Budget(asked.pictures, 100, 300, tuple(asked.epochs))
    torch.set_num_threads(asked.threads)
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch if asked.output is None else asked.output)
        model, seconds = train(output, budget, asked.seed)
        stats = evaluate(model, figures(output / "test", budget.test_pictures, TEST_SEED))
        facts = {"command": shlex.join(["python", "examples/train_tiny_hrnet.py", *sys.argv[1:]])}
        facts |= {
            "seed": asked.seed,
            "training_minutes": round(seconds / 60, 1),
            "knows": "synthetic figures only",
        }
        facts |= {"torch": torch.__version__, **{name: round(value, 4) for name, value in stats.items()}}
        path = write(model, output, {name: str(value) for name, value in facts.items()})
        facts |= {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
        print(json.dumps(facts, indent=2))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", help="folder for pictures, checkpoints and weights; else a temporary one")
    parser.add_argument("--pictures", type=int, default=8000)
    parser.add_argument("--epochs", type=int, nargs="+", default=[8, 10], help="of each round")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--quick", action="store_true", help="a few seconds: shows that it runs, learns nothing"
    )
    return parser.parse_args()


def train(output: Path, budget: Budget, seed: int) -> tuple[TopDown, float]:
    """Draw the figures and learn from them in rounds; each begins with the best weights of the one before.

    A round cuts the figures anew, and its learning rate starts lower. The best are those of the highest AP on
    the validation figures. Also returned: how long the learning took, in seconds.
    """
    seconds = 0.0
    torch.manual_seed(seed)
    model = TopDown(TopDownConfig(backbone=TINY))
    annotated = draw(output / "train", budget.pictures, TRAIN_SEED)
    val = figures(output / "val", budget.val_pictures, VAL_SEED)
    mild = TopDownAugment(scale=0.1, rotation=12, half_body_probability=0, flip_probability=0)
    for number, (epochs, lr) in enumerate(zip(budget.epochs, RATES, strict=False)):
        crops = TopDownInMemory(
            annotated.people, CODEC, annotated.skeleton, augment=mild, copies=2, seed=seed + number
        )
        print(
            f"round {number}: {len(crops)} crops of {len(annotated.people)} figures, {len(val)} to validate"
        )
        result = fit(
            model,
            crops,
            val,
            output=output / f"round{number}",
            epochs=epochs,
            batch_size=32,
            lr=lr,
            warmup=200,
            ema=0.998,
            amp=True,  # bfloat16: nearly twice as fast on processors that have it
            seed=seed + number,
        )
        model.load_state_dict(load_file(result.best / "model.safetensors"))
        seconds += sum(record["seconds"] for record in result.history)
    return model, seconds


def figures(folder: Path, pictures: int, seed: int) -> TopDownDataset:
    """Figures to measure with: their own boxes, nothing at random."""
    annotated = draw(folder, pictures, seed)
    return TopDownDataset(annotated.people, CODEC, annotated.skeleton)


def draw(folder: Path, pictures: int, seed: int) -> CocoKeypoints:
    """Pictures of figures in COCO format; a folder that is there already is used as it is."""
    annotations = folder / "annotations.json"
    if not annotations.is_file():
        write_coco(folder, pictures, seed=seed, workers=WORKERS if pictures > 50 else 0)
    return CocoKeypoints.from_file(annotations, folder / "images")


def write(model: TopDown, output: Path, facts: dict[str, str]) -> Path:
    """The weights, with the settings of the model and the facts about it in the file's header."""
    path = output / "hrnet_tiny_synthetic.safetensors"
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    config = json.dumps(config_to_dict(model.config))
    save_file(weights, path, metadata={"format": "pt", CONFIG: config, **facts})
    return path


if __name__ == "__main__":
    main()
