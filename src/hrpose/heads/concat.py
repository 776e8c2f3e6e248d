"""The heads of the V2 nets: all branches, upsampled to the finest and put side by side."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from hrpose.errors import ConfigError
from hrpose.layers.checks import branch_channels, check_kernel, check_out_channels
from hrpose.layers.init import init_normal, set_bn_momentum
from hrpose.layers.resize import ResizeTo, check_branches, concat_at_finest
from hrpose.types import Pyramid


class HRNetV2Head(nn.Module):
    """All branches -> maps at the finest size: face landmarks, hands, segmentation.

    Args:
        in_channels: channels of each branch, finest first.
        out_channels: one a landmark or class.
        kernel: of the last convolution.
        hidden: channels between the two convolutions; as many as come in if None.
        align_corners: of the upsampling, which is bilinear always.
        bn_momentum: 0.01 in the face code and the older segmentation code.
    Raises: ConfigError for an even kernel, or channels that are no numbers; ShapeError, when called, for
        other branches.
    Source: Wang et al., PAMI 2020, "HRNetV2".

    >>> import torch
    >>> HRNetV2Head((18, 36), 98)([torch.zeros(1, 18, 9, 7), torch.zeros(1, 36, 5, 4)]).shape
    torch.Size([1, 98, 9, 7])
    """

    def __init__(
        self,
        in_channels: int | Sequence[int],
        out_channels: int,
        *,
        kernel: int = 1,
        hidden: int | None = None,
        align_corners: bool = False,
        bn_momentum: float = 0.1,
    ) -> None:
        super().__init__()
        check_kernel(kernel)
        check_out_channels(out_channels)
        self.in_channels = branch_channels(in_channels)
        width = sum(self.in_channels)
        hidden = hidden or width
        self.resize = ResizeTo("bilinear", align_corners=align_corners)
        # the bias before the batch norm changes nothing, but the published weights have it
        self.mix = nn.Sequential(nn.Conv2d(width, hidden, 1), nn.BatchNorm2d(hidden), nn.ReLU())
        self.conv = nn.Conv2d(hidden, out_channels, kernel, padding=kernel // 2)
        init_normal(self)
        set_bn_momentum(self, bn_momentum)

    def forward(self, x: Pyramid) -> Tensor:
        """Pyramid -> (N, out_channels, H / 4, W / 4), no activation."""
        check_branches(x, self.in_channels, "HRNetV2Head")
        return self.conv(self.mix(concat_at_finest(x, self.resize)))


class HRNetV2pHead(nn.Module):
    """All branches -> a feature pyramid for detectors: one width, each level half the size of the one before.

    Args:
        in_channels: channels of each branch, finest first.
        out_channels: of every level.
        levels: level k has stride 4 * 2**k.
        align_corners: of the bilinear upsampling.
    Raises: ConfigError for fewer than one level, or channels that are no numbers; ShapeError, when called,
        for other branches.
    Source: Wang et al., PAMI 2020, "HRNetV2p".

    >>> import torch
    >>> pyramid = HRNetV2pHead((18, 36), 32, levels=3)([torch.zeros(1, 18, 9, 7), torch.zeros(1, 36, 5, 4)])
    >>> [tuple(y.shape) for y in pyramid]
    [(1, 32, 9, 7), (1, 32, 5, 4), (1, 32, 3, 2)]
    """

    def __init__(
        self,
        in_channels: int | Sequence[int],
        out_channels: int = 256,
        *,
        levels: int = 5,
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        if levels < 1:
            raise ConfigError(f"levels={levels}, but a pyramid has one at least; give 1 or more")
        check_out_channels(out_channels)
        self.in_channels = branch_channels(in_channels)
        self.resize = ResizeTo("bilinear", align_corners=align_corners)
        self.reduce = nn.Conv2d(sum(self.in_channels), out_channels, 1)
        self.levels = nn.ModuleList(
            nn.Conv2d(out_channels, out_channels, 3, padding=1) for _ in range(levels)
        )
        init_normal(self)

    def forward(self, x: Pyramid) -> Pyramid:
        """Pyramid -> pyramid of `levels` maps, (N, out_channels, H / 4 / 2**k, W / 4 / 2**k)."""
        check_branches(x, self.in_channels, "HRNetV2pHead")
        mixed = self.reduce(concat_at_finest(x, self.resize))
        return [conv(average(mixed, 2**k)) for k, conv in enumerate(self.levels)]


def average(x: Tensor, stride: int) -> Tensor:
    """The mean of each stride x stride square; what is left at the border counts too, as in the backbone."""
    return F.avg_pool2d(x, stride, ceil_mode=True)
