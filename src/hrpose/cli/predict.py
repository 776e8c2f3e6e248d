"""`hrpose predict`: pictures in, keypoints and drawings out."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hrpose.errors import DataError

if TYPE_CHECKING:
    from hrpose.predict import People

AT_A_TIME = 16  # pictures in memory
Boxes = dict[str, list[list[float]]]


def read_scales(_context: click.Context, _option: click.Parameter, text: str) -> tuple[float, ...]:
    """Numbers with commas between them. Raises: click.BadParameter for anything else."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no list of sizes; give numbers such as 0.5,1,2") from error


scales_option = click.option(
    "--scales",
    default="1",
    callback=read_scales,
    help="Bottom-up: sizes to look at each picture in, such as 0.5,1,2.",
)


@click.command()
@click.argument("model")
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--boxes",
    type=click.Path(path_type=Path),
    help="JSON: file name -> [[x, y, width, height], ...], or a COCO annotation file. "
    "Without: each picture is one person. A bottom-up model takes none.",
)
@click.option("--detector", help="Name of a torchvision detector that finds the boxes.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for the pictures with skeletons on them."
)
@click.option(
    "--json", "results", type=click.Path(path_type=Path), help="File for the keypoints, COCO results."
)
@click.option("--min-score", default=0.3, show_default=True, help="Keypoints below it are not drawn.")
@click.option("--flip-test", is_flag=True, help="Also look in a mirror: slower, a little better.")
@scales_option
@click.option("--batch-size", type=int, help="32 people, or 8 pictures, at a time if not given.")
@click.option("--device", help="cpu, cuda, cuda:1 ...; CUDA if there is one.")
@click.option("--optimize", is_flag=True, help="Make the model fast first: takes a while, for many pictures.")
def predict(
    model: str,
    images: tuple[Path, ...],
    boxes: Path | None,
    detector: str | None,
    out: Path | None,
    results: Path | None,
    min_score: float,
    flip_test: bool,
    scales: tuple[float, ...],
    batch_size: int | None,
    device: str | None,
    optimize: bool,
) -> None:
    """Find people's keypoints in IMAGES (files or folders) with MODEL, a name or a checkpoint."""
    from hrpose.predict import Predictor, TorchvisionDetector

    if boxes is not None and detector is not None:
        raise click.UsageError("give --boxes or --detector, not both")
    known = None if boxes is None else read_boxes(boxes)
    predictor = Predictor(
        model,
        flip_test=flip_test,
        scales=scales,
        batch_size=batch_size,
        device=device,
        optimize=optimize,
    )
    finder = None if detector is None else TorchvisionDetector(detector, device=predictor.device)
    entries: list[dict[str, Any]] = []
    names = file_names(images)
    for start in range(0, len(names), AT_A_TIME):
        some = names[start : start + AT_A_TIME]
        given = finder if known is None else [known[path.name] for path in some]
        for path, people in zip(some, predictor(some, given, box_format="xywh"), strict=True):
            click.echo(summary(path, people))
            entries += people.to_coco(path.name)
            save_drawing(out, path, people, min_score)
    if results is not None:
        results.write_text(json.dumps(entries))
        click.echo(f"keypoints: {results}")


def file_names(given: tuple[Path, ...]) -> list[Path]:
    """The pictures, folders opened one level deep.

    Raises: DataError if a folder holds none.
    """
    return [name for path in given for name in (_of_folder(path) if path.is_dir() else [path])]


def _of_folder(folder: Path) -> list[Path]:
    from PIL import Image

    endings = Image.registered_extensions()
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in endings)
    if not found:
        raise DataError(f"the folder {folder} holds no pictures; give one that does, or name the files")
    return found


def read_boxes(path: Path) -> Boxes:
    """File name -> boxes (x, y, width, height); a file that is not named has none.

    Raises: DataError if the file is neither of the two kinds.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"boxes cannot be read from {path} ({error}); give a JSON file") from error
    found: Boxes = defaultdict(list)
    if isinstance(content, dict) and {"images", "annotations"} <= content.keys():
        for name, box in _annotated(content):
            found[name].append(box)
    elif isinstance(content, dict) and all(isinstance(value, list) for value in content.values()):
        found |= {Path(name).name: value for name, value in content.items()}
    else:
        kinds = "an object of file name -> [[x, y, width, height], ...], or a COCO annotation file"
        raise DataError(f"{path} does not hold boxes; give {kinds}")
    return found


def _annotated(content: dict[str, Any]) -> Iterator[tuple[str, list[float]]]:
    names = {image["id"]: Path(image["file_name"]).name for image in content["images"]}
    for entry in content["annotations"]:
        if entry.get("image_id") not in names or "bbox" not in entry:
            fault = f"annotation {entry.get('id')} has no bbox, or is on an image that the file does not list"
            raise DataError(f"{fault} ({entry.get('image_id')}); take it out")
        if not entry.get("iscrowd"):
            yield names[entry["image_id"]], entry["bbox"]


def save_drawing(out: Path | None, path: Path, people: "People", min_score: float) -> None:
    """The picture with its people, as PNG under the name of the original."""
    from hrpose.viz import DrawStyle

    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        people.draw(style=DrawStyle(min_score=min_score)).save(out / f"{path.stem}.png")


def summary(path: Path, people: "People") -> str:
    """One line on a picture."""
    if not len(people):
        return f"{path}: nobody"
    best = float(people.person_scores.max())
    return f"{path}: {len(people)} {'person' if len(people) == 1 else 'people'}, best score {best:.2f}"
