"""OKS, object keypoint similarity: 1 where two poses agree, 0 where they have nothing in common."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hrpose.errors import ShapeError
from hrpose.metrics.nms import soft_suppress, suppress

Array: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.int64]

TINY = float(np.spacing(1))  # keeps an area of zero from dividing by zero, as in pycocotools


def oks(
    detected: ArrayLike,
    truth: ArrayLike,
    areas: ArrayLike,
    boxes: ArrayLike | None = None,
    *,
    sigmas: Sequence[float],
) -> Array:
    """Compare each detected pose with each annotated one, as COCO does.

    Only labelled keypoints (v > 0) count. For a person without any, such as a crowd, what counts is how far
    the detected keypoints lie outside twice the box; without `boxes` the similarity is 0 there.

    >>> pose = np.array([[[10.0, 10.0, 2.0], [20.0, 10.0, 2.0]]])
    >>> oks(pose + [3.0, 0.0, 0.0], pose, [400.0], sigmas=(0.05, 0.1)).round(3)
    array([[0.54]])

    Args:
        detected: (D, K, 2) or (D, K, 3), pixels.
        truth: (G, K, 3), x, y and v.
        areas: (G,), pixels.
        boxes: (G, 4), x, y, width, height.
        sigmas: (K,), as in `Skeleton.sigmas`.
    Returns: (D, G).
    Raises: ShapeError if the keypoints are not K, or areas or boxes not G.
    Source: pycocotools, cocoeval.py, computeOks.
    """
    seen, real = _poses(detected, sigmas), _poses(truth, sigmas, columns=3)
    size = _of_each(areas, len(real), "areas")
    offset = seen[:, None, :, :2] - real[None, :, :, :2]  # (D, G, K, 2)
    labelled = real[:, :, 2] > 0  # (G, K)
    blank: NDArray[np.bool_] = labelled.sum(axis=1) == 0
    if boxes is not None and blank.any():
        offset[:, blank] = _outside(seen[..., :2], _rows(boxes, len(real), 4, "boxes")[blank])
    error = (offset**2).sum(axis=-1) / _variances(sigmas) / (size[:, None] + TINY) / 2
    counted: NDArray[np.bool_] = np.where(blank[:, None], boxes is not None, labelled)
    return _mean(np.exp(-error), np.broadcast_to(counted, error.shape))


def pose_similarity(
    keypoints: ArrayLike,
    areas: ArrayLike,
    *,
    sigmas: Sequence[float],
    min_score: float | None = None,
) -> Array:
    """Compare detected poses with each other: OKS with the mean of both areas.

    Row i, column j: pose i stays fixed and pose j is measured. With `min_score` only the keypoints of pose j
    that score higher count (of none: 0), so that the result is not symmetric; that is how the original does
    it.

    Args:
        keypoints: (N, K, 3), x, y and score.
        areas: (N,), pixels.
        sigmas: (K,), as in `Skeleton.sigmas`.
    Returns: (N, N).
    Raises: ShapeError if the keypoints are not K or areas not N.
    Source: HRNet, lib/nms/nms.py, oks_iou.
    """
    poses = _poses(keypoints, sigmas, columns=3)
    size = _of_each(areas, len(poses), "areas")
    offset = poses[None, :, :, :2] - poses[:, None, :, :2]  # (N, N, K, 2)
    shared = (size[:, None] + size[None]) / 2 + TINY
    error = (offset**2).sum(axis=-1) / _variances(sigmas) / shared[..., None] / 2
    counted = np.ones(error.shape, dtype=bool)
    if min_score is not None:
        counted &= (poses[..., 2] > min_score)[None]
    return _mean(np.exp(-error), counted)


def oks_nms(
    keypoints: ArrayLike,
    scores: ArrayLike,
    areas: ArrayLike,
    *,
    threshold: float = 0.9,
    sigmas: Sequence[float],
    min_score: float | None = None,
) -> Indices:
    """Drop each pose that is more than `threshold` similar to a better one.

    Args: as in `pose_similarity`; scores: (N,), of the poses.
    Returns: indices of what is kept, best first; of equal scores the last comes first.
    Raises: ShapeError as `pose_similarity` does.
    Source: HRNet, lib/nms/nms.py, oks_nms.
    """
    overlap = pose_similarity(keypoints, areas, sigmas=sigmas, min_score=min_score)
    return suppress(overlap, _of_each(scores, len(overlap), "scores"), threshold)


def soft_oks_nms(
    keypoints: ArrayLike,
    scores: ArrayLike,
    areas: ArrayLike,
    *,
    threshold: float = 0.9,
    sigmas: Sequence[float],
    min_score: float | None = None,
    most: int = 20,
) -> Indices:
    """Move each pose that resembles a better one down the list, and keep the first `most`.

    Nothing is dropped for its similarity; the lowered scores serve the order alone.

    Args: as in `oks_nms`.
    Returns: indices of what is kept, in the new order.
    Raises: ShapeError as `pose_similarity` does.
    Source: HRNet, lib/nms/nms.py, soft_oks_nms.
    """
    overlap = pose_similarity(keypoints, areas, sigmas=sigmas, min_score=min_score)
    return soft_suppress(overlap, _of_each(scores, len(overlap), "scores"), threshold, most=most)


def _variances(sigmas: Sequence[float]) -> Array:
    return (np.asarray(sigmas, dtype=np.float64) * 2) ** 2


def _mean(similar: Array, counted: NDArray[np.bool_]) -> Array:
    """The mean over the counted keypoints, 0 where there are none."""
    number = counted.sum(axis=-1)
    return np.asarray((similar * counted).sum(axis=-1) / np.maximum(number, 1))


def _outside(points: Array, boxes: Array) -> Array:
    """How far (D, K, 2) points lie outside boxes of twice the size, (D, G, K, 2)."""
    low = boxes[:, :2] - boxes[:, 2:]
    high = boxes[:, :2] + boxes[:, 2:] * 2
    points = points[:, None]
    return np.maximum(0, low[None, :, None] - points) + np.maximum(0, points - high[None, :, None])


def _poses(keypoints: ArrayLike, sigmas: Sequence[float], *, columns: int = 2) -> Array:
    poses = np.asarray(keypoints, dtype=np.float64)
    if poses.size == 0:
        return np.zeros((0, len(sigmas), 3))
    if poses.ndim != 3 or poses.shape[1] != len(sigmas) or not columns <= poses.shape[2] <= 3:
        wanted = f"(people, {len(sigmas)}, {'3' if columns == 3 else '2 or 3'})"
        raise ShapeError(f"keypoints of shape {poses.shape} and {len(sigmas)} sigmas came; give {wanted}")
    return poses


def _of_each(values: ArrayLike, number: int, name: str) -> Array:
    array = np.asarray(values, dtype=np.float64).reshape(-1)
    if len(array) != number:
        raise ShapeError(f"{len(array)} {name} came for {number} people; give one for each")
    return array


def _rows(values: ArrayLike, number: int, columns: int, name: str) -> Array:
    array: Any = np.asarray(values, dtype=np.float64)
    if array.shape != (number, columns):
        raise ShapeError(f"{name} of shape {array.shape} came; give ({number}, {columns})")
    return array
