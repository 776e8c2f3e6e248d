"""Rules for convolutions: each becomes a sum over offsets."""

from collections.abc import Sequence

import torch
from torch import Tensor

from hrpose.deploy.native.operations import Kind, Operation, Taps, Value
from hrpose.deploy.native.straight import Call, alike, as_map
from hrpose.errors import ConfigError

MOST_WEIGHTS = 2**24  # of a convolution in groups, with those between them


def conv(
    call: Call,
    x: Value,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sequence[int] = (1, 1),
    padding: Sequence[int] = (0, 0),
    dilation: Sequence[int] = (1, 1),
    groups: int = 1,
) -> Value:
    """A convolution; one in groups has weights of 0 between them."""
    high, wide = weight.shape[2:]
    if groups > 1 and weight.numel() * groups > MOST_WEIGHTS:
        raise ConfigError(f"there is no kernel here for a convolution in so many groups as {groups}")
    full = ungrouped(weight, groups)
    grid = [(j, k) for j in range(high) for k in range(wide)]
    taps = Taps(
        name=call.weights and f"{call.weights} in {groups}",
        offsets=tuple((j * dilation[0] - padding[0], k * dilation[1] - padding[1]) for j, k in grid),
        weight=torch.stack([full[:, :, j, k] for j, k in grid]),
        bias=full.new_zeros(len(full)) if bias is None else bias,
        stride=alike(stride),
        groups=groups,
    )
    return call.do(Kind.CONV, x, taps=taps)


def ungrouped(weight: Tensor, groups: int) -> Tensor:
    """(O, I / groups, kh, kw) -> (O, I, kh, kw)."""
    if groups == 1:
        return weight
    outputs, inputs, high, wide = weight.shape
    full = weight.new_zeros(groups, outputs // groups, groups, inputs, high, wide)
    for group, own in enumerate(weight.chunk(groups)):
        full[group, :, group] = own
    return full.reshape(outputs, groups * inputs, high, wide)


def deconv(
    call: Call,
    x: Value,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sequence[int] = (1, 1),
    padding: Sequence[int] = (0, 0),
    output_padding: Sequence[int] = (0, 0),
    groups: int = 1,
    dilation: Sequence[int] = (1, 1),
) -> Value:
    """A transposed convolution, as a convolution for each phase of its stride.

    Row s * q + r of the result hears row q + (r + padding - k) / s through row k of the kernel, where that is
    a whole number.
    """
    if groups != 1 or alike(dilation) != 1:
        raise ConfigError("there is no kernel here for transposed convolutions in groups or dilated")
    step, border = alike(stride), alike(padding)
    batch, channels, height, width = as_map(call.shape)
    bias = weight.new_zeros(channels) if bias is None else bias
    whole = Value(shape=(batch, channels, height, width))
    for row in range(min(step, height)):
        for column in range(min(step, width)):
            rows, columns = (
                heard(side, border, step, n) for side, n in zip((row, column), weight.shape[2:], strict=True)
            )
            grid = [(j, k) for j in rows for k in columns]
            size = (-(-(height - row) // step), -(-(width - column) // step))
            piece = Value(shape=(batch, channels, *size), base=whole, grid=(step, row, column))
            taps = Taps(
                name=call.weights and f"{call.weights} {step} {border} {row} {column}",
                offsets=tuple((rows[j], columns[k]) for j, k in grid),
                weight=torch.stack([weight[:, :, j, k].T for j, k in grid])
                if grid
                else weight.new_zeros(0, channels, len(weight)),
                bias=bias,
            )
            call.straight.operations.append(Operation(kind=Kind.CONV, inputs=[x], output=piece, taps=taps))
            whole.pieces.append(piece)
    return whole


def heard(phase: int, padding: int, step: int, size: int) -> dict[int, int]:
    """Which rows of a kernel a phase hears, and through each which row of the input, from its own.

    >>> heard(0, 1, 2, 4), heard(1, 1, 2, 4)
    ({1: 0, 3: -1}, {0: 1, 2: 0})
    """
    return {k: (phase + padding - k) // step for k in range(size) if (phase + padding - k) % step == 0}


def linear(call: Call, x: Value, weight: Tensor, bias: Tensor | None = None) -> Value:
    """A matrix product is a convolution of one pixel."""
    if not x.flat:
        raise ConfigError("there is no kernel here for matrix products of anything but (N, C)")
    return conv(call, x, weight[:, :, None, None], bias)
