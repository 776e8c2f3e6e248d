"""The hourglass: halve again and again, come back up, and keep a branch at every size on the way."""

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hrpose.errors import ConfigError, ShapeError, UnknownNameError, nearest
from hrpose.layers.blocks import BasicBlock
from hrpose.layers.resize import ResizeTo

Unit: TypeAlias = Literal["preact", "basic", "conv", "conv_bn"]
Skip: TypeAlias = Literal["add", "concat"]


class PreActResidual(nn.Module):
    """Batch norm and ReLU before each of three convolutions, round a shortcut that nothing acts on.

    All convolutions have a bias, and the shortcut is the input itself wherever the width stays.

    >>> PreActResidual(64, 128)(torch.ones(2, 64, 8, 6)).shape
    torch.Size([2, 128, 8, 6])

    Source: Newell et al., ECCV 2016, figure 4; He et al., ECCV 2016.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        narrow = channels // 2
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, narrow, 1)
        self.bn2 = nn.BatchNorm2d(narrow)
        self.conv2 = nn.Conv2d(narrow, narrow, 3, padding=1)
        self.bn3 = nn.BatchNorm2d(narrow)
        self.conv3 = nn.Conv2d(narrow, channels, 1)
        same = in_channels == channels
        self.shortcut = nn.Identity() if same else nn.Conv2d(in_channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> (N, channels, H, W)."""
        y = self.conv1(F.relu(self.bn1(x)))
        y = self.conv2(F.relu(self.bn2(y)))
        y = self.conv3(F.relu(self.bn3(y)))
        return y + self.shortcut(x)


def conv_relu(
    in_channels: int,
    channels: int,
    kernel: int = 3,
    *,
    stride: int = 1,
    bias: bool = True,
    norm: bool = False,
) -> nn.Sequential:
    """Convolution, batch norm if asked for, ReLU.

    >>> conv_relu(3, 64, 7, stride=2)(torch.zeros(1, 3, 64, 48)).shape
    torch.Size([1, 64, 32, 24])
    """
    conv = nn.Conv2d(in_channels, channels, kernel, stride, kernel // 2, bias=bias)
    return (
        nn.Sequential(conv, nn.BatchNorm2d(channels), nn.ReLU()) if norm else nn.Sequential(conv, nn.ReLU())
    )


UNITS: dict[str, Callable[[int, int], nn.Module]] = {
    "preact": PreActResidual,
    "basic": BasicBlock,
    "conv": conv_relu,
    "conv_bn": functools.partial(conv_relu, bias=False, norm=True),
}


def check_unit(unit: str) -> None:
    """Raise UnknownNameError unless there is such a unit."""
    if unit not in UNITS:
        raise UnknownNameError(f"unit={unit!r} is not known; {nearest(unit, UNITS)}")


def units(
    unit: str, in_channels: int, channels: int, count: int, *, widen_first: bool = True
) -> nn.Sequential:
    """`count` units in a row; the first of them changes the width, or the last.

    >>> len(units("basic", 256, 384, 2))
    2
    """
    make = UNITS[unit]
    widths = [in_channels] + [channels if widen_first else in_channels] * (count - 1) + [channels]
    return nn.Sequential(*(make(a, b) for a, b in itertools.pairwise(widths)))


def halving_units(unit: str, in_channels: int, channels: int, count: int) -> nn.Sequential:
    """As `units`, at half the size: a pooling comes first, or for "basic" the first unit has stride 2.

    >>> halving_units("preact", 64, 96, 1)(torch.ones(2, 64, 8, 6)).shape
    torch.Size([2, 96, 4, 3])
    """
    made = units(unit, in_channels, channels, count)
    if unit != "basic":
        return nn.Sequential(nn.MaxPool2d(2), *made)
    return nn.Sequential(BasicBlock(in_channels, channels, stride=2), *made[1:])


class Hourglass(nn.Module):
    """One level, and inside it the hourglass that remains: upper(x) + grow(leave(middle(enter(x)))).

    What comes back up is resized to the size that was kept, so that any size works that can be halved
    often enough; where 2 ** levels divides the size, that is a fixed factor of 2.

    Args:
        widths: channels outside, after the first halving, and so on to the innermost: levels + 1 numbers.
        unit: what it is built from: "preact" (residual unit of the paper), "basic" (ResNet's, with strides
            in place of pooling), "conv" (convolution and ReLU), "conv_bn" (with batch norm between).
        depths: units in a row at each width; one each if None.
        skip: how the two sides meet: "add" as in the paper, or "concat", side by side and through a 1x1
            convolution, as in U-Net.
    Raises: ConfigError for fewer than two widths, depths that do not fit, or another skip; UnknownNameError
        for another unit; ShapeError, when called, for a map too small to be halved.
    Source: Newell et al., ECCV 2016; U-Net: Ronneberger et al., MICCAI 2015.

    >>> Hourglass((64, 96, 128))(torch.ones(1, 64, 16, 12)).shape
    torch.Size([1, 64, 16, 12])
    """

    def __init__(
        self,
        widths: Sequence[int],
        *,
        unit: Unit = "preact",
        depths: Sequence[int] | None = None,
        skip: Skip = "add",
    ) -> None:
        super().__init__()
        depths = (1,) * len(widths) if depths is None else tuple(depths)
        check_hourglass(widths, depths, unit, skip)
        (width, inner, *_), (depth, innermost, *_) = widths, depths
        self.skip = skip
        self.upper = units(unit, width, width, depth)
        self.enter = halving_units(unit, width, inner, depth)
        if len(widths) > 2:
            self.middle: nn.Module = Hourglass(widths[1:], unit=unit, depths=depths[1:], skip=skip)
        else:
            self.middle = units(unit, inner, inner, innermost)
        self.leave = units(unit, inner, width, depth, widen_first=False)
        self.grow = ResizeTo("nearest")
        self.merge = nn.Conv2d(2 * width, width, 1) if skip == "concat" else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(N, widths[0], H, W) -> the same shape.

        Raises: ShapeError for a map too small to be halved.
        """
        size = x.shape[-2:]
        if min(size) < 2:
            raise ShapeError(f"a map of {tuple(size)} cannot be halved; give larger images, or fewer widths")
        kept = self.upper(x)
        low = self.grow(self.leave(self.middle(self.enter(x))), size)
        return kept + low if self.skip == "add" else self.merge(torch.cat((kept, low), 1))


def check_hourglass(widths: Sequence[int], depths: Sequence[int], unit: str, skip: str) -> None:
    """Raise unless an hourglass can be built of these."""
    check_unit(unit)
    if len(widths) < 2 or min(widths) < 1:
        raise ConfigError(f"widths={tuple(widths)}; give at least two positive numbers, outside first")
    if len(depths) != len(widths) or min(depths) < 1:
        needed = f"{len(widths)} positive numbers are needed"
        raise ConfigError(f"depths={tuple(depths)}, but {needed}; give one for each of the widths")
    if skip not in ("add", "concat"):
        raise ConfigError(f"skip={skip!r} is not known; give 'add' or 'concat'")
