import pytest
import torch

from hrpose.codecs.crowd import draw_people, tag_places
from hrpose.errors import DataError, ShapeError

ONE = torch.tensor([[[[5.9, 3.2], [2.0, 7.0]]]])
SEEN = torch.ones(1, 1, 2)


def test_the_peak_is_the_pixel_with_its_fraction_cut() -> None:
    maps = draw_people(ONE, SEEN, (12, 16), 2.0)
    assert maps.shape == (1, 2, 12, 16)
    assert maps[0, 0, 3, 5] == maps[0, 1, 7, 2] == maps.max() == 1


def test_the_fraction_is_kept_on_request() -> None:
    maps = draw_people(ONE, SEEN, (12, 16), 2.0, subpixel=True)[0, 0]
    assert maps[3, 6] > maps[3, 5]  # 5.9 lies nearer to 6


def test_a_fraction_below_zero_lies_on_the_first_pixel() -> None:
    points = torch.tensor([[[[-0.4, 2.0]], [[-1.0, 2.0]]]])
    assert tag_places(points, torch.ones(1, 2, 1), (4, 4)).tolist() == [[[8], [-1]]]
    assert draw_people(points[:, :1], torch.ones(1, 1, 1), (4, 4), 1.0)[0, 0, 2, 0] == 1


def test_the_higher_of_two_people_counts() -> None:
    two = torch.tensor([[[[4.0, 4.0]], [[6.0, 4.0]]]])
    seen = torch.ones(1, 2, 1)
    both = draw_people(two, seen, (9, 11), 2.0)
    apart = [draw_people(two[:, i : i + 1], seen[:, :1], (9, 11), 2.0) for i in range(2)]
    assert torch.equal(both, torch.maximum(*apart))


def test_people_have_their_own_spread() -> None:
    two = torch.tensor([[[[8.0, 8.0]], [[24.0, 8.0]]]])
    maps = draw_people(two, torch.ones(1, 2, 1), (16, 32), torch.tensor([[1.0, 3.0]]))[0, 0]
    assert maps[8, 26] > maps[8, 10] > 0


def test_hidden_outside_and_undefined_keypoints_are_left_out() -> None:
    points = torch.tensor([[[[5.0, 5.0], [20.0, 5.0], [5.0, float("nan")]]]])
    seen = torch.tensor([[[0.0, 1.0, 1.0]]])
    assert draw_people(points, seen, (10, 10), 2.0).abs().sum() == 0
    assert tag_places(points, seen, (10, 10)).tolist() == [[[-1, -1, -1]]]


def test_nobody_gives_empty_maps() -> None:
    assert draw_people(torch.zeros(2, 0, 3, 2), torch.zeros(2, 0, 3), (4, 5), 2.0).shape == (2, 3, 4, 5)
    assert tag_places(torch.zeros(2, 0, 3, 2), torch.zeros(2, 0, 3), (4, 5)).shape == (2, 0, 3)


def test_places_point_at_the_keypoints_of_the_map() -> None:
    places = tag_places(ONE, SEEN, (12, 16))
    maps = torch.arange(2 * 12 * 16).view(2, 12, 16)
    assert maps.flatten()[places[0, 0]].tolist() == [maps[0, 3, 5].item(), maps[1, 7, 2].item()]
    assert tag_places(ONE, SEEN, (12, 16), shared=True).tolist() == [[[3 * 16 + 5, 7 * 16 + 2]]]


def test_a_spread_of_nothing_is_refused() -> None:
    with pytest.raises(DataError, match=r"sigma is not above 0.*drop boxes without an area"):
        draw_people(ONE, SEEN, (4, 4), torch.zeros(1, 1))


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"points has the shape \(1, 2, 2\), but \(N, M, K, 2\) is needed"):
        draw_people(ONE[0], SEEN, (4, 4), 2.0)
    with pytest.raises(ShapeError, match=r"visible has the shape \(1, 2\)"):
        tag_places(ONE, SEEN[0], (4, 4))
    with pytest.raises(ShapeError, match=r"sigma has the shape \(2,\)"):
        draw_people(ONE, SEEN, (4, 4), torch.ones(2))
