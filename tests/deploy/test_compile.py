"""optimize: the same call, results, state and errors as the network had."""

import copy
import io
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hrpose.codecs import MSRA
from hrpose.deploy import Optimized, lacks, optimize
from hrpose.deploy import backends as rooms
from hrpose.deploy import compile as rule
from hrpose.deploy.backends import BACKENDS, Backend
from hrpose.deploy.buckets import Buckets
from hrpose.deploy.compile import BackendName
from hrpose.deploy.job import Job
from hrpose.deploy.lacks import lacks_dtype
from hrpose.deploy.optimized import plainly
from hrpose.errors import ConfigError, ShapeError, UnknownNameError
from hrpose.models.spec import PoseSpec
from hrpose.skeletons import Skeleton
from tests.deploy.networks import furthest, network

EXAMPLE = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
NEEDS = {
    "eager": lambda job: "",
    "compile": lacks.lacks_compiler,
    "native": lacks.lacks_native,
    "onnxruntime": lacks.lacks_onnxruntime,
    "openvino": lacks.lacks_openvino,
}


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return network("topdown v1")


@pytest.fixture(scope="module")
def fast(model: nn.Module) -> Optimized:
    return optimize(model, EXAMPLE, backend="eager")


@pytest.mark.parametrize(
    "name", ["topdown v1", "higherhrnet", "hourglass ae", "classifier", "backbone", "instances"]
)
def test_every_kind_of_network_is_called_as_before(name: str) -> None:
    model = network(name)
    fast = optimize(model, EXAMPLE, backend="eager")
    with torch.no_grad():
        for shape in ((1, 3, 64, 96), (3, 3, 64, 96), (2, 3, 96, 72), (0, 3, 64, 96)):
            images = torch.randn(shape)
            expected, came = model(images), fast(images)
            assert type(came) is type(expected)
            if len(images):
                assert furthest(came, expected) < 1e-4
    assert fast.config is model.config
    assert not any(tensor.requires_grad for tensor in _flat(came))


def _flat(made: Any) -> list[Tensor]:
    return [made] if isinstance(made, Tensor) else [tensor for part in made for tensor in _flat(part)]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["compile", "native", "onnxruntime", "openvino"])
def test_a_backend_gives_what_the_network_gives_and_passes_nan_on(
    backend: BackendName, tmp_path: Path
) -> None:
    model = network("topdown v1")
    job = rule.make_job(model, EXAMPLE, None, None, 1, tmp_path)
    lacking = NEEDS[backend](job)
    if lacking:
        pytest.skip(lacking)
    fast = optimize(model, EXAMPLE, backend=backend, most_sizes=1, buckets=Buckets(sizes=(1,)))
    assert fast.choice.backend == backend
    images = torch.randn(2, 3, 64, 96)
    images[1, 0, 3, 3] = float("nan")
    with torch.inference_mode():  # another state of torch than it was made in
        expected, came = model(images).heatmaps[0], fast(images).heatmaps[0]
        assert (came[0] - expected[0]).abs().max() <= 1e-4 * expected[0].abs().max()
        assert torch.equal(came.isnan(), expected.isnan())
        other = torch.randn(1, 3, 96, 64)  # beyond most_sizes
        assert furthest(fast(other), model(other)) < 1e-4


@pytest.mark.slow
def test_compiled_weights_are_constants_so_that_no_convolution_or_relu_is_a_step_of_its_own(
    tmp_path: Path,
) -> None:
    model = network("topdown v1")
    job = rule.make_job(model, EXAMPLE, None, None, 1, tmp_path)
    lacking = NEEDS["compile"](job)
    if lacking:
        pytest.skip(lacking)
    with plainly(EXAMPLE.device):
        run = rooms.Compiled(job, 1, (64, 96))
        with torch.profiler.profile() as seen:
            came = run(EXAMPLE)
        assert furthest(came, model(EXAMPLE)) < 1e-4
    steps = {event.name for event in seen.events()}
    assert not {name for name in steps if name == "aten::relu" or name.endswith("convolution")}


@pytest.mark.slow
def test_a_network_of_crops_is_exported_for_their_size_and_runs_on_others_too() -> None:
    model = network("topdown v1")
    spec = PoseSpec(skeleton=Skeleton.generic(5), codec=MSRA(input_size=(64, 96)))
    model.config = replace(model.config, spec=spec)
    fast = optimize(model, EXAMPLE, backend="onnxruntime")
    assert fast.spec is spec
    with torch.no_grad():
        for shape in ((3, 3, 64, 96), (2, 3, 96, 64)):
            images = torch.randn(shape)
            assert furthest(fast(images), model(images)) < 1e-4


