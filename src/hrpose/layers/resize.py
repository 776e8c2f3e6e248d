"""Bring coarser maps to the size of a finer one."""

from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hrpose.errors import ConfigError, ShapeError
from hrpose.types import Pyramid

Upsample: TypeAlias = Literal["nearest", "bilinear"]


class ResizeTo(nn.Module):
    """Resize a map to a given size, not by a factor: so the finer branch has the last word on odd sizes.

    >>> ResizeTo("bilinear")(torch.ones(1, 8, 3, 3), (5, 6)).shape
    torch.Size([1, 8, 5, 6])
    """

    def __init__(self, upsample: Upsample = "nearest", *, align_corners: bool = False) -> None:
        super().__init__()
        if upsample not in ("nearest", "bilinear"):
            raise ConfigError(f"upsample={upsample!r} is not known; give 'nearest' or 'bilinear'")
        if align_corners and upsample == "nearest":
            raise ConfigError(
                "align_corners=True has no meaning with upsample='nearest'; give 'bilinear' or False"
            )
        self.upsample = upsample
        self.align_corners = align_corners if upsample == "bilinear" else None

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """(N, C, h, w) -> (N, C, *size)."""
        return F.interpolate(x, size, mode=self.upsample, align_corners=self.align_corners)

    def extra_repr(self) -> str:
        """Shown by print."""
        return self.upsample + (
            f", align_corners={self.align_corners}" if self.align_corners is not None else ""
        )


def check_branches(x: Pyramid, channels: tuple[int, ...], who: str) -> None:
    """Raise ShapeError unless `x` holds one map for each of `channels`, of that many channels."""
    check_pyramid(x, who)
    came = tuple(y.shape[1] for y in x)
    if came != channels:
        raise ShapeError(
            f"{who} got maps of {came} channels, but was made for {channels}; "
            f"give it a pyramid of those branches, finest first"
        )


def check_pyramid(x: Pyramid, who: str) -> None:
    """Raise ShapeError for one map in place of a list: its first image would pass for the finest branch."""
    if isinstance(x, Tensor):
        raise ShapeError(f"{who} got one map of {tuple(x.shape)}, but takes a list, finest first; give [map]")


def concat_at_finest(x: Pyramid, resize: ResizeTo) -> Tensor:
    """All branches at the size of the finest one, side by side: (N, sum of C_b, H / 4, W / 4).

    >>> concat_at_finest([torch.ones(1, 8, 4, 4), torch.ones(1, 16, 2, 2)], ResizeTo()).shape
    torch.Size([1, 24, 4, 4])
    """
    finest, *coarser = x
    return torch.cat([finest, *(resize(y, finest.shape[-2:]) for y in coarser)], dim=1)
