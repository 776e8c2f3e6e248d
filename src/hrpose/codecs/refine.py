"""Look for the keypoints that a person still misses, where heatmap and tag together are best.

Each heatmap is cut into tiles. The highest value and the range of the tags of a tile bound what any of
its pixels can reach, so most tiles are never looked into, and yet the best pixel of all is found.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from hrpose.codecs.peaks import quarter_nudge
from hrpose.types import Heatmaps, Tags

TILE = 16  # pixels on a side
FIRST_LOOK = 4  # tiles looked into in the first round; twice as many in each round after it
TIE = 1e-9  # of equal bounds the earlier tile comes first; far below what a bound is rounded to


class Found(NamedTuple):
    """The best pixel for each of Q wishes: x, y and values (Q,), nudge (Q, 2)."""

    x: Tensor
    y: Tensor
    values: Tensor
    nudge: Tensor


def find_by_tag(heatmaps: Heatmaps, tags: tuple[Tags, ...], maps: Tensor, wanted: Tensor) -> Found:
    """For each wish, find the first pixel where heatmap - round(distance to the wanted tag) is greatest.

    Args:
        heatmaps: (N, K, h, w), contiguous and finite.
        tags: T maps (N, K, h, w) or (N, 1, h, w), contiguous and finite.
        maps: (Q,) which heatmap, image * K + keypoint.
        wanted: (Q, T).
    """
    search = _Search(heatmaps, tags, maps, wanted)
    count = FIRST_LOOK
    while search.open.numel():
        search.look(count)
        count *= 2
    y, x = search.place // heatmaps.shape[3], search.place % heatmaps.shape[3]
    values = heatmaps.flatten(0, 1)[maps, y, x]
    return Found(x, y, values, quarter_nudge(heatmaps, maps, y, x))


class _Search:
    """The best pixel so far of every wish, and what its unread tiles could still reach."""

    def __init__(self, heatmaps: Heatmaps, tags: tuple[Tags, ...], maps: Tensor, wanted: Tensor) -> None:
        keypoints, (self.height, self.width) = heatmaps.shape[1], heatmaps.shape[2:]
        self.heatmaps = heatmaps.view(-1)
        self.tags = [tag.reshape(-1) for tag in tags]
        self.maps, self.wanted = maps, wanted
        self.tag_maps = [maps if tag.shape[1] == keypoints else maps // keypoints for tag in tags]
        self.across = -(-self.width // TILE)
        self.span = min(TILE, self.width)
        self.bounds = self._bounds(heatmaps, tags)  # (Q, S), -inf once read
        tile = torch.arange(self.bounds.shape[1], device=maps.device)
        self.starts = tile // self.across * TILE * self.width + tile % self.across * TILE  # (S,) first pixel
        self.best = torch.full_like(wanted[:, 0], -torch.inf)
        self.place = torch.full_like(maps, self.height * self.width)
        self.open = torch.arange(len(maps), device=maps.device)

    def _bounds(self, heatmaps: Heatmaps, tags: tuple[Tags, ...]) -> Tensor:
        gaps = []
        for tag, which, wanted in zip(tags, self.tag_maps, self.wanted.unbind(1), strict=True):
            low, high = (tile_extremes(tag, largest=largest)[which] for largest in (False, True))  # (Q, S)
            gaps.append((low - wanted[:, None]).clamp(min=0) + (wanted[:, None] - high).clamp(min=0))
        return tile_extremes(heatmaps, largest=True)[self.maps] - _rounded_distance(gaps)

    def look(self, count: int) -> None:
        """Read the most promising `count` tiles of every open wish, and close those that can only lose."""
        wishes, bounds = self.open, self.bounds[self.open]
        ranks = torch.arange(bounds.shape[1], device=bounds.device)
        tiles = (bounds.double() - ranks * TIE).topk(min(count, bounds.shape[1]), 1).indices  # (q, c)
        score, place = self._read(wishes, tiles)
        better = (score > self.best[wishes]) | ((score == self.best[wishes]) & (place < self.place[wishes]))
        self.best[wishes] = best = torch.where(better, score, self.best[wishes])
        self.place[wishes] = place = torch.where(better, place, self.place[wishes])
        self.bounds[wishes] = bounds = bounds.scatter(1, tiles, -torch.inf)
        hopeful = (bounds > best[:, None]) | ((bounds == best[:, None]) & (self.starts < place[:, None]))
        self.open = wishes[hopeful.any(1)]

    def _read(self, wishes: Tensor, tiles: Tensor) -> tuple[Tensor, Tensor]:
        """The best score within these tiles of each wish, and the first pixel that has it: (q,), (q,)."""
        y = (tiles // self.across * TILE)[:, :, None] + torch.arange(
            TILE, device=tiles.device
        )  # (q, c, rows)
        x = (tiles % self.across * TILE)[:, :, None]
        # at the border rows are read twice, and neighbours too: neither changes the best
        starts = (y.clamp(max=self.height - 1) * self.width + x.clamp(max=self.width - self.span)).flatten(1)
        gaps = [
            self._runs(tag, which[wishes], starts) - wanted[:, None]
            for tag, which, wanted in zip(
                self.tags, self.tag_maps, self.wanted[wishes].unbind(1), strict=True
            )
        ]
        score = self._runs(self.heatmaps, self.maps[wishes], starts) - _rounded_distance(gaps)
        best = score.amax(1)
        place = (starts[:, :, None] + torch.arange(self.span, device=starts.device)).flatten(1)
        return best, torch.where(score == best[:, None], place, self.height * self.width).amin(1)

    def _runs(self, maps: Tensor, which: Tensor, starts: Tensor) -> Tensor:
        """`span` values of a row from each start in one map a wish, (q, R) -> (q, R * span)."""
        starts = starts + which[:, None] * (self.height * self.width)
        return maps.unfold(0, self.span, 1).index_select(0, starts.flatten()).view(len(which), -1)


def _rounded_distance(gaps: list[Tensor]) -> Tensor:
    """The length of the vectors whose components these are; one order of operations keeps bounds exact."""
    total = gaps[0].square()
    for gap in gaps[1:]:
        total = total + gap.square()
    return total.sqrt().round()


def tile_extremes(maps: Tensor, *, largest: bool) -> Tensor:
    """The largest (or smallest) value in each tile of each map, (N, C, h, w) -> (N * C, tiles).

    >>> tile_extremes(torch.arange(20.0).view(1, 1, 1, 20), largest=True)
    tensor([[15., 19.]])
    """
    reduce, nothing = (torch.amax, -torch.inf) if largest else (torch.amin, torch.inf)
    flat = maps.flatten(0, 1)
    whole = flat.shape[1] // TILE * TILE  # rows that fill tiles; the rest makes lower ones
    parts = [reduce(flat[:, :whole].view(len(flat), -1, TILE, flat.shape[2]), 2)] if whole else []
    parts += [reduce(flat[:, whole:], 1, keepdim=True)] if whole < flat.shape[1] else []
    rows = F.pad(torch.cat(parts, 1), (0, -flat.shape[2] % TILE), value=nothing)  # (N C, down, w)
    return reduce(rows.view(*rows.shape[:2], -1, TILE), 3).flatten(1)
