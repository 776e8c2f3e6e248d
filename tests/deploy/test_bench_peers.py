"""Networks of other code, by name: what is found, and what is said of the rest."""

import sys
import types

import pytest
import torch
from torch import nn

from hrpose.deploy.peers import peer
from hrpose.errors import ConfigError, MissingExtraError, UnknownNameError


@pytest.fixture(autouse=True)
def own_package(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("mine")
    vars(module).update(
        net=nn.Linear(2, 2).train(),
        make=lambda: nn.Linear(3, 3),
        function=lambda: lambda images: images,
        number=lambda: 3,
        picky=lambda size: size,
        inner=types.SimpleNamespace(make=lambda: nn.Identity()),
    )
    monkeypatch.setitem(sys.modules, "mine", module)


def test_a_network_or_what_makes_one_is_found_by_its_path() -> None:
    found, made = peer("mine:net"), peer("mine:make")
    assert isinstance(found, nn.Linear)
    assert not found.training
    assert isinstance(made, nn.Linear)
    assert made.in_features == 3
    assert isinstance(peer("mine:inner.make"), nn.Identity)


def test_what_is_made_need_not_be_a_module() -> None:
    images = torch.ones(1)
    assert peer("mine:function")(images) is images


def test_the_trunk_of_timm_s_hrnet_has_our_four_branches() -> None:
    maps = peer("timm:hrnet_w18_small")(torch.zeros(1, 3, 32, 32))
    assert [each.shape[2] for each in maps][1:] == [8, 4, 2, 1]  # type: ignore[attr-defined]
    assert [each.shape[1] for each in maps][1:] == [16, 32, 64, 128]  # type: ignore[attr-defined]


def test_any_timm_network_with_maps_will_do() -> None:
    assert len(peer("timm:test_resnet")(torch.zeros(1, 3, 32, 32))) == 5  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("mine", ConfigError, "peer 'mine' has no such form; give timm:NAME or package.module:callable"),
        ("nosuchpackage:net", UnknownNameError, "No module named 'nosuchpackage'; install it, or add"),
        ("mine:mkae", UnknownNameError, "mine has no 'mkae'; did you mean make"),
        ("mine:number", ConfigError, "gives a int, which cannot be called with images; give a network"),
        ("mine:picky", ConfigError, r"cannot be called without arguments \(.*size.*\); give a network"),
        ("timm:hrnet_w33", UnknownNameError, "timm has no 'hrnet_w33'; did you mean .*hrnet_w32"),
    ],
)
def test_what_is_no_peer_is_told(name: str, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        peer(name)


def test_a_timm_network_without_maps_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import timm

    def refuse(*args: object, **settings: object) -> None:
        raise RuntimeError("no features here")

    monkeypatch.setattr(timm, "create_model", refuse)
    with pytest.raises(ConfigError, match=r"no maps of 'test_resnet' \(no features here\); choose another"):
        peer("timm:test_resnet")


def test_without_timm_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingExtraError, match=r"needs timm; run: python -m pip install timm"):
        peer("timm:hrnet_w32")
