"""Princeton, the single-person codec of the hourglass."""

import numpy as np
import pytest
import torch

from hrpose.codecs import CODECS, Princeton, crop_images
from hrpose.codecs.hourglass import cut_and_resize
from hrpose.errors import ConfigError, ShapeError

CODEC = Princeton(input_size=(64, 64))
CENTER, SCALE = torch.tensor([[40.0, 30.0]]), torch.tensor([[0.32, 0.32]])  # a square of 64 pixels


def maps_with(*peaks: tuple[int, int, float]) -> torch.Tensor:
    maps = torch.zeros(1, 1, 16, 16)
    for x, y, value in peaks:
        maps[0, 0, y, x] = value
    return maps


def test_it_is_found_by_its_name() -> None:
    assert CODECS["princeton"] is Princeton


def test_a_point_is_cut_to_its_pixel_and_comes_back_as_a_quarter_of_it() -> None:
    maps, weights = CODEC.encode(torch.tensor([[[23.9, 32.0]]]), torch.ones(1, 1))
    assert (maps == 1).nonzero().tolist() == [[0, 0, 8, 5]]
    assert weights.tolist() == [[1.0]]
    points, scores = CODEC.decode(maps)
    assert points.tolist() == [[[5.25, 8.25]]]
    assert scores.tolist() == [[1.0]]


def test_a_keypoint_at_or_left_of_0_or_unmarked_is_learned_as_an_empty_map() -> None:
    points = torch.tensor([[[0.0, 20.0], [-3.0, 20.0], [20.0, 20.0], [20.0, 99.0], [0.5, 20.0]]])
    maps, weights = CODEC.encode(points, torch.tensor([[1.0, 1.0, 0.0, 1.0, 1.0]]))
    assert maps.amax((2, 3)).tolist() == [[0.0, 0.0, 0.0, 0.0, 1.0]]
    assert weights.tolist() == [[1.0] * 5]


@pytest.mark.parametrize(
    ("neighbours", "moved"),
    [
        ([(6, 5, 0.5), (5, 6, 0.5)], (5.75, 5.75)),
        ([(4, 5, 0.5), (5, 4, 0.5)], (5.25, 5.25)),
        ([], (5.25, 5.25)),
    ],
)
def test_a_peak_moves_uphill_and_down_on_a_tie(
    neighbours: list[tuple[int, int, float]], moved: tuple[float, float]
) -> None:
    assert CODEC.decode(maps_with((5, 5, 1.0), *neighbours))[0].tolist() == [[list(moved)]]


def test_a_peak_on_the_border_has_itself_for_a_neighbour() -> None:
    assert CODEC.decode(maps_with((15, 0, 1.0)))[0].tolist() == [[[15.75, 0.25]]]


def test_without_adjusting_peaks_stay_on_whole_pixels() -> None:
    whole = Princeton(input_size=(64, 64), adjust=False)
    assert whole.decode(maps_with((5, 6, 1.0)))[0].tolist() == [[[5.0, 6.0]]]


def test_a_map_without_a_peak_gives_zeros_and_one_with_nan_gives_nan() -> None:
    maps = torch.full((1, 2, 16, 16), -1.0)
    maps[0, 1, 3, 3] = torch.nan
    points, scores = CODEC.decode(maps)
    assert points[0, 0].tolist() == [0, 0]
    assert scores[0, 0] == 0
    assert points[0, 1].isnan().all()
    assert scores[0, 1].isnan()


def test_a_flip_test_averages_and_cuts_at_1() -> None:
    maps, mirrored = maps_with((5, 6, 1.5)), maps_with((10, 6, 0.9))
    assert CODEC.merge_flip(maps, mirrored, (0,))[0, 0, 6, 5] == 1
    assert CODEC.merge_flip(maps, 0 * mirrored, (0,))[0, 0, 6, 5] == 0.75


def test_points_of_the_image_are_whole_and_cut_toward_zero() -> None:
    points = CODEC.to_image(torch.tensor([[[5.25, 0.1], [0.3, 0.6]]]), CENTER, SCALE)
    assert points.tolist() == [[[29.0, -1.0], [9.0, 0.0]]]


def test_an_upright_crop_of_its_own_size_is_the_part_itself() -> None:
    image = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 80, 100), dtype=np.uint8))
    crop = CODEC.crop(image, CODEC.matrices(CENTER, SCALE))
    assert crop.dtype == torch.uint8
    assert torch.equal(crop[0, :, 2:], image[:, :62, 8:72])
    assert not crop[0, :, :2].any()


def test_a_crop_keeps_to_whole_pixels_of_the_image() -> None:
    image, center = torch.rand(1, 80, 100), torch.tensor([[50.0, 40.0]])
    crops = [CODEC.crop(image, CODEC.matrices(center + shift, SCALE)) for shift in (0.0, 0.4, 1.0)]
    assert torch.equal(crops[0], crops[1])
    assert not torch.equal(crops[0], crops[2])


def test_a_turned_crop_is_sampled_from_the_image() -> None:
    image, turned = torch.rand(1, 80, 100), CODEC.matrices(CENTER, SCALE, torch.tensor([30.0]))
    assert torch.equal(CODEC.crop(image, turned), crop_images(image, turned, (64, 64)))


def test_crops_of_several_images() -> None:
    images = [torch.full((1, 64, 64), float(k)) for k in range(2)]
    center, scale = torch.tensor([[32.0, 32.0]] * 3), torch.tensor([[0.1, 0.1]] * 3)
    crops = CODEC.crop(images, CODEC.matrices(center, scale), image_index=[1, 0, 1])
    assert crops.mean((1, 2, 3)).tolist() == [1.0, 0.0, 1.0]


def test_a_part_beyond_the_image_is_black() -> None:
    image = torch.ones(3, 4, 5)
    for first, end in (((5, 0), (9, 4)), ((-4, -4), (0, 0)), ((0, 4), (4, 8))):
        assert not cut_and_resize(image, first, end, 8).any()


def test_a_part_without_a_pixel_is_one_pixel() -> None:
    assert cut_and_resize(torch.ones(1, 4, 5), (2, 2), (2, 2), 3).tolist() == [[[1.0] * 3] * 3]


def test_what_is_no_square_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"input_size=\(256, 192\), but princeton cuts squares; give equal sides"
    ):
        Princeton(input_size=(256, 192))


def test_images_and_crops_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"image_index has 2 entries for 1 crops"):
        CODEC.crop([torch.ones(1, 8, 8)], CODEC.matrices(CENTER, SCALE), image_index=[0, 0])
