"""The head of the V1 pose nets: one convolution on the finest branch."""

from torch import nn

from hrpose.layers.checks import check_kernel
from hrpose.layers.init import init_normal
from hrpose.types import Heatmaps, Pyramid


class HRNetV1Head(nn.Module):
    """Finest branch -> heatmaps at its size, by one convolution.

    Args:
        in_channels: channels of branch 0; the other branches are not read.
        out_channels: heatmaps, mostly one a keypoint.
        kernel: 1 in all published weights.
    Raises: ConfigError for an even kernel.
    Source: Sun et al., CVPR 2019.

    >>> import torch
    >>> HRNetV1Head(32, 17)([torch.zeros(1, 32, 16, 12)]).shape
    torch.Size([1, 17, 16, 12])
    """

    def __init__(self, in_channels: int, out_channels: int, *, kernel: int = 1) -> None:
        super().__init__()
        check_kernel(kernel)
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)
        init_normal(self)

    def forward(self, x: Pyramid) -> Heatmaps:
        """Pyramid -> (N, out_channels, H / 4, W / 4), no activation."""
        return self.conv(x[0])
