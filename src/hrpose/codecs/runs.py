"""Maps cut into runs of pixels, and the range of each run: what a search can pass over at once."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

RUN = 64  # pixels; reductions over fewer are slower on a CPU


class Runs(NamedTuple):
    """Maps (N, C, h, w), of which M = N * C, in runs of RUN pixels of a row.

    maps: as given, contiguous.
    pixels: (M * h * across, RUN). Where a row ends within a run, its last pixel is repeated.
    high, low: (M, h, across), the range of each run; low is as high where nobody asked for it.
    total: a number that is finite only if all pixels are, but may overflow if they are.
    """

    maps: Tensor
    pixels: Tensor
    high: Tensor
    low: Tensor
    total: Tensor


def cut(maps: Tensor, *, low: bool = False) -> Runs:
    """Cut maps (N, C, h, w), contiguous, into runs; `low` says whether to look for the lowest values too.

    >>> runs = cut(torch.arange(140.0).view(1, 1, 2, 70), low=True)
    >>> runs.low.tolist(), runs.high.tolist()
    ([[[0.0, 64.0], [70.0, 134.0]]], [[[63.0, 69.0], [133.0, 139.0]]])
    """
    height, width = maps.shape[2:]
    whole = F.pad(maps, (0, -width % RUN, 0, 0), mode="replicate") if width % RUN else maps
    rows = whole.view(-1, height, whole.shape[3] // RUN, RUN)
    # one map at a time stays in the cache of a CPU for the second look; a GPU prefers to be started once
    parts = (rows,) if rows.is_cuda or not len(rows) else torch.split(rows, 1)
    highs, others = [], []
    for part in parts:
        highs.append(part.amax(3))
        others.append(part.amin(3) if low else part.sum())
    high = torch.cat(highs)
    if not low:
        return Runs(maps, rows.view(-1, RUN), high, high, torch.stack(others).sum())
    lowest = torch.cat(others)
    return Runs(maps, rows.view(-1, RUN), high, lowest, high.sum() + lowest.sum())
