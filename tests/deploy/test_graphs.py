"""CUDA graphs: what is around them by a stand-in that replays on the CPU; themselves where there is CUDA."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from hrpose.deploy import optimize
from hrpose.deploy.buckets import Buckets, ByShape
from hrpose.deploy.graphs import GraphOfShape, Graphs, marked
from hrpose.deploy.lanes import SideBySide, side_by_side
from hrpose.deploy.results import on_tensors
from hrpose.types import PoseMaps, Size
from tests.deploy.networks import furthest, network

needs_cuda = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


class Replayed:
    """As a CUDA graph: the same memory read and written each time, whatever has become of the call."""

    def __init__(self, run: Callable[[], Any], recorder: "Replayer") -> None:
        self.run, self.result, self.times, self.recorder = run, run(), 0, recorder

    def replay(self) -> None:
        assert self.recorder.busy
        self.times += 1
        on_tensors(lambda old, new: old.copy_(new), self.result, self.run())


class Replayer:
    def __init__(self) -> None:
        self.made: list[Replayed] = []
        self.busy = False

    def record(self, run: Callable[[], Any]) -> Replayed:
        self.made.append(Replayed(run, self))
        return self.made[-1]

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        assert not self.busy
        self.busy = True
        yield
        self.busy = False


class OneAfterAnother:
    """Lanes that keep count of their jobs, run last to first."""

    def __init__(self) -> None:
        self.jobs: list[int] = []

    def run(self, jobs: Sequence[Callable[[], Tensor]]) -> list[Tensor]:
        self.jobs.append(len(jobs))
        return [job() for job in reversed(jobs)][::-1]


def empty(count: int, size: Size) -> Tensor:
    return torch.empty(count, 3, *size)


@pytest.mark.parametrize("name", ["topdown v1", "higherhrnet", "classifier", "backbone"])
@torch.no_grad()
def test_batches_of_any_size_come_out_of_graphs_as_of_the_network(name: str) -> None:
    model, recorder = network(name), Replayer()
    buckets = Buckets(sizes=(1, 2, 4), waste=1.0)
    run = ByShape(Graphs(model, empty, recorder), model, buckets, most_sizes=1)
    for count in (3, 1, 5, 2, 3):
        images = torch.randn(count, 3, 64, 96)
        assert furthest(run(images), model(images)) < 1e-5
    assert len(recorder.made) == 3
    assert sum(graph.times for graph in recorder.made) == 6


@torch.no_grad()
def test_a_result_outlives_the_next_run() -> None:
    graph = GraphOfShape(lambda images: [images * 2], empty(2, (4, 4)).zero_(), Replayer())
    first = graph(torch.ones(1, 3, 4, 4))
    graph(torch.full((2, 3, 4, 4), 5.0))
    assert isinstance(first, list)
    assert torch.equal(first[0], torch.full((1, 3, 4, 4), 2.0))


@torch.no_grad()
def test_results_come_in_the_dtype_of_the_images() -> None:
    buffer = empty(2, (4, 4)).zero_().to(torch.bfloat16)
    result = GraphOfShape(lambda images: images, buffer, Replayer())(torch.ones(2, 3, 4, 4))
    assert isinstance(result, Tensor)
    assert result.dtype == torch.float32


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_an_image_that_is_not_finite_gives_nan_and_the_others_what_they_gave(bad: float) -> None:
    images = torch.randn(3, 3, 4, 4)
    images[1, 2, 3, 0] = bad
    maps = PoseMaps((torch.randn(3, 5, 2, 2),), (torch.randn(3, 1, 2, 2),))
    for before, after in zip(maps.heatmaps + maps.tags, sum(marked(maps, images), ()), strict=True):
        assert after[1].isnan().all()
        assert torch.equal(after[[0, 2]], before[[0, 2]])


@torch.no_grad()
def test_the_branches_of_each_module_run_in_lanes() -> None:
    model, lanes = network("backbone"), OneAfterAnother()
    images = torch.randn(1, 3, 64, 96)
    expected = model(images)
    spread = side_by_side(model, lanes)
    assert furthest(spread(images), expected) == 0
    assert lanes.jobs == [2, 3, 4, 4]
    assert sum(isinstance(part, SideBySide) for part in spread.modules()) == 4


class TestOnCuda:
    pytestmark = needs_cuda

    @pytest.mark.parametrize("name", ["topdown v1", "higherhrnet", "hourglass", "classifier", "backbone"])
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
    def test_graphs_give_what_the_network_gives(self, name: str, dtype: torch.dtype) -> None:
        model = network(name).cuda()
        fast = optimize(model, torch.randn(1, 3, 64, 96, device="cuda"), backend="graph", dtype=dtype)
        tolerance = {torch.float32: 5e-3, torch.float16: 2e-2, torch.bfloat16: 1e-1}[dtype]
        for count in (1, 3, 70):
            images = torch.randn(count, 3, 64, 96, device="cuda")
            with torch.no_grad():
                assert furthest(fast(images), model(images)) < tolerance

    def test_graphs_are_what_auto_takes_and_pass_nan_on(self) -> None:
        model = network("topdown v1").cuda()
        fast = optimize(model, torch.randn(2, 3, 64, 96, device="cuda"))
        assert (fast.choice.backend, fast.choice.dtype) == ("graph", torch.float16)
        images = torch.randn(2, 3, 64, 96, device="cuda")
        images[1, 0, 5, 5] = float("nan")
        maps = fast(images).heatmaps[0]
        assert maps[1].isnan().all()
        assert maps[0].isfinite().all()

    def test_calls_from_several_streams_do_not_disturb_each_other(self) -> None:
        model = network("topdown v1").cuda()
        fast = optimize(model, torch.randn(2, 3, 64, 96, device="cuda"), dtype=torch.float32)
        images = [torch.randn(2, 3, 64, 96, device="cuda") for _ in range(8)]
        made = []
        for each in images:
            stream = torch.cuda.Stream()
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                made.append(fast(each))
        torch.cuda.synchronize()
        for each, result in zip(images, made, strict=True):
            with torch.no_grad():
                assert furthest(result, model(each)) < 5e-3

    def test_compiled_networks_run_in_graphs_too(self) -> None:
        model = network("topdown v1").cuda()
        fast = optimize(model, torch.randn(2, 3, 64, 96, device="cuda"), backend="compile")
        images = torch.randn(2, 3, 64, 96, device="cuda")
        with torch.no_grad():
            assert furthest(fast(images), model(images)) < 2e-2
