"""Our backbones by timm's names."""

import sys

import pytest
import timm
import torch

from hrpose.errors import ConfigError, MissingExtraError
from hrpose.hub.registry import create_backbone
from hrpose.hub.timm import TimmFeatures, register_timm
from hrpose.models import Classifier


def test_registering_twice_changes_nothing() -> None:
    names = register_timm()
    assert register_timm() == names
    assert {"hrpose_hrnet_w32", "hrpose_hrnetv2_w18", "hrpose_hrnet_w18_small"} <= set(names)
    assert timm.is_model("hrpose_hrnet_w48")


def test_timm_builds_features_as_its_own_nets_have_them() -> None:
    register_timm()
    ours = timm.create_model("hrpose_hrnet_w18_small", features_only=True, in_chans=4)
    theirs = timm.create_model("hrnet_w18_small", features_only=True, feature_location="", in_chans=4)
    assert ours.feature_info.reduction() == theirs.feature_info.reduction() == [2, 4, 8, 16, 32]
    assert ours.feature_info.channels() == theirs.feature_info.channels()
    images = torch.randn(1, 4, 64, 64)
    assert [m.shape for m in ours(images)] == [m.shape for m in theirs(images)]


@torch.no_grad()
def test_features_are_exactly_those_of_timm_with_the_same_weights() -> None:
    from hrpose.hub.load import load_weights

    register_timm()
    theirs = timm.create_model("hrnet_w18_small", features_only=True, feature_location="").eval()
    ours = timm.create_model("hrpose_hrnet_w18_small", features_only=True).eval()
    load_weights(ours.trunk, theirs.state_dict())
    images = torch.randn(1, 3, 64, 32)
    for a, b in zip(ours(images), theirs(images), strict=True):
        assert torch.allclose(a, b, atol=1e-5 * float(b.std()))


def test_some_maps_can_be_chosen() -> None:
    register_timm()
    model = timm.create_model("hrpose_hrnetv2_w18_small", features_only=True, out_indices=(1, -1))
    assert model.feature_info.reduction() == [4, 32]
    assert model.feature_info.out_indices == (1, 4)
    assert [m.shape[1] for m in model(torch.zeros(1, 3, 64, 64))] == model.feature_info.channels()
    model.set_grad_checkpointing()


def test_without_features_only_it_classifies() -> None:
    register_timm()
    model = timm.create_model("hrpose_hrnet_w18_small", num_classes=7)
    assert isinstance(model, Classifier)
    assert model(torch.zeros(1, 3, 64, 64)).shape == (1, 7)


def test_a_tag_names_a_card() -> None:
    register_timm()
    model = timm.create_model("hrpose_hrnetv2_w18.wflw_256", features_only=True)
    assert model.trunk.config.upsample == "bilinear"
    assert model.trunk.config.bn_momentum == 0.01


def test_what_we_cannot_do_is_refused() -> None:
    register_timm()
    with pytest.raises(
        ConfigError, match="the hrpose backbones in timm do not take output_stride; leave it out"
    ):
        timm.create_model("hrpose_hrnet_w18_small", features_only=True, output_stride=8)


def test_without_timm_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm.models", None)
    with pytest.raises(MissingExtraError, match="register_timm needs timm; run: python -m pip install timm"):
        register_timm()


def test_the_wrapper_works_on_its_own() -> None:
    maps = TimmFeatures(create_backbone("hrnet_w18_small", out_indices=(0,)))
    assert maps.feature_info.reduction() == [2, 4]
