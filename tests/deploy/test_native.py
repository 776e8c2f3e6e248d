"""The library's own kernels: each against torch, whole networks against themselves, and what they refuse."""

import itertools
import os
import platform
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from hrpose.deploy import backends as rooms
from hrpose.deploy import fuse, optimize
from hrpose.deploy.buckets import Buckets
from hrpose.deploy.compile import attempt, make_job
from hrpose.deploy.lacks import lacks_native
from hrpose.deploy.native.library import compiler, library
from hrpose.deploy.native.lower import lower
from hrpose.deploy.native.operations import Kind, Value
from hrpose.deploy.native.plan import floats, places, waves
from hrpose.deploy.native.program import Program
from hrpose.deploy.native.simplify import simplify
from hrpose.deploy.optimized import plainly
from hrpose.errors import ConfigError
from tests.deploy.networks import NETWORKS, furthest, network

EXAMPLE = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
LACKING = lacks_native(make_job(network("topdown v1"), EXAMPLE, None, None, 1, Path()))
pytestmark = pytest.mark.skipif(bool(LACKING), reason=LACKING)


class Plain(nn.Module):
    """A function as a network."""

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, images: Tensor) -> Any:
        return self.function(images)


def program(model: nn.Module, images: Tensor) -> Program:
    return Program(model, images, model(images), {})


def run(model: nn.Module, images: Tensor) -> tuple[Any, Program]:
    """What a program made of the model gives, and the program."""
    with plainly(images.device):
        made = program(model.eval(), images)
        return made(images), made


def check(model: nn.Module, images: Tensor) -> set[int]:
    """The kinds of steps that were needed to give what the model gives."""
    came, made = run(model, images)
    with torch.no_grad():
        expected = model(images)
    assert type(came) is type(expected)
    assert furthest(came, expected) < 1e-5
    return {step.kind for step in made.steps}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("shape", [(1, 3, 64, 96), (2, 3, 77, 109)], ids=str)
def test_every_network_gives_what_it_gave(name: str, shape: tuple[int, ...]) -> None:
    model = network(name)
    check(fuse(model), torch.randn(shape, generator=torch.Generator().manual_seed(1)))


def conv(inputs: int, outputs: int, kernel: int | tuple[int, int], **settings: Any) -> nn.Conv2d:
    torch.manual_seed(2)
    return nn.Conv2d(inputs, outputs, kernel, **settings)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((1, 32, 16, 12), Kind.WINOGRAD_4),
        ((1, 32, 17, 11), Kind.WINOGRAD_4),
        ((3, 48, 9, 13), Kind.WINOGRAD_4),
        ((1, 70, 24, 18), Kind.WINOGRAD_4),  # not whole vectors
        ((1, 64, 8, 6), Kind.WINOGRAD_2),
        ((1, 64, 7, 5), Kind.WINOGRAD_2),
        ((1, 3, 16, 16), Kind.CONV),
        ((1, 64, 1, 1), Kind.CONV),
    ],
    ids=str,
)
def test_three_by_three_takes_the_cheapest_way(shape: tuple[int, ...], kind: Kind) -> None:
    images = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    kinds = check(conv(shape[1], shape[1], 3, padding=1), images)
    assert kind in kinds


@pytest.mark.parametrize("outputs", [1, 16, 17, 40])
def test_convolutions_of_any_form(outputs: int) -> None:
    images = torch.randn(2, 20, 19, 14, generator=torch.Generator().manual_seed(4))
    for kernel, settings in (
        (1, {}),
        (1, {"bias": False}),
        (1, {"stride": 2}),
        (3, {"stride": 2, "padding": 1}),
        (3, {"padding": 1}),
        (3, {}),
        (3, {"padding": 2, "dilation": 2}),
        (5, {"padding": 1}),
        ((1, 4), {"padding": (0, 2)}),
        (7, {"stride": 2, "padding": 3, "bias": False}),
    ):
        check(conv(20, outputs, kernel, **settings), images)


