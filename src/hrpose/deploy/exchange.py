"""The exchange unit with one convolution a branch in either direction."""

import functools
import itertools
from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from hrpose.deploy.conv import FusedConv, geometry_of
from hrpose.deploy.fold import Folded, conv_and_norm, fold, in_blocks, side_by_side
from hrpose.layers.exchange import ExchangeUnit, MergeInto
from hrpose.layers.resize import ResizeTo, check_branches
from hrpose.types import Pyramid


class FusedExchange(nn.Module):
    """ExchangeUnit: the 1x1 convolutions that leave a branch are one, and so are all that halve a resolution.

    Up: what a coarser branch sends to all finer ones comes from one convolution. Where each branch has just
    twice the pixels of the next, it is added up on the way, at the lower resolution, and resized once a
    level: nearest upsampling by 2 and by 2 is that by 4. Elsewhere, and for bilinear upsampling, each part is
    resized to its branch.

    Down: whatever goes from one resolution to the next, from that branch or passing through from finer ones,
    comes from one convolution over all of it; where an output does not hear an input, the weight is 0.

    >>> unit = FusedExchange(ExchangeUnit((8, 16, 32)).eval())
    >>> pyramid = [torch.ones(1, 8, 9, 7), torch.ones(1, 16, 5, 4), torch.ones(1, 32, 3, 2)]
    >>> [tuple(y.shape) for y in unit(pyramid)]
    [(1, 8, 9, 7), (1, 16, 5, 4), (1, 32, 3, 2)]
    """

    def __init__(self, unit: ExchangeUnit) -> None:
        super().__init__()
        merges = [cast(MergeInto, merge) for merge in unit.into]
        self.channels = unit.channels
        self.outputs = len(merges)
        self.resize: ResizeTo = merges[0].resize
        branches = len(self.channels)
        self.up = nn.ModuleList(rising(merges[:src], src) for src in range(1, branches))
        self.down = nn.ModuleList(falling(merges, self.channels, dst) for dst in range(1, self.outputs))

    def forward(self, x: Pyramid) -> Pyramid:
        """One map a branch -> one map an output, each hearing all of `x`."""
        check_branches(x, self.channels, "ExchangeUnit")
        raised = self._raised(x)
        made = [add(x[0], raised[0])]
        passing = x[:0]
        for dst, conv in enumerate(self.down, start=1):
            sent = conv(torch.cat([x[dst - 1], *passing], 1) if passing else x[dst - 1])
            heard, onward = sent.tensor_split([self.channels[dst]], 1)
            made.append(add(heard + x[dst], raised[dst]))
            passing = [F.relu(onward)] if dst < len(self.down) else []
        return [F.relu(y) for y in made]

    def _raised(self, x: Pyramid) -> list[Tensor | None]:
        """For each output the sum of what the coarser branches send, in its size; None for the coarsest."""
        if self.resize.upsample == "nearest" and all(itertools.starmap(doubles, itertools.pairwise(x))):
            return self._raised_by_steps(x)
        return self._raised_at_once(x)

    def _raised_by_steps(self, x: Pyramid) -> list[Tensor | None]:
        """Level by level: each takes its share of the sum, and the rest goes on up."""
        made: list[Tensor | None] = [None] * self.outputs
        passing: Tensor | None = None
        for src in range(len(x) - 1, 0, -1):
            sent = self.up[src - 1](x[src], passing)
            size = x[src - 1].shape[-2:]
            if src <= self.outputs:
                sent, own = sent.tensor_split([sum(self.channels[: src - 1])], 1)
                made[src - 1] = self.resize(own, size)
            passing = self.resize(sent, size) if src > 1 else None
        return made

    def _raised_at_once(self, x: Pyramid) -> list[Tensor | None]:
        """Each part resized from its source to its output."""
        made: list[list[Tensor]] = [[] for _ in range(self.outputs)]
        for src, conv in enumerate(self.up, start=1):
            parts = conv(x[src]).split(self.channels[: min(src, self.outputs)], 1)
            for dst, part in enumerate(parts):
                made[dst].append(self.resize(part, x[dst].shape[-2:]))
        return [functools.reduce(torch.add, parts) if parts else None for parts in made]


def add(x: Tensor, y: Tensor | None) -> Tensor:
    """The sum, where there is something to add."""
    return x if y is None else x + y


def doubles(fine: Tensor, coarse: Tensor) -> bool:
    """Whether `fine` has twice the height and width; False where an exporter leaves the size open."""
    (h, w), (low, narrow) = fine.shape[-2:], coarse.shape[-2:]
    return is_known(h == 2 * low) and is_known(w == 2 * narrow)


def is_known(fact: Any) -> bool:
    """Whether a comparison of sizes holds for all sizes that are traced."""
    if isinstance(fact, bool):
        return fact
    from torch.fx.experimental.symbolic_shapes import statically_known_true  # sympy takes time to import

    return statically_known_true(fact)


def rising(merges: Sequence[MergeInto], src: int) -> FusedConv:
    """What branch `src` sends to all finer outputs, side by side, finest first."""
    ways = [conv_and_norm(merge.paths[src]) for merge in merges]
    folded = side_by_side([fold(conv, norm) for conv, norm in ways])
    return FusedConv(folded, geometry_of(ways[0][0]), relu=False)


def falling(merges: Sequence[MergeInto], channels: Sequence[int], dst: int) -> FusedConv:
    """Everything that goes from branch dst - 1 to the resolution of branch `dst`.

    Inputs: branch dst - 1, then what passes it on the way from finer branches to `dst` or further, ordered
    as the outputs before. Outputs: `dst` itself, then what goes on, by destination and source.
    """
    inputs = [(dst - 1, None), *passing(len(merges), dst - 1)]
    outputs = [None, *passing(len(merges), dst)]
    rows = [[_step(merges, entry, out, dst) for entry in inputs] for out in outputs]
    widths = [channels[src] for src, _ in inputs]
    conv, _ = halving(merges, dst - 1, dst, dst)
    return FusedConv(in_blocks(rows, widths), geometry_of(conv), relu=False)


def passing(outputs: int, level: int) -> list[tuple[int, int]]:
    """(source, destination) of all that is on its way down and passes `level`.

    >>> passing(4, 1), passing(4, 2)
    ([(0, 2), (0, 3)], [(0, 3), (1, 3)])
    """
    return [(src, dst) for dst in range(level + 1, outputs) for src in range(level)]


def _step(
    merges: Sequence[MergeInto], entry: tuple[int, int | None], out: tuple[int, int] | None, dst: int
) -> Folded | None:
    """The convolution to level `dst` from one input to one output, or None where none leads there."""
    src, heading = entry
    aim = dst if out is None else out[1]
    same = src == out[0] if out is not None else True
    if not same or heading not in (None, aim):
        return None
    return fold(*halving(merges, src, aim, dst))


def halving(merges: Sequence[MergeInto], src: int, aim: int, dst: int) -> tuple[nn.Conv2d, _BatchNorm]:
    """Convolution and batch norm of the step that reaches level `dst` on the path from `src` to `aim`."""
    steps = cast(nn.Sequential, merges[aim].paths[src])
    return conv_and_norm(steps[dst - src - 1])
