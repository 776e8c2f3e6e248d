"""bench: every mode and peer gets a row, with figures or with the reason why there are none."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hrpose.backbones.hrnet import HRNetConfig
from hrpose.deploy import modes as modes_file
from hrpose.deploy.bench import Row, bench, first_line, settle
from hrpose.deploy.modes import MODES, USUAL, autocast, check_modes
from hrpose.deploy.roofline import Probe
from hrpose.deploy.timing import Plan
from hrpose.errors import ConfigError, UnknownNameError
from hrpose.models.topdown import TopDown, TopDownConfig

QUICK: dict[str, Any] = {
    "plan": Plan(rounds=2, warmup=1, lead=0),
    "probe": Probe(side=4, bytes=16),
    "title": "a network",
}


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    trunk = HRNetConfig(width=4, rounds=(1,), blocks=1, stage1_blocks=1, outputs=1)
    return TopDown(TopDownConfig(backbone=trunk, num_keypoints=3)).eval()


IMAGES = torch.rand(2, 3, 64, 48)


def test_each_mode_and_peer_has_a_row_with_its_times(model: nn.Module) -> None:
    table = bench(model, IMAGES, modes=("eager", "fused"), peers={"own": nn.Identity()}, **QUICK)
    assert [row.name for row in table.rows] == ["eager", "fused", "own"]
    assert all(row.timing is not None and len(row.timing.seconds) == 2 for row in table.rows)
    eager, fused, own = table.rows
    assert eager.differs is None
    assert own.differs is None
    assert fused.differs is not None
    assert fused.differs < 1e-3
    assert table.eager == eager.timing.median  # type: ignore[union-attr]
    assert (table.size, table.batch, table.dtype) == ((64, 48), 2, "float32")


def test_what_cannot_run_has_a_row_with_the_reason(model: nn.Module) -> None:
    def broken(images: Tensor) -> Tensor:
        raise ValueError("no such\nluck")

    told: list[str] = []
    table = bench(
        model, IMAGES, modes=("eager", "autocast", "graph"), peers={"own": broken}, say=told.append, **QUICK
    )
    reasons = {row.name: row.reason for row in table.rows}
    assert reasons["eager"] == ""
    assert "give --dtype bfloat16" in reasons["autocast"]
    assert "CUDA" in reasons["graph"]
    assert reasons["own"] == "ValueError: no such"
    assert [row.timing is None for row in table.rows] == [False, True, True, True]
    assert told[0] == "eager is ready"
    assert "own is not measured: ValueError: no such" in told
    assert told[-1] == "a network: timing eager"


def test_without_eager_there_is_nothing_to_compare_with(model: nn.Module) -> None:
    assert bench(model, IMAGES, modes=("autocast",), **QUICK).eager is None


def test_a_mode_that_gives_other_numbers_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    net = nn.Conv2d(3, 4, 1).eval()
    monkeypatch.setitem(MODES, "doubled", lambda model, images, dtype: lambda images: 2 * model(images))
    doubled = bench(net, IMAGES, modes=("doubled",), **QUICK).rows[0]
    assert doubled.differs == pytest.approx(1.0)


def test_what_follows_the_network_is_timed_with_it(model: nn.Module) -> None:
    seen: list[object] = []
    bench(model, IMAGES, modes=("eager",), finish=seen.append, **QUICK)
    assert len(seen) == 1 + 2  # a warm-up call, and two rounds
    assert type(seen[0]).__name__ == "PoseMaps"


def test_operations_and_bytes_are_those_of_the_dtype_asked_for() -> None:
    net, images = nn.Conv2d(1, 2, 1, bias=False).eval(), torch.zeros(1, 1, 4, 4)
    whole = bench(net, images, modes=("eager",), **QUICK).cost
    half = bench(net, images, modes=("eager",), dtype=torch.bfloat16, **QUICK).cost
    assert (whole.operations, whole.moved) == (half.operations, 2 * half.moved) == (64, 200)


def test_an_unknown_mode_is_answered_with_the_nearest(model: nn.Module) -> None:
    with pytest.raises(UnknownNameError, match="mode 'openvina' is not known; did you mean openvino"):
        bench(model, IMAGES, modes=("openvina",), **QUICK)
    with pytest.raises(ConfigError, match="no mode came; give some of eager, autocast"):
        check_modes(())


def test_the_usual_modes_are_those_that_the_help_names() -> None:
    check_modes(USUAL)
    assert USUAL == ("eager", "fused", "compiled", "graph", "native", "onnxruntime", "openvino")


def test_autocast_runs_convolutions_in_half_precision() -> None:
    run = autocast(nn.Conv2d(3, 1, 1), IMAGES, torch.bfloat16)
    assert run(IMAGES).dtype == torch.bfloat16  # type: ignore[union-attr]
    with pytest.raises(ConfigError, match="autocast leaves float32 as it is; give --dtype bfloat16"):
        autocast(nn.Conv2d(3, 1, 1), IMAGES, torch.float32)


def test_exported_networks_run_in_float32_alone(model: nn.Module) -> None:
    text = r"exported networks run here in float32 on the processor, not in torch.bfloat16"
    with pytest.raises(ConfigError, match=text):
        modes_file.unfused_exported("OnnxRunner", model, IMAGES, torch.bfloat16)


def test_the_network_is_compiled_as_it_came(model: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done with it is seen without waiting for a compiler."""
    from torch._inductor import config

    asked: list[dict[str, Any]] = []
    frozen: list[bool] = []

    def compiler(network: Callable[[Tensor], Any], **how: Any) -> Callable[[Tensor], Any]:
        asked.append(how)

        def call(images: Tensor) -> Any:
            frozen.append(config.freezing)
            return network(images)

        return call

    monkeypatch.setattr(torch, "compile", compiler)
    run = modes_file.unfused_compiled(model, IMAGES, torch.float32)
    torch.testing.assert_close(run(IMAGES).heatmaps, model(IMAGES).heatmaps)  # type: ignore[union-attr]
    assert asked == [{"fullgraph": True, "dynamic": False, "options": {"cpp_wrapper": True}}]
    assert frozen == [True, False]  # when it is traced, and no longer than that


def test_a_reason_fits_into_a_table() -> None:
    assert first_line(ValueError("one\ntwo")) == "one"
    assert first_line(ValueError("")) == "no more is known"
    assert len(first_line(ValueError("x" * 500))) == 160


def test_random_weights_settle_to_values_that_neither_vanish_nor_explode(model: nn.Module) -> None:
    images = torch.rand(2, 3, 64, 48)
    before = model(images).heatmaps[0].std()
    momenta = [m.momentum for m in _norms(model)]
    settle(model, images)
    trunk = model.backbone(images)[0]  # type: ignore[operator]
    assert 0.1 < trunk.std() < 10
    assert model(images).heatmaps[0].std() > 10 * before
    assert not model.training
    assert [m.momentum for m in _norms(model)] == momenta


def _norms(model: nn.Module) -> Iterator[nn.BatchNorm2d]:
    return (module for module in model.modules() if isinstance(module, nn.BatchNorm2d))


def test_a_row_knows_whether_it_is_the_model_itself() -> None:
    assert Row(name="fused").of_model
    assert not Row(name="timm:hrnet_w32").of_model
