import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from hrpose.errors import ConfigError, ShapeError
from hrpose.layers import ExchangeUnit, HRModule, Transition
from hrpose.layers.exchange import path

CHANNELS = (4, 8, 16)


def pyramid(height: int = 16, width: int = 12, channels=CHANNELS, **kwargs) -> list[torch.Tensor]:
    halved = lambda n, b: -(-n // 2**b)  # noqa: E731
    return [torch.randn(1, c, halved(height, b), halved(width, b), **kwargs) for b, c in enumerate(channels)]


def test_every_output_branch_hears_every_input_branch() -> None:
    x = pyramid(requires_grad=True)
    for y in ExchangeUnit(CHANNELS).eval()(x):
        assert all(g.abs().sum() > 0 for g in torch.autograd.grad(y.sum(), x, retain_graph=True))


@pytest.mark.parametrize("upsample", ["nearest", "bilinear"])
@pytest.mark.parametrize("size", [(16, 12), (15, 11), (9, 13), (1, 1)])
def test_sizes_stay_whatever_they_are(upsample, size) -> None:
    x = pyramid(*size)
    assert [y.shape for y in ExchangeUnit(CHANNELS, upsample=upsample).eval()(x)] == [y.shape for y in x]


def test_the_sum_is_that_of_the_paths_with_fixed_factors_where_sizes_divide() -> None:
    x = pyramid()
    unit = ExchangeUnit(CHANNELS).eval()
    way = unit.into[0].paths
    up = [F.interpolate(way[b](x[b]), scale_factor=2**b, mode="nearest") for b in (1, 2)]
    assert torch.equal(unit(x)[0], F.relu(x[0] + up[0] + up[1]))


@pytest.mark.parametrize("align_corners", [False, True])
def test_bilinear_follows_align_corners(align_corners) -> None:
    x = pyramid(15, 11)
    unit = ExchangeUnit(CHANNELS, 1, upsample="bilinear", align_corners=align_corners).eval()
    ways = zip(unit.into[0].paths, x, strict=True)
    sized = [F.interpolate(way(y), (15, 11), mode="bilinear", align_corners=align_corners) for way, y in ways]
    torch.testing.assert_close(unit(x)[0], F.relu(sum(sized)), rtol=1e-5, atol=1e-6)


def test_fine_to_coarse_has_a_relu_after_all_steps_but_the_last() -> None:
    steps = path(CHANNELS, 0, 2)
    assert [[type(part).__name__ for part in step] for step in steps] == [
        ["Conv2d", "BatchNorm2d", "ReLU"],
        ["Conv2d", "BatchNorm2d"],
    ]
    assert [step[0].out_channels for step in steps] == [4, 16]  # the width changes in the last step


def test_fewer_outputs_are_made_without_weights_for_the_others() -> None:
    unit = ExchangeUnit(CHANNELS, 1)
    assert [y.shape for y in unit(pyramid())] == [(1, 4, 16, 12)]
    assert all(name.startswith("into.0.") for name in unit.state_dict())


def test_the_weights_are_named_by_where_they_lead() -> None:
    keys = [name for name in ExchangeUnit((4, 8)).state_dict() if name.endswith("weight")]
    assert keys == [
        "into.0.paths.1.0.weight",
        "into.0.paths.1.1.weight",
        "into.1.paths.0.0.0.weight",
        "into.1.paths.0.0.1.weight",
    ]


@pytest.mark.parametrize("outputs", [0, 4])
def test_more_outputs_than_branches_are_refused(outputs) -> None:
    with pytest.raises(ConfigError, match=f"outputs={outputs}, but there are 3 branches; give 1 to 3"):
        ExchangeUnit(CHANNELS, outputs)


@pytest.mark.parametrize("channels", [(4, 8), (4, 8, 8)])
def test_another_pyramid_is_refused(channels) -> None:
    came = f"ExchangeUnit got maps of {channels} channels, but was made for (4, 8, 16)"
    with pytest.raises(
        ShapeError, match=re.escape(f"{came}; give it a pyramid of those branches, finest first")
    ):
        ExchangeUnit(CHANNELS)(pyramid(channels=channels))


def test_a_module_runs_its_branches_before_the_exchange() -> None:
    module = HRModule([nn.Identity(), nn.Identity(), nn.Identity()], ExchangeUnit(CHANNELS)).eval()
    x = pyramid()
    assert all(torch.equal(a, b) for a, b in zip(module(x), module.exchange(x), strict=True))


def test_a_module_needs_a_branch_for_each_channel_of_its_exchange() -> None:
    with pytest.raises(ConfigError, match="2 branches do not fit an exchange of 3; give one branch for each"):
        HRModule([nn.Identity(), nn.Identity()], ExchangeUnit(CHANNELS))


def test_a_transition_keeps_branches_that_fit_and_grows_new_ones_from_the_coarsest() -> None:
    transition = Transition((4, 8), (4, 6, 16))
    x = pyramid(channels=(4, 8))
    y = transition(x)
    assert y[0] is x[0]
    assert [m.shape for m in y] == [(1, 4, 16, 12), (1, 6, 8, 6), (1, 16, 4, 3)]


def test_a_transition_can_start_several_branches_at_once() -> None:
    x = [torch.randn(1, 4, 9, 7)]
    assert [m.shape for m in Transition((4,), (4, 8, 16))(x)] == [(1, 4, 9, 7), (1, 8, 5, 4), (1, 16, 3, 2)]


def test_a_transition_changes_no_list_in_place() -> None:
    x = pyramid(channels=(4, 8))
    before = list(x)
    Transition((4, 8), CHANNELS)(x)
    assert all(a is b for a, b in zip(x, before, strict=True))


@pytest.mark.parametrize(("before", "after"), [((), (4,)), ((4, 8), (4,))])
def test_a_transition_to_fewer_branches_is_refused(before, after) -> None:
    text = f"cannot lead from {len(before)} branches to 1; give at least one, and as many or more after it"
    with pytest.raises(ConfigError, match=text):
        Transition(before, after)


def test_a_transition_refuses_another_pyramid() -> None:
    with pytest.raises(ShapeError, match=r"Transition got maps of \(4,\) channels, but was made for \(8,\)"):
        Transition((8,), (8, 16))(pyramid(channels=(4,)))
