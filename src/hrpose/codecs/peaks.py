"""The peaks of heatmaps and the tags below them, found on the device of the maps."""

import math
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from hrpose.errors import DataError, ShapeError
from hrpose.types import Heatmaps, Tags

DENSE_FROM = 8  # above 1/8 of the pixels a max-pool over all of them is cheaper than a look at each
RUN = 64  # pixels that are passed over at once where none exceeds the threshold


class Peaks(NamedTuple):
    """P peaks of N images' K heatmaps each, by map and then from high to low.

    maps: (P,) which map, image * K + keypoint. x, y: (P,) pixels. nudge: (P, 2) see `quarter_nudge`.
    values: (P,) of the heatmap. tags: (P, T).
    """

    maps: Tensor
    x: Tensor
    y: Tensor
    nudge: Tensor
    values: Tensor
    tags: Tensor

    def to_host(self) -> "HostPeaks":
        """Copy all of them in one piece; positions are small enough to be exact as floats."""
        columns = (self.maps, self.x, self.y, self.values)
        packed = torch.cat([torch.stack([c.to(self.values) for c in columns], 1), self.nudge, self.tags], 1)
        table = packed.cpu().numpy()
        return HostPeaks(table[:, 0].astype(np.intp), table[:, 1:3], table[:, 4:6], table[:, 3], table[:, 6:])


class HostPeaks(NamedTuple):
    """The same on the host: maps (P,), points (P, 2), nudge (P, 2), values (P,), tags (P, T)."""

    maps: NDArray[np.intp]
    points: NDArray[np.floating]
    nudge: NDArray[np.floating]
    values: NDArray[np.floating]
    tags: NDArray[np.floating]


def check_maps(heatmaps: Heatmaps, tags: tuple[Tags, ...]) -> None:
    """Raise ShapeError for maps that do not belong together, DataError for NaN or infinity in them."""
    if heatmaps.dim() != 4 or not heatmaps.is_floating_point() or not all(heatmaps.shape[1:]):
        came = f"{tuple(heatmaps.shape)} of {heatmaps.dtype}"
        raise ShapeError(
            f"heatmaps are {came}, but (N, K, h, w) of floats, none of K, h, w 0, is needed; reshape them"
        )
    if not tags:
        raise ShapeError("there are no tag maps, but people are put together by tags; give one at least")
    n, k, h, w = heatmaps.shape
    for t, tag in enumerate(tags):
        if tuple(tag.shape) not in ((n, k, h, w), (n, 1, h, w)):
            raise ShapeError(
                f"tag map {t} is {tuple(tag.shape)}, but the heatmaps are {(n, k, h, w)}; "
                f"resize it to that, with {k} channels or one for all keypoints"
            )
    for what, maps in (("heatmaps", heatmaps), *((f"tag map {t}", tag) for t, tag in enumerate(tags))):
        if not _is_finite(maps):
            raise DataError(
                f"{what} hold NaN or infinity, so no peak can be trusted; "
                "look for half precision that overflows, or for training that diverged"
            )


def _is_finite(maps: Tensor) -> bool:
    """One pass for the common case: a sum is finite only if all its terms are, though it may overflow too."""
    total = maps.sum(dtype=torch.float64 if maps.dtype == torch.float64 else torch.float32)
    return bool(torch.isfinite(total)) or bool(torch.isfinite(maps).all())


