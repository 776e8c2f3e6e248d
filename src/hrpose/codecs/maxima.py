"""Heatmaps to points: the peak, what surrounds it, and the blur that comes before."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hrpose.codecs.checks import choose
from hrpose.errors import ConfigError
from hrpose.types import Heatmaps, Points, Scores

_FIXED_KERNELS = {  # OpenCV's own for a sigma of 0; from 11 on there is a formula
    1: (1.0,),
    3: (0.25, 0.5, 0.25),
    5: (0.0625, 0.25, 0.375, 0.25, 0.0625),
    7: (0.03125, 0.109375, 0.21875, 0.28125, 0.21875, 0.109375, 0.03125),
    9: tuple(v / 256 for v in (4, 13, 30, 51, 60, 51, 30, 13, 4)),
}
BORDERS = ("zero", "mirror")


class Peaks(NamedTuple):
    """The largest value of each map, all (N, K)."""

    x: Tensor  # whole numbers; 0 where there is no peak
    y: Tensor
    scores: Scores
    found: Tensor  # the value is above zero
    finite: Tensor  # the map holds neither NaN nor infinity

    def points(self, *, missing: float) -> Points:
        """(N, K, 2), both coordinates `missing` where no peak was found."""
        points = torch.stack((self.x, self.y), 2).to(self.scores.dtype)
        return torch.where(self.found[..., None], points, missing)

    def result(self, points: Points) -> tuple[Points, Scores]:
        """Points and scores, NaN for the maps that were not finite."""
        nan = float("nan")
        return torch.where(self.finite[..., None], points, nan), torch.where(self.finite, self.scores, nan)


def find_peaks(heatmaps: Heatmaps) -> Peaks:
    """The first largest value of each map, in reading order."""
    width = heatmaps.shape[3]
    flat = heatmaps.flatten(2)
    low, high = flat.amin(2), flat.amax(2)  # NaN if there is one; aminmax is many times slower
    found = high > 0
    at = torch.where(found, flat.argmax(2), 0)
    rows = torch.div(at, width, rounding_mode="floor")
    return Peaks(at - rows * width, rows, high, found, torch.isfinite(low) & torch.isfinite(high))


def around(heatmaps: Heatmaps, peaks: Peaks, steps: Sequence[tuple[int, int]]) -> tuple[Tensor, ...]:
    """The values at each peak + (dx, dy), (N, K) for each step; beyond the border, those of the border."""
    height, width = heatmaps.shape[2:]
    dx, dy = torch.tensor(steps, device=heatmaps.device).unbind(1)
    x = (peaks.x[..., None] + dx).clamp(0, width - 1)
    y = (peaks.y[..., None] + dy).clamp(0, height - 1)
    return heatmaps.flatten(2).gather(2, y * width + x).unbind(2)


def gaussian_kernel(size: int) -> Tensor:
    """The weights that OpenCV blurs with if it is given a size and no sigma, float64.

    >>> gaussian_kernel(3).tolist()
    [0.25, 0.5, 0.25]
    """
    return torch.from_numpy(_weights(size))


def _weights(size: int) -> NDArray[np.float64]:
    """As `gaussian_kernel`, made on the host: a graph that blurs then holds numbers, not their making."""
    if size in _FIXED_KERNELS:
        return np.array(_FIXED_KERNELS[size])
    sigma = 0.3 * ((size - 1) * 0.5 - 1) + 0.8
    x = np.arange(size) - (size - 1) / 2
    weights: NDArray[np.float64] = np.exp(-(x**2) / (2 * sigma**2))
    return weights / weights.sum()


def blur_maps(heatmaps: Heatmaps, kernel: int, *, border: str = "zero", keep_peak: bool = True) -> Heatmaps:
    """Blur each map with a Gaussian.

    Args:
        heatmaps: (N, K, h, w).
        kernel: an odd number of pixels; the sigma follows from it, as in OpenCV.
        border: what lies beyond the map: "zero", or "mirror" without the border pixel itself.
        keep_peak: scale each map so that its largest value is what it was.
    Raises: ConfigError for an even kernel; UnknownNameError for another border.
    Source: Zhang et al., CVPR 2020, section 3.2.
    """
    check_kernel(kernel)
    choose("border", border, BORDERS)
    down, across = (torch.tensor(_band(length, kernel, border)).to(heatmaps) for length in heatmaps.shape[2:])
    blurred = down @ heatmaps @ across.mT
    if keep_peak and heatmaps.numel():
        blurred = blurred * (heatmaps.amax((2, 3), keepdim=True) / blurred.amax((2, 3), keepdim=True))
    return blurred


def check_kernel(kernel: int) -> None:
    """Raise ConfigError unless a blur can have this size."""
    if kernel < 1 or kernel % 2 == 0:
        raise ConfigError(f"kernel={kernel} has no middle; give an odd number of pixels, such as 11")


@functools.cache
def _band(length: int, kernel: int, border: str) -> NDArray[np.float64]:
    """(length, length): the blur along one axis as a matrix, its border rule included."""
    out = np.arange(length)[:, None].repeat(kernel, 1)
    source = out + np.arange(kernel) - kernel // 2
    if border == "mirror":
        period = max(2 * (length - 1), 1)
        source = source % period
        source = np.minimum(source, period - source) if length > 1 else source
    inside = (source >= 0) & (source < length)
    band = np.zeros((length, length))
    np.add.at(band, (out[inside], source[inside]), np.broadcast_to(_weights(kernel), out.shape)[inside])
    return band


def check_nudge(nudge: float) -> None:
    """Raise ConfigError unless a peak can be moved by it."""
    if not nudge >= 0:
        raise ConfigError(f"nudge={nudge} does not move a peak uphill; give 0 or more")


def check_reach(reach: float | None) -> None:
    """Raise ConfigError unless a step can be bound by it."""
    if reach is not None and not reach > 0:
        raise ConfigError(
            f"reach={reach} keeps every peak in place; give a number above 0, or None for no bound"
        )


def newton_step(
    slope: tuple[Tensor, Tensor], curve: tuple[Tensor, Tensor, Tensor], *, reach: float | None
) -> Tensor:
    """From a point to the extremum of the parabola through it, (N, K, 2); 0 where there is none.

    Args:
        slope: the first derivatives by x and y, each (N, K).
        curve: the second derivatives by xx, xy and yy.
        reach: the longest step on each axis; None sets no bound.
    """
    (gx, gy), (xx, xy, yy) = slope, curve
    det = xx * yy - xy * xy
    step = torch.stack((xy * gy - yy * gx, xy * gx - xx * gy), 2)
    flat = (det == 0)[..., None]
    step = torch.where(flat, 0, step / torch.where(flat, 1, det[..., None]))
    return step if reach is None else step.clamp(-reach, reach)
