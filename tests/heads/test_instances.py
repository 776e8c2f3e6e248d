"""Logits of classes and tags from all branches."""

import re

import pytest
import torch
import torch.nn.functional as F

from hrpose.errors import ConfigError, ShapeError
from hrpose.heads.instances import InstanceHead, places


def pyramid(channels: tuple[int, ...] = (4, 8)) -> list[torch.Tensor]:
    return [torch.randn(2, c, 12 >> b, 16 >> b) for b, c in enumerate(channels)]


def test_every_branch_is_heard_by_logits_and_tags() -> None:
    x = [branch.requires_grad_() for branch in pyramid()]
    maps = InstanceHead((4, 8), 3, tag_dims=2).eval()(x)
    assert maps.logits.shape == (2, 3, 12, 16)
    assert maps.tags.shape == (2, 2, 12, 16)
    for part in maps:
        gradients = torch.autograd.grad(part.square().sum(), x, retain_graph=True)
        assert all(gradient.abs().sum() > 0 for gradient in gradients)


def test_finer_maps_are_those_of_the_branch_stretched() -> None:
    x = pyramid()
    plain, fine = (InstanceHead((4, 8), 1, upsample=factor).eval() for factor in (1, 2))
    fine.load_state_dict(plain.state_dict())
    for once, twice in zip(plain(x), fine(x), strict=True):
        torch.testing.assert_close(twice, F.interpolate(once, scale_factor=2, mode="bilinear"))


def test_the_same_features_get_one_tag_unless_the_head_sees_their_place() -> None:
    x = [torch.ones(1, 4, 12, 16), torch.ones(1, 8, 6, 8)]
    blind, seeing = (InstanceHead((4, 8), 1, coordinates=seen).eval() for seen in (False, True))
    torch.nn.init.normal_(seeing.mix[0].weight)
    assert blind(x).tags.std() < 1e-6
    assert seeing(x).tags.std() > 1e-3


def test_places_do_not_depend_on_the_size_of_the_map() -> None:
    fine, coarse = places(torch.zeros(2, 1, 8, 12)), places(torch.zeros(2, 1, 4, 6))
    torch.testing.assert_close(F.avg_pool2d(fine, 2), coarse)
    assert (coarse[0, 0, :, 0] < 0).all()  # x
    assert (coarse[0, 1, 0] < 0).all()  # y


def test_tags_begin_apart() -> None:
    torch.manual_seed(0)
    maps = InstanceHead((4, 8), 1)(pyramid())
    assert maps.tags.std() > 10 * maps.logits.std()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"num_classes": 0}, "out_channels=0, but a head makes a number of maps; give 1 or more"),
        ({"tag_dims": 0}, "out_channels=0, but a head makes a number of maps"),
        ({"upsample": 0}, "upsample=0; give 1 for the size of branch 0, 2 for twice that"),
        ({"kernel": 2}, "kernel=2, but the maps must keep their size; give an odd number"),
    ],
)
def test_settings_without_meaning_are_refused(settings, text) -> None:
    with pytest.raises(ConfigError, match=re.escape(text)):
        InstanceHead((4, 8), **({"num_classes": 1} | settings))


def test_other_branches_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"InstanceHead got maps of \(4, 9\) channels, but was made for"):
        InstanceHead((4, 8), 1)(pyramid((4, 9)))
