"""From predictions to a COCO results list; top-down: score each person, drop the doubles."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hrpose.errors import ShapeError
from hrpose.metrics.oks import Array, oks_nms, soft_oks_nms


def rescore(keypoints: ArrayLike, box_scores: ArrayLike, *, min_score: float = 0.2) -> Array:
    """The score of each person: that of the box times the mean of the keypoint scores above `min_score`.

    >>> rescore([[[0, 0, 0.9], [0, 0, 0.5], [0, 0, 0.1]]], [0.5])
    array([0.35])

    Args:
        keypoints: (M, K, 3), x, y and score.
        box_scores: (M,).
    Returns: (M,); 0 for a person without a keypoint above `min_score`.
    Raises: ShapeError for other shapes.
    Source: HRNet, lib/dataset/coco.py, evaluate.
    """
    poses, boxes = np.asarray(keypoints, dtype=np.float64), np.asarray(box_scores, dtype=np.float64)
    if poses.ndim != 3 or poses.shape[2] != 3 or boxes.shape != poses.shape[:1]:
        came = f"keypoints of shape {poses.shape} and box scores of shape {boxes.shape}"
        raise ShapeError(f"{came}; give (M, K, 3) and (M,)")
    scores = poses[..., 2]
    sure = scores > min_score
    return (scores * sure).sum(axis=1) / np.maximum(sure.sum(axis=1), 1) * boxes


def bottomup_results(
    keypoints: ArrayLike, person_scores: ArrayLike, image_ids: Sequence[Any], *, category_id: int = 1
) -> list[dict[str, Any]]:
    """Everybody whom a bottom-up model found as COCO results: nobody is rescored or dropped.

    The box goes round all keypoints, those that are missing included, as in the original.

    >>> bottomup_results([[[4, 5, 0.5], [8, 7, 0.9]]], [0.7], [3])[0]["bbox"]
    [4.0, 5.0, 4.0, 2.0]

    Args:
        keypoints: (M, K, 3 or more), x, y in image pixels, score; further columns are passed over.
        person_scores: (M,).
        image_ids: (M,).
    Returns: a dict a person with image_id, category_id, keypoints, score and bbox, in the order given.
    Raises: ShapeError for other shapes.
    Source: HigherHRNet, lib/dataset/COCODataset.py, evaluate.
    """
    poses, scores = np.asarray(keypoints, dtype=np.float64), np.asarray(person_scores, dtype=np.float64)
    fits = poses.ndim == 3 and poses.shape[2] >= 3 and scores.shape == (len(poses),)
    if not fits or len(image_ids) != len(poses):
        came = f"keypoints {poses.shape}, person_scores {scores.shape} and {len(image_ids)} image_ids"
        raise ShapeError(f"{came}; give (M, K, 3 or more), (M,) and M")
    return [
        {
            "image_id": image,
            "category_id": category_id,
            "keypoints": pose[:, :3].ravel().tolist(),
            "score": float(score),
            "bbox": [*pose[:, :2].min(0).tolist(), *np.ptp(pose[:, :2], axis=0).tolist()],
        }
        for pose, score, image in zip(poses, scores, image_ids, strict=True)
    ]


def topdown_results(
    keypoints: ArrayLike,
    box_scores: ArrayLike,
    image_ids: Sequence[Any],
    areas: ArrayLike,
    *,
    sigmas: Sequence[float],
    category_ids: int | Sequence[int] = 1,
    min_score: float = 0.2,
    threshold: float = 0.9,
    soft: bool = False,
) -> list[dict[str, Any]]:
    """Rescore the people, suppress doubles within each image, and write what is left as COCO results.

    Args:
        keypoints: (M, K, 3), x, y in image pixels, and score.
        box_scores: (M,); 1 for annotated boxes.
        image_ids: (M,).
        areas: (M,), of the padded boxes, in pixels: width * height.
        sigmas: (K,), as in `Skeleton.sigmas`.
        category_ids: one for all, or one a person.
        min_score: of a keypoint, to count in the person's score.
        threshold: OKS above which a person counts as a double.
        soft: `soft_oks_nms` in place of `oks_nms`.
    Returns: a dict a person with image_id, category_id, keypoints, score, and index, the place in the input;
        image by image as they first came, best first.
    Raises: ShapeError for other shapes.
    Source: HRNet, lib/dataset/coco.py, evaluate.
    """
    scores = rescore(keypoints, box_scores, min_score=min_score)
    poses, sizes = np.asarray(keypoints, dtype=np.float64), np.asarray(areas, dtype=np.float64)
    if not len(image_ids) == len(sizes) == len(poses):
        given = f"{len(poses)} people, {len(image_ids)} image ids and {len(sizes)} areas"
        raise ShapeError(f"{given} came; give one of each a person")
    categories = [category_ids] * len(poses) if isinstance(category_ids, int) else list(category_ids)
    nms = soft_oks_nms if soft else oks_nms
    kept: list[int] = []
    for rows in _by_image(image_ids):
        kept += rows[nms(poses[rows], scores[rows], sizes[rows], threshold=threshold, sigmas=sigmas)].tolist()
    return [
        {
            "image_id": image_ids[row],
            "category_id": categories[row],
            "keypoints": poses[row].ravel().tolist(),
            "score": float(scores[row]),
            "index": row,
        }
        for row in kept
    ]


def _by_image(image_ids: Sequence[Any]) -> list[Any]:
    """The rows of each image, images as they first came."""
    rows: dict[Any, list[int]] = {}
    for row, image_id in enumerate(image_ids):
        rows.setdefault(image_id, []).append(row)
    return [np.array(each) for each in rows.values()]
