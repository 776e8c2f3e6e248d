import pytest
import torch

from hrpose.codecs import MSRA
from hrpose.errors import ConfigError

CODEC = MSRA(input_size=(64, 64), sigma=1)


def peak(*pixels: tuple[int, int, float]) -> torch.Tensor:
    maps = torch.zeros(1, 1, 16, 16)
    for x, y, value in pixels:
        maps[0, 0, y, x] = value
    return maps


def test_a_peak_moves_a_quarter_of_a_pixel_uphill() -> None:
    points, scores = CODEC.decode(peak((5, 6, 1.0), (6, 6, 0.5), (5, 5, 0.2)))
    assert points.tolist() == [[[5.25, 5.75]]]
    assert scores.tolist() == [[1.0]]


@pytest.mark.parametrize("at", [(1, 6), (15, 6), (6, 0), (6, 15), (6, 1)])
def test_a_peak_near_the_border_stays_on_both_axes(at: tuple[int, int]) -> None:
    x, y = at
    higher = [(x + dx, y + dy, 0.5) for dx, dy in ((1, 0), (0, 1)) if x + dx < 16 and y + dy < 16]
    points, _ = CODEC.decode(peak((x, y, 1.0), *higher))
    assert points.tolist() == [[[float(x), float(y)]]]


def test_mmpose_moves_each_axis_on_its_own() -> None:
    maps = peak((1, 6, 1.0), (2, 6, 0.5), (1, 7, 0.5))
    assert MSRA(input_size=(64, 64), form="mmpose").decode(maps)[0].tolist() == [[[1.0, 6.25]]]
    assert CODEC.decode(maps)[0].tolist() == [[[1.0, 6.0]]]


def test_no_value_above_zero_gives_the_corner_or_minus_one() -> None:
    assert CODEC.decode(-torch.ones(1, 1, 16, 16))[0].tolist() == [[[0.0, 0.0]]]
    assert MSRA(input_size=(64, 64), form="mmpose").decode(peak())[0].tolist() == [[[-1.0, -1.0]]]


def test_the_first_of_equal_peaks_is_read() -> None:
    assert CODEC.decode(peak((9, 9, 1.0), (8, 4, 1.0)))[0].tolist() == [[[8.0, 4.0]]]


def test_the_centre_is_cut_toward_zero() -> None:
    maps, weights = CODEC.encode(torch.tensor([[[-5.0, 8.0], [-6.1, 8.0]]]), torch.ones(1, 2))
    assert maps[0, 0, 2, 0] == 1  # -0.75 becomes 0
    assert maps[0, 1, 2, 0] < 1  # -1.025 becomes -1
    assert weights.tolist() == [[1.0, 1.0]]


def test_a_gaussian_beyond_the_map_has_no_weight_but_one_that_touches_has() -> None:
    points = torch.tensor([[[-18.0, 0.0], [-22.0, 0.0], [72.0, 0.0], [76.0, 0.0]]])
    maps, weights = CODEC.encode(points, torch.ones(1, 4))
    assert weights.tolist() == [[1.0, 0.0, 1.0, 0.0]]
    assert not maps[0, 0].any()


def test_mmpose_keeps_the_weight_of_what_is_hardly_visible() -> None:
    points, visible = torch.tensor([[[-60.0, 0.0], [-60.0, 0.0]]]), torch.tensor([[0.3, 0.7]])
    _, weights = MSRA(input_size=(64, 64), form="mmpose").encode(points, visible)
    torch.testing.assert_close(weights, torch.tensor([[0.3, 0.0]]))
    assert not CODEC.encode(points, visible)[1].any()


def test_a_downhill_nudge_is_refused() -> None:
    with pytest.raises(ConfigError, match="nudge=-1 does not move a peak uphill; give 0 or more"):
        MSRA(input_size=(64, 64), nudge=-1)
