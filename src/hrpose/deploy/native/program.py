"""Program: a network for one shape of images, as steps that the compiled kernels run."""

import ctypes
import threading
from typing import TypeAlias

import torch
from torch import Tensor, nn

from hrpose.deploy.native import plan
from hrpose.deploy.native.library import Map, Panel, Segment, Step, library
from hrpose.deploy.native.lower import lower
from hrpose.deploy.native.operations import Kind, Offsets, Operation, Value
from hrpose.deploy.native.simplify import simplify
from hrpose.deploy.native.weights import Packed, pack, padded
from hrpose.deploy.results import Result, on_tensors

Shelf: TypeAlias = dict[tuple[str, Kind, Offsets], Packed]  # packed weights by name and use


class Program:
    """A network for images of one shape (N, C, H, W), called with at most N of them.

    It runs with as many threads as torch had when it was made. One call runs at a time; others wait.

    Args:
        network: in evaluation mode, float32, on a CPU; fused, as batch norms are steps of their own here.
        shelf: where packed weights are kept for other programs of the same network.
    Raises: ConfigError for what there is no kernel for, and if the kernels cannot be compiled.
    """

    def __init__(self, network: nn.Module, images: Tensor, shelf: Shelf) -> None:
        self.library = library()
        lanes, rows = self.library.lanes, self.library.rows
        straight = lower(network, images)
        simplify(straight, lanes)
        load = Operation(kind=Kind.COPY, inputs=[], output=straight.image)
        operations = [load, *straight.operations]
        for each in operations:
            each.kind = plan.best_kind(each, lanes, rows)
        wave = plan.waves(operations)
        self.threads = torch.get_num_threads()
        cuts = {each: plan.cut(each, lanes, rows, self.threads) for each in operations}
        order = sorted(operations, key=lambda each: (wave[each], -plan.work(each, cuts[each])))
        self.places, size = plan.places(wave, straight.outputs, lanes)
        self.memory = torch.zeros(size)
        self.reach = max(plan.scratch(each, cuts[each], lanes) for each in operations)
        self.scratch = torch.zeros(self.threads * self.reach)
        self.kept: list[object] = []  # what the steps point to
        self.steps = (Step * len(order))()
        for step, each in zip(self.steps, order, strict=True):
            self._write(step, each, wave[each], cuts[each], shelf)
        self.waves = 1 + max(wave.values())
        self.taken = (ctypes.c_int64 * self.waves)()
        self.load = self.steps[order.index(load)]
        self.like = on_tensors(lambda maps: maps.to("meta"), network(images))
        self.views = [self._view(value) for value in straight.outputs]
        self.lock = threading.Lock()

    def __call__(self, images: Tensor) -> Result:
        """What the network returns for n <= N images of that size."""
        with self.lock:
            source = self.load.maps[0]
            source.data = images.data_ptr()
            source.image, source.channel, source.row, source.pixel = images.stride()
            self.load.images = len(images)
            self.library.run(
                self.steps,
                ctypes.c_int64(len(self.steps)),
                self.taken,
                ctypes.c_int64(self.waves),
                ctypes.c_void_p(self.scratch.data_ptr()),
                ctypes.c_int64(self.reach),
                self.threads,
            )
            views = iter(self.views)

            def taken_out(like: Tensor) -> Tensor:
                view = next(views)[: len(images)]
                return view.clone(memory_format=torch.contiguous_format).view(-1, *like.shape[1:])

            return on_tensors(taken_out, self.like)

    def _write(self, step: Step, operation: Operation, wave: int, cut: plan.Cut, shelf: Shelf) -> None:
        """What kernels.cpp reads of an operation."""
        lanes = self.library.lanes
        step.kind, step.wave, step.chunks, step.block = operation.kind, wave, cut.chunks, cut.block
        step.images, step.relu, step.align = operation.output.shape[0], operation.relu, operation.align
        step.window, step.stride, step.padding = operation.window
        step.inputs = len(operation.inputs)
        for place, value in enumerate(operation.inputs):
            step.maps[place] = self._map(value)
        step.out = self._map(operation.output)
        if operation.kind in (Kind.COPY, Kind.SIGMOID):  # number by number
            step.out.channels = operation.output.shape[1]
        if operation.scale is not None:
            self._point(step, *(filled_up(each, lanes) for each in operation.scale))
        if operation.taps is not None:
            key = (operation.taps.name, operation.kind, operation.taps.offsets)
            packed = shelf[key] = shelf.get(key) or pack(operation.taps, operation.kind, lanes)
            step.stride, step.depth = operation.taps.stride, operation.taps.weight.shape[2]
            step.panels, step.panels_a_chunk = len(packed.panels), cut.panels
            panels = (Panel * len(packed.panels))(*(Panel(*each) for each in packed.panels))
            segments = (Segment * len(packed.segments))(*(Segment(*each) for each in packed.segments))
            step.panel, step.segment = ctypes.addressof(panels), ctypes.addressof(segments)
            self._point(step, packed.weight, packed.bias)
            self.kept += [panels, segments]

    def _point(self, step: Step, weight: Tensor, bias: Tensor) -> None:
        """Let a step read these, and keep them."""
        step.weight, step.bias = weight.data_ptr(), bias.data_ptr()
        self.kept += [weight, bias]

    def _map(self, value: Value) -> Map:
        """Where a value lies, for kernels.cpp, which computes whole vectors of channels."""
        view = self._view(value)
        _, channels, height, width = value.shape
        image, channel, row, pixel = view.stride()
        return Map(
            view.data_ptr(), height, width, padded(channels, self.library.lanes), image, row, pixel, channel
        )

    def _view(self, value: Value) -> Tensor:
        """The map as a tensor (N, C, H, W) on its memory."""
        if value.base is None:
            _, channels, height, width = value.shape
            pixel = padded(channels, self.library.lanes)
            strides = (height * width * pixel, 1, width * pixel, pixel)
            return self.memory.as_strided(value.shape, strides, self.places[value])
        step, row, column = value.grid
        base = self._view(value.base)
        return base[:, value.channel : value.channel + value.shape[1], row::step, column::step]


def filled_up(values: Tensor, lanes: int) -> Tensor:
    """Numbers of each channel, and zeros up to whole vectors."""
    full = values.new_zeros(padded(len(values), lanes))
    full[: len(values)] = values
    return full
