import math
import re
from typing import Any

import numpy as np
import pytest

from hrpose.errors import ShapeError
from hrpose.metrics.mpii import mpii_parts, mpii_pckh
from hrpose.skeletons import MPII

TRUTH = np.zeros((2, 16, 2))
ALL = np.ones((2, 16))
HEADS = np.array([[[0.0, 0.0], [30.0, 40.0]]] * 2)  # a diagonal of 50: heads of 30 pixels


def off(name: str, pixels: float) -> np.ndarray:
    points = TRUTH.copy()
    points[:, MPII.index(name), 0] = pixels
    return points


def test_half_a_head_is_near_enough_and_a_bit_more_is_not() -> None:
    assert mpii_pckh(off("left_wrist", 15), TRUTH, ALL, HEADS)["Wrist"] == 100
    table = mpii_pckh(off("left_wrist", 15.1), TRUTH, ALL, HEADS)
    assert (table["Wrist"], table["Elbow"]) == (50, 100)
    assert table["Mean"] == pytest.approx(100 * 13 / 14)


def test_pelvis_and_thorax_are_left_out_of_the_mean() -> None:
    assert mpii_pckh(off("pelvis", 99), TRUTH, ALL, HEADS)["Mean"] == 100


def test_what_is_never_visible_has_no_percentage() -> None:
    hidden = ALL.copy()
    hidden[:, MPII.index("head_top")] = 0
    table = mpii_pckh(TRUTH, TRUTH, hidden, HEADS)
    assert math.isnan(table["Head"])
    assert table["Mean"] == 100


def test_the_hourglass_wants_less_than_half_a_head() -> None:
    parts = mpii_parts(off("left_wrist", 15), TRUTH, ALL, [30.0, 30.0])
    assert parts["wrist"] == (0.5, 4)
    assert parts["total"] == (pytest.approx(15 / 16), 32)
    assert mpii_parts(TRUTH, TRUTH, ALL * 0, [30.0, 30.0])["total"] == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            (TRUTH[:, :4], TRUTH, ALL, HEADS),
            "points of shape (2, 4, 2) and (2, 16, 2) came; give two of (N, 16, 2)",
        ),
        ((TRUTH, TRUTH, ALL[:, :3], HEADS), "visibilities of shape (2, 3) and (2,) heads came for 2 people"),
        (
            (TRUTH, TRUTH, ALL, HEADS[0]),
            "head boxes of shape (2, 2) came; give two corners a person, (N, 2, 2)",
        ),
    ],
)
def test_shapes_that_do_not_fit_are_refused(arguments: tuple[Any, ...], text: str) -> None:
    with pytest.raises(ShapeError, match=re.escape(text)):
        mpii_pckh(*arguments)
