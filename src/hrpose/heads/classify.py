"""The head with which HRNets are trained on ImageNet."""

import itertools
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from hrpose.errors import ConfigError
from hrpose.layers.blocks import Bottleneck
from hrpose.layers.checks import branch_channels
from hrpose.layers.init import init_kaiming
from hrpose.layers.resize import check_branches
from hrpose.types import Pyramid


class ClassificationHead(nn.Module):
    """All branches -> logits: widen each, sum from fine to coarse, pool, classify.

    Args:
        in_channels: channels of each branch, finest first.
        num_classes: 1000 for ImageNet weights.
        widths: of the bottleneck on each branch, which gives out four times as many channels.
        hidden: channels that are pooled.
    Raises: ConfigError unless there is one width a branch, or for channels that are no numbers; ShapeError,
        when called, for other branches.
    Source: Wang et al., PAMI 2020, "HRNet-Wx-C"; as in timm.

    >>> import torch
    >>> head = ClassificationHead((8, 16), 10, widths=(4, 8), hidden=64)
    >>> head([torch.zeros(2, 8, 9, 7), torch.zeros(2, 16, 5, 4)]).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        in_channels: int | Sequence[int],
        num_classes: int = 1000,
        *,
        widths: Sequence[int] = (32, 64, 128, 256),
        hidden: int = 2048,
    ) -> None:
        super().__init__()
        self.in_channels = branch_channels(in_channels)
        if len(widths) != len(self.in_channels):
            raise ConfigError(
                f"widths={tuple(widths)}, but there are {len(self.in_channels)} branches; give one for each"
            )
        wide = [width * Bottleneck.expansion for width in widths]
        units = (nn.Sequential(Bottleneck(c, w)) for c, w in zip(self.in_channels, widths, strict=True))
        self.increase = nn.ModuleList(units)
        self.downsample = nn.ModuleList(
            biased_conv_bn(a, b, 3, stride=2) for a, b in itertools.pairwise(wide)
        )
        self.final = biased_conv_bn(wide[-1], hidden, 1)
        self.classifier = nn.Linear(hidden, num_classes)
        init_kaiming(self)

    def forward(self, x: Pyramid) -> Tensor:
        """Pyramid -> logits (N, num_classes)."""
        return self.classifier(self.pre_logits(x))

    def increased(self, x: Pyramid) -> Pyramid:
        """Each branch, widened: the features that timm calls 1 to 4."""
        check_branches(x, self.in_channels, "ClassificationHead")
        return [unit(x_b) for unit, x_b in zip(self.increase, x, strict=True)]

    def final_map(self, x: Pyramid) -> Tensor:
        """Pyramid -> (N, hidden, h, w) at the size of the coarsest branch."""
        summed, *coarser = self.increased(x)
        for down, y in zip(self.downsample, coarser, strict=True):
            summed = y + down(summed)
        return self.final(summed)

    def pre_logits(self, x: Pyramid) -> Tensor:
        """Pyramid -> (N, hidden), the mean over the final map."""
        return F.adaptive_avg_pool2d(self.final_map(x), 1).flatten(1)


def biased_conv_bn(in_channels: int, channels: int, kernel: int, *, stride: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU; the bias is idle before a batch norm, but published weights have it."""
    conv = nn.Conv2d(in_channels, channels, kernel, stride, kernel // 2)
    return nn.Sequential(conv, nn.BatchNorm2d(channels), nn.ReLU())
