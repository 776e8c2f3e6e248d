import pytest
import torch

from hrpose.errors import ConfigError
from hrpose.layers import ResizeTo
from hrpose.layers.resize import concat_at_finest


def test_nearest_repeats_each_pixel() -> None:
    x = torch.arange(4.0).reshape(1, 1, 2, 2)
    expected = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.equal(ResizeTo("nearest")(x, (4, 4)), expected)


@pytest.mark.parametrize("align_corners", [False, True])
def test_bilinear_keeps_the_corners_in_place_only_if_told(align_corners) -> None:
    x = torch.tensor([[[[0.0, 1.0]]]])
    row = ResizeTo("bilinear", align_corners=align_corners)(x, (1, 4))[0, 0, 0]
    expected = [0, 1 / 3, 2 / 3, 1] if align_corners else [0, 0.25, 0.75, 1]
    torch.testing.assert_close(row, torch.tensor(expected))


def test_the_finest_branch_passes_unchanged_into_the_concatenation() -> None:
    x = [torch.randn(1, 2, 5, 7), torch.randn(1, 3, 3, 4)]
    y = concat_at_finest(x, ResizeTo("bilinear"))
    assert y.shape == (1, 5, 5, 7)
    assert torch.equal(y[:, :2], x[0])


def test_an_unknown_upsampling_is_refused() -> None:
    with pytest.raises(ConfigError, match="upsample='cubic' is not known; give 'nearest' or 'bilinear'"):
        ResizeTo("cubic")


def test_align_corners_without_bilinear_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="align_corners=True has no meaning with upsample='nearest'; give 'bilin"
    ):
        ResizeTo("nearest", align_corners=True)


def test_the_setting_is_shown() -> None:
    assert repr(ResizeTo("nearest")) == "ResizeTo(nearest)"
    assert repr(ResizeTo("bilinear", align_corners=True)) == "ResizeTo(bilinear, align_corners=True)"
