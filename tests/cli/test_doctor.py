import pytest
import torch
from torch import Tensor, nn

from hrpose.cli import doctor
from hrpose.errors import HRPoseError
from hrpose.types import PoseMaps
from tests.cli.conftest import hrpose


def test_the_installation_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HRPOSE_CACHE", "/somewhere/else")
    shown = hrpose("doctor")
    assert shown.exit_code == 0, shown.output
    for text in ("python", "torch", "cpu", "/somewhere/else (not made yet)", "HF_HUB_OFFLINE"):
        assert text in shown.output
    for name in (doctor.BUNDLED, doctor.BUNDLED_CROWD):
        assert f"{name}: load and run" in shown.output


def test_missing_packages_are_named_with_their_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_version", lambda name: None)
    told = dict(doctor.versions())
    assert told["timm"] == "missing: python -m pip install hrpose"
    assert told["supervision"] == 'not installed (optional: python -m pip install "hrpose[viz]")'
    assert told["torchvision"] == "not installed (optional: python -m pip install torchvision)"


def test_bundled_weights_that_give_nonsense_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nonsense(nn.Module):
        def forward(self, images: Tensor) -> PoseMaps:
            return PoseMaps((torch.full((1, 17, 2, 2), torch.nan),))

    monkeypatch.setattr("hrpose.hub.create_model", lambda *_, **__: Nonsense())
    with pytest.raises(
        HRPoseError, match="loads, but gives values that are not finite; install hrpose again"
    ):
        doctor.bundled_weights(doctor.BUNDLED)
