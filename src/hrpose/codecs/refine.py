"""Look for the keypoints that a person still misses, where heatmap and tag together are best.

Each heatmap is cut into tiles. The highest value and the range of the tags of a tile bound what any of
its pixels can reach, so most tiles are never looked into, and yet the best pixel of all is found.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from hrpose.codecs.peaks import quarter_nudge
from hrpose.types import Heatmaps, Tags

TILE = 16  # pixels on a side
FIRST_LOOK = 4  # tiles read at first; three times as many each time after it
SHORT_LIST = 52  # tiles ranked at first, 4 + 12 + 36; all only where none of these wins for certain


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
    open_wishes = search.scan(torch.arange(len(maps), device=maps.device), 0, SHORT_LIST)
    search.scan(open_wishes, SHORT_LIST, search.starts.numel())
    y, x = search.place // heatmaps.shape[3], search.place % heatmaps.shape[3]
    values = heatmaps.flatten(0, 1)[maps, y, x]
    return Found(x, y, values, quarter_nudge(heatmaps, maps, y, x))


class _Search:
    """The best pixel so far of every wish, and what each tile could reach."""

    def __init__(self, heatmaps: Heatmaps, tags: tuple[Tags, ...], maps: Tensor, wanted: Tensor) -> None:
        keypoints, (self.height, self.width) = heatmaps.shape[1], heatmaps.shape[2:]
        self.heatmaps = heatmaps.view(-1)
        self.tags = [tag.reshape(-1) for tag in tags]
        self.maps, self.wanted = maps, wanted
        self.tag_maps = [maps if tag.shape[1] == keypoints else maps // keypoints for tag in tags]
        self.across = -(-self.width // TILE)
        self.span = min(TILE, self.width)
        self.bounds = self._bounds(heatmaps, tags)  # (Q, S) in float32, never too low
        tile = torch.arange(self.bounds.shape[1], device=maps.device)
        self.starts = tile // self.across * TILE * self.width + tile % self.across * TILE  # (S,) first pixel
        self.best = torch.full_like(wanted[:, 0], -torch.inf)
        self.place = torch.full_like(maps, self.height * self.width)

    def _bounds(self, heatmaps: Heatmaps, tags: tuple[Tags, ...]) -> Tensor:
        gaps = []
        for tag, maps, wanted in zip(tags, self.tag_maps, self.wanted.unbind(1), strict=True):
            low, high = of_needed(tag, maps, lowest, highest)
            gaps.append((low - wanted[:, None]).clamp(min=0) + (wanted[:, None] - high).clamp(min=0))
        (peak,) = of_needed(heatmaps, self.maps, highest)
        bounds = peak - _rounded_distance(gaps)
        if bounds.dtype == torch.float32:
            return bounds
        return bounds.float().nextafter(bounds.new_tensor(torch.inf, dtype=torch.float32))

    def scan(self, wishes: Tensor, first: int, end: int) -> Tensor:
        """Read the tiles that rank from `first` to `end` by their bounds, until no later one can win.

        Returns: the wishes for which one still could.
        """
        end = min(end, self.starts.numel())
        listed = min(end + 1, self.starts.numel())  # the one after the last says whether to go on
        ranked = _sortable(self.bounds[wishes]).topk(listed, 1).indices
        count = FIRST_LOOK
        while wishes.numel() and first < end:
            last = min(first + count, end)
            self._look(wishes, ranked[:, first:last])
            if last == self.starts.numel():
                return wishes[:0]
            after = ranked[:, last]
            bound, best = self.bounds[wishes, after], self.best[wishes]
            hopeful = (bound > best) | ((bound == best) & (self.starts[after] < self.place[wishes]))
            wishes, ranked = wishes[hopeful], ranked[hopeful]
            first, count = last, count * 3
        return wishes

    def _look(self, wishes: Tensor, tiles: Tensor) -> None:
        """Read these tiles (q, c), and keep what is better than the best so far."""
        score, starts = self._read(wishes, tiles)
        top = score.amax(1)
        rising = (top >= self.best[wishes]).nonzero().squeeze(1)  # after the first round few
        wishes, score, top = wishes[rising], score[rising], top[rising]
        pixels = starts[rising][:, :, None] + torch.arange(self.span, device=starts.device)
        place = torch.where(score == top[:, None], pixels.flatten(1), self.height * self.width).amin(1)
        self.place[wishes] = torch.where(top > self.best[wishes], place, place.minimum(self.place[wishes]))
        self.best[wishes] = top

    def _read(self, wishes: Tensor, tiles: Tensor) -> tuple[Tensor, Tensor]:
        """The score of every pixel of these tiles, (q, P), and where each run of them starts, (q, R)."""
        rows = torch.arange(TILE, device=tiles.device)
        y = (tiles // self.across * TILE)[:, :, None] + rows  # (q, c, rows)
        x = (tiles % self.across * TILE)[:, :, None]
        # at the border rows are read twice, and neighbours too: neither changes the best
        starts = (y.clamp(max=self.height - 1) * self.width + x.clamp(max=self.width - self.span)).flatten(1)
        gaps = [
            self._runs(tag, which[wishes], starts) - wanted[:, None]
            for tag, which, wanted in zip(
                self.tags, self.tag_maps, self.wanted[wishes].unbind(1), strict=True
            )
        ]
        return self._runs(self.heatmaps, self.maps[wishes], starts) - _rounded_distance(gaps), starts

    def _runs(self, maps: Tensor, which: Tensor, starts: Tensor) -> Tensor:
        """`span` values of a row from each start in one map a wish, (q, R) -> (q, R * span)."""
        starts = starts + which[:, None] * (self.height * self.width)
        return maps.unfold(0, self.span, 1).index_select(0, starts.flatten()).view(len(which), -1)


def _sortable(bounds: Tensor) -> Tensor:
    """Whole numbers in the order of the bounds (Q, S); of equal bounds the earlier tile has the higher."""
    bits = (bounds + 0.0).view(torch.int32).long()  # + 0.0 makes one zero of the two
    rising = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
    return (rising << 32) - torch.arange(bounds.shape[1], device=bounds.device)


def _rounded_distance(gaps: list[Tensor]) -> Tensor:
    """The length of the vectors whose components these are; one order of operations keeps bounds exact."""
    total = gaps[0].square()
    for gap in gaps[1:]:
        total = total + gap.square()
    return total.sqrt().round()


def of_needed(maps: Tensor, which: Tensor, *summaries: Callable[[Tensor], Tensor]) -> list[Tensor]:
    """Each summary of the maps named by `which` (Q,), counted image by image: (N, C, h, w) -> (Q, S) each."""
    flat = maps.flatten(0, 1)
    needed, place = torch.unique(which, return_inverse=True)
    # one map at a time stays in the cache of a CPU; a GPU prefers to be started once
    parts = [flat[needed]] if flat.is_cuda else [flat[i : i + 1] for i in needed.tolist()]
    made = zip(*([summary(part) for summary in summaries] for part in parts), strict=True)
    return [torch.cat(rows)[place] for rows in made]


def highest(maps: Tensor) -> Tensor:
    """The highest value in each tile, row by row: (M, h, w) -> (M, S).

    >>> highest(torch.arange(20.0).view(1, 1, 20))
    tensor([[15., 19.]])
    """
    return F.max_pool1d(_reduce_rows(maps, torch.amax), TILE, ceil_mode=True).flatten(1)


def lowest(maps: Tensor) -> Tensor:
    """The lowest value in each tile, as `highest`."""
    return -F.max_pool1d(-_reduce_rows(maps, torch.amin), TILE, ceil_mode=True).flatten(1)


def _reduce_rows(maps: Tensor, reduce: Callable[..., Tensor]) -> Tensor:
    """Each TILE rows as one, (M, h, w) -> (M, ceil(h / TILE), w); the last may stand for fewer."""
    count, height, width = maps.shape
    whole = height // TILE * TILE
    parts = [reduce(maps[:, :whole].view(count, -1, TILE, width), 2)] if whole else []
    parts += [reduce(maps[:, whole:], 1, keepdim=True)] if whole < height else []
    return torch.cat(parts, 1) if len(parts) > 1 else parts[0]
