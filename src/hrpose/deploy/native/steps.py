"""Steps: operations as kernels.cpp reads them."""

import ctypes
from typing import TypeAlias

from torch import Tensor

from hrpose.deploy.native.layout import Layout
from hrpose.deploy.native.library import Panel, Segment, Step
from hrpose.deploy.native.operations import Kind, Offsets, Operation
from hrpose.deploy.native.plan import Cut
from hrpose.deploy.native.weights import Packed, pack, padded

Shelf: TypeAlias = dict[tuple[str, Kind, Offsets], Packed]  # packed weights by name and use


def write(step: Step, operation: Operation, cut: Cut, layout: Layout, shelf: Shelf) -> list[object]:
    """Fill in a step; returns what it points to, which must be kept."""
    step.kind, step.chunks, step.block = operation.kind, cut.chunks, cut.block
    step.images, step.relu, step.align = operation.output.shape[0], operation.relu, operation.align
    step.window, step.stride, step.padding = operation.window
    step.inputs = len(operation.inputs)
    for place, value in enumerate(operation.inputs):
        step.maps[place] = layout.map(value)
    step.out = layout.map(operation.output)
    if operation.kind in (Kind.COPY, Kind.SIGMOID):  # number by number
        step.out.channels = operation.output.shape[1]
    if operation.source is not None:
        step.maps[0] = layout.foreign(operation.source)
        return [operation.source]
    if operation.scale is not None:
        factor, shift = (filled_up(each, layout.lanes) for each in operation.scale)
        step.weight, step.bias = factor.data_ptr(), shift.data_ptr()
        return [factor, shift]
    if operation.taps is None:
        return []
    key = (operation.taps.name, operation.kind, operation.taps.offsets)
    packed = shelf.get(key) or pack(operation.taps, operation.kind, layout.lanes)
    if operation.taps.name:
        shelf[key] = packed
    step.stride, step.depth = operation.taps.stride, operation.taps.weight.shape[2]
    step.panels, step.panels_a_chunk = len(packed.panels), cut.panels
    panels = (Panel * len(packed.panels))(*(Panel(*each) for each in packed.panels))
    segments = (Segment * len(packed.segments))(*(Segment(*each) for each in packed.segments))
    step.panel, step.segment = ctypes.addressof(panels), ctypes.addressof(segments)
    step.weight, step.bias = packed.weight.data_ptr(), packed.bias.data_ptr()
    return [packed, panels, segments]


def filled_up(values: Tensor, lanes: int) -> Tensor:
    """Numbers of each channel, and zeros up to whole vectors."""
    full = values.new_zeros(padded(len(values), lanes))
    full[: len(values)] = values
    return full
