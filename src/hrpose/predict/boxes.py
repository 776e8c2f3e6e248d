"""Boxes as callers and detectors give them -> checked (M, 4) in (x, y, width, height)."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hrpose.data.images import RGB
from hrpose.errors import ConfigError, DataError, ShapeError

FORMATS = ("xyxy", "xywh")


class Detections(NamedTuple):
    """What a detector found in one picture."""

    boxes_xyxy: Any  # (M, 4), (left, top, right, bottom) in pixels
    scores: Any  # (M,)


BoxesGiven: TypeAlias = "Sequence[Sequence[float]] | NDArray[Any] | Tensor | Detections"
Detector: TypeAlias = Callable[[RGB], BoxesGiven]


class Found(NamedTuple):
    """Boxes of one picture, checked."""

    boxes: NDArray[np.float32]  # (M, 4), (x, y, width, height)
    scores: NDArray[np.float32]  # (M,)


def check_format(box_format: str) -> None:
    """Raises: ConfigError unless the format is one of FORMATS."""
    if box_format not in FORMATS:
        raise ConfigError(f"box_format={box_format!r}; give one of {', '.join(FORMATS)}")


def whole_picture(image: RGB) -> Found:
    """One box, as large as the picture."""
    height, width = image.shape[:2]
    return Found(np.array([[0, 0, width, height]], np.float32), np.ones(1, np.float32))


def check_boxes(given: BoxesGiven, image: RGB, *, box_format: str, picture: int = 0) -> Found:
    """Bring boxes to (x, y, width, height), and refuse those nobody can be in.

    A box may reach over the edge of the picture. One without pixels of it, or without a size, is a mistake
    that would otherwise give a pose out of nothing.

    Args:
        given: (M, 4), or Detections, whose boxes are always (left, top, right, bottom).
        image: (H, W, 3).
        box_format: "xyxy" or "xywh", of plain boxes.
        picture: which of the pictures this is, for the error's text.
    Raises: ShapeError if it is not (M, 4); DataError for a box that is not finite, has no size, or lies
        outside the picture.
    """
    found = given if isinstance(given, Detections) else None
    boxes = _as_rows(given if found is None else found.boxes_xyxy, picture)
    if found is not None or box_format == "xyxy":
        boxes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    for row, box in enumerate(boxes):
        if fault := _fault(box, image):
            raise DataError(f"box {row} of picture {picture} {fault}")
    return Found(boxes, _as_scores(None if found is None else found.scores, len(boxes), picture))


def _as_rows(given: Any, picture: int) -> NDArray[np.float32]:
    given = given.detach().cpu().numpy() if isinstance(given, Tensor) else given
    try:
        boxes = np.asarray(given, np.float32)
    except (TypeError, ValueError) as error:
        raise ShapeError(
            f"the boxes of picture {picture} are no array of numbers ({error}); give (M, 4)"
        ) from error
    if boxes.size == 0:
        return np.zeros((0, 4), np.float32)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        advice = "one row a person, as in boxes=[[left, top, right, bottom]]"
        raise ShapeError(
            f"the boxes of picture {picture} have the shape {boxes.shape}; give (M, 4), {advice}"
        )
    return boxes


def _as_scores(scores: Any, count: int, picture: int) -> NDArray[np.float32]:
    if scores is None:
        return np.ones(count, np.float32)
    scores = scores.detach().cpu().numpy() if isinstance(scores, Tensor) else scores
    values = np.asarray(scores, np.float32)
    if values.shape != (count,):
        raise ShapeError(
            f"picture {picture} has {count} boxes and scores of shape {values.shape}; give ({count},)"
        )
    return values


def _fault(box: NDArray[np.float32], image: RGB) -> str:
    x, y, width, height = (float(number) for number in box)
    corners = f"from ({x:g}, {y:g}) to ({x + width:g}, {y + height:g})"
    if not np.isfinite(box).all():
        return f"holds NaN or infinity, {box.tolist()}; drop it, or see what the detector did"
    if width <= 0 or height <= 0:
        advice = 'is box_format right ("xyxy" or "xywh")?'
        return f"is {width:g} wide and {height:g} high; a box needs a size above 0: {advice}"
    rows, columns = image.shape[:2]
    if x >= columns or y >= rows or x + width <= 0 or y + height <= 0:
        return f"reaches {corners}, outside the picture, which is {columns} wide and {rows} high; drop it"
    return ""
