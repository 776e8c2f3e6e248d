"""How branches of different resolution hear each other, and how a new branch starts."""

import functools
import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hrpose.errors import ConfigError
from hrpose.layers.blocks import conv_bn
from hrpose.layers.resize import ResizeTo, Upsample, check_branches
from hrpose.types import Pyramid


def halvings(widths: Sequence[int], *, last_relu: bool) -> nn.Sequential:
    """3x3 convolutions of stride 2, one from each width to the next; the last may go without ReLU.

    >>> halvings((8, 8, 32), last_relu=True)(torch.ones(1, 8, 16, 12)).shape
    torch.Size([1, 32, 4, 3])
    """
    last = len(widths) - 1
    steps = enumerate(itertools.pairwise(widths), start=1)
    return nn.Sequential(*(conv_bn(a, b, 3, stride=2, relu=last_relu or k < last) for k, (a, b) in steps))


def path(channels: Sequence[int], src: int, dst: int) -> nn.Module:
    """The one way from branch `src` to branch `dst`, by how far apart they are (0 is the finest).

    From coarse to fine it fits the width only: `MergeInto` knows the size to resize to.

    >>> path((32, 64, 128), 0, 2)(torch.ones(1, 32, 16, 12)).shape
    torch.Size([1, 128, 4, 3])
    """
    if src == dst:
        return nn.Identity()
    if src > dst:
        return conv_bn(channels[src], channels[dst], 1, relu=False)
    widths = [channels[src]] * (dst - src) + [channels[dst]]
    return halvings(widths, last_relu=False)  # summed first, then ReLU


class MergeInto(nn.Module):
    """Branch `dst` after the exchange: relu(sum over src of path(src -> dst)(x[src]))."""

    def __init__(self, channels: Sequence[int], dst: int, resize: ResizeTo) -> None:
        super().__init__()
        self.dst = dst
        self.fine = dst + 1  # sources that need no resizing
        self.paths = nn.ModuleList(path(channels, src, dst) for src in range(len(channels)))
        self.resize = resize

    def forward(self, x: Pyramid) -> Tensor:
        """All branches -> branch `dst`, in its size."""
        size = x[self.dst].shape[-2:]
        heard = [way(x_src) for way, x_src in zip(self.paths, x, strict=True)]
        grown = [self.resize(y, size) for y in heard[self.fine :]]
        return F.relu(functools.reduce(torch.add, [*heard[: self.fine], *grown]))


class ExchangeUnit(nn.Module):
    """Let every resolution hear every other one.

    A coarser map is resized to the size of the finer branch that it is added to, so that sizes that 32
    does not divide work; where 32 divides them the result is that of a fixed factor.

    Args:
        channels: width of each branch, finest first.
        outputs: branches to make, finest first; all of them if None.
        upsample: "nearest" (V1 pose, ImageNet) or "bilinear" (V2 faces, hands, segmentation).
        align_corners: for "bilinear"; True in the HRNet-OCR branch of the segmentation code only.
    Raises: ConfigError if there is no such number of outputs; ShapeError, when called, for other branches.
    Source: Sun et al., CVPR 2019, "exchange unit".

    >>> unit = ExchangeUnit((8, 16, 32))
    >>> pyramid = [torch.ones(1, 8, 9, 7), torch.ones(1, 16, 5, 4), torch.ones(1, 32, 3, 2)]
    >>> [tuple(y.shape) for y in unit(pyramid)]
    [(1, 8, 9, 7), (1, 16, 5, 4), (1, 32, 3, 2)]
    """

    def __init__(
        self,
        channels: Sequence[int],
        outputs: int | None = None,
        *,
        upsample: Upsample = "nearest",
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        outputs = len(channels) if outputs is None else outputs
        if not 1 <= outputs <= len(channels):
            raise ConfigError(
                f"outputs={outputs}, but there are {len(channels)} branches; give 1 to {len(channels)}"
            )
        self.channels = tuple(channels)
        resize = ResizeTo(upsample, align_corners=align_corners)
        self.into = nn.ModuleList(MergeInto(channels, dst, resize) for dst in range(outputs))

    def forward(self, x: Pyramid) -> Pyramid:
        """One map a branch -> one map an output, each hearing all of `x`."""
        check_branches(x, self.channels, "ExchangeUnit")
        return [merge(x) for merge in self.into]


class HRModule(nn.Module):
    """One round of a stage: each branch on its own, then the exchange.

    >>> from hrpose.layers import BasicBlock
    >>> branches = [BasicBlock(8, 8), BasicBlock(16, 16)]
    >>> module = HRModule(branches, ExchangeUnit((8, 16)))
    >>> [tuple(y.shape) for y in module([torch.ones(1, 8, 8, 8), torch.ones(1, 16, 4, 4)])]
    [(1, 8, 8, 8), (1, 16, 4, 4)]
    """

    def __init__(self, branches: Sequence[nn.Module], exchange: ExchangeUnit) -> None:
        super().__init__()
        if len(branches) != len(exchange.channels):
            made = f"an exchange of {len(exchange.channels)}"
            raise ConfigError(
                f"{len(branches)} branches do not fit {made}; give one branch for each of its channels"
            )
        self.branches = nn.ModuleList(branches)
        self.exchange = exchange

    def forward(self, x: Pyramid) -> Pyramid:
        """One map a branch -> one map an output of the exchange."""
        return self.exchange([branch(x_b) for branch, x_b in zip(self.branches, x, strict=True)])


class Transition(nn.Module):
    """Start a stage: the branches so far, fitted in width, and new ones made from the coarsest.

    Args:
        in_channels: widths of the branches so far.
        channels: widths of the branches from here on, as many or more.
    Raises: ConfigError if branches would be lost; ShapeError, when called, for other branches.

    >>> [tuple(y.shape) for y in Transition((256,), (32, 64))([torch.ones(1, 256, 8, 6)])]
    [(1, 32, 8, 6), (1, 64, 4, 3)]
    """

    def __init__(self, in_channels: Sequence[int], channels: Sequence[int]) -> None:
        super().__init__()
        if not 0 < len(in_channels) <= len(channels):
            came = f"from {len(in_channels)} branches to {len(channels)}"
            raise ConfigError(
                f"a transition cannot lead {came}; give at least one, and as many or more after it"
            )
        self.in_channels = tuple(in_channels)
        old = [start(a, b) for a, b in zip(in_channels, channels, strict=False)]
        coarsest = in_channels[-1]
        fresh = channels[len(in_channels) :]
        new = [halvings([coarsest] * k + [c], last_relu=True) for k, c in enumerate(fresh, start=1)]
        self.into = nn.ModuleList([*old, *new])

    def forward(self, x: Pyramid) -> Pyramid:
        """One map a branch so far -> one map a branch from here on."""
        check_branches(x, self.in_channels, "Transition")
        sources = itertools.chain(x, itertools.repeat(x[-1]))  # a new branch grows from the coarsest
        return [way(x_src) for way, x_src in zip(self.into, sources, strict=False)]


def start(in_channels: int, channels: int) -> nn.Module:
    """An old branch in a new stage: as it is, or brought to another width."""
    return nn.Identity() if in_channels == channels else conv_bn(in_channels, channels, 3)