@pytest.mark.parametrize("groups", [2, 4, 20])
def test_convolutions_in_groups(groups: int) -> None:
    images = torch.randn(2, 20, 9, 9, generator=torch.Generator().manual_seed(5))
    kinds = check(conv(20, 40, 3, padding=1, groups=groups), images)
    assert kinds == {Kind.COPY, Kind.CONV}


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "more"),
    [(4, 2, 1, 0), (3, 2, 1, 1), (2, 2, 0, 0), (3, 1, 1, 0), (2, 3, 0, 0)],
)
def test_transposed_convolutions(kernel: int, stride: int, padding: int, more: int) -> None:
    torch.manual_seed(6)
    deconv = nn.ConvTranspose2d(20, 18, kernel, stride, padding, more)
    check(deconv, torch.randn(2, 20, 7, 5))


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(F.relu, id="relu"),
        pytest.param(torch.sigmoid, id="sigmoid"),
        pytest.param(lambda x: F.relu(x + x) + x, id="sums"),
        pytest.param(lambda x: x + F.relu(x + (x + (x + x))) + (x + x), id="sums of sums"),
        pytest.param(lambda x: x * x.mean((2, 3), keepdim=True), id="product"),
        pytest.param(lambda x: F.max_pool2d(x, 2), id="largest of 2"),
        pytest.param(lambda x: F.max_pool2d(x, 3, 2, 1), id="largest of 3"),
        pytest.param(lambda x: F.max_pool2d(x, 2, ceil_mode=True), id="largest of 2, reaching out"),
        pytest.param(lambda x: F.avg_pool2d(x, 2), id="mean of 2"),
        pytest.param(lambda x: F.avg_pool2d(x, 4, ceil_mode=True), id="mean of 4, reaching out"),
        pytest.param(lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1), id="mean of all"),
        pytest.param(lambda x: F.interpolate(x, scale_factor=2), id="nearest, twice"),
        pytest.param(lambda x: F.interpolate(x, (31, 8)), id="nearest"),
        pytest.param(
            lambda x: F.relu(x + F.interpolate(F.max_pool2d(x, 3), x.shape[2:])), id="resized, added"
        ),
        pytest.param(lambda x: F.interpolate(x, (31, 8), mode="bilinear"), id="bilinear"),
        pytest.param(lambda x: F.interpolate(x, (31, 25), mode="bilinear", align_corners=True), id="aligned"),
        pytest.param(lambda x: torch.cat([x, x[:, :7], F.relu(x)], 1), id="side by side"),
        pytest.param(lambda x: torch.cat([F.relu(x[:, 16:]), F.relu(x[:, :16])], 1), id="exchanged"),
        pytest.param(
            lambda x: [torch.cat([x, x + x, torch.ones(2, 1, 1, 1).expand(-1, 3, 13, 10)], 1)], id="fixed"
        ),
        pytest.param(lambda x: [F.relu(x), torch.arange(6.0).view(2, 3)], id="constants"),
        pytest.param(lambda x: list(x.tensor_split([3, 16], 1)), id="cut"),
        pytest.param(
            lambda x: torch.cat([F.relu(x), *x.tensor_split([-4], 1)[1:], x[:, 5:3], F.relu(x)], 1), id="end"
        ),
        pytest.param(
            lambda x: torch.cat([F.relu(x), *x.tensor_split([18, 40], 1), F.relu(x)], 1), id="beyond the end"
        ),
        pytest.param(lambda x: [F.relu((x + x)[:, :16][:, :8]), (x + x) + x], id="a slice of a slice"),
        pytest.param(
            lambda x: (lambda y: [F.relu(y[:, :16][:, :8]), y + x])(F.relu(x) + x),
            id="a slice of what is added",
        ),
        pytest.param(
            lambda x: [torch.ones(1, 1, 1, 1).expand(2, x.shape[1], 13, 10) + x, x], id="constant first"
        ),
        pytest.param(lambda x: [x[:, 5:], x[:, 4:9] + F.relu(x[:, -5:])], id="slices"),
    ],
)
@pytest.mark.parametrize("channels", [20, 32])
def test_steps_that_are_no_convolutions(function: Callable[[Tensor], Any], channels: int) -> None:
    torch.manual_seed(7)
    check(Plain(function), torch.randn(2, channels, 13, 10))


