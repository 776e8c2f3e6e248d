"""Look for the keypoints that a person still misses, where heatmap and tag together are best.

Maps are cut into runs of pixels, and runs below each other make a tile. The highest heatmap value and the
range of the tags of a tile or run bound what any of its pixels can reach. So few pixels are ever looked at,
and yet the best of all is found.
"""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from hrpose.codecs.peaks import Peaks, quarter_nudge
from hrpose.codecs.runs import RUN, Runs

ROWS = 16  # runs of a tile
PEAKS = 32  # of a map, looked at before anything else
WISHES = 256  # looked for together on a CPU, so that what is made on the way stays in its cache
LOOK = 1024  # runs read together on a CPU, for the same reason
LOOK_ON_GPU = 1 << 18  # there it bounds the memory


class Found(NamedTuple):
    """The best pixel for each of Q wishes: x, y and values (Q,), nudge (Q, 2)."""

    x: Tensor
    y: Tensor
    values: Tensor
    nudge: Tensor


def find_by_tag(heatmaps: Runs, tags: Sequence[Runs], maps: Tensor, wanted: Tensor, peaks: Peaks) -> Found:
    """For each wish, find the first pixel where heatmap - round(distance to the wanted tag) is greatest.

    Args:
        heatmaps: of maps (N, K, h, w), finite.
        tags: T, of maps (N, K, h, w) or (N, 1, h, w), finite, with their lowest values.
        maps: (Q,) which heatmap, image * K + keypoint.
        wanted: (Q, T).
        peaks: of the heatmaps, any or none; the better they are, the sooner the search ends.
    """
    search = _Search(heatmaps, tags, maps, wanted)
    search.begin_with(peaks)
    for wishes in torch.split(
        torch.arange(len(maps), device=maps.device), len(maps) if maps.is_cuda else WISHES
    ):
        search.scan(wishes)
    y, x = search.place // search.width, search.place % search.width
    values = heatmaps.maps.flatten(0, 1)[maps, y, x]
    return Found(x, y, values, quarter_nudge(heatmaps.maps, maps, y, x))


class _Tiles:
    """A bound of each run and of each tile: runs (M * tiles, ROWS), whole (M, tiles)."""

    def __init__(self, table: Tensor, reduce: Callable[[Tensor, int], Tensor]) -> None:
        more = -table.shape[1] % ROWS
        rows = F.pad(table[:, None], (0, 0, 0, more), mode="replicate")[:, 0] if more else table
        tiled = rows.reshape(len(rows), -1, ROWS, rows.shape[2])  # (M, down, ROWS, across)
        self.runs, self.whole = tiled.transpose(2, 3).reshape(-1, ROWS), reduce(tiled, 2).flatten(1)


class _Source:
    """Maps, of which wish q looks at number `at[q]`."""

    def __init__(self, runs: Runs, at: Tensor) -> None:
        self.at, self.first = at, at * runs.high[0].numel()  # (Q,) the run that the wish's map begins with
        self.pixels, self.highest = runs.pixels, runs.high.view(-1)
        self.high, self.low = _Tiles(runs.high, torch.amax), _Tiles(runs.low, torch.amin)

    def read(self, wishes: Tensor, runs: Tensor) -> Tensor:
        """The pixels of one run a wish, (q, RUN)."""
        return self.pixels.index_select(0, self.first[wishes] + runs)