def test_state_and_settings_are_those_of_the_original(model: nn.Module, fast: Optimized) -> None:
    state = model.state_dict()
    assert list(fast.state_dict()) == list(state)
    assert all(torch.equal(fast.state_dict()[name], state[name]) for name in state)
    assert [name for name, _ in fast.named_parameters()] == [name for name, _ in model.named_parameters()]
    assert [name for name, _ in fast.named_buffers()] == [name for name, _ in model.named_buffers()]
    assert sum(p.numel() for p in fast.parameters()) == sum(p.numel() for p in model.parameters())
    assert (fast.spec, fast.config, fast.finds_people) == (None, model.config, False)
    assert fast.model is model
    assert not fast.training


def test_what_was_taken_is_told(fast: Optimized) -> None:
    choice = fast.choice
    assert (choice.backend, choice.dtype, choice.device) == ("eager", torch.float32, torch.device("cpu"))
    assert choice.weight_bytes > 4 * 10_000
    assert "TopDown: eager, float32 on cpu; ready in " in repr(fast)


def test_what_would_not_be_what_it_was_made_for_is_refused(fast: Optimized) -> None:
    kept: Callable[[], object]
    for kept in (fast.eval, fast.cpu, fast.float, lambda: fast.to("cpu", memory_format=torch.channels_last)):
        assert kept() is fast
    with pytest.raises(
        ConfigError, match=r"cannot be trained; train the original, .model, and optimise it again"
    ):
        fast.train()
    text = r"cannot be brought from torch.float32 on cpu to torch.float64 on cpu; bring the original"
    with pytest.raises(ConfigError, match=text):
        fast.double()
    with pytest.raises(ConfigError, match=r"to torch.float32 on meta"):
        fast.to("meta")
    text = r"the weights of an optimised network cannot be replaced; load them into the original, .model"
    with pytest.raises(ConfigError, match=text):
        fast.load_state_dict(fast.state_dict())
    text = r"cannot be copied or saved; copy or save the original, .model, or write a file with hrpose.deploy"
    for copied in (copy.deepcopy, pickle.dumps, lambda one: torch.save(one, io.BytesIO())):
        with pytest.raises(ConfigError, match=text):
            copied(fast)
    with pytest.raises(
        AttributeError, match=r"an optimised network has no 'backbone'; the original, .model, may"
    ):
        _ = fast.backbone