def test_operators_that_write_over_what_they_were_given() -> None:
    def function(x: Tensor) -> list[Tensor]:
        y = F.relu(x)
        z = y.add_(x)
        return [y, z.relu_(), y + x]

    check(Plain(function), torch.randn(1, 20, 8, 8))

    def over_a_part(x: Tensor) -> Tensor:
        y = x + x
        y[:, :4].add_(x[:, :4])
        return y

    with pytest.raises(ConfigError, match="writes over a constant or a part of a map"):
        run(Plain(over_a_part), torch.randn(1, 20, 8, 8))


@pytest.mark.parametrize(
    ("function", "match"),
    [
        (lambda x: x.sum(), r"no kernel here for aten.sum"),
        (lambda x: x + 1, "sums and products with a number"),
        (lambda x: x * x[:, :1], "products of anything but maps of the same channels"),
        (lambda x: torch.cat([x, x], 2), "along axis 2"),
        (lambda x: x[:, :, 1:], "along axis 2 by 1"),
        (lambda x: x[:, ::2], "along axis 1 by 2"),
        (lambda x: torch.add(x, x, alpha=2), "sums of anything but maps of one shape"),
        (lambda x: x[:, :8] * x.mean((2, 3))[:, :8], "products of anything but maps"),
        (lambda x: x + 2 * torch.ones_like(x), "no kernel here for aten.ones_like"),
        (lambda x: F.batch_norm(x, None, None, training=True), "in training mode"),
        (lambda x: F.leaky_relu(F.avg_pool2d(x, 2)), "no kernel here for aten.leaky_relu"),
        (lambda x: F.batch_norm(x, torch.zeros(20), torch.ones(20), training=True), "in training mode"),
        (lambda x: [x, torch.arange(4).view(2, 2)], "constants of torch.int64"),
        (lambda x: x.flatten(1), r"makes \(1, 1280\) of \(1, 20, 8, 8\)"),
        (lambda x: F.max_pool2d(x, (2, 1)), "differ by axis"),
        (lambda x: F.max_pool2d(x, 2, dilation=2), "dilated pooling"),
        (lambda x: F.avg_pool2d(x, 3, padding=1), "begin outside"),
        (lambda x: F.avg_pool2d(x, 3, divisor_override=2), "or by a divisor"),
        (lambda x: F.interpolate(x, scale_factor=1.3), r"resizes \(8, 8\) by \[1.3, 1.3\]"),
        (lambda x: F.interpolate(x, scale_factor=1.3, mode="bilinear"), r"resizes \(8, 8\) by \[1.3, 1.3\]"),
        (lambda x: F.adaptive_avg_pool2d(x, 2), r"pooling to \[2, 2\]"),
        (lambda x: x.mean(1), r"means along axes \[1\]"),
        (nn.Linear(8, 8), r"matrix products of anything but \(N, C\)"),
        (nn.Conv2d(20, 20, 250, padding=125, groups=20), "in so many groups as 20"),
        (nn.ConvTranspose2d(20, 20, 2, groups=2), "in groups or dilated"),
        (nn.Conv2d(20, 9000, 1), "tensors of shape"),
    ],
)
def test_what_there_is_no_kernel_for_is_refused(function: Any, match: str) -> None:
    model = function if isinstance(function, nn.Module) else Plain(function)
    with pytest.raises(ConfigError, match=match):
        run(model, torch.randn(1, 20, 8, 8))


def test_fewer_images_than_it_was_made_for_and_any_strides() -> None:
    model = network("topdown v2")
    with plainly(EXAMPLE.device):
        made = program(fuse(model), EXAMPLE.repeat(4, 1, 1, 1))
        for images in (
            torch.randn(4, 3, 64, 96),
            torch.randn(2, 3, 64, 96).to(memory_format=torch.channels_last),
            torch.randn(3, 3, 96, 64).mT,
            torch.randn(1, 1, 64, 96).expand(3, 3, 64, 96),
            torch.randn(1, 5, 70, 99)[:, 1:4, 3:67, 2:98],
        ):
            came = made(images).heatmaps[0]
            assert came.shape[0] == len(images)
            assert furthest(came, model(images).heatmaps[0]) < 1e-5


