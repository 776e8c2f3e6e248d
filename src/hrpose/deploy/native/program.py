"""Program: a network for one shape of images, as steps that the compiled kernels run."""

import ctypes
import threading

import torch
from torch import Tensor, nn

from hrpose.deploy.native import plan
from hrpose.deploy.native.layout import PLAIN, Layout
from hrpose.deploy.native.library import Step, library
from hrpose.deploy.native.lower import lower
from hrpose.deploy.native.operations import Kind, Operation
from hrpose.deploy.native.simplify import simplify
from hrpose.deploy.native.steps import Shelf, write
from hrpose.deploy.results import Result, on_tensors


class Program:
    """A network for images of one shape (N, C, H, W), called with at most N of them.

    It runs with as many threads as torch had when it was made, at most with those that it has now. One call
    runs at a time; others wait.

    Args:
        network: in evaluation mode, float32, on a CPU; fused, as batch norms are steps of their own here.
        like: what the network returns for some images of that size, for its structure.
        shelf: where packed weights are kept for other programs of the same network.
    Raises: ConfigError for what there is no kernel for, and if the kernels cannot be compiled.
    """

    def __init__(self, network: nn.Module, images: Tensor, like: Result, shelf: Shelf) -> None:
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
        layout = Layout(wave, straight.outputs, lanes)
        self.steps = (Step * len(order))()
        self.kept: list[object] = [layout.memory]  # what the steps point to
        for step, each in zip(self.steps, order, strict=True):
            step.wave = wave[each]
            self.kept += write(step, each, cuts[each], layout, shelf)
        self.load = self.steps[order.index(load)]
        self.taken = (ctypes.c_int64 * (1 + max(wave.values())))()
        self.reach = max(plan.scratch(each, cuts[each], lanes) for each in operations)
        self.scratch = torch.zeros(self.threads * self.reach, **PLAIN)
        self.views = [layout.view(value) for value in straight.outputs]
        self.like = on_tensors(lambda maps: maps.to("meta"), like)
        self.lock = threading.Lock()

    def __call__(self, images: Tensor) -> Result:
        """What the network returns for n <= N images of that size."""
        with self.lock:
            fed = images.to(torch.float32)
            source = self.load.maps[0]
            source.data = fed.data_ptr()
            source.image, source.channel, source.row, source.pixel = fed.stride()
            self.load.images = len(images)
            self.library.run(
                self.steps,
                ctypes.c_int64(len(self.steps)),
                self.taken,
                ctypes.c_int64(len(self.taken)),
                ctypes.c_void_p(self.scratch.data_ptr()),
                ctypes.c_int64(self.reach),
                min(self.threads, torch.get_num_threads()),  # a forked worker has but one
            )
            views = iter(self.views)

            def taken_out(like: Tensor) -> Tensor:
                view = next(views)[: len(images)]
                own = view.clone(memory_format=torch.contiguous_format).to(images.dtype)
                return own.view(len(images), *like.shape[1:])

            return on_tensors(taken_out, self.like)
