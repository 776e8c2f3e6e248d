import re
from typing import Any

import numpy as np
import pytest

from hrpose.errors import ConfigError, ShapeError
from hrpose.metrics.nms import box_nms, decay, suppress


def test_of_equal_scores_the_last_is_kept() -> None:
    assert suppress(np.ones((3, 3)), [0.5, 0.5, 0.5], 0.9).tolist() == [2]


def test_an_overlap_of_exactly_the_threshold_survives() -> None:
    assert suppress(np.full((2, 2), 0.5), [0.9, 0.8], 0.5).tolist() == [0, 1]


def test_no_boxes_leave_no_boxes() -> None:
    assert box_nms(np.zeros((0, 4)), []).tolist() == []


def test_scores_fall_with_the_overlap() -> None:
    overlap, scores = [0.0, 0.5, 1.0], [0.8, 0.8, 0.8]
    assert decay(overlap, scores, 0.5) == pytest.approx(0.8 * np.exp([0, -0.5, -2]))
    assert decay(overlap, scores, 0.5, kind="linear") == pytest.approx([0.8, 0.4, 0])


def test_scores_that_were_given_stay_as_they_are() -> None:
    scores = np.array([0.8])
    decay([1.0], scores, 0.5, kind="linear")
    assert scores.tolist() == [0.8]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: decay([1], [1], 0.5, kind="cosine"), ConfigError, "kind='cosine' of score decay came; give"),
        (lambda: decay([1, 2], [1], 0.5), ShapeError, "(2,) overlaps and (1,) scores came"),
        (
            lambda: box_nms([[1, 2, 3]], [1]),
            ShapeError,
            "boxes of shape (1, 3) and scores of shape (1,) came",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=re.escape(text)):
        call()