def find_peaks(
    heatmaps: Heatmaps, tags: tuple[Tags, ...], *, threshold: float = 0.1, kernel: int = 5, most: int = 30
) -> Peaks:
    """Find where each heatmap is above `threshold` and nowhere higher within `kernel` x `kernel` pixels.

    Pixels of a flat top are all peaks, as with a max-pool. Only what is above the threshold is looked at.

    Args:
        heatmaps: (N, K, h, w), contiguous.
        tags: T maps (N, K, h, w) or (N, 1, h, w).
        threshold: heatmap values; above it, not at it.
        kernel: odd, pixels.
        most: peaks kept of each map, the highest.
    """
    places, values = _local_maxima(heatmaps, threshold, kernel)
    kept = _highest(places // _pixels(heatmaps), values, heatmaps.shape[:2].numel(), most)
    places, values = places[kept], values[kept]
    maps, y, x = locate(places, heatmaps)
    nudge = quarter_nudge(heatmaps, maps, y, x)
    read = [read_tag(tag, maps, y, x, heatmaps.shape[1]) for tag in tags]
    return Peaks(maps, x, y, nudge, values, torch.stack(read, 1))


def locate(places: Tensor, heatmaps: Heatmaps) -> tuple[Tensor, Tensor, Tensor]:
    """Positions in the flattened heatmaps -> map, y, x."""
    width = heatmaps.shape[3]
    within = places % _pixels(heatmaps)
    return places // _pixels(heatmaps), within // width, within % width


def read_tag(tag: Tags, maps: Tensor, y: Tensor, x: Tensor, keypoints: int) -> Tensor:
    """The tag at the pixels (y, x) of `maps`, which count image * keypoints + keypoint."""
    which = maps if tag.shape[1] == keypoints else maps // keypoints
    return tag.flatten(0, 1)[which, y, x]


def quarter_nudge(heatmaps: Heatmaps, maps: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """A quarter pixel toward the higher neighbour on each axis, (P, 2) as (x, y); to the lower side if equal.

    At the border the pixel stands for the neighbour that is missing.
    """
    flat, (h, w) = heatmaps.flatten(0, 1), heatmaps.shape[2:]
    right = flat[maps, y, (x + 1).clamp(max=w - 1)] > flat[maps, y, (x - 1).clamp(min=0)]
    below = flat[maps, (y + 1).clamp(max=h - 1), x] > flat[maps, (y - 1).clamp(min=0), x]
    return torch.stack((right, below), 1).to(heatmaps.dtype) * 0.5 - 0.25


def _pixels(heatmaps: Heatmaps) -> int:
    return heatmaps.shape[2] * heatmaps.shape[3]


def _local_maxima(heatmaps: Heatmaps, threshold: float, kernel: int) -> tuple[Tensor, Tensor]:
    """Places in the flattened maps, ascending, and the values there."""
    flat = heatmaps.view(-1)
    above = _above(flat, threshold)
    if above.numel() * DENSE_FROM > flat.numel():
        highest = F.max_pool2d(heatmaps, kernel, 1, kernel // 2).view(-1)
        above = ((flat > threshold) & (flat == highest)).nonzero().squeeze(1)
        return above, flat[above]
    for steps in _rounds(kernel // 2):
        above = above[_none_higher(heatmaps, above, steps)]
    return above, flat.take(above)


def _above(flat: Tensor, threshold: float) -> Tensor:
    """Places above the threshold, ascending; whole runs of pixels below it cost one comparison."""
    runs = flat.view(-1, math.gcd(flat.numel(), RUN))
    high = (runs.amax(1) > threshold).nonzero().squeeze(1)
    which, step = (runs.index_select(0, high) > threshold).nonzero().unbind(1)
    return high[which] * runs.shape[1] + step


def _rounds(reach: int) -> list[list[tuple[int, int]]]:
    """The (dy, dx) to all pixels in reach; the nearest rule out the most and come in rounds of their own."""
    span = range(-reach, reach + 1)
    window = [(dy, dx) for dy in span for dx in span if dy or dx]
    beside, over = [(0, -1), (0, 1)], [(-1, 0), (1, 0)]
    rest = [step for step in window if step not in beside + over]
    return [beside, over, rest] if window else []


def _none_higher(heatmaps: Heatmaps, places: Tensor, steps: list[tuple[int, int]]) -> Tensor:
    """Whether no pixel at these steps from each place, within the map, is higher: (P,) bool."""
    h, w = heatmaps.shape[2:]
    flat = heatmaps.view(-1)
    dy, dx = torch.tensor(steps, device=places.device).unbind(1)  # (S,)
    inside = torch.ones(len(places), len(steps), dtype=torch.bool, device=places.device)
    if dx.any():
        xx = (places % w)[:, None] + dx
        inside &= (xx >= 0) & (xx < w)
    if dy.any():
        yy = (places // w % h)[:, None] + dy
        inside &= (yy >= 0) & (yy < h)
    there = torch.where(inside, places[:, None] + (dy * w + dx), places[:, None])
    return (flat.take(there) <= flat.take(places)[:, None]).all(1)


def _highest(maps: Tensor, values: Tensor, count: int, most: int) -> Tensor:
    """Which to keep: the `most` highest of each map, by map and then from high to low."""
    order = values.argsort(descending=True, stable=True)
    order = order[maps[order].argsort(stable=True)]
    ordered = maps[order]
    first = torch.searchsorted(ordered, torch.arange(count, device=maps.device))
    rank = torch.arange(len(order), device=maps.device) - first[ordered]
    return order[rank < most]
