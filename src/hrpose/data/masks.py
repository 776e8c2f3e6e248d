"""Outlines in COCO files -> masks, to the pixel as pycocotools fills them; and masks -> run lengths."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hrpose.errors import DataError
from hrpose.types import Size

Mask: TypeAlias = NDArray[np.bool_]  # (H, W)

FINER = 5  # outlines are walked along in steps of this part of a pixel
BITS, MORE, SIGN = 0x1F, 0x20, 0x10  # of a character in compressed run lengths


def region_mask(segmentation: Any, size: Size) -> Mask:
    """The pixels of a region, (H, W).

    Args:
        segmentation: of a COCO annotation: a list of polygons, each x, y, x, y ... in pixels, or run lengths
            {"counts": list or compressed text, "size": [height, width]}.
        size: of the image, (height, width).
    Raises: DataError for anything else, and for run lengths of an image of another size.

    >>> region_mask([[1, 0, 3, 0, 3, 2, 1, 2]], (3, 4)).astype(int).tolist()
    [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    """
    if isinstance(segmentation, Mapping) and {"counts", "size"} <= segmentation.keys():
        return _from_runs(segmentation["counts"], tuple(segmentation["size"]), size)
    if not isinstance(segmentation, Sequence) or isinstance(segmentation, str | bytes):
        came = f"segmentation is a {type(segmentation).__name__}"
        raise DataError(f'{came}; give a list of polygons, or run lengths as {{"counts": ..., "size": ...}}')
    mask = np.zeros(size, dtype=bool)
    for polygon in segmentation:
        mask |= polygon_mask(polygon, size)
    return mask


def run_lengths(mask: Mask) -> dict[str, Any]:
    """A mask (H, W) as COCO's compressed run lengths, ready for `json.dump`; `region_mask` reads them.

    >>> run_lengths(np.array([[False, True], [True, True]]))
    {'size': [2, 2], 'counts': '13'}

    Raises: DataError unless the mask has two axes.
    """
    pixels = np.asarray(mask, dtype=bool)
    if pixels.ndim != 2:
        raise DataError(f"a mask came as {pixels.shape}; give (height, width), one mask at a time")
    column = pixels.T.reshape(-1)
    changes = np.flatnonzero(np.diff(column, prepend=False))  # the first run is outside, be it empty
    runs = np.diff(changes, prepend=0, append=len(column)).tolist()
    return {"size": list(pixels.shape), "counts": _packed(runs)}


def polygon_mask(polygon: Sequence[float], size: Size) -> Mask:
    """The pixels within one polygon x, y, x, y ..., (H, W).

    Columns are filled between the rows at which the outline passes their middle, so that what is filled does
    not depend on where the polygon begins. Raises: DataError unless it has three corners at least.
    """
    corners = np.asarray(polygon, dtype=np.float64)
    if corners.ndim != 1 or len(corners) < 6 or len(corners) % 2 or not np.isfinite(corners).all():
        came = f"a polygon of {len(corners) if corners.ndim else 0} numbers"
        raise DataError(f"{came} encloses nothing; give x, y of three corners or more, all finite")
    height, width = size
    outline = _outline((FINER * corners + 0.5).astype(np.int64).reshape(-1, 2))
    (u, v), (u_next, v_next) = outline[:-1].T, outline[1:].T
    column = (np.minimum(u, u_next) + 0.5) / FINER - 0.5
    row = np.clip((np.minimum(v, v_next) + 0.5) / FINER - 0.5, 0, height)
    crossed = (u != u_next) & (column == np.floor(column)) & (column >= 0) & (column <= width - 1)
    places = column[crossed].astype(np.int64) * height + np.ceil(row[crossed]).astype(np.int64)
    return _filled(np.bincount(places, minlength=height * width + 1), size)


def _outline(corners: NDArray[np.int64]) -> NDArray[np.int64]:
    """Every point of the closed line through the corners, (P, 2), one step along the longer axis each."""
    return np.concatenate([_line(a, b) for a, b in pairwise([*corners, corners[0]])])


def _line(start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
    """From one point to the other; the same points, whichever of them is the start."""
    steps = np.abs(end - start)
    long = int(steps[0] < steps[1])
    backwards = start[long] > end[long]
    first, last = (end, start) if backwards else (start, end)
    along = np.arange(steps[long] + 1)
    slope = (last[1 - long] - first[1 - long]) / max(int(steps[long]), 1)
    points = np.empty((len(along), 2), dtype=np.int64)
    points[:, long] = first[long] + along
    points[:, 1 - long] = (first[1 - long] + slope * along + 0.5).astype(np.int64)
    return points[::-1] if backwards else points


def _from_runs(counts: Any, theirs: tuple[Any, ...], size: Size) -> Mask:
    if theirs != tuple(size):
        came = f"run lengths of an image of {theirs} (height, width)"
        raise DataError(f"{came} came for one of {tuple(size)}; mend the file, or give its own images")
    runs = np.array(_unpacked(counts) if isinstance(counts, str | bytes) else counts, dtype=np.int64)
    if runs.sum() != size[0] * size[1] or (runs < 0).any():
        needed = f"an image of {tuple(size)} has {size[0] * size[1]} pixels"
        raise DataError(f"run lengths add up to {runs.sum()}, but {needed}; mend the file")
    return _filled(np.bincount(runs.cumsum(), minlength=size[0] * size[1] + 1), size)


def _unpacked(text: str | bytes) -> list[int]:
    """Compressed run lengths: five bits a character; from the fourth on, changes since the last but one."""
    runs: list[int] = []
    value = shift = 0
    for character in text.encode() if isinstance(text, str) else text:
        bits = character - ord("0")
        value |= (bits & BITS) << shift
        shift += 5
        if bits & MORE:
            continue
        value -= (1 << shift) if bits & SIGN else 0
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs


def _packed(runs: Sequence[int]) -> str:
    """The text that `_unpacked` reads."""
    text: list[str] = []
    for place, run in enumerate(runs):
        left = run - runs[place - 2] if place > 2 else run
        more = True
        while more:
            bits, left = left & BITS, left >> 5
            more = left != (-1 if bits & SIGN else 0)
            text.append(chr(ord("0") + (bits | MORE if more else bits)))
    return "".join(text)


def _filled(changes: NDArray[np.int64], size: Size) -> Mask:
    """The mask whose pixels, column by column, change where there is an odd number of changes."""
    inside = changes[: size[0] * size[1]].cumsum() % 2 == 1
    return inside.reshape(size[1], size[0]).T
