"""Distances between points: PCK, the area under its curve, NME, EPE, and the accuracy shown in training."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from hrpose.codecs.maxima import find_peaks
from hrpose.errors import ShapeError
from hrpose.metrics.oks import Array
from hrpose.types import Heatmaps

FAR = 1e6  # what a negative normaliser counts as, in the original too


class Accuracy(NamedTuple):
    """How many points are near enough."""

    per_keypoint: Array  # (K,), from 0 to 1; -1 where no sample counts
    mean: float  # over the keypoints that count; 0 where none does
    counted: int  # how many keypoints that are


class HeatmapAccuracy(NamedTuple):
    """Accuracy read off heatmaps, and the peaks it was read at."""

    per_keypoint: Tensor  # (K,), -1 where no sample counts
    mean: float
    counted: int
    points: Tensor  # (N, K, 2), heatmap pixels


def pck(
    predicted: ArrayLike, truth: ArrayLike, mask: ArrayLike, norm: ArrayLike, *, threshold: float = 0.05
) -> Accuracy:
    """The share of points nearer to the truth than `threshold` times a length, such as that of the box.

    PCKh is the same with the length of the head, and a threshold of 0.5.

    >>> here, there = [[[0.0, 0.0], [9.0, 0.0]]], [[[0.0, 1.0], [0.0, 0.0]]]
    >>> pck(here, there, [[True, True]], [[20.0, 20.0]], threshold=0.1)
    Accuracy(per_keypoint=array([1., 0.]), mean=0.5, counted=2)

    Args:
        predicted, truth: (N, K, 2), pixels.
        mask: (N, K), True where the keypoint counts.
        norm: (N,), a length each, or (N, 2), one along x and one along y; a sample with a zero in it does
            not count.
    Raises: ShapeError for other shapes.
    Source: mmpose, evaluation/functional/keypoint_eval.py.
    """
    distances = _distances(predicted, truth, mask, norm)
    counts = ~np.isnan(distances)  # (N, K)
    near = np.where(counts, distances, np.inf) < threshold
    number = counts.sum(axis=0)
    share = np.where(number > 0, near.sum(axis=0) / np.maximum(number, 1), -1.0)
    valid = share[number > 0]
    return Accuracy(share, float(valid.mean()) if valid.size else 0.0, int(valid.size))


def auc(
    predicted: ArrayLike, truth: ArrayLike, mask: ArrayLike, *, norm: float = 30.0, steps: int = 20
) -> float:
    """The mean of PCK over the thresholds 0, 1/steps, ..., 1 - 1/steps of `norm` pixels.

    Args: as in `pck`.
    Source: mmpose, evaluation/functional/keypoint_eval.py.
    """
    lengths = np.full((len(np.asarray(predicted)), 2), float(norm))
    curve = [pck(predicted, truth, mask, lengths, threshold=step / steps).mean for step in range(steps)]
    return float(np.mean(curve))


def nme(predicted: ArrayLike, truth: ArrayLike, mask: ArrayLike, norm: ArrayLike) -> float:
    """The mean distance, each divided by its length, such as that between the eyes.

    Args: as in `pck`.
    Returns: 0 where nothing counts.
    Source: mmpose, evaluation/functional/keypoint_eval.py.
    """
    distances = _distances(predicted, truth, mask, norm)
    return float(np.nansum(distances) / max(1, int((~np.isnan(distances)).sum())))


def epe(predicted: ArrayLike, truth: ArrayLike, mask: ArrayLike) -> float:
    """The mean distance in pixels ("end-point error").

    Args: as in `pck`.
    Returns: 0 where nothing counts.
    """
    return nme(predicted, truth, mask, np.ones((len(np.asarray(predicted)), 2)))


def heatmap_accuracy(output: Heatmaps, target: Heatmaps, *, threshold: float = 0.5) -> HeatmapAccuracy:
    """The share of peaks within a twentieth of the map of the target's peak: a quick figure for training.

    As in the original the height serves as the length along x and the width along y, and a target whose peak
    lies in the first two rows or columns does not count.

    Args:
        output, target: of one shape.
        threshold: in tenths of the map.
    Raises: ShapeError if the shapes differ.
    Source: HRNet, lib/core/evaluate.py, accuracy.
    """
    if output.ndim != 4 or output.shape != target.shape:
        came = f"heatmaps of shape {tuple(output.shape)} and {tuple(target.shape)} came"
        raise ShapeError(f"{came}; give two of one shape (N, K, h, w)")
    points, goals = (find_peaks(maps.detach().float()).points(missing=0.0) for maps in (output, target))
    norm = torch.tensor(output.shape[2:], dtype=torch.float64, device=output.device) / 10
    distance = ((points.double() - goals.double()) / norm).norm(dim=2)
    counts = (goals > 1).all(dim=2)  # (N, K)
    number = counts.sum(dim=0)
    near = ((distance < threshold) & counts).sum(dim=0)
    share = torch.where(number > 0, near / number.clamp(min=1).double(), -1.0)
    count = int((number > 0).sum())
    mean = float(share[number > 0].mean()) if count else 0.0
    return HeatmapAccuracy(share, mean, count, points)


def _distances(predicted: ArrayLike, truth: ArrayLike, mask: ArrayLike, norm: ArrayLike) -> Array:
    """(N, K), divided by the lengths; NaN where a keypoint does not count."""
    points, goals = (np.asarray(values, dtype=np.float64) for values in (predicted, truth))
    counted: NDArray[np.bool_] = np.asarray(mask, dtype=bool)
    lengths = np.asarray(norm, dtype=np.float64)
    lengths = lengths[:, None].repeat(2, axis=1) if lengths.ndim == 1 else lengths
    if points.shape != goals.shape or points.ndim != 3 or points.shape[2] != 2:
        raise ShapeError(f"points of shape {points.shape} and {goals.shape} came; give two of one (N, K, 2)")
    if counted.shape != points.shape[:2] or lengths.shape != (len(points), 2):
        came = f"a mask of shape {counted.shape} and lengths of shape {lengths.shape}"
        raise ShapeError(f"{came} came; give {points.shape[:2]}, and {(len(points),)} or {(len(points), 2)}")
    counted = counted & (lengths != 0).all(axis=1)[:, None]
    lengths = np.where(lengths <= 0, FAR, lengths)
    distances = np.linalg.norm((points - goals) / lengths[:, None], axis=2)
    return np.where(counted, distances, np.nan)
