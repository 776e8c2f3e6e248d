"""The head of the V1 pose nets: one convolution on the finest branch."""

from collections.abc import Sequence

from torch import nn

from hrpose.layers.checks import branch_channels, check_kernel, check_out_channels
from hrpose.layers.init import init_normal
from hrpose.layers.resize import check_branches
from hrpose.types import Heatmaps, Pyramid


class HRNetV1Head(nn.Module):
    """Finest branch -> heatmaps at its size, by one convolution.

    Args:
        in_channels: channels of each branch, finest first, as other heads take them, or of branch 0 alone;
            the other branches are not read.
        out_channels: heatmaps, mostly one a keypoint.
        kernel: 1 in all published weights.
    Raises: ConfigError for an even kernel, or channels that are no numbers; ShapeError, when called, for
        another finest branch.
    Source: Sun et al., CVPR 2019.

    >>> import torch
    >>> HRNetV1Head(32, 17)([torch.zeros(1, 32, 16, 12)]).shape
    torch.Size([1, 17, 16, 12])
    """

    def __init__(self, in_channels: int | Sequence[int], out_channels: int, *, kernel: int = 1) -> None:
        super().__init__()
        check_kernel(kernel)
        check_out_channels(out_channels)
        self.in_channels = branch_channels(in_channels)[:1]
        self.conv = nn.Conv2d(self.in_channels[0], out_channels, kernel, padding=kernel // 2)
        init_normal(self)

    def forward(self, x: Pyramid) -> Heatmaps:
        """Pyramid -> (N, out_channels, H / 4, W / 4), no activation."""
        check_branches(x[:1], self.in_channels, "HRNetV1Head")
        return self.conv(x[0])