def test_a_result_is_not_written_over_by_the_next_call() -> None:
    with plainly(EXAMPLE.device):
        made = program(fuse(network("topdown v1")), EXAMPLE)
        first = made(EXAMPLE).heatmaps[0]
        kept = first.clone()
        made(torch.zeros_like(EXAMPLE))
    assert torch.equal(first, kept)


def test_what_another_call_left_behind_changes_nothing() -> None:
    with plainly(EXAMPLE.device):
        made = program(fuse(network("backbone of five branches")), EXAMPLE)
        first = made(EXAMPLE)
        for _ in range(3):  # stale numbers of the call before would show
            made(torch.randn_like(EXAMPLE) * 100)
        assert all(torch.equal(a, b) for a, b in zip(made(EXAMPLE), first, strict=True))


def test_maps_of_one_time_lie_apart_and_others_share() -> None:
    lanes = 8
    with plainly(EXAMPLE.device):
        straight = lower(fuse(network("backbone of five branches")), EXAMPLE)
    simplify(straight, lanes)
    wave = waves(straight.operations)
    found, size = places(wave, straight.outputs, lanes)
    when: dict[Value, set[int]] = {}
    for operation, at in wave.items():
        for value in (*operation.inputs, operation.output):
            when.setdefault(value.root, set()).add(at)
    for value in straight.outputs:
        when[value.root].add(max(wave.values()))
    assert found.keys() == when.keys()
    for a, b in itertools.combinations(found, 2):
        meet = min(when[a]) <= max(when[b]) and min(when[b]) <= max(when[a])
        apart = found[a] + floats(a, lanes) <= found[b] or found[b] + floats(b, lanes) <= found[a]
        assert apart or not meet
    assert size == max(found[value] + floats(value, lanes) for value in found)
    assert size < sum(floats(value, lanes) for value in found) / 2
    for operation, at in wave.items():
        for value in operation.inputs:
            assert all(wave[source] < at for source in value.sources())


def test_the_number_of_threads_changes_no_result() -> None:
    model, before = fuse(network("higherhrnet")), torch.get_num_threads()
    images, results = torch.randn(2, 3, 64, 96), []
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            results.append(run(model, images)[0].heatmaps)
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_calls_from_several_threads_do_not_mix() -> None:
    fast = optimize(network("topdown v1"), EXAMPLE, backend="native", buckets=Buckets(sizes=(1,)))
    batches = [torch.randn(3, 3, 64, 96) for _ in range(4)]
    expected = [fast(images).heatmaps[0] for images in batches]
    came: dict[int, list[Tensor]] = {}

    def work(place: int) -> None:
        came[place] = [fast(batches[place]).heatmaps[0] for _ in range(5)]

    workers = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(came) == 4
    for place, made in came.items():
        assert all(torch.equal(each, expected[place]) for each in made)


def test_optimize_cuts_batches_up_and_falls_back_for_sizes_beyond_the_most() -> None:
    model = network("higherhrnet")
    fast = optimize(model, EXAMPLE, backend="native", buckets=Buckets(sizes=(1, 2)), most_sizes=1)
    assert (fast.choice.backend, fast.choice.buckets) == ("native", Buckets(sizes=(1, 2)))
    with torch.no_grad():
        for shape in ((1, 3, 64, 96), (5, 3, 64, 96), (2, 3, 96, 64), (0, 3, 64, 96)):
            images = torch.randn(shape)
            came = fast(images)
            if len(images):
                assert furthest(came, model(images)) < 1e-4
        broken = torch.randn(2, 3, 64, 96)
        broken[1, 2, 3, 4] = float("inf")
        assert torch.equal(fast(broken).heatmaps[0].isnan(), model(broken).heatmaps[0].isnan())


