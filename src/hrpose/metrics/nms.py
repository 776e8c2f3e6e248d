"""Non-maximum suppression: of several answers to one object keep the best."""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hrpose.errors import ConfigError, ShapeError

Array: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.int64]


def suppress(overlap: Array, scores: ArrayLike, threshold: float) -> Indices:
    """Take the best, drop what overlaps it by more than `threshold`, and so on.

    >>> suppress(np.array([[1.0, 0.8, 0.1], [0.8, 1.0, 0.2], [0.1, 0.2, 1.0]]), [0.5, 0.9, 0.7], 0.6)
    array([1, 2])

    Args:
        overlap: (N, N); row i says how much each other overlaps with i.
        scores: (N,).
    Returns: indices of what is kept, best first; of equal scores the last comes first.
    """
    left = _best_first(np.asarray(scores, dtype=np.float64))
    kept: list[int] = []
    while left.size:
        best, left = left[0], left[1:]
        kept.append(int(best))
        left = left[overlap[best, left] <= threshold]
    return np.array(kept, dtype=np.int64)


def soft_suppress(overlap: Array, scores: ArrayLike, threshold: float, *, most: int = 20) -> Indices:
    """Take the best, lower the scores of what overlaps it, and so on, until `most` are taken.

    Returns: indices, in the order they were taken.
    """
    values = np.asarray(scores, dtype=np.float64)
    left = _best_first(values)
    values = values[left]
    kept: list[int] = []
    while left.size and len(kept) < most:
        best, left = left[0], left[1:]
        kept.append(int(best))
        values = decay(overlap[best, left], values[1:], threshold)
        order = _best_first(values)
        left, values = left[order], values[order]
    return np.array(kept, dtype=np.int64)


def decay(overlap: ArrayLike, scores: ArrayLike, threshold: float, *, kind: str = "gaussian") -> Array:
    """Lower scores by how much each overlaps with a better answer.

    Args:
        overlap, scores: (N,).
        threshold: "gaussian": how fast all fall; "linear": the overlap from which they fall at all.
    Raises: ConfigError on another kind; ShapeError if the lengths differ.
    Source: HRNet, lib/nms/nms.py, rescore.
    """
    shared, values = np.asarray(overlap, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if shared.shape != values.shape:
        raise ShapeError(f"{shared.shape} overlaps and {values.shape} scores came; give one score for each")
    if kind == "gaussian":
        return values * np.exp(-(shared**2) / threshold)
    if kind == "linear":
        return np.where(shared >= threshold, values * (1 - shared), values)
    raise ConfigError(f"kind={kind!r} of score decay came; give 'gaussian' or 'linear'")


def box_nms(boxes_xyxy: ArrayLike, scores: ArrayLike, *, threshold: float = 0.5) -> Indices:
    """Drop each box that overlaps a better one by more than `threshold` (IoU, both corner pixels inside).

    >>> box_nms([[0, 0, 9, 9], [1, 0, 10, 9], [20, 20, 29, 29]], [0.8, 0.9, 0.7])
    array([1, 2])

    Args:
        boxes_xyxy: (N, 4), first and last pixel.
        scores: (N,).
    Returns: indices of what is kept, best first; of equal scores the last comes first.
    Raises: ShapeError if boxes are not (N, 4), or scores not N.
    Source: HRNet, lib/nms/nms.py, nms.
    """
    boxes, values = np.asarray(boxes_xyxy, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if boxes.size == 0:
        return np.zeros(0, dtype=np.int64)
    if boxes.ndim != 2 or boxes.shape[1] != 4 or values.shape != boxes.shape[:1]:
        came = f"boxes of shape {boxes.shape} and scores of shape {values.shape} came"
        raise ShapeError(f"{came}; give (N, 4) and (N,)")
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.maximum(0, high - low + 1).prod(axis=-1)  # (N, N)
    areas = (boxes[:, 2:] - boxes[:, :2] + 1).prod(axis=-1)
    return suppress(shared / (areas[:, None] + areas[None] - shared), values, threshold)


def _best_first(scores: Array) -> Indices:
    return np.argsort(scores, kind="stable")[::-1]
