import pytest
import torch
from torch import nn

from hrpose.errors import ConfigError, UnknownNameError
from hrpose.layers import BasicBlock, Bottleneck, DropPath, SqueezeExcite, conv_bn

UNITS = [BasicBlock, Bottleneck]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(8, 6), (7, 5)])
def test_a_unit_gives_its_expansion_and_the_rounded_up_size(unit, stride, size) -> None:
    y = unit(6, 4, stride)(torch.randn(2, 6, *size))
    assert y.shape == (2, 4 * unit.expansion, -(-size[0] // stride), -(-size[1] // stride))


@pytest.mark.parametrize("unit", UNITS)
def test_the_shortcut_has_weights_only_where_the_shape_changes(unit) -> None:
    same = unit(4 * unit.expansion, 4).shortcut
    assert isinstance(same, nn.Identity)
    assert [type(part) for part in unit(5, 4).shortcut] == [nn.Conv2d, nn.BatchNorm2d]
    assert [type(part) for part in unit(4 * unit.expansion, 4, 2).shortcut] == [nn.Conv2d, nn.BatchNorm2d]


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_whose_residual_is_nothing_passes_on_what_is_positive(unit) -> None:
    block = unit(4 * unit.expansion, 4)
    nn.init.zeros_((block.bn2 if unit is BasicBlock else block.bn3).weight)
    x = torch.randn(2, 4 * unit.expansion, 3, 3)
    assert torch.equal(block(x), x.relu())


@pytest.mark.parametrize("unit", UNITS)
def test_attention_sits_on_the_residual_not_on_the_shortcut(unit) -> None:
    block = unit(4 * unit.expansion, 4, attention="se")
    assert isinstance(block.attention, SqueezeExcite)
    block.attention.excite.bias.data.fill_(-1e6)  # shuts the gate
    x = torch.randn(2, 4 * unit.expansion, 3, 3)
    assert torch.equal(block(x), x.relu())


def test_squeeze_excite_scales_each_channel_by_one_gate() -> None:
    x = torch.rand(2, 32, 4, 3) + 1
    gates = SqueezeExcite(32)(x) / x
    assert torch.allclose(gates, gates.mean((2, 3), keepdim=True).expand_as(gates))
    assert gates.min() > 0
    assert gates.max() < 1


def test_squeeze_excite_keeps_eight_hidden_units_however_narrow() -> None:
    assert SqueezeExcite(16).squeeze.out_channels == 8
    assert SqueezeExcite(256).squeeze.out_channels == 16
    assert SqueezeExcite(256, reduction=4).squeeze.out_channels == 64


def test_drop_path_drops_whole_images_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    y = DropPath(0.25)(torch.ones(4000, 2, 2))
    assert {round(float(v), 4) for v in y.unique()} == {0.0, round(1 / 0.75, 4)}
    assert torch.equal(y.amin((1, 2)), y.amax((1, 2)))  # an image is kept or dropped as one
    assert abs(float(y.mean()) - 1) < 0.05


def test_drop_path_does_nothing_in_evaluation() -> None:
    x = torch.randn(3, 4)
    assert DropPath(0.9).eval()(x) is x


def test_drop_path_shows_its_rate() -> None:
    assert repr(DropPath(0.25)) == "DropPath(rate=0.25)"


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_a_rate_that_is_no_chance_is_refused(rate) -> None:
    with pytest.raises(
        ConfigError, match=f"drop_path={rate}, but it is a chance; give a rate from 0 to below 1"
    ):
        DropPath(rate)


def test_an_unknown_attention_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"attention='see' is not known; did you mean se\?"):
        BasicBlock(4, 4, attention="see")


def test_conv_bn_can_leave_out_the_relu() -> None:
    assert [type(part) for part in conv_bn(3, 4, 1, relu=False)] == [nn.Conv2d, nn.BatchNorm2d]
    assert conv_bn(3, 4, 3)[0].bias is None
