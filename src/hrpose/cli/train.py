"""`hrpose train` and `hrpose evaluate`: COCO-format data in, weights and figures out."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from hrpose.cli.predict import scales_option
from hrpose.errors import ConfigError

if TYPE_CHECKING:
    from hrpose.data.augment import TopDownAugment
    from hrpose.data.coco import CocoKeypoints
    from hrpose.data.topdown import TopDownDataset
    from hrpose.models.base import Supervised
    from hrpose.models.spec import PoseSpec
    from hrpose.skeletons import Skeleton
    from hrpose.train.kinds import PoseData

FILE = click.Path(path_type=Path)
data_option = click.option("--data", required=True, type=FILE, help="COCO-format annotation file.")
images_option = click.option(
    "--images", required=True, type=FILE, help="Folder that its file names start from."
)
skeleton_option = click.option(
    "--skeleton", help="Name of the keypoints, such as wflw, where the file does not name them."
)
device_option = click.option("--device", help="cpu, cuda, cuda:1 ...; CUDA if there is one.")
workers_option = click.option("--workers", default=0, show_default=True, help="Processes that read pictures.")
CROPS_AT_ONCE, PICTURES_AT_ONCE = 32, 8  # in training, if no other number is asked for


@click.command()
@click.argument("model")
@data_option
@images_option
@skeleton_option
@click.option("--val-data", type=FILE, help="Annotation file to measure on after each epoch.")
@click.option("--val-images", type=FILE, help="Its folder, where it is another one.")
@click.option("--out", required=True, type=FILE, help="Folder for the weights and the log.")
@click.option("--from-scratch", is_flag=True, help="Start from random weights.")
@click.option("--epochs", default=20, show_default=True)
@click.option(
    "--batch-size", type=int, help=f"{CROPS_AT_ONCE} people, or {PICTURES_AT_ONCE} pictures, if not given."
)
@click.option("--lr", default=5e-4, show_default=True, help="Learning rate.")
@click.option(
    "--layer-decay", default=1.0, show_default=True, help="Each layer learns so much slower than the next."
)
@click.option("--ema", type=float, help="Keep a running mean of the weights, with this decay.")
@click.option("--compile", is_flag=True, help="Compile network and loss first: minutes, then faster steps.")
@click.option("--on-device", is_flag=True, help="Cut crops on the device, not on the host.")
@click.option("--seed", default=0, show_default=True)
@click.option("--restart", is_flag=True, help="Begin again instead of going on from what the folder holds.")
@workers_option
@device_option
def train(
    model: str,
    data: Path,
    images: Path,
    skeleton: str | None,
    val_data: Path | None,
    val_images: Path | None,
    from_scratch: bool,
    restart: bool,
    out: Path,
    batch_size: int | None,
    **settings: Any,
) -> None:
    """Train or fine-tune MODEL, a name from `hrpose list`, on a COCO-format data set.

    A top-down model learns from the people in their boxes, a bottom-up one from whole pictures.

    Weights of another number of keypoints are fine: the last layer begins anew. The same command goes on
    after a kill.
    """
    from hrpose.hub import create_model
    from hrpose.train import fit

    people = read(data, images, skeleton)
    learner = create_model(model, pretrained=not from_scratch, skeleton=people.skeleton)
    val = None
    if val_data is not None:
        val = samples(learner, read(val_data, val_images or images, people.skeleton))
    train_data = varied(learner, people, settings["seed"])
    settings["batch_size"] = batch_size or (PICTURES_AT_ONCE if learner.finds_people else CROPS_AT_ONCE)
    warmup = min(100, len(train_data) // settings["batch_size"])
    result = fit(learner, train_data, val, output=out, resume=not restart, warmup=warmup, **settings)
    click.echo(f"best epoch {result.best_epoch}; its weights: {result.best}")
    click.echo(f"next: hrpose predict local-dir:{result.best} photo.jpg --out drawn")


@click.command("evaluate")
@click.argument("model")
@data_option
@images_option
@skeleton_option
@click.option("--batch-size", type=int, help="64 people, or 8 pictures, if not given.")
@click.option("--no-flip-test", is_flag=True, help="Do not average with the mirrored crops or pictures.")
@scales_option
@workers_option
@device_option
def evaluate_command(
    model: str,
    data: Path,
    images: Path,
    skeleton: str | None,
    batch_size: int | None,
    no_flip_test: bool,
    scales: tuple[float, ...],
    workers: int,
    device: str | None,
) -> None:
    """Measure the COCO AP of MODEL, a name or a checkpoint.

    A top-down model is shown people in their annotated boxes, a bottom-up one whole pictures.
    """
    from hrpose.predict import Predictor
    from hrpose.train import evaluate

    loaded: Any = Predictor(model, device=device).model  # it takes names, checkpoints and devices alike
    stats = evaluate(
        loaded,
        samples(loaded, read(data, images, skeleton)),
        batch_size=batch_size,
        flip_test=not no_flip_test,
        scales=scales,
        workers=workers,
        progress=True,
    )
    for name, value in stats.items():
        click.echo(f"{name:<6} {value:.4f}")


def read(data: Path, images: Path, skeleton: "Skeleton | str | None") -> "CocoKeypoints":
    """A data set, telling what of it is left out."""
    from hrpose.data.coco import CocoKeypoints

    people = CocoKeypoints.from_file(data, images, skeleton=skeleton)
    counts = f"{len(people.people)} people of {people.skeleton.num_keypoints} keypoints"
    click.echo(f"{data}: {counts}; left out: {people.skipped}")
    return people


def samples(model: "Supervised", people: "CocoKeypoints") -> "PoseData":
    """The people as the model wants to see them: in crops, or in whole pictures."""
    spec = spec_of(model)
    if not model.finds_people:
        return crops(model, people)
    return people.pictures(cast(Any, spec.codec), mean=spec.mean, std=spec.std)


def varied(model: "Supervised", people: "CocoKeypoints", seed: int) -> "PoseData":
    """As `samples`, with the random changes of HRNet or HigherHRNet to learn from."""
    from hrpose.data.pictures import BottomUpAugment

    spec, augment = spec_of(model), augmentation(people.skeleton)
    if not model.finds_people:
        return crops(model, people, augment=augment, seed=seed)
    return people.pictures(
        cast(Any, spec.codec),
        augment=BottomUpAugment(flip_probability=augment.flip_probability),
        seed=seed,
        mean=spec.mean,
        std=spec.std,
        skip_empty=True,
    )


def crops(model: "Supervised", people: "CocoKeypoints", **settings: Any) -> "TopDownDataset":
    """Each person in a crop, as a top-down model wants to see them; `settings` are those of the data set."""
    from hrpose.data.topdown import TopDownDataset

    spec = spec_of(model)
    return TopDownDataset(
        people.people, spec.codec, people.skeleton, mean=spec.mean, std=spec.std, **settings
    )


def augmentation(skeleton: "Skeleton") -> "TopDownAugment":
    """That of HRNet; without mirroring, and telling so, where nobody knows left from right."""
    from hrpose.data.augment import TopDownAugment, is_mirrored

    if is_mirrored(skeleton):
        return TopDownAugment()
    unknown = f"skeleton {skeleton.name!r} names no mirror pairs, so pictures are not mirrored"
    click.echo(f"{unknown}; --skeleton names a known one")
    return TopDownAugment(flip_probability=0)


def spec_of(model: "Supervised") -> "PoseSpec":
    """How pictures go into the model.

    Raises: ConfigError if it does not say.
    """
    from hrpose.models.spec import PoseSpec

    spec = getattr(model, "spec", None)
    if not isinstance(spec, PoseSpec):
        kind = type(model).__name__
        raise ConfigError(
            f"this {kind} is no pose model with a codec; choose a name with a tag from `hrpose list`"
        )
    return spec
