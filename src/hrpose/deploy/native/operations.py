"""Operations on maps: what a network is when its shapes are known and its batch norms are gone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

from torch import Tensor

Shape: TypeAlias = tuple[int, int, int, int]  # N, C, H, W
Offsets: TypeAlias = tuple[tuple[int, int], ...]  # (dy, dx), pixels of the input


class Kind(IntEnum):
    """What an operation does; the numbers are those of kernels.cpp."""

    CONV = 0
    WINOGRAD_2 = 1  # F(2x2, 3x3)
    WINOGRAD_4 = 2  # F(4x4, 3x3)
    SUM = 3  # of maps, each resized to the result by the nearest pixel
    COPY = 4  # number by number, whatever the strides
    AFFINE = 5
    MAXIMUM = 6
    AVERAGE = 7
    BILINEAR = 8
    MEAN = 9  # over all pixels
    PRODUCT = 10  # of maps, resized as in a sum
    SIGMOID = 11


@dataclass(eq=False, kw_only=True)
class Value:
    """A map (N, C, H, W). It has memory of its own, or is a part of that of another, its base."""

    shape: Shape
    flat: bool = False  # (N, C) for the network, here a map of one pixel
    base: "Value | None" = None
    channel: int = 0  # its first one in the base
    grid: tuple[int, int, int] = (1, 0, 0)  # every how many pixels of the base, from which row and column
    writer: "Operation | None" = field(default=None, repr=False)
    pieces: list["Value"] = field(
        default_factory=list, repr=False
    )  # that make it up where no single operation writes it

    @property
    def root(self) -> "Value":
        """The one that has the memory."""
        return self if self.base is None else self.base.root

    def bases(self) -> Iterator["Value"]:
        """Those that it is a part of, one after another."""
        if self.base is not None:
            yield self.base
            yield from self.base.bases()

    def sources(self) -> Iterator["Operation"]:
        """The operations that must be done before it can be read."""
        if self.writer is not None:
            yield self.writer
        elif self.pieces:
            for piece in self.pieces:
                yield from piece.sources()
        elif self.base is not None:
            yield from self.base.sources()


@dataclass(frozen=True, eq=False, kw_only=True)
class Taps:
    """A convolution as a sum over offsets.

    result(y, x) = bias + the sum over t of weight[t] @ input(stride * y + dy[t], stride * x + dx[t])
    """

    name: str  # of the parameter, and what was taken of it; empty for what was computed
    offsets: Offsets
    weight: Tensor  # (T, O, I)
    bias: Tensor  # (O,)
    stride: int = 1
    groups: int = 1  # of channels that do not hear one another: the weight between them is 0

    @property
    def is_square_of_three(self) -> bool:
        """Whether it is a 3x3 convolution of all channels that keeps the size."""
        return self.stride == self.groups == 1 and self.offsets == SQUARE_OF_THREE


SQUARE_OF_THREE = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1))


@dataclass(eq=False, kw_only=True)
class Operation:
    """One operation: it reads its inputs and writes its output, a ReLU last where asked for."""

    kind: Kind
    inputs: list[Value]  # of a convolution: what it is applied to, and what is added to the result
    output: Value
    relu: bool = False
    taps: Taps | None = None  # of a convolution
    scale: tuple[Tensor, Tensor] | None = None  # factor and shift (C,) of an affine map
    window: tuple[int, int, int] = (1, 1, 0)  # side, stride and padding of pooling
    align: bool = False  # corners, of a bilinear resize
    source: Tensor | None = None  # of a copy that has no input: a constant

    def __post_init__(self) -> None:
        self.output.writer = self


def readers(operations: Sequence[Operation]) -> dict[Value, list[Operation]]:
    """Which operations read a value itself; parts of it are values of their own."""
    found: dict[Value, list[Operation]] = {}
    for operation in operations:
        for value in operation.inputs:
            found.setdefault(value, []).append(operation)
    return found
