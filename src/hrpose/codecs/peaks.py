"""The peaks of heatmaps and the tags below them, found on the device of the maps."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from hrpose.codecs.runs import RUN, Runs
from hrpose.errors import DataError, ShapeError
from hrpose.types import Heatmaps, Tags

DENSE_FROM = 16  # above 1/16 of the pixels a max-pool over all of them is cheaper than a look at each


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


def check_shapes(heatmaps: Heatmaps, tags: tuple[Tags, ...]) -> None:
    """Raise ShapeError for maps that do not belong together."""
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


def check_finite(heatmaps: Runs, tags: Sequence[Runs]) -> None:
    """Raise DataError if a pixel is NaN or infinite; the answer crosses to the host once."""
    sources = (heatmaps, *tags)
    finite = torch.stack([source.total for source in sources]).isfinite().tolist()
    for number, (source, good) in enumerate(zip(sources, finite, strict=True)):
        if not good and not torch.isfinite(source.maps).all():
            what = f"tag map {number - 1} holds" if number else "heatmaps hold"
            raise DataError(
                f"{what} NaN or infinity, so no peak can be trusted; "
                "look for half precision that overflows, or for training that diverged"
            )


def find_peaks(
    heatmaps: Runs, tags: Sequence[Runs], *, threshold: float = 0.1, kernel: int = 5, most: int = 30
) -> Peaks:
    """Find where each heatmap is above `threshold` and nowhere higher within `kernel` x `kernel` pixels.

    Pixels of a flat top are all peaks, as with a max-pool. Only what is above the threshold is looked at.

    Args:
        heatmaps: of maps (N, K, h, w).
        tags: T, of maps (N, K, h, w) or (N, 1, h, w).
        threshold: heatmap values; above it, not at it.
        kernel: odd, pixels.
        most: peaks kept of each map, the highest.
    """
    maps = heatmaps.maps
    places = _local_maxima(heatmaps, threshold, kernel)
    values = maps.view(-1).take(places)
    kept = _highest(places // _pixels(maps), values, maps.shape[:2].numel(), most)
    places, values = places[kept], values[kept]
    which, y, x = _locate(places, maps)
    nudge = quarter_nudge(maps, which, y, x)
    read = [read_tag(tag.maps, which, y, x, maps.shape[1]) for tag in tags]
    return Peaks(which, x, y, nudge, values, torch.stack(read, 1))


def _locate(places: Tensor, heatmaps: Heatmaps) -> tuple[Tensor, Tensor, Tensor]:
    """Positions in the flattened heatmaps -> map, y, x."""
    width, pixels = heatmaps.shape[3], _pixels(heatmaps)
    within = places % pixels
    return places // pixels, within // width, within % width


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


def _local_maxima(heatmaps: Runs, threshold: float, kernel: int) -> Tensor:
    """Places in the flattened maps, ascending."""
    maps, reach = heatmaps.maps, kernel // 2
    places = _above(heatmaps, threshold, beside=reach > 0)
    if places.numel() * DENSE_FROM > maps.numel():
        highest = F.max_pool2d(maps, kernel, 1, reach)
        return ((maps > threshold) & (maps == highest)).view(-1).nonzero().squeeze(1)
    span = range(-reach, reach + 1)
    for steps in ([(dy, 0) for dy in span], [(dy, dx) for dy in span for dx in span if dx]):
        places = places[_none_higher(maps, places, steps)]
    return places


def _above(heatmaps: Runs, threshold: float, *, beside: bool) -> Tensor:
    """Places above the threshold, ascending; runs below it cost one comparison.

    beside: leave out what has a higher neighbour to the left or right in its run.
    """
    high = (heatmaps.high.view(-1) > threshold).nonzero().squeeze(1)
    pixels = heatmaps.pixels.index_select(0, high)
    found = pixels > threshold
    if beside:
        found[:, 1:] &= pixels[:, 1:] >= pixels[:, :-1]
        found[:, :-1] &= pixels[:, :-1] >= pixels[:, 1:]
    which, step = found.nonzero().unbind(1)
    run = high[which]
    width, across = heatmaps.maps.shape[3], heatmaps.high.shape[2]
    if width == across * RUN:
        return run * RUN + step
    x = run % across * RUN + step
    return (run // across * width + x)[x < width]


def _none_higher(heatmaps: Heatmaps, places: Tensor, steps: list[tuple[int, int]]) -> Tensor:
    """Whether no pixel at these steps from each place, within the map, is higher: (P,) bool."""
    (h, w), flat = heatmaps.shape[2:], heatmaps.view(-1)
    if not steps or not places.numel():
        return torch.ones_like(places, dtype=torch.bool)
    dy, dx = torch.tensor(steps, device=places.device).unbind(1)  # (S,)
    rows = places[:, None] // w
    y, x = rows % h + dy, places[:, None] - rows * w + dx
    inside = (y >= 0) & (y < h) & (x >= 0) & (x < w)
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