def test_a_network_that_it_cannot_run_is_refused_by_name_and_left_out_by_auto() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), Plain(lambda x: x.abs())).eval()
    text = (
        r"backend='native' failed on this network: ConfigError: there is no kernel here for aten.abs.default"
    )
    with pytest.raises(ConfigError, match=text):
        optimize(model, EXAMPLE, backend="native")
    job = make_job(model, EXAMPLE, None, None, 1, Path())
    tried: dict[str, str] = {}
    with plainly(EXAMPLE.device):
        assert attempt(("native",), job, model(EXAMPLE), tried) == {}
    assert "no kernel here for aten.abs.default" in tried["native"]


def test_a_compiler_that_is_absent_or_refuses_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refusing = tmp_path / "refusing"
    refusing.write_text("#!/bin/sh\necho 'x.cpp:1: error: no such thing' >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setenv("CXX", str(refusing))
    library.cache_clear()
    try:
        with pytest.raises(ConfigError, match=r"refused the kernels: x.cpp:1: error: no such thing"):
            optimize(network("topdown v1"), EXAMPLE, backend="native")
    finally:
        library.cache_clear()
    monkeypatch.setenv("CXX", "no-such-compiler")
    text = (
        r"the kernels need a C\+\+ compiler, and 'no-such-compiler' is not on PATH: install one, or set CXX"
    )
    with pytest.raises(ConfigError, match=text):
        optimize(network("topdown v1"), EXAMPLE, backend="native")
    job = replace(make_job(network("topdown v1"), EXAMPLE, None, None, 1, Path()), dtype=torch.bfloat16)
    assert "run float32 on the processor, not torch.bfloat16 on cpu" in lacks_native(job)


class Shared(nn.Module):
    """One weight in convolutions of different settings, and one that depends on the size of the images."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(8)
        self.first = nn.Conv2d(3, 64, 1)
        self.weight = nn.Parameter(torch.randn(64, 64, 3, 3) / 24)
        self.biases = nn.ParameterList(torch.randn(64) for _ in range(2))
        self.fixed = [torch.randn(64, 64, 3, 3) / 24 for _ in range(2)]

    def forward(self, images: Tensor) -> list[Tensor]:
        x = self.first(images)
        return [
            F.conv2d(x, self.weight, self.biases[0], padding=1),
            F.conv2d(F.avg_pool2d(x, 8), self.weight, self.biases[1], padding=1),
            F.conv2d(x, self.weight, padding=1),
            F.conv2d(x, self.fixed[int(images.shape[2] > 64)]),
            F.conv2d(x, self.weight[:, :32], groups=2),
            F.conv_transpose2d(x, self.weight, stride=2),
            F.conv_transpose2d(x, self.weight, stride=2, padding=1),
        ]


def test_weights_are_shared_only_where_they_are_the_same() -> None:
    model, images = Shared().eval(), torch.randn(1, 3, 64, 64)
    fast = optimize(model, images, backend="native")
    with torch.no_grad():
        for shape in ((1, 3, 64, 64), (1, 3, 128, 128), (8, 3, 64, 64)):
            images = torch.randn(shape)
            assert furthest(fast(images), model(images)) < 1e-5


def test_a_size_that_there_is_no_kernel_for_goes_through_the_fused_network() -> None:
    model = Plain(lambda x: F.interpolate(F.max_pool2d(x, 2, ceil_mode=True), scale_factor=1.5)).eval()
    network = nn.Sequential(nn.Conv2d(3, 8, 1), model).eval()
    fast = optimize(network, EXAMPLE, backend="native")
    odd = torch.randn(1, 3, 66, 94)  # 33 * 1.5 is no whole number
    with torch.no_grad():
        assert torch.equal(fast(odd), network(odd)) or furthest(fast(odd), network(odd)) < 1e-6
        assert furthest(fast(EXAMPLE), network(EXAMPLE)) < 1e-6


def test_a_program_that_is_off_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = optimize(network("topdown v1"), EXAMPLE, backend="native")
    monkeypatch.setattr(rooms, "difference", lambda made, expected: 0.5)
    with pytest.raises(ConfigError, match=r"backend='native' is off by 5.0e-01 .* on 1 images of \(32, 32\)"):
        fast(torch.randn(1, 3, 32, 32))


def test_a_new_size_leaves_the_network_as_it_was() -> None:
    model = network("topdown v1")
    fast = optimize(model, EXAMPLE, backend="native")
    state = {name: value.clone() for name, value in model.state_dict().items()}
    model.train()
    images = torch.randn(1, 3, 32, 32)
    came = fast(images)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    with torch.no_grad():
        assert furthest(came, model.eval()(images)) < 1e-5


def test_images_of_another_precision_than_it_computes_in() -> None:
    model = network("topdown v1").double()
    fast = optimize(model, EXAMPLE.double(), backend="native", dtype=torch.float32)
    images = torch.randn(2, 3, 64, 96, dtype=torch.float64)
    with torch.no_grad():
        came, expected = fast(images).heatmaps[0], model(images).heatmaps[0]
    assert came.dtype == torch.float64
    assert furthest(came, expected) < 1e-5


def test_what_torch_makes_by_default_does_not_matter() -> None:
    model, expected = network("topdown v1"), None
    with torch.no_grad():
        expected = model(EXAMPLE)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        assert furthest(optimize(model, EXAMPLE, backend="native")(EXAMPLE), expected) < 1e-5
    finally:
        torch.set_default_dtype(before)


def test_sizes_that_first_come_in_several_threads_at_once() -> None:
    model = network("topdown v1")
    fast = optimize(model, EXAMPLE, backend="native", most_sizes=9)
    batches = [torch.randn(1, 3, 32, 32 * width) for width in (1, 2, 3)]
    with ThreadPoolExecutor(3) as pool, torch.no_grad():
        for images, came in zip(batches, pool.map(fast, batches), strict=True):
            assert furthest(came, model(images)) < 1e-5


class Found(Dataset[Tensor]):
    """What a network finds, computed where the items are made."""

    def __init__(self, fast: Callable[[Tensor], Any]) -> None:
        self.fast = fast

    def __len__(self) -> int:
        return 4

    def __getitem__(self, place: int) -> Tensor:
        torch.manual_seed(place)
        found: Tensor = self.fast(torch.randn(EXAMPLE.shape)).heatmaps[0]
        return found


@pytest.mark.skipif(sys.platform == "win32" or sys.platform == "darwin", reason="needs fork")
def test_workers_that_were_forked_run_it_too() -> None:
    fast = optimize(network("topdown v1"), EXAMPLE, backend="native")
    found = Found(fast)
    made = list(DataLoader(found, num_workers=1, batch_size=None, timeout=60, multiprocessing_context="fork"))
    for place, each in enumerate(made):
        assert torch.equal(each, found[place])


def test_the_mean_of_many_pixels_is_exact() -> None:
    images = torch.full((1, 4, 300, 300), 0.1)
    came, _ = run(Plain(lambda x: F.adaptive_avg_pool2d(x, 1)), images)
    torch.testing.assert_close(came, torch.full((1, 4, 1, 1), 0.1), rtol=2e-6, atol=0)


def test_a_compiler_may_be_a_command_with_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "'/some where/g++' -O3")
    assert compiler() == ["/some where/g++", "-O3"]
    monkeypatch.setenv("CXX", " ")
    assert len(compiler()) == 1


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() != "x86_64", reason="compiles for older processors of this kind")
@pytest.mark.parametrize("target", ["x86-64-v3", "x86-64-v2"])
def test_processors_with_shorter_vectors(target: str, tmp_path: Path) -> None:
    """Compiled for vectors of 256 and of 128 bits, which this processor has as well."""
    wrapper = tmp_path / "older"
    wrapper.write_text(f'#!/bin/sh\nexec {" ".join(compiler())} "$@" -march={target}\n')
    wrapper.chmod(0o755)
    chosen = "topdown or hourglass or cheapest or any_form or transposed or no_convolutions"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", chosen],
        env={**os.environ, "CXX": str(wrapper)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
