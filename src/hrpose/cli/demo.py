"""`hrpose demo`: bundled weights predict, learn other keypoints, find crowds, and are measured."""

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from hrpose.cli.doctor import BUNDLED, BUNDLED_CROWD
from hrpose.cli.train import crops, samples, spec_of

if TYPE_CHECKING:  # torch is imported when the demo runs, not when the help is printed
    from hrpose.cli.sheets import Row
    from hrpose.data.coco import CocoKeypoints
    from hrpose.models.base import PoseNetwork
    from hrpose.predict import People
    from hrpose.skeletons import Skeleton
    from hrpose.types import Size

# pictures of neither were seen when the bundled weights were trained
HELD_OUT_SEED, TRAIN_SEED = 90_210, 7_000
NEXT = """next:
  hrpose list "hrnet_w32*" --pretrained      models with published weights
  hrpose predict MODEL photo.jpg --out drawn  keypoints of your own pictures
  hrpose train MODEL --data annotations.json --images folder --out run   your own keypoints"""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much the demo does; the defaults end within two minutes on 2 cores."""

    held_out: int = 24  # pictures
    train: int = 160
    size: "Size" = (288, 384)  # of every picture, (height, width)
    people: tuple[int, int] = (2, 3)  # in a picture
    epochs: int = 9
    batch_size: int = 16
    lr: float = 3e-3
    shown: int = 4  # pictures on the first sheet; one fewer on the second
    crowds: int = 16  # pictures of 1 to 12 people
    progress: bool = True


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("hrpose-demo"), help="Folder for the pictures."
)
def demo(out: Path) -> None:
    """Predict, fine-tune and draw, with no download.

    The bundled weights are tiny and know drawn figures only; they show that all parts work together.
    """
    started = time.monotonic()
    from hrpose.cli.sheets import table

    with one_thread():
        plan = Plan()
        rows = [*run(out, plan, load_bundled(BUNDLED)), find_crowds(out, plan, load_bundled(BUNDLED_CROWD))]
    click.echo()
    click.echo(table(rows))
    click.echo(f"\ndone in {time.monotonic() - started:.0f} s; look at")
    for name in ("predictions.png", "fine_tuning.png", "crowd.png"):
        click.secho(f"  {out / name}", bold=True)
    click.echo(NEXT)


def load_bundled(name: str) -> "PoseNetwork":
    """Bundled weights, through the loader of all weights."""
    from hrpose.hub import create_model

    with step(f"load {name}"):
        model: PoseNetwork = create_model(name, pretrained=True)
    return model


def run(folder: Path, plan: Plan, model: "PoseNetwork") -> "list[Row]":
    """All steps after loading: the pictures are left in `folder`, the figures are returned."""
    from hrpose.cli.sheets import save_predictions
    from hrpose.data.synthetic import FIGURE_9
    from hrpose.skeletons import COCO

    with step(f"draw {plan.held_out} pictures that no training has seen"):
        held_out = draw_data(folder / "held_out", plan.held_out, HELD_OUT_SEED, COCO, plan)
    with step("find their people, and measure"):
        save_predictions(folder / "predictions.png", predict(model, held_out, plan.shown))
        rows = [measure("bundled weights, held-out pictures", model, held_out, plan)]
    with step(f"write a COCO-format folder with {FIGURE_9.num_keypoints} other keypoints"):
        train = draw_data(folder / "train", plan.train, TRAIN_SEED, FIGURE_9, plan)
        test = draw_data(folder / "test", plan.held_out, HELD_OUT_SEED, FIGURE_9, plan)
    return rows + fine_tune(folder, plan, model, train, test)


def fine_tune(
    folder: Path, plan: Plan, model: "PoseNetwork", train: "CocoKeypoints", test: "CocoKeypoints"
) -> "list[Row]":
    """Teach the model the keypoints of `train`; the figures on `test` before and after."""
    from hrpose.cli.sheets import save_before_after
    from hrpose.data.augment import TopDownAugment
    from hrpose.train import fit

    learner = with_other_keypoints(model, train.skeleton)
    # a short course, so an easy one
    mild = TopDownAugment(scale=0.15, rotation=15.0, half_body_probability=0.0)
    with step("measure before fine-tuning: the last layer is new"):
        before = predict(learner, test, plan.shown - 1)
        rows = [measure("other keypoints, before fine-tuning", learner, test, plan)]
    with step(f"fine-tune for {plan.epochs} epochs on {len(train.people)} people"):
        fit(
            learner,
            crops(learner, train, augment=mild, seed=0),
            output=folder / "run",
            epochs=plan.epochs,
            batch_size=plan.batch_size,
            lr=plan.lr,
            warmup=10,
            resume=False,
            progress=plan.progress,
        )
    with step("measure after fine-tuning"):
        after = predict(learner, test, plan.shown - 1)
        rows.append(measure("other keypoints, after fine-tuning", learner, test, plan))
    save_before_after(folder / "fine_tuning.png", before, after)
    return rows


def find_crowds(folder: Path, plan: Plan, model: "PoseNetwork") -> "Row":
    """Everybody in crowds that no training has seen, without boxes; the two fullest are drawn."""
    from hrpose.cli.sheets import save_crowd
    from hrpose.data.coco import CocoKeypoints
    from hrpose.data.crowds import write_crowds
    from hrpose.predict import Predictor

    with step(f"draw {plan.crowds} crowds of 1 to 12 people"):
        file = write_crowds(folder / "crowds", plan.crowds, seed=HELD_OUT_SEED)
        crowds = CocoKeypoints.from_file(file, file.parent / "images")
    with step("find everybody without boxes, and measure"):
        fullest = sorted(crowds.whole_pictures(), key=lambda picture: len(picture.people))[-2:]
        paths = [picture.image_path for picture in fullest]
        save_crowd(folder / "crowd.png", Predictor(model, flip_test=True)(paths))
        return measure("bundled crowd weights, held-out crowds", model, crowds, plan)


def draw_data(folder: Path, count: int, seed: int, skeleton: "Skeleton", plan: Plan) -> "CocoKeypoints":
    """Write drawn figures as a COCO-format folder, and read it as any such folder is read."""
    from hrpose.data.coco import CocoKeypoints
    from hrpose.data.synthetic import write_coco

    file = write_coco(folder, count, seed=seed, size=plan.size, people=plan.people, skeleton=skeleton)
    return CocoKeypoints.from_file(file, file.parent / "images", skeleton=skeleton)


def predict(model: "PoseNetwork", data: "CocoKeypoints", pictures: int) -> "list[People]":
    """The people of the first pictures, found in the boxes of their annotations."""
    from hrpose.predict import Predictor

    paths = list(dict.fromkeys(person.image_path for person in data.people))[:pictures]
    boxes = [[person.box for person in data.people if person.image_path == path] for path in paths]
    return Predictor(model, flip_test=True)(paths, boxes, box_format="xywh")


def measure(title: str, model: "PoseNetwork", data: "CocoKeypoints", plan: Plan) -> "Row":
    """A row of the table: COCO's figures of the model on the data."""
    from hrpose.cli.sheets import Row
    from hrpose.train import evaluate

    stats = evaluate(model, samples(model, data), progress=plan.progress)
    return Row(title=title, keypoints=data.skeleton.num_keypoints, stats=stats)


def with_other_keypoints(model: "PoseNetwork", skeleton: "Skeleton") -> "PoseNetwork":
    """A new model for `skeleton` with all weights of `model` but those of the last layer."""
    import torch

    from hrpose.hub import load_weights
    from hrpose.models.families import build

    spec = dataclasses.replace(spec_of(model), skeleton=skeleton)
    config = dataclasses.replace(model.config, num_keypoints=skeleton.num_keypoints, spec=spec)
    with torch.random.fork_rng([]):
        torch.manual_seed(0)  # of the new last layer: the same figures each time
        learner = cast("PoseNetwork", build(config))
    click.echo("  " + str(load_weights(learner, model)).replace("\n", "\n  "))
    return learner


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute in one thread: a model this small gains little from two, and loses much on a busy machine."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Tell what is going on, and how long it took."""
    click.secho(f"* {title}", bold=True)
    started = time.monotonic()
    yield
    click.echo(f"  {time.monotonic() - started:.1f} s")
