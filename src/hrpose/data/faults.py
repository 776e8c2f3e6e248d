"""What can be wrong with a file or one annotation: the reader and the linter go by the same list."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hrpose.errors import DataError

Entry = Mapping[str, Any]

# What the reader leaves out and counts, as the original HRNet does; everything else it refuses.
HARMLESS = ("crowd region", "no keypoints", "area not above 0", "zero-size box", "box outside the image")

ID = int | np.integer | str | None  # None: absent, which may be allowed
NUMBER = int | float | np.number | None
FORMS: dict[str, tuple[Any, str]] = {
    "id": (ID, "a whole number"),
    "image_id": (ID, "the id of an image"),
    "category_id": (ID, "the id of a category"),
    "file_name": (str | None, "the name of a file"),
    "width": (NUMBER, "a number of pixels"),
    "height": (NUMBER, "a number of pixels"),
}


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, and where."""

    annotation_id: int | None  # None: the fault lies with an image or the file
    image_id: int | str | None
    kind: str
    text: str

    def __str__(self) -> str:
        return self.text


def check_form(content: Entry, name: str) -> None:
    """Raise DataError unless the lists hold objects, with ids and sizes that can be ids and sizes at all.

    >>> check_form({"images": [{"id": 7}], "annotations": [{"id": 1, "image_id": 7}]}, "people.json")
    """
    for key in ("images", "annotations", "categories"):
        entries = content.get(key) or []
        if not isinstance(entries, list):
            raise DataError(f'{name}: "{key}" is a {type(entries).__name__}, but a list is needed')
        for place, entry in enumerate(entries):
            if not isinstance(entry, Mapping):
                raise DataError(f"{name}: {key}[{place}] is {entry!r}, but an object is needed; remove it")
            for field, (kinds, needed) in FORMS.items():
                if not isinstance(entry.get(field), kinds):
                    came = f"{name}: {key}[{place}] has {field}={entry[field]!r}"
                    raise DataError(f"{came}; give {needed}")


def annotation_faults(entry: Entry, image: Entry | None, num_keypoints: int) -> Iterator[Fault]:
    """Everything that is wrong with one annotation.

    Args:
        entry: one item of "annotations".
        image: the item of "images" that it names, or None if there is none.
        num_keypoints: K.
    """
    number, image_id = entry.get("id"), entry.get("image_id")

    def fault(kind: str, text: str) -> Fault:
        return Fault(number, image_id, kind, f"annotation {number}: {text}")

    if image is None:
        yield fault("unknown image", f"image {image_id!r} is not in the list of images; add or remove one")
    if entry.get("iscrowd"):
        yield fault("crowd region", "marks a crowd, not one person")
        return
    yield from (fault(*found) for found in keypoint_faults(entry.get("keypoints"), num_keypoints))
    yield from (fault(*found) for found in box_faults(entry.get("bbox"), image))
    area = entry.get("area")
    if area is not None and not _finite(area):
        yield fault("area no number", f"area is {area!r}; give a number of pixels, or leave it out")
    elif area is not None and area <= 0:
        yield fault("area not above 0", f"area is {area}; OKS divides by it, so it must be above 0")


def keypoint_faults(keypoints: Any, num_keypoints: int) -> Iterator[tuple[str, str]]:
    """The kind and text of what is wrong with a flat list x, y, v, and so on."""
    if keypoints is None:
        yield "no keypoints", "has no list of keypoints"
    elif not isinstance(keypoints, list) or len(keypoints) != 3 * num_keypoints:
        count = len(keypoints) if isinstance(keypoints, list) else repr(keypoints)
        needed = f"{num_keypoints} keypoints need {3 * num_keypoints} (x, y, v each)"
        yield (
            "keypoint count",
            f"keypoints holds {count} numbers, and {needed}; check the skeleton or the file",
        )
    elif not all(map(_finite, keypoints)):
        yield "keypoints no numbers", "keypoints holds NaN, infinity or text; write numbers, 0 0 0 if unknown"
    elif max(keypoints) <= 0:
        yield "no keypoints", "none of its keypoints is labelled"


def box_faults(box: Any, image: Entry | None) -> Iterator[tuple[str, str]]:
    """The kind and text of what is wrong with a box; without an image it may lie anywhere."""
    if box is None:
        return  # the reader takes the box of the keypoints
    if not isinstance(box, list | tuple) or len(box) != 4 or not all(map(_finite, box)):
        yield "box no numbers", f"bbox is {box!r}; give four numbers x, y, width, height"
    elif box[2] <= 0 and box[3] <= 0:
        yield "zero-size box", f"bbox {list(box)} has no size; give a width and height above 0"
    elif image is not None and _outside(box, image):
        size = f"{image['width']} x {image['height']}"
        yield "box outside the image", f"bbox {list(box)} lies outside its image of {size} (width x height)"


def _finite(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and math.isfinite(value)


def _outside(box: Any, image: Entry) -> bool:
    if not (_finite(image.get("width")) and _finite(image.get("height"))):
        return False
    x1, y1, x2, y2 = corners_inside(box, image)
    return x2 < x1 or y2 < y1


def corners_inside(box: Any, image: Entry) -> tuple[float, float, float, float]:
    """The first and last pixel of a box within its image, as the original HRNet clips it.

    The corner is moved inside first and the whole size counted from there, so that a box that sticks out at
    the left or top keeps its size. A box of width w ends at pixel x + w - 1.

    Source: HRNet, lib/dataset/coco.py.
    """
    x, y, width, height = map(float, box)
    x1, y1 = max(0.0, x), max(0.0, y)
    x2 = min(image["width"] - 1.0, x1 + max(0.0, width - 1))
    y2 = min(image["height"] - 1.0, y1 + max(0.0, height - 1))
    return x1, y1, x2, y2
