"""Rules: what each operator of torch becomes."""

import itertools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from hrpose.deploy.native.convolutions import conv, deconv, linear
from hrpose.deploy.native.operations import Kind, Operation, Value
from hrpose.deploy.native.straight import Call, alike, as_map
from hrpose.errors import ConfigError

aten = torch.ops.aten


def part(value: Value, channel: int, channels: int) -> Value:
    """Some of the channels, where they lie."""
    batch, _, height, width = value.shape
    return Value(shape=(batch, channels, height, width), flat=value.flat, base=value, channel=channel)


def add(call: Call, x: Value | Tensor, y: Value | Tensor, *, alpha: float = 1) -> Value:
    """A sum of maps of one shape."""
    x, y = call.map(x), call.map(y)
    if (x.shape, x.flat, alpha) != (y.shape, y.flat, 1):
        raise ConfigError("there is no kernel here for sums of anything but maps of one shape")
    return call.do(Kind.SUM, x, y)


def relu(call: Call, x: Value) -> Value:
    """A ReLU is a sum of one."""
    return call.do(Kind.SUM, x, relu=True)


def nearest(call: Call, x: Value, size: Any, factors: Sequence[float] | None = None) -> Value:
    """Resized by the nearest pixel: also a sum of one."""
    check_whole(call, x, factors)
    return call.do(Kind.SUM, x)


def bilinear(call: Call, x: Value, size: Any, align: bool, factors: Sequence[float] | None = None) -> Value:
    """Resized bilinearly."""
    check_whole(call, x, None if align else factors)
    return call.do(Kind.BILINEAR, x, align=align)


def check_whole(call: Call, x: Value, factors: Sequence[float] | None) -> None:
    """Raise ConfigError for factors that give no whole sizes: torch then does not resize by the sizes."""
    sides = zip(x.shape[2:], call.shape[2:], factors or (), strict=False)
    if any(low * factor != high for low, high, factor in sides):
        raise ConfigError(f"there is no kernel here that resizes {x.shape[2:]} by {factors}")


def cat(call: Call, maps: Sequence[Value | Tensor], axis: int = 0) -> Value:
    """Maps side by side; where each goes is settled later."""
    if axis != 1:
        raise ConfigError(f"there is no kernel here for putting maps together along axis {axis}")
    whole = Value(shape=as_map(call.shape))
    channel = 0
    for each in map(call.straight.map, maps):
        piece = part(whole, channel, each.shape[1])
        call.straight.operations.append(Operation(kind=Kind.COPY, inputs=[each], output=piece))
        whole.pieces.append(piece)
        channel += each.shape[1]
    return whole


def cut(call: Call, x: Value, places: Sequence[int], axis: int = 0) -> list[Value]:
    """Channels up to each of some places, and the rest."""
    if axis != 1:
        raise ConfigError(f"there is no kernel here for cutting maps along axis {axis}")
    bounds = [0, *(slice(place).indices(x.shape[1])[1] for place in places), x.shape[1]]
    return [part(x, a, max(b - a, 0)) for a, b in itertools.pairwise(bounds)]


def cut_by_sizes(call: Call, x: Value, sizes: Sequence[int], axis: int = 0) -> list[Value]:
    """So many channels each."""
    places = [sum(sizes[: i + 1]) for i in range(len(sizes) - 1)]
    return cut(call, x, places, axis)