@pytest.mark.parametrize(
    ("images", "error", "text"),
    [
        ([1], ShapeError, "images are a list, but a tensor was needed; stack them to one"),
        (
            torch.zeros(1, 4, 64, 96),
            ShapeError,
            r"images are \(1, 4, 64, 96\), but \(N, 3, H, W\) was needed; add the batch axis",
        ),
        (torch.zeros(3, 64, 96), ShapeError, r"images are \(3, 64, 96\), but \(N, 3, H, W\) was needed"),
        (torch.zeros(1, 3, 0, 96), ShapeError, "leave no side without a pixel"),
        (
            torch.zeros(1, 3, 64, 96, dtype=torch.float16),
            ShapeError,
            r"images are torch.float16, but the network was optimised for torch.float32; convert them with "
            r"images.to\(torch.float32\), whatever it computes in",
        ),
        (
            torch.zeros(1, 3, 64, 96, device="meta"),
            ConfigError,
            "images are on meta, but the network was optimised for cpu; move them there",
        ),
        (
            torch.zeros(1, 3, 64, 96, requires_grad=True),
            ConfigError,
            r"images require gradients, and an optimised network gives none; call it under "
            r"torch.no_grad\(\), or differentiate the original, .model",
        ),
    ],
)
def test_other_images_are_refused(fast: Optimized, images: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        fast(images)


def test_images_that_could_give_gradients_are_fine_where_none_are_wanted(fast: Optimized) -> None:
    with torch.no_grad():
        assert not fast(torch.zeros(1, 3, 64, 96, requires_grad=True)).heatmaps[0].requires_grad


def test_training_mode_set_by_hand_is_refused() -> None:
    fast = optimize(network("topdown v1"), EXAMPLE, backend="eager")
    fast.training = True
    with pytest.raises(
        ConfigError, match=r"Optimized is in training mode, and only what is done in evaluation"
    ):
        fast(EXAMPLE)


def test_changed_weights_are_an_error_and_never_the_old_numbers() -> None:
    model = network("topdown v1")
    fast = optimize(model, EXAMPLE, backend="eager")
    fast(EXAMPLE)
    model.load_state_dict(model.state_dict())
    with pytest.raises(
        ConfigError, match=r"weights were changed, replaced or moved since the network was opt"
    ):
        fast(EXAMPLE)
    with torch.no_grad():
        assert furthest(optimize(model, EXAMPLE, backend="eager")(EXAMPLE), model(EXAMPLE)) < 1e-4


def test_nan_in_an_image_is_left_to_the_original_which_must_be_in_evaluation_for_it() -> None:
    model = network("topdown v1")
    fast = optimize(model, EXAMPLE, backend="eager")
    images = torch.full((1, 3, 64, 96), float("nan"))
    assert fast(images).heatmaps[0].isnan().all()
    model.train()
    assert fast(EXAMPLE).heatmaps[0].isfinite().all()
    with pytest.raises(ConfigError, match=r"parts of the model, TopDown first, are in training mode"):
        fast(images)


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"backend": "graphs"}, UnknownNameError, "backend='graphs' is not known; did you mean graph?"),
        (
            {"backend": "graph"},
            ConfigError,
            "backend='graph': CUDA graphs need a CUDA device, and the model is on cpu: move",
        ),
        (
            {"backend": "openvino", "dtype": torch.bfloat16},
            ConfigError,
            "backend='openvino': openvino runs float32 on the processor here, not torch.bfloat16 on",
        ),
        (
            {"dtype": torch.float16},
            ConfigError,
            "dtype=torch.float16, but processors are slower in float16 than in float32: give torch.bfloat16",
        ),
        (
            {"dtype": torch.int8},
            ConfigError,
            "dtype=torch.int8, but networks run in torch.float32, torch.float16",
        ),
        ({"most_sizes": 0}, ConfigError, "most_sizes=0, but at least 1 is needed"),
    ],
)
def test_what_the_device_lacks_is_said(
    model: nn.Module, settings: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        optimize(model, EXAMPLE, **settings)


def test_models_and_examples_that_cannot_be_optimised_are_refused(model: nn.Module, fast: Optimized) -> None:
    with pytest.raises(
        ConfigError, match=r"is optimised already; give the original, .model, to do it otherwise"
    ):
        optimize(fast, EXAMPLE)
    with pytest.raises(ConfigError, match=r"model is a str; give a network, as hrpose.create_model makes"):
        optimize("hrnet_w32", EXAMPLE)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"the model has no weights, so there is nothing to make fast"):
        optimize(nn.Identity().eval(), EXAMPLE)
    with pytest.raises(
        ConfigError, match=r"are in training mode, and .* can be optimised; call .eval\(\) first"
    ):
        optimize(network("topdown v1").train(), EXAMPLE)
    with pytest.raises(
        ShapeError, match=r"the example is \(0, 3, 64, 96\), without an image; give one at least"
    ):
        optimize(model, EXAMPLE[:0])
    with pytest.raises(ShapeError, match=r"images are torch.float64, but the network was optimised for"):
        optimize(model, EXAMPLE.double())


def test_a_processor_without_bfloat16_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lacks, "_has_bfloat16", lambda device: False)
    text = "the device cpu has no bfloat16: give None"
    assert lacks_dtype(torch.bfloat16, torch.device("cpu")) == text


def test_bfloat16_is_computed_in_on_request_and_results_stay_float32(model: nn.Module) -> None:
    lacking = lacks_dtype(torch.bfloat16, torch.device("cpu"))
    if lacking:
        pytest.skip(lacking)
    fast = optimize(model, EXAMPLE, backend="eager", dtype=torch.bfloat16)
    came = fast(EXAMPLE)
    assert came.heatmaps[0].dtype == torch.float32
    with torch.no_grad():
        assert 0 < furthest(came, model(EXAMPLE)) < 0.1


