import pytest
import torch

from hrpose.codecs import DARK, MSRA, UDP
from hrpose.errors import ConfigError


@pytest.mark.parametrize("codec", [DARK, UDP])
def test_a_parabola_beats_a_quarter_of_a_pixel(codec: type[DARK] | type[UDP]) -> None:
    fine, coarse = codec(input_size=(128, 128)), MSRA(input_size=(128, 128))
    points = 12 + 8 * torch.rand(4, 6, 2, dtype=torch.float64)  # heatmap pixels
    ones = torch.ones(4, 6, dtype=torch.float64)
    errors = [
        (codec.decode(codec.targets(points, ones)[0])[0] - points).abs().max() for codec in (fine, coarse)
    ]
    assert errors[0] < 0.1 < errors[1]


def test_a_peak_within_two_pixels_of_the_border_stays() -> None:
    codec = DARK(input_size=(64, 64))
    points = torch.tensor([[[1.3, 7.3], [7.3, 14.4], [13.8, 7.3], [7.3, 7.3]]])
    found, _ = codec.decode(codec.targets(points, torch.ones(1, 4))[0])
    assert found[0, :3].tolist() == [[1.0, 7.0], [7.0, 14.0], [14.0, 7.0]]
    torch.testing.assert_close(found[0, 3], points[0, 3], atol=0.05, rtol=0)


@pytest.mark.parametrize("form", ["original", "mmpose"])
def test_no_value_above_zero_gives_the_corner_or_minus_one(form: str) -> None:
    points, _ = DARK(input_size=(64, 64), form=form).decode(torch.zeros(1, 1, 16, 16))
    assert points.tolist() == [[[0.0, 0.0] if form == "original" else [-1.0, -1.0]]]


@pytest.mark.parametrize("codec", [DARK, UDP])
def test_reach_bounds_the_step(codec: type[DARK] | type[UDP]) -> None:
    maps = torch.rand(8, 17, 32, 32, generator=torch.Generator().manual_seed(1))
    free, bound = codec(input_size=(128, 128), kernel=3), codec(input_size=(128, 128), kernel=3, reach=0.5)
    peaks = MSRA(input_size=(128, 128), nudge=0).decode(maps)[0]
    assert (free.decode(maps)[0] - peaks).abs().max() > 1
    assert (bound.decode(maps)[0] - peaks).abs().max() <= 0.5


@pytest.mark.parametrize("codec", [DARK, UDP])
def test_settings_without_meaning_are_refused(codec: type[DARK] | type[UDP]) -> None:
    with pytest.raises(ConfigError, match="kernel=10 has no middle"):
        codec(input_size=(64, 64), kernel=10)
    with pytest.raises(
        ConfigError, match="reach=0 keeps every peak in place; give a number above 0, or None"
    ):
        codec(input_size=(64, 64), reach=0)


def test_the_weight_near_the_border_depends_on_the_form() -> None:
    points, ones = torch.tensor([[[-7.5, 4.0]]]), torch.ones(1, 1)  # 3 sigma and a pixel end at -0.5
    assert DARK(input_size=(64, 64)).targets(points, ones)[1].item() == 1
    assert DARK(input_size=(64, 64), form="mmpose").targets(points, ones)[1].item() == 0
