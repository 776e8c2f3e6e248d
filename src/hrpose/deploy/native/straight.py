"""Straight: a network as operations one after another, and where a rule appends to it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from hrpose.deploy.native.library import MOST_CHANNELS
from hrpose.deploy.native.operations import Kind, Operation, Shape, Value
from hrpose.errors import ConfigError


@dataclass(eq=False, kw_only=True)
class Straight:
    """A network as operations, one after another."""

    image: Value
    operations: list[Operation] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)

    def do(self, kind: Kind, inputs: Sequence[Value], shape: Sequence[int], **settings: Any) -> Value:
        """Append an operation; returns its output."""
        output = Value(shape=as_map(shape), flat=len(shape) == 2)
        self.operations.append(Operation(kind=kind, inputs=list(inputs), output=output, **settings))
        return output

    def map(self, value: Value | Tensor) -> Value:
        """A value as it is; of a constant one that is written anew for each call."""
        if isinstance(value, Value):
            return value
        if value.dtype != torch.float32:
            raise ConfigError(f"there is no kernel here for constants of {value.dtype}")
        output = Value(shape=as_map(value.shape), flat=value.ndim == 2)
        self.operations.append(Operation(kind=Kind.COPY, inputs=[], output=output, source=value))
        return output


@dataclass(frozen=True)
class Call:
    """Where a rule puts what it makes."""

    straight: Straight
    shape: tuple[int, ...]  # of the result
    weights: str  # the names of its parameters, where it has any and all are parameters

    def map(self, value: Value | Tensor | float) -> Value:
        """A map, or a constant as one. Raises: ConfigError for a number."""
        if isinstance(value, float | int):
            raise ConfigError("there is no kernel here for sums and products with a number")
        return self.straight.map(value)

    def do(self, kind: Kind, *inputs: Value, **settings: Any) -> Value:
        """Append an operation."""
        return self.straight.do(kind, inputs, self.shape, **settings)


def as_map(shape: Sequence[int]) -> Shape:
    """(N, C) as a map of one pixel. Raises: ConfigError for what is no map."""
    if len(shape) not in (2, 4) or shape[1] > MOST_CHANNELS:
        raise ConfigError(f"there is no kernel here for tensors of shape {tuple(shape)}")
    batch, channels, height, width = (*map(int, shape), 1, 1)[:4]
    return batch, channels, height, width


def alike(values: Sequence[int] | int) -> int:
    """The one number of both axes. Raises: ConfigError where they differ."""
    numbers = {values} if isinstance(values, int) else set(values)
    if len(numbers) != 1:
        raise ConfigError(f"there is no kernel here for settings that differ by axis, as {values}")
    return numbers.pop()
