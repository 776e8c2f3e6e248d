"""CUDA graphs: a network recorded once for a shape, then started as a whole in place of kernel by kernel."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

from hrpose.deploy.buckets import filled_up
from hrpose.deploy.results import Result, Runner, on_tensors
from hrpose.types import Size

WARM_UP = 3  # runs before a recording, in which libraries choose their kernels and allocate


class Recording(Protocol):
    """A run that can be repeated: it reads and writes the memory that it was recorded with."""

    result: Any

    def replay(self) -> None:
        """Run again; `result` then holds the new values."""


class Recorder(Protocol):
    """What records runs: CUDA, or a stand-in where there is none."""

    def record(self, run: Callable[[], Any]) -> Recording:
        """Warm up, run once and keep what was done."""

    def turn(self) -> contextlib.AbstractContextManager[None]:
        """While no other recording of this recorder is filled, replayed or read."""


class CudaRecording:
    """A CUDA graph and the tensors that it writes."""

    def __init__(self, graph: torch.cuda.CUDAGraph, result: Any) -> None:
        self.graph, self.result = graph, result

    def replay(self) -> None:
        """Start the graph on the current stream."""
        self.graph.replay()


class CudaRecorder:
    """Record on a device. All graphs share one pool of memory, so only one of them runs at a time."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.pool = torch.cuda.graph_pool_handle()
        self.lock = threading.Lock()
        self.done = torch.cuda.Event()  # type: ignore[no-untyped-call]

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """On the current stream, after what was done in the last turn on whatever stream and thread."""
        with torch.cuda.device(self.device), self.lock:
            self.done.wait()
            yield
            self.done.record()

    def record(self, run: Callable[[], Any]) -> CudaRecording:
        """Warm up and capture on a stream of its own, with the kernels that cuDNN finds the fastest."""
        with torch.cuda.device(self.device), fastest_kernels():
            aside, here = torch.cuda.Stream(), torch.cuda.current_stream()  # type: ignore[no-untyped-call]
            aside.wait_stream(here)
            with torch.cuda.stream(aside):
                for _ in range(WARM_UP):
                    run()
            here.wait_stream(aside)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=self.pool, stream=aside):
                result = run()
        return CudaRecording(graph, result)


@contextlib.contextmanager
def fastest_kernels() -> Iterator[None]:
    """Let cuDNN try its kernels on each new shape for a while."""
    before, torch.backends.cudnn.benchmark = torch.backends.cudnn.benchmark, True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


class GraphOfShape:
    """A network recorded for up to N images of one size.

    Its input has a fixed place, filled up with zeros, and so has its result, which is copied out before the
    next run writes over it.
    """

    def __init__(self, network: Runner, buffer: Tensor, recorder: Recorder) -> None:
        self.buffer = buffer  # (N, C, H, W), in the dtype and memory format of the network
        self.recorder = recorder
        self.recording = recorder.record(lambda: marked(network(buffer), buffer))

    def __call__(self, images: Tensor) -> Result:
        """n <= N images -> the result for them, in their dtype."""
        with self.recorder.turn():
            filled_up(images, self.buffer)
            self.recording.replay()
            made = self.recording.result
            return on_tensors(lambda maps: maps[: len(images)].to(images.dtype, copy=True), made)


def marked(result: Any, images: Tensor) -> Any:
    """The result, NaN for images that hold NaN or infinity: fused kernels may drop what is not a number.

    Without a copy to the host, which would wait for the device: 0 is added to what came of other images.
    """
    nothing = (images * 0).sum((1, 2, 3))  # (N,), in the images' dtype; 0 * infinity is NaN
    return on_tensors(lambda maps: maps + nothing.view(-1, *[1] * (maps.dim() - 1)).to(maps.dtype), result)


class Graphs:
    """Record the graph of a shape whenever one is wanted: what `ByShape` prepares."""

    def __init__(self, network: Runner, empty: Callable[[int, Size], Tensor], recorder: Recorder) -> None:
        self.network, self.empty, self.recorder = network, empty, recorder

    def __call__(self, count: int, size: Size) -> GraphOfShape:
        """For up to `count` images (height, width)."""
        return GraphOfShape(self.network, self.empty(count, size).zero_(), self.recorder)
