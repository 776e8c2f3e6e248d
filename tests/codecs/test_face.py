import pytest
import torch

from hrpose.codecs import Face
from hrpose.errors import ConfigError

CENTER, SCALE = torch.tensor([[100.0, 80.0]]), torch.tensor([[0.64, 0.64]])


def test_points_are_cut_on_the_way_in_and_get_half_a_pixel_on_the_way_out() -> None:
    codec = Face(input_size=(128, 128))
    maps, _ = codec.encode(torch.tensor([[[43.9, 60.1]]]), torch.ones(1, 1))
    assert maps[0, 0, 15, 10] == 1
    assert codec.decode(maps)[0].tolist() == [[[10.5, 15.5]]]


def test_a_peak_moves_uphill_unless_it_lies_on_the_border() -> None:
    maps = torch.zeros(1, 2, 32, 32)
    maps[0, 0, 1, 1], maps[0, 0, 1, 2] = 1.0, 0.5
    maps[0, 1, 0, 1], maps[0, 1, 0, 2] = 1.0, 0.5
    assert Face(input_size=(128, 128)).decode(maps)[0].tolist() == [[[1.75, 1.5], [1.5, 0.5]]]


def test_image_pixels_are_whole_and_counted_from_1_unless_told_otherwise() -> None:
    points = torch.tensor([[[16.3, 7.0]]])
    exact = Face(input_size=(128, 128), subpixel=True).to_image(points, CENTER, SCALE)
    torch.testing.assert_close(exact, torch.tensor([[[101.2, 44.0]]]))
    whole = Face(input_size=(128, 128)).to_image(points, CENTER, SCALE)
    assert whole.tolist() == [[[102.0, 45.0]]]


def test_a_landmark_beyond_the_map_keeps_its_weight() -> None:
    maps, weights = Face(input_size=(128, 128)).encode(torch.tensor([[[-90.0, 20.0]]]), torch.ones(1, 1))
    assert not maps.any()
    assert weights.tolist() == [[1.0]]


def test_a_face_needs_a_square() -> None:
    with pytest.raises(
        ConfigError, match="heatmaps of 64x48, but Face has one scale; give a square input_size"
    ):
        Face(input_size=(256, 192))
    with pytest.raises(ConfigError, match=r"nudge=-0\.5 does not move a peak uphill"):
        Face(input_size=(256, 256), nudge=-0.5)