def slice_(
    call: Call, x: Value, axis: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Value:
    """Channels `start` to `end`."""
    if step != 1 or (axis != 1 and as_map(call.shape) != x.shape):
        raise ConfigError(f"there is no kernel here for cutting maps along axis {axis} by {step}")
    if axis != 1:
        return x
    first, last, _ = slice(start, end).indices(x.shape[1])
    return part(x, first, max(last - first, 0))


def norm(
    call: Call,
    x: Value,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor,
    variance: Tensor,
    training: bool,
    momentum: float,
    eps: float,
    *_: Any,
) -> Value:
    """A batch norm that stands alone."""
    if training:
        raise ConfigError("there is no kernel here for a batch norm in training mode")
    factor = (variance.double() + eps).rsqrt() * (1 if weight is None else weight.double())
    shift = (0 if bias is None else bias.double()) - mean.double() * factor
    return call.do(Kind.AFFINE, x, scale=(factor.to(mean.dtype), shift.to(mean.dtype)))


def maximum(
    call: Call,
    x: Value,
    window: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] | int = 0,
    dilation: Sequence[int] | int = 1,
    ceil_mode: bool = False,
) -> Value:
    """The largest of each window."""
    if alike(dilation) != 1:
        raise ConfigError("there is no kernel here for dilated pooling")
    return call.do(Kind.MAXIMUM, x, window=(alike(window), alike(stride or window), alike(padding)))


def average(
    call: Call,
    x: Value,
    window: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] | int = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor: int | None = None,
) -> Value:
    """The mean of each window."""
    if alike(padding) or divisor:
        raise ConfigError(
            "there is no kernel here for means of windows that begin outside the map, or by a divisor"
        )
    return call.do(Kind.AVERAGE, x, window=(alike(window), alike(stride or window), 0))


def mean_of_all(call: Call, x: Value, size: Sequence[int] | int) -> Value:
    """Pooled to one pixel."""
    if alike(size) != 1:
        raise ConfigError(f"there is no kernel here for pooling to {size}")
    return call.do(Kind.MEAN, x)


def mean_along(call: Call, x: Value, axes: Sequence[int], keepdim: bool = False) -> Value:
    """The mean over all pixels."""
    if x.flat or sorted(axis % 4 for axis in axes) != [2, 3]:
        raise ConfigError(f"there is no kernel here for means along axes {list(axes)}")
    return call.do(Kind.MEAN, x)


def multiply(call: Call, x: Value | Tensor, y: Value | Tensor) -> Value:
    """A product of maps, either of which may be of one pixel."""
    x, y = call.map(x), call.map(y)
    sizes = {each.shape[2:] for each in (x, y)} - {(1, 1)}
    if (x.shape[:2], x.flat) != (y.shape[:2], y.flat) or len(sizes) > 1:
        raise ConfigError("there is no kernel here for products of anything but maps of the same channels")
    return call.do(Kind.PRODUCT, x, y)


def sigmoid(call: Call, x: Value) -> Value:
    """1 / (1 + exp(-x))."""
    return call.do(Kind.SIGMOID, x)


def same(call: Call, x: Value, *_: Any) -> Value:
    """Nothing changes, or the shape of one pixel alone."""
    if as_map(call.shape) != x.shape:
        raise ConfigError(f"there is no kernel here that makes {call.shape} of {x.shape}")
    return Value(shape=x.shape, flat=len(call.shape) == 2, base=x)


def item(call: Call, values: Sequence[Value], index: int) -> Value:
    """One of several."""
    return values[index]


RULES: dict[Any, Callable[..., Any]] = {
    aten.conv2d.default: conv,
    aten.conv_transpose2d.input: deconv,
    aten.linear.default: linear,
    aten.add.Tensor: add,
    aten.relu.default: relu,
    aten.add_.Tensor: add,
    aten.relu_.default: relu,
    aten.upsample_nearest2d.vec: nearest,
    aten.upsample_bilinear2d.vec: bilinear,
    aten.cat.default: cat,
    aten.tensor_split.indices: cut,
    aten.split_with_sizes.default: cut_by_sizes,
    aten.slice.Tensor: slice_,
    aten.batch_norm.default: norm,
    aten.max_pool2d.default: maximum,
    aten.avg_pool2d.default: average,
    aten.adaptive_avg_pool2d.default: mean_of_all,
    aten.mean.dim: mean_along,
    aten.mul.Tensor: multiply,
    aten.sigmoid.default: sigmoid,
    aten.flatten.using_ints: same,
    aten.alias.default: same,
    operator.getitem: item,
}
