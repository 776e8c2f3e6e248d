"""PCKh on MPII, as the tables of HRNet and of the stacked hourglass report it."""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hrpose.errors import ShapeError
from hrpose.metrics.oks import Array
from hrpose.skeletons import MPII

Mask: TypeAlias = NDArray[np.bool_]

HEAD_OF_BOX = 0.6  # the head is so long, measured by the diagonal of its box
NOT_RATED = ("pelvis", "thorax")  # left out of the mean
STRICT = 0.11  # what the papers call PCKh@0.1
SIDES = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
ROWS = {"Head": ("head_top",)} | {side.title(): (f"left_{side}", f"right_{side}") for side in SIDES}
PARTS = {"total": MPII.keypoints, "pelvis": ("pelvis",), "thorax": ("thorax",)}
PARTS |= {"neck": ("upper_neck",), "head": ("head_top",)}
PARTS |= {side: (f"left_{side}", f"right_{side}") for side in SIDES}


def mpii_pckh(
    predicted: ArrayLike,
    truth: ArrayLike,
    visible: ArrayLike,
    head_boxes: ArrayLike,
    *,
    threshold: float = 0.5,
    head_of_box: float = HEAD_OF_BOX,
) -> dict[str, float]:
    """The percentage of keypoints nearer to the truth than half a head, as MPII's table has it.

    "Mean" weighs each keypoint by how often it is visible, without pelvis and thorax; "Mean@0.1" has, as in
    the original, the threshold 0.11.

    Args:
        predicted, truth: (N, 16, 2), pixels, both counted from 0 or both from 1.
        visible: (N, 16), 1 where the keypoint counts.
        head_boxes: (N, 2, 2), two opposite corners.
        threshold: in heads; as far as that is near enough.
        head_of_box: the length of a head, in diagonals of its box.
    Returns: Head, Shoulder, Elbow, Wrist, Hip, Knee, Ankle, Mean, Mean@0.1, in percent; NaN for what is never
        visible.
    Raises: ShapeError for other shapes.
    Source: HRNet, lib/dataset/mpii.py, evaluate.
    """
    boxes = np.asarray(head_boxes, dtype=np.float64)
    if boxes.ndim != 3 or boxes.shape[1:] != (2, 2):
        raise ShapeError(f"head boxes of shape {boxes.shape} came; give two corners a person, (N, 2, 2)")
    heads = np.linalg.norm(boxes[:, 1] - boxes[:, 0], axis=1) * head_of_box
    distances, counted = _distances(predicted, truth, visible, heads)
    rated = counted & ~np.isin(MPII.keypoints, NOT_RATED)
    near, strict = distances <= threshold, distances <= STRICT
    rows = {row: np.mean([_percent(near, counted, (name,)) for name in names]) for row, names in ROWS.items()}
    means = {
        "Mean": _percent(near, rated, PARTS["total"]),
        "Mean@0.1": _percent(strict, rated, PARTS["total"]),
    }
    return {name: float(value) for name, value in (rows | means).items()}


def mpii_parts(
    predicted: ArrayLike, truth: ArrayLike, counted: ArrayLike, heads: ArrayLike, *, threshold: float = 0.5
) -> dict[str, tuple[float, int]]:
    """How many of each part are nearer than half a head, as the stacked hourglass counts them.

    Args:
        predicted, truth: as in `mpii_pckh`.
        counted: (N, 16), True for the keypoints to look at: all, the visible, or the hidden.
        heads: (N,), pixels.
        threshold: in heads; what is exactly as far is not near enough.
    Returns: for "total" and each part the share from 0 to 1, and of how many; 0 of none.
    Raises: ShapeError for other shapes.
    Source: pytorch_stacked_hourglass, test.py, mpii_eval.
    """
    distances, chosen = _distances(predicted, truth, counted, np.asarray(heads, dtype=np.float64))
    parts = {}
    for part, names in PARTS.items():
        columns = chosen & np.isin(MPII.keypoints, names)
        number = int(columns.sum())
        parts[part] = (float((distances < threshold)[columns].sum() / max(number, 1)), number)
    return parts


def _distances(
    predicted: ArrayLike, truth: ArrayLike, counted: ArrayLike, heads: Array
) -> tuple[Array, Mask]:
    """(N, 16) in heads, and which of them count."""
    points, goals = (np.asarray(each, dtype=np.float64) for each in (predicted, truth))
    chosen = np.asarray(counted, dtype=bool)
    if points.shape != goals.shape or points.shape[1:] != (MPII.num_keypoints, 2):
        raise ShapeError(f"points of shape {points.shape} and {goals.shape} came; give two of (N, 16, 2)")
    if chosen.shape != points.shape[:2] or heads.shape != points.shape[:1]:
        came = f"visibilities of shape {chosen.shape} and {heads.shape} heads"
        raise ShapeError(f"{came} came for {len(points)} people; give ({len(points)}, 16) and one head each")
    return np.asarray(np.linalg.norm(points - goals, axis=2) / heads[:, None]), chosen


def _percent(near: Mask, counted: Mask, names: tuple[str, ...]) -> float:
    chosen = counted & np.isin(MPII.keypoints, names)
    return float(100 * near[chosen].mean()) if chosen.any() else float("nan")
