"""Faster training steps: each gives what the plain one gives."""

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from hrpose.codecs.bottomup import HigherHRNet
from hrpose.data.augment import TopDownAugment
from hrpose.data.coco import CocoKeypoints
from hrpose.data.memory import TopDownInMemory
from hrpose.errors import ConfigError
from hrpose.skeletons import COCO
from hrpose.train import FitConfig, compiled, fit, optim
from hrpose.train.feeding import Uncuts, cut, feed
from hrpose.train.topdown import collate
from tests.train.conftest import CODEC, MakeData, small_model
from tests.train.test_fit import same_weights

CPU = torch.device("cpu")
QUIET: dict[str, Any] = {"progress": False, "device": "cpu"}


def test_crops_cut_on_the_device_are_those_cut_on_the_host(make_data: MakeData) -> None:
    data = make_data(augment=TopDownAugment())
    ready = collate([data[row] for row in range(4)])
    made = cut(data, [data.uncut(row) for row in range(4)], CPU)
    # bytes are the same; a Gaussian drawn in a larger batch may differ in its last bit
    torch.testing.assert_close(made.images, ready.images, rtol=0, atol=1e-6)
    torch.testing.assert_close(made.targets.heatmaps, ready.targets.heatmaps, rtol=0, atol=1e-6)  # type: ignore[union-attr]
    torch.testing.assert_close(made.targets.weights, ready.targets.weights)  # type: ignore[union-attr]
    assert made.rows == ready.rows == [0, 1, 2, 3]
    torch.testing.assert_close((made.center, made.scale), (ready.center, ready.scale))
    assert made.images.is_contiguous(memory_format=torch.channels_last)


def test_crops_in_memory_are_mirrored_on_the_device_as_on_the_host(make_data: MakeData) -> None:
    people = make_data().people
    data = TopDownInMemory(people, CODEC, COCO, flip_probability=0.5, seed=3)
    rows = range(len(people))
    ready, made = collate([data[row] for row in rows]), cut(data, [data.uncut(row) for row in rows], CPU)
    assert {data._flips(row) for row in rows} == {False, True}
    torch.testing.assert_close(made.images, ready.images, rtol=0, atol=1e-6)
    torch.testing.assert_close(made.targets.heatmaps, ready.targets.heatmaps, rtol=0, atol=1e-5)  # type: ignore[union-attr]
    torch.testing.assert_close(made.targets.weights, ready.targets.weights)  # type: ignore[union-attr]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_run_is_the_same_with_crops_cut_on_the_device(
    make_data: MakeData, tmp_path: Path, workers: int
) -> None:
    losses = []
    for name, settings in (("host", {}), ("device", {"on_device": True, "workers": workers})):
        data = make_data(augment=TopDownAugment())
        run = fit(small_model(), data, output=tmp_path / name, epochs=2, batch_size=3, **settings, **QUIET)  # type: ignore[arg-type]
        losses.append([record["loss"] for record in run.history])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_whole_pictures_are_not_cut_on_the_device(annotated: CocoKeypoints, make_data: MakeData) -> None:
    pictures = annotated.pictures(HigherHRNet(input_size=64))
    with pytest.raises(ConfigError, match="only crops are cut on the device, and BottomUpDataset holds none"):
        feed(pictures, FitConfig(on_device=True), CPU)
    assert len(Uncuts(make_data())) == 6


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
def test_a_fused_step_moves_weights_as_a_plain_one(
    name: str, make_data: MakeData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = []
    for kind, devices in (("fused", ("cpu",)), ("plain", ())):
        monkeypatch.setattr(optim, "FUSES", devices)
        models.append(small_model())
        fit(models[-1], make_data(), output=tmp_path / kind, epochs=1, optimizer=name, **QUIET)  # type: ignore[arg-type]
    fused, plain = (model.state_dict() for model in models)
    for key, value in fused.items():
        torch.testing.assert_close(value, plain[key], rtol=1e-4, atol=1e-5, msg=key)


def test_what_is_kept_of_a_weight_lies_in_memory_as_the_weight_does(make_data: MakeData) -> None:
    """Fused kernels go through memory in its order, whatever the strides say."""
    model = torch.nn.Conv2d(4, 4, 3).to(memory_format=torch.channels_last)
    optimizer = optim.make_optimizer(model, FitConfig())
    model(torch.rand(1, 4, 8, 8)).sum().backward()
    optimizer.step()
    kept = optimizer.state[model.weight]["exp_avg"]
    before = kept.clone()
    optimizer.state[model.weight]["exp_avg"] = kept.contiguous()  # as a file gives it back
    optim.lay_out_like_weights(optimizer)
    after = optimizer.state[model.weight]["exp_avg"]
    assert after.stride() == model.weight.stride()
    assert torch.equal(after, before)


@pytest.mark.slow
def test_a_compiled_step_learns_as_a_plain_one(
    make_data: MakeData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traced and differentiated as in earnest, but run without generated code, which takes minutes."""
    real = torch.compile
    monkeypatch.setattr(torch, "compile", lambda loss: real(loss, backend="aot_eager"))
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    losses = []
    for name, on in (("plain", False), ("compiled", True)):
        run = fit(small_model(), make_data(), output=tmp_path / name, epochs=2, compile=on, **QUIET)
        losses.append([record["loss"] for record in run.history])
    torch.compiler.reset()
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_without_a_compiler_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setenv("CXX", "my-c++ -O2")
    with pytest.raises(ConfigError, match=r"and 'my-c\+\+' is not on PATH; install one, .* compile=False"):
        compiled.compiled(lambda: torch.zeros(1), CPU)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="needs triton on CUDA; install it, or set compile=False"):
        compiled.compiled(lambda: torch.zeros(1), torch.device("cuda"))


def test_how_a_step_is_made_may_change_when_a_run_is_taken_up(make_data: MakeData, tmp_path: Path) -> None:
    fit(small_model(), make_data(), output=tmp_path, epochs=2, **QUIET)
    again = fit(small_model(), make_data(), output=tmp_path, epochs=2, on_device=True, **QUIET)
    assert len(again.history) == 2
    assert same_weights(again.last, tmp_path / "last")
