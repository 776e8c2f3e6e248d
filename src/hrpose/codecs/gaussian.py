"""Points to heatmaps: where a Gaussian lies, which of its pixels are drawn, and when it counts."""

from typing import NamedTuple

import torch
from torch import Tensor

from hrpose.types import Heatmaps, Points, Scores, Size


class Window(NamedTuple):
    """The square of pixels that a Gaussian is drawn on, and its middle, each (N, K, 2) as (x, y)."""

    first: Tensor
    end: Tensor  # the first pixel after it
    middle: Tensor

    def meets(self, size: Size) -> Tensor:
        """(N, K): does it reach the map? One that only touches it does, as in the reference codes."""
        return ((self.first < _extent(self.first, size)) & (self.end >= 0)).all(2)  # False where NaN


WINDOWS = ("original", "exact")


def window(cells: Points, sigma: float, kind: str = "original") -> Window:
    """Three sigmas to either side of whole pixels `cells`.

    The reference codes cut the corners toward zero and count the middle from the first pixel. With a
    sigma for which 3 * sigma is not whole, a Gaussian across the upper or left border so moves by a pixel.
    The kind "exact" takes the pixels within three sigmas and leaves the middle alone; where 3 * sigma is
    whole the two are the same.
    """
    radius = 3 * sigma
    if kind == "exact":
        return Window(torch.ceil(cells - radius), torch.floor(cells + radius) + 1, cells)
    first = torch.trunc(cells - radius)
    return Window(first, torch.trunc(cells + radius + 1), first + (2 * radius + 1) // 2)


def draw(middle: Points, drawn: Tensor, size: Size, sigma: float, within: Window | None = None) -> Heatmaps:
    """Gaussians of height 1 around `middle` (N, K, 2); empty where `drawn` (N, K) is False.

    Args:
        middle: in heatmap pixels, between them or not.
        drawn: False leaves the map empty, whatever stands in `middle`.
        size: of the maps, (height, width).
        sigma: heatmap pixels.
        within: the pixels to draw on; None draws on the whole map.
    Returns: (N, K, h, w), in the dtype of `middle`.
    """
    safe = torch.where(drawn[..., None], middle, 0)
    sides = []
    for axis, length in enumerate((size[1], size[0])):
        pixels = torch.arange(length, dtype=middle.dtype, device=middle.device)
        side = torch.exp(-((pixels - safe[..., axis, None]) ** 2) / (2 * sigma**2))  # (N, K, length)
        if within is not None:
            inside = (pixels >= within.first[..., axis, None]) & (pixels < within.end[..., axis, None])
            side = side * inside
        sides.append(side)
    across, down = sides
    return (down * drawn[..., None])[..., :, None] * across[..., None, :]


def weigh(visible: Scores, meets: Tensor, *, keep_hidden: bool) -> tuple[Scores, Tensor]:
    """Which keypoints count and which are drawn, both (N, K).

    Args:
        visible: more than a half is drawn; the value is the weight.
        meets: False sets the weight to 0.
        keep_hidden: as mmpose has it, less than a half is passed over, weight and all, and a half is drawn.
    """
    if not keep_hidden:
        weights = visible * meets
        return weights, weights > 0.5
    drawn = (visible >= 0.5) & meets
    return torch.where(visible < 0.5, visible, visible * meets), drawn


def _extent(like: Tensor, size: Size) -> Tensor:
    return like.new_tensor((size[1], size[0]))
