"""A linter for annotation files: every fault, with its annotation id, before a training runs into it."""

from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from hrpose.data.coco import load_json
from hrpose.data.faults import Entry, Fault, annotation_faults, check_form
from hrpose.errors import DataError
from hrpose.skeletons import Skeleton, as_skeleton

ORDINARY = ("crowd region", "no keypoints")  # COCO itself is full of them


def validate_dataset(
    annotations: str | PathLike[str] | Entry,
    images: str | PathLike[str],
    *,
    skeleton: Skeleton | str | None = None,
    open_images: bool = True,
) -> list[Fault]:
    """List all that is wrong with a COCO-format data set.

    Of images: id or file name missing, id used twice or no whole number, file missing or unreadable, size
    another than the file says (a photograph that EXIF turns is seen upright). Of annotations: id missing,
    used twice or 0, unknown image or category, keypoints of another count or no numbers, v other than 0, 1,
    2, a labelled keypoint outside the image, `num_keypoints` that does not match, no area or one not above 0,
    box of no size, without width or height, or outside the image.

    >>> image = {"id": 7, "file_name": "a.png", "width": 9, "height": 9}
    >>> person = {"id": 3, "image_id": 8, "category_id": 1, "bbox": [0, 0, 5, 5], "keypoints": [1, 1, 2]}
    >>> made = {"images": [image], "annotations": [person], "categories": [{"id": 1}]}
    >>> for fault in validate_dataset(made, ".", open_images=False):
    ...     print(fault)
    annotation 3: image 8 is not in the list of images; add or remove one

    Args:
        annotations: the file, or its content.
        images: the folder of the pictures.
        skeleton: one, or the name of a known one, decides how many keypoints there must be; None takes the
            count of the categories, or of the first annotation.
        open_images: read the head of each picture.
    Returns: the faults, those of images first; empty for a data set without any.
    Raises: DataError if the file cannot be read at all.
    """
    content = annotations if isinstance(annotations, Mapping) else load_json(Path(annotations))
    if not isinstance(content, Mapping):
        raise DataError(
            f"a {type(content).__name__} came; a COCO-format file is an object with images and more"
        )
    check_form(content, "the annotations" if content is annotations else str(annotations))
    skeleton = as_skeleton(skeleton)
    faults = list(_list_faults(content))
    faults += _image_faults(content.get("images") or [], Path(images), open_images)
    faults += _all_annotation_faults(content, skeleton)
    return faults


def _list_faults(content: Entry) -> Iterator[Fault]:
    for key in ("images", "annotations", "categories"):
        if not content.get(key):
            yield Fault(None, None, "empty list", f'the list "{key}" is missing or empty')


def _image_faults(images: list[Entry], folder: Path, open_images: bool) -> Iterator[Fault]:
    seen: set[Any] = set()
    for place, image in enumerate(images):
        number = image.get("id")
        if number is None or "file_name" not in image:
            yield Fault(None, number, "image entry", f'image {place} of the list lacks "id" or "file_name"')
            continue
        if number in seen:
            yield Fault(None, number, "image id used twice", f"image id {number!r} is used twice")
        seen.add(number)
        if not isinstance(number, int):
            yield Fault(None, number, "image id no number", f"image id {number!r} is no whole number")
        if open_images:
            yield from _file_faults(image, folder / image["file_name"])


def _file_faults(image: Entry, path: Path) -> Iterator[Fault]:
    number = image["id"]
    if not path.is_file():
        yield Fault(None, number, "missing file", f"image {number!r}: there is no file {path}")
        return
    try:
        with Image.open(path) as opened:
            width, height = ImageOps.exif_transpose(opened).size
    except (OSError, SyntaxError, ValueError) as error:
        yield Fault(None, number, "unreadable file", f"image {number!r}: {path} cannot be read ({error})")
        return
    said = image.get("width"), image.get("height")
    if said != (width, height) and said != (None, None):
        text = f"the file says {said[0]} x {said[1]} and the picture is {width} x {height} (width x height)"
        yield Fault(None, number, "image size", f"image {number!r}: {text}")


def _all_annotation_faults(content: Entry, skeleton: Skeleton | None) -> Iterator[Fault]:
    images = {image.get("id"): image for image in content.get("images") or []}
    categories = {category.get("id"): category for category in content.get("categories") or []}
    annotations = content.get("annotations") or []
    count = skeleton.num_keypoints if skeleton else _count(categories, annotations)
    seen: set[Any] = set()
    for entry in annotations:
        number, image = entry.get("id"), images.get(entry.get("image_id"))
        found = list(annotation_faults(entry, image, count))
        yield from (fault for fault in found if fault.kind not in ORDINARY)
        texts = list(_id_faults(number, seen))
        seen.add(number)
        if categories and entry.get("category_id") not in categories:
            texts.append(("unknown category", f"category {entry.get('category_id')!r} is not in the list"))
        if not found:
            texts += _detail_faults(entry, images[entry["image_id"]])
        yield from (
            Fault(number, entry.get("image_id"), kind, f"annotation {number}: {text}") for kind, text in texts
        )


def _count(categories: Mapping[Any, Entry], annotations: list[Entry]) -> int:
    lists = [category["keypoints"] for category in categories.values() if category.get("keypoints")]
    if lists:
        return len(lists[0])
    return next((len(entry["keypoints"]) // 3 for entry in annotations if entry.get("keypoints")), 0)


def _id_faults(number: Any, seen: set[Any]) -> Iterator[tuple[str, str]]:
    if number is None:
        yield "no id", "has no id; number annotations from 1"
    elif number in seen:
        yield "id used twice", "its id is used twice; renumber"
    elif number == 0:
        yield "id 0", "COCO AP takes the id 0 for no person; number annotations from 1"


def _detail_faults(entry: Entry, image: Entry) -> Iterator[tuple[str, str]]:
    """What can be looked at only where everything else is in order."""
    values = entry["keypoints"]
    labelled = [(x, y) for x, y, v in zip(values[0::3], values[1::3], values[2::3], strict=True) if v > 0]
    if any(v not in (0, 1, 2) for v in values[2::3]):
        yield "visibility", "a keypoint has a v other than 0, 1 and 2"
    width, height = image.get("width"), image.get("height")
    outside = [p for p in labelled if width and height and not _inside(p, width, height)]
    if outside:
        text = f"{len(outside)} labelled keypoints lie outside the image of {width} x {height}"
        yield "keypoint outside the image", f"{text}, the first at {outside[0]}"
    if entry.get("num_keypoints", len(labelled)) != len(labelled):
        yield "num_keypoints", f"num_keypoints is {entry['num_keypoints']}, but {len(labelled)} are labelled"
    if entry.get("area") is None:
        yield "no area", "has no area; 0.53 of the box is taken in its place"
    box = entry.get("bbox")
    if box is not None and min(box[2:]) <= 0:
        yield "flat box", f"bbox {list(box)} has no width or no height; it is kept, as in the original HRNet"
    if box is None:
        yield "no box", "has no bbox; the box of its keypoints is taken in its place"


def _inside(point: tuple[float, float], width: float, height: float) -> bool:
    """On a pixel of the image: the first begins half a pixel before its centre, which is 0."""
    return -0.5 <= point[0] <= width - 0.5 and -0.5 <= point[1] <= height - 0.5
