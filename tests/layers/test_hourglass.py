"""The hourglass and its units."""

import pytest
import torch
import torch.nn.functional as F

from hrpose.errors import ConfigError, ShapeError, UnknownNameError
from hrpose.layers import Hourglass, PreActResidual
from hrpose.layers.hourglass import UNITS, halving_units, units


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("size", [(16, 16), (12, 20), (13, 7)])
def test_an_hourglass_keeps_the_shape_of_its_map(unit: str, size: tuple[int, int]) -> None:
    net = Hourglass((8, 12, 16), unit=unit).eval()
    assert net(torch.randn(2, 8, *size)).shape == (2, 8, *size)


@pytest.mark.parametrize("skip", ["add", "concat"])
def test_a_corner_hears_of_the_far_one(skip: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 4, 32, 32, requires_grad=True)
    y = Hourglass((4, 4, 4, 4, 4), skip=skip).eval()(x)
    (seen,) = torch.autograd.grad(y[0, :, 0, 0].sum(), x)
    assert seen[0, :, 16:, 16:].abs().sum() > 0  # a pooling passes on one pixel in four


def test_it_is_the_sum_of_the_upper_branch_and_of_what_comes_back_up() -> None:
    net = Hourglass((4, 6)).eval()
    x = torch.randn(1, 4, 8, 6)
    low = net.leave(net.middle(net.enter(x)))
    assert low.shape == (1, 4, 4, 3)
    assert torch.equal(net(x), net.upper(x) + F.interpolate(low, scale_factor=2, mode="nearest"))


def test_concat_puts_both_side_by_side_through_one_convolution() -> None:
    net = Hourglass((4, 6), skip="concat").eval()
    x = torch.randn(1, 4, 8, 6)
    grown = F.interpolate(net.leave(net.middle(net.enter(x))), scale_factor=2, mode="nearest")
    assert torch.equal(net(x), net.merge(torch.cat((net.upper(x), grown), 1)))


def test_the_recursion_goes_as_deep_as_there_are_widths() -> None:
    net = Hourglass((4, 5, 6, 7))
    inner = net.middle.middle
    assert isinstance(inner, Hourglass)
    assert not isinstance(inner.middle, Hourglass)
    assert inner.middle[0].conv3.out_channels == 7


def test_depths_repeat_units_and_widths_change_first_going_in_and_last_coming_out() -> None:
    net = Hourglass((4, 6), unit="basic", depths=(2, 3))
    shapes = [[(unit.conv1.in_channels, unit.conv1.out_channels) for unit in part]
              for part in (net.upper, net.enter, net.middle, net.leave)]  # fmt: skip
    assert shapes == [[(4, 4)] * 2, [(4, 6), (6, 6)], [(6, 6)] * 3, [(6, 6), (6, 4)]]


def test_basic_units_halve_by_stride_and_all_others_by_pooling() -> None:
    assert halving_units("basic", 4, 6, 2)[0].conv1.stride == (2, 2)
    assert isinstance(halving_units("preact", 4, 6, 2)[0], torch.nn.MaxPool2d)


def test_a_pre_activation_residual_of_equal_widths_has_no_projection() -> None:
    assert not list(PreActResidual(8, 8).shortcut.parameters())
    assert units("preact", 8, 6, 1)[0].shortcut.weight.shape == (6, 8, 1, 1)


def test_nothing_acts_on_the_shortcut() -> None:
    unit = PreActResidual(4, 4).eval()
    torch.nn.init.zeros_(unit.conv3.weight)
    torch.nn.init.zeros_(unit.conv3.bias)
    x = torch.randn(1, 4, 3, 3)
    assert torch.equal(unit(x), x)


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"widths=\(8,\); give at least two positive numbers, outside first"
    ):
        Hourglass((8,))
    with pytest.raises(
        ConfigError, match=r"depths=\(1,\), but 2 positive numbers are needed; give one for each"
    ):
        Hourglass((8, 8), depths=(1,))
    with pytest.raises(ConfigError, match=r"skip='sum' is not known; give 'add' or 'concat'"):
        Hourglass((8, 8), skip="sum")
    with pytest.raises(UnknownNameError, match=r"unit='basics' is not known; did you mean basic"):
        Hourglass((8, 8), unit="basics")


def test_a_map_that_cannot_be_halved_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"a map of \(1, 2\) cannot be halved; give larger images, or fewer"):
        Hourglass((4, 4, 4)).eval()(torch.zeros(1, 4, 2, 4))
