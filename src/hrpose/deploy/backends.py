"""The backends that can run an optimised network: what each needs, and how it is made ready."""

from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import torch
from torch import Tensor

from hrpose.deploy.buckets import ByShape, filled_up, first_of
from hrpose.deploy.export import export_onnx
from hrpose.deploy.graphs import CudaRecorder, Graphs
from hrpose.deploy.job import Job
from hrpose.deploy.lacks import (
    lacks_compiler,
    lacks_cuda,
    lacks_native,
    lacks_nothing,
    lacks_onnxruntime,
    lacks_openvino,
)
from hrpose.deploy.lanes import Streams, side_by_side
from hrpose.deploy.native.program import Program
from hrpose.deploy.native.steps import Shelf
from hrpose.deploy.optimized import TOLERANCE, difference
from hrpose.deploy.results import Result, Runner, on_tensors
from hrpose.deploy.runners import OnnxRunner, OpenVinoRunner
from hrpose.errors import ConfigError
from hrpose.types import Size

# of torch.compile: calls written in C++, as those of Python would take some hundredths of the time
COMPILED_ON_CPU = {"cpp_wrapper": True}
COMPILED_ON_CUDA = {"max_autotune": True, "triton.cudagraphs": False}  # the graph is recorded here


class Eager:
    """The fused network as it is, called with images in its dtype and memory format."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def __call__(self, images: Tensor) -> Result:
        """Images of any shape -> the result in their dtype."""
        size = (images.shape[2], images.shape[3])
        fed = self.job.empty(len(images), size).copy_(images)
        return on_tensors(lambda maps: maps.to(images.dtype), self.job.network(fed))


class Compiled:
    """torch.compile of the network for up to N images of one size, weights taken as constants."""

    def __init__(self, job: Job, count: int, size: Size) -> None:
        self.job, self.count, self.size = job, count, size
        self.run = frozen(job.network, job.empty(count, size).zero_(), COMPILED_ON_CPU)

    def __call__(self, images: Tensor) -> Result:
        """n <= N images -> the result for them, in their dtype."""
        fed = filled_up(images, self.job.empty(self.count, self.size))
        made = on_tensors(lambda maps: maps.to(images.dtype), self.run(fed))
        return first_of(made, len(images))


def compiled(network: Callable[[Tensor], Any], options: dict[str, Any]) -> Runner:
    """torch.compile for one shape, which is compiled when it first comes.

    Torch keeps what it compiled with the code of a function, and no more than eight of them. This function's
    code is a copy, so that no other network or shape counts against it.
    """

    def run(images: Tensor) -> Any:
        return network(images)

    own = FunctionType(run.__code__.replace(), run.__globals__, run.__name__, None, run.__closure__)
    return torch.compile(own, fullgraph=True, dynamic=False, options=options)


def frozen(network: Callable[[Tensor], Any], fed: Tensor, options: dict[str, Any]) -> Runner:
    """torch.compile for images like `fed`, with the weights as constants, which oneDNN packs beforehand.

    The one who traces the network reads the setting where it lies, whatever options are given: without it
    the weights are inputs, and on a CPU no convolution is joined with a sum or a ReLU.
    """
    from torch._inductor import config  # takes time to import

    run = compiled(network, options)
    with config.patch(freezing=True):
        run(fed)
    return run


def run_eager(job: Job) -> Runner:
    """The fused network alone."""
    return Eager(job)


def run_compiled(job: Job) -> Runner:
    """Compiled for each shape; on CUDA with the fastest kernels that a search finds, in a graph."""
    if job.device.type != "cuda":
        return by_shape(job, lambda count, size: Compiled(job, count, size))
    recorder = CudaRecorder(job.device)

    def prepare(count: int, size: Size) -> Runner:
        fast = frozen(job.network, job.empty(count, size).zero_(), COMPILED_ON_CUDA)
        return Graphs(fast, job.empty, recorder)(count, size)

    return by_shape(job, prepare)


def run_graph(job: Job) -> Runner:
    """A CUDA graph for each shape, in which the branches lie on parallel streams."""
    network = side_by_side(job.network, Streams(job.device))
    return by_shape(job, Graphs(network, job.empty, CudaRecorder(job.device)))


def by_shape(job: Job, prepare: Callable[[int, Size], Runner]) -> ByShape:
    """`prepare` for the shapes that come first, the fused network for all others."""
    return ByShape(prepare, Eager(job), job.buckets, most_sizes=job.most_sizes)


def run_native(job: Job) -> Runner:
    """The library's own kernels, a program of them for each shape; all share the weights."""
    shelf: Shelf = {}
    otherwise = Eager(job)

    def prepare(count: int, size: Size) -> Runner:
        images = job.empty(count, size).normal_(generator=torch.Generator().manual_seed(0))
        expected = job.network(images)
        try:
            made = Program(job.network, images, expected, shelf)
        except ConfigError:
            if size == tuple(job.example.shape[2:]):
                raise
            return otherwise  # at this size the network does what there is no kernel for
        found = difference(made(images), expected)
        most = TOLERANCE[job.dtype]
        if not found <= most:
            raise ConfigError(
                f"backend='native' is off by {found:.1e} of the largest value on {count} images of {size}, "
                f"and at most {most:.0e} is right; take another backend, and look for NaN in the weights"
            )
        return made

    return ByShape(prepare, otherwise, job.buckets, most_sizes=job.most_sizes)


def run_onnxruntime(job: Job) -> Runner:
    """ONNX Runtime on the graph of the network as it came."""
    return exported(job, OnnxRunner)


def run_openvino(job: Job) -> Runner:
    """OpenVINO on the graph of the network as it came."""
    return exported(job, OpenVinoRunner)


def exported(job: Job, runner: type[OnnxRunner | OpenVinoRunner]) -> Runner:
    """The network as a graph of ONNX in a runner, which reads the whole file when it is made.

    The runners fold and fuse by themselves, and do it better when nothing was fused before.
    """
    path = job.folder / "network.onnx"
    if not path.exists():  # "auto" gives one file to both runners
        export_onnx(job.original, path, job.example, dynamic="batch" if job.one_size else True)
    run = runner(path, threads=torch.get_num_threads())
    return OfSize(run, job) if job.one_size else run


class OfSize:
    """What runs images of the example's size, and the fused network for others.

    A graph for one size is a few per cent faster than one for all.
    """

    def __init__(self, run: Runner, job: Job) -> None:
        self.run, self.size, self.otherwise = run, job.example.shape[2:], Eager(job)

    def __call__(self, images: Tensor) -> Result:
        """What the network returns for images of any size."""
        return self.run(images) if images.shape[2:] == self.size else self.otherwise(images)


@dataclass(frozen=True)
class Backend:
    """One way to run a network."""

    run: Callable[[Job], Runner]
    lacks: Callable[[Job], str]  # what is missing for it, and what to do; empty if nothing


BACKENDS: dict[str, Backend] = {
    "eager": Backend(run_eager, lacks_nothing),
    "compile": Backend(run_compiled, lacks_compiler),
    "graph": Backend(run_graph, lacks_cuda),
    "native": Backend(run_native, lacks_native),
    "onnxruntime": Backend(run_onnxruntime, lacks_onnxruntime),
    "openvino": Backend(run_openvino, lacks_openvino),
}
