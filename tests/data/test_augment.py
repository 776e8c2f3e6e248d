import numpy as np
import pytest

from hrpose.data.augment import Placement, TopDownAugment, half_body
from hrpose.errors import ConfigError

POINTS = np.array([[10.0, 0], [20, 0], [30, 10], [10, 50], [20, 60], [30, 70]])
ALL = np.ones(6)
UPPER = {0, 1, 2}
STILL = TopDownAugment(scale=0, rotation=0, flip_probability=0, half_body_probability=0)
HERE = Placement(np.array([20.0, 30.0]), np.array([0.3, 0.4]))


def draws(augment: TopDownAugment, number: int = 400) -> list[Placement]:
    settings = {"upper_body": UPPER, "aspect": 0.75, "width": 100}
    return [augment.draw(np.random.default_rng(n), POINTS, ALL, HERE, **settings) for n in range(number)]


def test_without_strength_the_place_stays() -> None:
    place = draws(STILL, 1)[0]
    assert place.center.tolist() == [20, 30]
    assert place.scale.tolist() == [0.3, 0.4]
    assert (place.rotation, place.flip) == (0, False)


def test_scale_and_rotation_stay_within_their_bounds_and_reach_them() -> None:
    places = draws(TopDownAugment(scale=0.2, rotation=30, flip_probability=0, half_body_probability=0))
    scales = np.array([place.scale[0] / 0.3 for place in places])
    angles = np.array([place.rotation for place in places])
    assert (scales.min(), scales.max()) == pytest.approx((0.8, 1.2))
    assert np.abs(angles).max() == 60
    assert 0.3 < np.mean(angles == 0) < 0.5  # six in ten turn


def test_a_mirrored_place_counts_from_the_other_side() -> None:
    always = TopDownAugment(scale=0, rotation=0, flip_probability=1, half_body_probability=0)
    place = draws(always, 1)[0]
    assert place.flip
    assert place.center.tolist() == [100 - 1 - 20, 30]


def test_only_people_with_enough_keypoints_are_cut_in_half() -> None:
    half = TopDownAugment(scale=0, rotation=0, flip_probability=0, half_body_probability=1, half_body_above=5)
    assert {tuple(place.center) for place in draws(half)} == {(20, 10 / 3), (20, 60)}
    more = TopDownAugment(scale=0, rotation=0, flip_probability=0, half_body_probability=1, half_body_above=6)
    assert {tuple(place.center) for place in draws(more)} == {(20, 30)}


def test_the_coin_prefers_the_upper_half_below_one_half() -> None:
    upper, lower = (half_body(POINTS, ALL, UPPER, 0.75, coin=coin) for coin in (0.49, 0.5))
    assert upper is not None
    assert lower is not None
    assert upper.center[1] < 10 < 50 < lower.center[1]
    assert upper.scale == pytest.approx([0.15, 0.2])  # 20 wide, so 26.7 high, / 200 * 1.5


def test_a_half_that_is_hardly_labelled_falls_back_on_the_other() -> None:
    two_below = np.array([1.0, 1, 1, 1, 1, 0])
    place = half_body(POINTS, two_below, UPPER, 0.75, coin=2.0)
    assert place is not None
    assert place.center[1] < 10
    assert half_body(POINTS, np.array([1.0, 0, 0, 1, 1, 0]), UPPER, 0.75, coin=0.0) is None


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"flip_probability": 1.2}, "flip_probability=1.2; a probability lies between 0 and 1"),
        ({"scale": 1.0}, "scale=1.0, rotation=45.0; give a scale from 0 to below 1"),
        ({"rotation": -5}, "rotation=-5; give a scale from 0 to below 1 and a rotation of 0 degrees or more"),
    ],
)
def test_impossible_strengths_are_refused(settings: dict[str, float], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        TopDownAugment(**settings)