def test_a_missing_compiler_is_named(model: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler -O3")
    text = (
        r"backend='compile': torch.compile needs a C\+\+ compiler, and 'no-such-compiler' is not "
        "on PATH: install one, or set CXX to its name"
    )
    with pytest.raises(ConfigError, match=text):
        optimize(model, EXAMPLE, backend="compile")


def test_a_missing_package_is_named(model: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lacks, "_installed", lambda package: package != "openvino")
    text = r'backend=.openvino.: openvino not installed: python -m pip install "hrpose\[onnx,openvino\]"'
    with pytest.raises(ConfigError, match=text):
        optimize(model, EXAMPLE, backend="openvino")


def backends(monkeypatch: pytest.MonkeyPatch, **made: Callable[[Job], Any] | str) -> None:
    """These backends in place of all: what each makes, or what it lacks."""
    for name in BACKENDS:
        given = made.get(name, "not here")
        lacking = given if isinstance(given, str) else ""
        run = rooms.run_eager if isinstance(given, str) else given
        monkeypatch.setitem(BACKENDS, name, Backend(run, lambda job, lacking=lacking: lacking))  # type: ignore[misc]


def wrong(job: Job) -> Callable[[Tensor], Tensor]:
    return lambda images: job.network(images) * 1.01


def broken(job: Job) -> Any:
    raise RuntimeError("no such operator")


def test_a_backend_that_gives_other_numbers_is_never_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    backends(monkeypatch, compile=wrong, openvino=broken, eager=rooms.run_eager)
    model = network("classifier")
    text = (
        r"backend='compile' is off by 1.0e-02 of the largest value on the example, and at most 1e-03 is "
        "right in torch.float32; take another backend or dtype, and look for NaN in weights and example"
    )
    with pytest.raises(ConfigError, match=text):
        optimize(model, EXAMPLE, backend="compile")
    text = "backend='openvino' failed on this network: RuntimeError: no such operator; take another"
    with pytest.raises(ConfigError, match=text):
        optimize(model, EXAMPLE, backend="openvino")
    choice = optimize(model, EXAMPLE).choice
    assert choice.backend == "eager"
    assert choice.tried["onnxruntime"] == "not here"
    assert "no such operator" in choice.tried["openvino"]
    assert "onnxruntime: not here" in str(choice)


def test_weights_that_give_nan_are_never_made_fast(model: nn.Module) -> None:
    sick = network("topdown v1")
    with torch.no_grad():
        next(sick.parameters()).fill_(float("nan"))
    with pytest.raises(
        ConfigError, match=r"backend='eager' is off by inf of the largest value on the example"
    ):
        optimize(sick, EXAMPLE, backend="eager")


def test_auto_takes_the_faster_of_the_two_that_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    backends(monkeypatch, openvino=rooms.run_eager, onnxruntime=rooms.run_eager)
    monkeypatch.setattr(rule, "interleaved", lambda runs, images: dict(zip(runs, (0.2, 0.1), strict=True)))
    choice = optimize(network("classifier"), EXAMPLE).choice
    assert (choice.backend, choice.tried) == (
        "onnxruntime",
        {"openvino": "200.0 ms", "onnxruntime": "100.0 ms"},
    )


def test_auto_takes_the_fused_network_where_neither_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    backends(monkeypatch, eager=rooms.run_eager, compile=rooms.run_compiled)
    choice = optimize(network("classifier"), EXAMPLE).choice
    assert (choice.backend, choice.buckets) == ("eager", None)
    assert choice.tried == dict.fromkeys(("openvino", "onnxruntime", "native"), "not here")


def test_auto_takes_the_own_kernels_for_any_size_where_neither_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backends(monkeypatch, native=rooms.run_eager)
    choice = optimize(network("classifier"), EXAMPLE).choice
    assert (choice.backend, choice.buckets) == ("native", rule.ON_CPU)
    assert choice.tried.keys() == {"openvino", "onnxruntime", "native"}


def test_auto_compares_the_own_kernels_too_for_crops(monkeypatch: pytest.MonkeyPatch) -> None:
    model = network("topdown v1")
    spec = PoseSpec(skeleton=Skeleton.generic(5), codec=MSRA(input_size=(64, 96)))
    model.config = replace(model.config, spec=spec)
    backends(monkeypatch, native=rooms.run_eager, openvino=rooms.run_eager)
    times = {"native": 0.1, "openvino": 0.2}
    monkeypatch.setattr(rule, "interleaved", lambda runs, images: {name: times[name] for name in runs})
    choice = optimize(model, EXAMPLE).choice
    assert choice.backend == "native"
    assert choice.tried == {"onnxruntime": "not here", "native": "100.0 ms", "openvino": "200.0 ms"}


def test_runs_are_timed_in_turn() -> None:
    order: list[str] = []
    runs = {name: lambda images, name=name: order.append(name) or images for name in ("a", "b")}
    assert set(rule.interleaved(runs, EXAMPLE)) == {"a", "b"}  # type: ignore[arg-type]
    assert order[:2] == ["a", "b"]  # to warm up
    assert order[2:6] == ["a", "a", "b", "b"]  # once more before the one that counts
    assert len(order) == 2 * (1 + 2 * rule.TURNS.rounds)
