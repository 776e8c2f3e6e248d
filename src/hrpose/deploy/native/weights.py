"""Packed: the weights of a convolution as kernels.cpp reads them."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from hrpose.deploy.native.operations import Kind, Taps

# Lavin and Gray, CVPR 2016: what a filter of three becomes, for two and for four results
FILTERS = {
    Kind.WINOGRAD_2: ((1, 0, 0), (1 / 2, 1 / 2, 1 / 2), (1 / 2, -1 / 2, 1 / 2), (0, 0, 1)),
    Kind.WINOGRAD_4: (
        (1 / 4, 0, 0),
        (-1 / 6, -1 / 6, -1 / 6),
        (-1 / 6, 1 / 6, -1 / 6),
        (1 / 24, 1 / 12, 1 / 6),
        (1 / 24, -1 / 12, 1 / 6),
        (0, 0, 1),
    ),
}


class Segment(NamedTuple):
    """Channels of one pixel that are multiplied one after another."""

    y: int  # of the pixel, from the one that the result belongs to
    x: int
    channel: int
    length: int
    weight: int  # where theirs begins


class Panel(NamedTuple):
    """Neighbouring output channels that are computed together."""

    vectors: int
    channel: int
    first_segment: int
    last_segment: int
    weight: int  # where theirs begins


@dataclass(frozen=True, eq=False)
class Packed:
    """What kernels.cpp reads of a convolution."""

    weight: Tensor
    bias: Tensor
    panels: list[Panel]
    segments: list[Segment]


def padded(channels: int, lanes: int) -> int:
    """Filled up to whole vectors."""
    return -(-channels // lanes) * lanes


def pack(taps: Taps, kind: Kind, lanes: int) -> Packed:
    """The weights for one kind of convolution, panel by panel.

    A panel reads the channels that any of its outputs hears: what is 0 for all of them costs nothing.
    """
    outputs = taps.weight.shape[1]
    wide = padded(outputs, lanes)
    weight = taps.weight.new_zeros(len(taps.weight), wide, taps.weight.shape[2])
    weight[:, :outputs] = taps.weight
    bias = taps.bias.new_zeros(wide)
    bias[:outputs] = taps.bias
    if kind != Kind.CONV:
        weight = transformed(weight, kind)
    panels: list[Panel] = []
    segments: list[Segment] = []
    pieces, length = [weight.new_zeros(0)], 0
    for channel in range(0, wide, 2 * lanes):
        own = weight[:, channel : channel + 2 * lanes].mT.contiguous()  # (T, I, columns)
        first, start = len(segments), length
        runs = heard(own, taps, lanes) if kind == Kind.CONV else [(None, 0, own.shape[1])]
        for tap, low, high in runs:
            block = own[:, low:high] if tap is None else own[tap, low:high]
            if tap is not None:
                segments.append(Segment(*taps.offsets[tap], low, high - low, length))
            pieces.append(block.flatten())
            length += block.numel()
        panels.append(Panel(own.shape[2] // lanes, channel, first, len(segments), start))
    return Packed(torch.cat(pieces).contiguous(), bias, panels, segments)


def transformed(weight: Tensor, kind: Kind) -> Tensor:
    """(9, O, I) -> (A * A, O, I), by way of float64."""
    matrix = torch.tensor(FILTERS[kind], dtype=torch.float64, device="cpu")
    square = weight.double().reshape(3, 3, *weight.shape[1:])
    return torch.einsum("aj,bk,jkoi->aboi", matrix, matrix, square).flatten(0, 1).to(weight.dtype)


def heard(weight: Tensor, taps: Taps, lanes: int) -> list[tuple[int, int, int]]:
    """(tap, first channel, last + 1) of what has a weight other than 0, a vector of channels at least."""
    found: list[tuple[int, int, int]] = []
    inputs = weight.shape[1]
    for tap, own in enumerate((weight != 0).any(2).tolist()):
        for low in range(0, inputs, lanes):
            high = min(low + lanes, inputs)
            if not any(own[low:high]):
                continue
            if found and found[-1][0] == tap and found[-1][2] == low:
                low = found.pop()[1]
            found.append((tap, low, high))
    return found
