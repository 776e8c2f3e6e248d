"""Random views of whole images, and who is in a picture."""

import numpy as np
import pytest
import torch

from hrpose.codecs.geometry import transform_points
from hrpose.data.pictures import BottomUpAugment, View, fitted
from hrpose.errors import ConfigError

SIZE = (60, 100)


def at(view: View, point: tuple[float, float], side: int = 30, *, unbiased: bool = False) -> list[float]:
    """Where a point of the image is shown."""
    shown = transform_points(
        torch.tensor([[point]], dtype=torch.float64), view.matrix((side, side), unbiased=unbiased)
    )
    return [round(value, 3) for value in shown[0, 0].tolist()]


def test_the_short_side_fills_the_view_or_the_long_one() -> None:
    assert at(fitted(SIZE), (50, 0)) == [15, 0]
    assert at(fitted(SIZE), (20, 30)) == [0, 15]
    assert at(fitted(SIZE, "long"), (0, 30)) == [0, 15]


def test_a_larger_scale_shows_people_smaller() -> None:
    view = BottomUpAugment(scale=(2, 2), rotation=0).view(SIZE, zoom=0.5, turn=0.5)
    assert view.zoom == 2
    assert at(view, (50, 0)) == [15, 7.5]


@pytest.mark.parametrize("unbiased", [False, True])
def test_positive_angles_turn_the_view_the_same_way_in_both_forms(unbiased: bool) -> None:
    x, y = at(fitted(SIZE)._replace(rotation=90), (80, 30), side=31, unbiased=unbiased)
    assert abs(x - 15.5) < 1
    assert abs(y) < 1


def test_corners_of_an_unbiased_view_are_pixel_centres() -> None:
    view = View((50.0, 30.0), 60.0)
    assert at(view, (20, 0), unbiased=True) == [0, 0]
    assert at(view, (80, 60), unbiased=True) == [29, 29]
    assert at(view, (80, 60)) == [30, 30]


def test_draws_stay_within_their_bounds_and_reach_them() -> None:
    augment = BottomUpAugment(scale=(0.75, 1.5), rotation=30, translate=40)
    views = [augment.draw(np.random.default_rng(k), SIZE) for k in range(300)]
    sides = np.array([view.side for view in views])
    turns = np.array([view.rotation for view in views])
    shifts = np.array([view.center for view in views]) - (50, 30)
    assert 45 <= sides.min() < 48
    assert 87 < sides.max() <= 90
    assert -30 <= turns.min() < -28
    assert 28 < turns.max() <= 30
    assert (np.abs(shifts).max(1) <= sides / 200 * 40).all()
    assert np.abs(shifts).max() > 14
    assert 0.4 < np.mean([view.flip for view in views]) < 0.6


def test_a_view_too_small_to_be_moved_stays() -> None:
    view = BottomUpAugment(translate=0).draw(np.random.default_rng(0), SIZE)
    assert view.center == (50, 30)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"scale": (0.0, 1.0)}, r"scale=\(0.0, 1.0\); give the least and the most, both above 0"),
        ({"scale": (1.5, 1.0)}, "give the least and the most"),
        ({"rotation": -1.0}, "rotation=-1.0, translate=40.0; give degrees and pixels, 0 or more of each"),
        ({"flip_probability": 2.0}, "flip_probability=2.0; it lies between 0 and 1"),
        ({"fit": "both"}, "fit='both' is not known; give 'short', 'long' or None"),
    ],
)
def test_settings_without_meaning_are_refused(settings: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        BottomUpAugment(**settings)  # type: ignore[arg-type]
