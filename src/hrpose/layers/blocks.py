"""The small parts: convolution with batch norm, and the residual units built from it."""

from typing import ClassVar, Literal, TypeAlias

import torch.nn.functional as F
from torch import Tensor, nn

from hrpose.errors import UnknownNameError, nearest
from hrpose.layers.checks import check_rate

Attention: TypeAlias = Literal["se"]


def conv_bn(
    in_channels: int, channels: int, kernel: int, *, stride: int = 1, relu: bool = True
) -> nn.Sequential:
    """Convolution without bias, batch norm and, unless told otherwise, ReLU.

    The padding keeps the size at stride 1 and gives ceil(size / 2) at stride 2.

    >>> [type(part).__name__ for part in conv_bn(3, 64, 3, stride=2)]
    ['Conv2d', 'BatchNorm2d', 'ReLU']
    """
    conv = nn.Conv2d(in_channels, channels, kernel, stride, kernel // 2, bias=False)
    norm = nn.BatchNorm2d(channels)
    return nn.Sequential(conv, norm, nn.ReLU()) if relu else nn.Sequential(conv, norm)


class SqueezeExcite(nn.Module):
    """Scale each channel by a gate in 0..1 read off the mean of all channels.

    >>> import torch
    >>> SqueezeExcite(32)(torch.ones(1, 32, 6, 5)).shape
    torch.Size([1, 32, 6, 5])

    Source: Hu et al., CVPR 2018; the gate has channels / reduction hidden units, 8 at least.
    """

    def __init__(self, channels: int, *, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(8, channels // reduction)
        self.squeeze = nn.Conv2d(channels, hidden, 1)
        self.excite = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        means = x.mean((2, 3), keepdim=True)  # (N, C, 1, 1)
        return x * self.excite(F.relu(self.squeeze(means))).sigmoid()


class DropPath(nn.Module):
    """In training, leave out the whole residual of an image with the chance `rate`.

    What stays is divided by 1 - rate, so that the expected value is that of evaluation.

    >>> import torch
    >>> DropPath(0.5).eval()(torch.ones(2, 1))
    tensor([[1.],
            [1.]])

    Source: Huang et al., ECCV 2016, "Deep Networks with Stochastic Depth".
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        check_rate("drop_path", rate)
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) -> (N, ...)."""
        if not self.training:
            return x
        kept = x.new_empty(x.shape[0], *[1] * (x.ndim - 1)).bernoulli_(1 - self.rate)  # (N, 1, 1, 1)
        return x * kept / (1 - self.rate)

    def extra_repr(self) -> str:
        """Shown by print."""
        return f"rate={self.rate}"


ATTENTIONS: dict[str, type[SqueezeExcite]] = {"se": SqueezeExcite}


def attend(name: str | None, channels: int) -> nn.Module:
    """The attention layer called `name`, or none.

    Raises: UnknownNameError, with the nearest names.
    """
    if name is None:
        return nn.Identity()
    if name not in ATTENTIONS:
        raise UnknownNameError(f"attention={name!r} is not known; {nearest(name, ATTENTIONS)}")
    return ATTENTIONS[name](channels)


def fit(in_channels: int, channels: int, stride: int) -> nn.Module:
    """The shortcut round a residual: nothing where the shape stays, else a 1x1 projection."""
    if stride == 1 and in_channels == channels:
        return nn.Identity()
    return conv_bn(in_channels, channels, 1, stride=stride, relu=False)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions round a shortcut: relu(shortcut(x) + residual(x)).

    >>> import torch
    >>> BasicBlock(32, 64, stride=2)(torch.ones(2, 32, 8, 6)).shape
    torch.Size([2, 64, 4, 3])

    Source: He et al., CVPR 2016.
    """

    expansion: ClassVar[int] = 1  # channels out for each of `channels`

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int = 1,
        *,
        attention: Attention | None = None,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.attention = attend(attention, channels)
        self.drop_path = DropPath(drop_path) if drop_path else nn.Identity()
        self.shortcut = fit(in_channels, channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> (N, channels, ceil(H / stride), ceil(W / stride))."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(self.shortcut(x) + self.drop_path(self.attention(y)))


class Bottleneck(nn.Module):
    """A 3x3 convolution between two of 1x1, round a shortcut; 4 * channels come out.

    >>> import torch
    >>> Bottleneck(64, 64)(torch.ones(2, 64, 8, 6)).shape
    torch.Size([2, 256, 8, 6])

    Source: He et al., CVPR 2016; the stride sits in the 3x3 convolution, as in all HRNets.
    """

    expansion: ClassVar[int] = 4

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int = 1,
        *,
        attention: Attention | None = None,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        wide = channels * self.expansion
        self.conv1 = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, wide, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(wide)
        self.attention = attend(attention, wide)
        self.drop_path = DropPath(drop_path) if drop_path else nn.Identity()
        self.shortcut = fit(in_channels, wide, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> (N, 4 * channels, ceil(H / stride), ceil(W / stride))."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(self.shortcut(x) + self.drop_path(self.attention(y)))


BLOCKS: dict[str, type[BasicBlock] | type[Bottleneck]] = {"basic": BasicBlock, "bottleneck": Bottleneck}