class _Search:
    """The best pixel so far of every wish; places count along rows that are filled up to whole runs."""

    def __init__(self, heatmaps: Runs, tags: Sequence[Runs], maps: Tensor, wanted: Tensor) -> None:
        keypoints, self.height = heatmaps.maps.shape[1:3]
        self.wanted, self.heatmaps = wanted, _Source(heatmaps, maps)
        self.tags = [_Source(t, maps if t.maps.shape[1] == keypoints else maps // keypoints) for t in tags]
        self.across, self.tiles = heatmaps.high.shape[2], self.heatmaps.high.whole.shape[1]
        self.width = self.across * RUN
        self.best = torch.full_like(wanted[:, 0], -torch.inf)
        self.place = torch.full_like(maps, self.height * self.width)

    def begin_with(self, peaks: Peaks) -> None:
        """Look at the highest peaks of each map."""
        if not peaks.maps.numel():
            return
        maps, rank = self.heatmaps.at[:, None], torch.arange(PEAKS, device=peaks.maps.device)
        which = (torch.searchsorted(peaks.maps, maps) + rank).clamp(max=peaks.maps.numel() - 1)  # (Q, PEAKS)
        tags = [tag[which] for tag in peaks.tags.unbind(1)]
        score = peaks.values[which] - self._distance(tags, self.wanted).round_()
        score.masked_fill_(peaks.maps[which] != maps, -torch.inf)
        self.best = score.amax(1)
        places = (peaks.y * self.width + peaks.x)[which]
        self.place = places.masked_fill(score < self.best[:, None], self.height * self.width).amin(1)

    def scan(self, wishes: Tensor) -> None:
        """Find the best pixel of these wishes, (q,)."""
        tiles = torch.arange(self.tiles, device=wishes.device)
        bounds = self._bounds(wishes, lambda table, at: table.whole[at])  # (q, tiles)
        runs, promise = self._open(wishes, bounds.argmax(1))
        self._look(wishes, runs.gather(1, promise.argmax(1, keepdim=True)).squeeze(1))
        which, tile = self._hopeful(wishes[:, None], bounds, self._runs(tiles)[:, 0]).nonzero().unbind(1)
        wishes = wishes[which]
        runs, bounds = self._open(wishes, tile)
        which, row = self._hopeful(wishes[:, None], bounds, runs).nonzero().unbind(1)
        self._look_at_all(wishes[which], runs[which, row], bounds[which, row])

    def _open(self, wishes: Tensor, tiles: Tensor) -> tuple[Tensor, Tensor]:
        """The runs of one tile a wish, and what they can reach, (q, ROWS) both."""
        bounds = self._bounds(wishes, lambda table, at: table.runs[at * self.tiles + tiles])
        return self._runs(tiles), bounds

    def _runs(self, tiles: Tensor) -> Tensor:
        """The runs of tiles, (q, ROWS); below the last row it is repeated, which does not change the best."""
        rows = (tiles // self.across * ROWS)[:, None] + torch.arange(ROWS, device=tiles.device)
        return rows.clamp(max=self.height - 1) * self.across + (tiles % self.across)[:, None]

    def _look_at_all(self, wishes: Tensor, runs: Tensor, bounds: Tensor) -> None:
        """Look at runs, those that promise most first, as long as they can win."""
        count = LOOK_ON_GPU if wishes.is_cuda else LOOK
        if len(bounds) > count:
            first = bounds.topk(count).indices
            self._look(wishes[first], runs[first])
            bounds[first] = -torch.inf
        for wish, run, bound in zip(
            *(torch.split(each, count) for each in (wishes, runs, bounds)), strict=True
        ):
            left = self._hopeful(wish, bound, run).nonzero().squeeze(1)
            self._look(wish[left], run[left])

    def _look(self, wishes: Tensor, runs: Tensor) -> None:
        """Look at each pixel of these runs, and keep what is better than the best so far."""
        distance = self._distance([tag.read(wishes, runs) for tag in self.tags], self.wanted[wishes])
        bounds = self.heatmaps.highest[self.heatmaps.first[wishes] + runs] - distance.amin(1).round_()
        near = (bounds >= self.best[wishes]).nonzero().squeeze(1)  # few: their heatmaps are read as well
        wishes, runs = wishes[near], runs[near]
        score = self.heatmaps.read(wishes, runs) - distance[near].round_()
        self._keep(wishes, score.amax(1), runs * RUN + score.argmax(1))

    def _keep(self, wishes: Tensor, scores: Tensor, places: Tensor) -> None:
        """Take over what is better than the best so far, or as good and further to the front."""
        before, nowhere = self.best, self.height * self.width
        self.best = before.scatter_reduce(0, wishes, scores, "amax")
        self.place.masked_fill_(self.best > before, nowhere)
        self.place.scatter_reduce_(0, wishes, places.masked_fill(scores < self.best[wishes], nowhere), "amin")

    def _hopeful(self, wishes: Tensor, bounds: Tensor, runs: Tensor) -> Tensor:
        """Where a bound says that there may be a better pixel, or as good a one further to the front."""
        best = self.best[wishes]
        return (bounds > best) | ((bounds == best) & (runs * RUN < self.place[wishes]))

    def _bounds(self, wishes: Tensor, read: Callable[[_Tiles, Tensor], Tensor]) -> Tensor:
        """What the pixels can reach whose bounds `read` picks from a table."""
        wanted = self.wanted[wishes]
        nearest = [
            own.clamp(read(tag.low, tag.at[wishes]), read(tag.high, tag.at[wishes]))
            for tag, own in zip(self.tags, torch.split(wanted, 1, 1), strict=True)
        ]
        high = read(self.heatmaps.high, self.heatmaps.at[wishes])
        return high - self._distance(nearest, wanted).round_()

    @staticmethod
    def _distance(tags: list[Tensor], wanted: Tensor) -> Tensor:
        """From tags, T of (q, P), to those wanted, (q, T); one order of operations keeps bounds exact."""
        squares = ((tag - own).square_() for tag, own in zip(tags, torch.split(wanted, 1, 1), strict=True))
        return functools.reduce(Tensor.add_, squares).sqrt_()
