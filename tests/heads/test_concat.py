import pytest
import torch
import torch.nn.functional as F

from hrpose.errors import ConfigError, ShapeError
from hrpose.heads import HRNetV2Head, HRNetV2pHead

CHANNELS = (4, 8)


def pyramid(height: int = 9, width: int = 7) -> list[torch.Tensor]:
    return [torch.randn(2, 4, height, width), torch.randn(2, 8, -(-height // 2), -(-width // 2))]


def test_v2_reads_all_branches_at_the_finest_size() -> None:
    head = HRNetV2Head(CHANNELS, 5).eval()
    x = [y.requires_grad_() for y in pyramid()]
    head.mix[0].weight.data.normal_()
    y = head(x)
    assert y.shape == (2, 5, 9, 7)
    assert all(g.abs().sum() > 0 for g in torch.autograd.grad(y.sum(), x))


@pytest.mark.parametrize("align_corners", [False, True])
def test_v2_upsamples_bilinearly(align_corners) -> None:
    head = HRNetV2Head(CHANNELS, 5, align_corners=align_corners).eval()
    x = pyramid()
    up = F.interpolate(x[1], (9, 7), mode="bilinear", align_corners=align_corners)
    assert torch.equal(head(x), head.conv(head.mix(torch.cat([x[0], up], 1))))


def test_v2_layout_is_convolution_norm_relu_convolution_both_with_bias() -> None:
    head = HRNetV2Head(CHANNELS, 5, kernel=3, hidden=6, bn_momentum=0.01)
    shapes = {name: tuple(t.shape) for name, t in head.named_parameters()}
    assert shapes == {
        "mix.0.weight": (6, 12, 1, 1),
        "mix.0.bias": (6,),
        "mix.1.weight": (6,),
        "mix.1.bias": (6,),
        "conv.weight": (5, 6, 3, 3),
        "conv.bias": (5,),
    }
    assert head.mix[1].momentum == 0.01


def test_v2_hidden_channels_default_to_all_that_come_in() -> None:
    assert HRNetV2Head(CHANNELS, 5).mix[0].out_channels == 12


@pytest.mark.parametrize("head", [HRNetV2Head(CHANNELS, 5), HRNetV2pHead(CHANNELS, 5)])
def test_another_pyramid_is_refused(head) -> None:
    with pytest.raises(
        ShapeError, match=rf"{type(head).__name__} got maps of \(4,\) channels, but was made for"
    ):
        head(pyramid()[:1])


@pytest.mark.parametrize("size", [(16, 12), (9, 7), (1, 1)])
def test_v2p_levels_halve_and_round_up(size) -> None:
    levels = HRNetV2pHead(CHANNELS, 6, levels=4)(pyramid(*size))
    expected = [(2, 6, -(-size[0] // 2**k), -(-size[1] // 2**k)) for k in range(4)]
    assert [tuple(y.shape) for y in levels] == expected


def test_v2p_averages_each_square() -> None:
    head = HRNetV2pHead(CHANNELS, 6, levels=2)
    x = pyramid(8, 8)
    mixed = head.reduce(torch.cat([x[0], F.interpolate(x[1], (8, 8), mode="bilinear")], 1))
    squares = mixed.reshape(2, 6, 4, 2, 4, 2).mean((3, 5))
    torch.testing.assert_close(head(x)[1], head.levels[1](squares))


def test_v2p_without_levels_is_refused() -> None:
    with pytest.raises(ConfigError, match="levels=0, but a pyramid has one at least; give 1 or more"):
        HRNetV2pHead(CHANNELS, levels=0)
