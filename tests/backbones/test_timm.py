import builtins
import re

import pytest
import torch

from hrpose.backbones import TimmBackbone, TimmConfig
from hrpose.errors import ConfigError, MissingExtraError, ShapeError, UnknownNameError


def test_maps_agree_with_the_feature_info() -> None:
    net = TimmBackbone("test_resnet").eval()
    maps = net(torch.randn(1, 3, 64, 96))
    assert net.feature_info.reduction() == [4, 8, 16, 32]
    assert [m.shape[1] for m in maps] == net.feature_info.channels()
    assert [m.shape[2:] for m in maps] == [(16, 24), (8, 12), (4, 6), (2, 3)]


def test_chosen_maps_and_input_channels() -> None:
    net = TimmBackbone(TimmConfig(name="test_resnet", in_chans=1, out_indices=(0, 2)))
    assert net.feature_info.reduction() == [2, 8]
    assert [m.shape[2:] for m in net(torch.randn(1, 1, 64, 64))] == [(32, 32), (8, 8)]


def test_maps_with_channels_last_are_turned() -> None:
    class Turned(torch.nn.Module):  # as timm's Swin gives its maps
        def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
            return [m.permute(0, 2, 3, 1) for m in plain(images)]

    net = TimmBackbone("test_resnet").eval()
    plain, x = net.net, torch.randn(1, 3, 32, 32)
    straight = net(x)
    net.net, net.channels_last = Turned(), True
    assert all(torch.equal(a, b) for a, b in zip(net(x), straight, strict=True))


def test_parts_are_frozen_with_their_statistics() -> None:
    net = TimmBackbone("test_resnet")
    net.freeze(("conv1", "layer1"))
    net.train()
    assert not net.parts()["layer1"].training
    assert not any(p.requires_grad for p in net.parts()["layer1"].parameters())
    assert all(p.requires_grad for p in net.parts()["layer4"].parameters())


def test_layers_hold_each_parameter_once() -> None:
    net = TimmBackbone("test_resnet")
    groups = net.parameter_groups(lr=1.0, layer_decay=0.5)
    assert sum(len(g["params"]) for g in groups) == len(list(net.parameters()))
    assert groups[0]["lr"] < groups[-1]["lr"] == 1.0


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"timm has no 'resnet50x'; did you mean .*resnet50"):
        TimmBackbone("resnet50x")


def test_maps_that_timm_lacks_are_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"timm gives no maps \(9,\) of 'test_resnet' .*; give other out_indices"
    ):
        TimmBackbone(TimmConfig(name="test_resnet", out_indices=(9,)))


def test_no_maps_at_all_are_refused() -> None:
    with pytest.raises(ConfigError, match="out_indices is empty, but a head needs a map; give some, or None"):
        TimmConfig(name="test_resnet", out_indices=())


def test_no_input_channels_are_refused() -> None:
    with pytest.raises(ConfigError, match="in_chans=0, but at least 1 is needed; give a positive number"):
        TimmConfig(name="test_resnet", in_chans=0)


def test_another_shape_is_refused() -> None:
    with pytest.raises(ShapeError, match=re.escape("images are (3, 32, 32), but (N, 3, H, W) was needed")):
        TimmBackbone("test_resnet")(torch.zeros(3, 32, 32))


@pytest.mark.parametrize("name", ["test_resnet", "test_vit"])  # timm wraps the two in different extractors
def test_checkpointing_keeps_fewer_activations(name) -> None:
    def kept() -> int:
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t):
            net(x)
        return sum(sizes)

    net, x = TimmBackbone(name), torch.randn(1, 3, 160, 160, requires_grad=True)
    plain = kept()
    net.set_grad_checkpointing()
    assert kept() < plain


def test_a_network_without_checkpointing_says_so() -> None:
    net = TimmBackbone("test_resnet")
    net.net = torch.nn.Identity()
    with pytest.raises(
        ConfigError, match="timm's test_resnet has no gradient checkpointing; train it without"
    ):
        net.set_grad_checkpointing()


def test_without_timm_the_text_says_how_to_get_it(monkeypatch) -> None:
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "timm":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match="TimmBackbone needs timm; run: python -m pip install timm"):
        TimmBackbone("test_resnet")
