import re
from typing import Any

import numpy as np
import pytest
import torch

from hrpose.errors import ShapeError
from hrpose.metrics.pck import auc, epe, heatmap_accuracy, nme, pck

TRUTH = np.zeros((2, 3, 2))
FOUND = TRUTH + np.array([1.0, 4.0, 9.0])[None, :, None] * [1, 0]  # off by 1, 4 and 9 pixels
ALL = np.ones((2, 3), dtype=bool)
TEN = np.full((2, 2), 10.0)


def test_pck_counts_what_is_nearer_than_the_threshold() -> None:
    done = pck(FOUND, TRUTH, ALL, TEN, threshold=0.4)
    assert done.per_keypoint.tolist() == [1, 0, 0]
    assert (done.mean, done.counted) == (pytest.approx(1 / 3), 3)


def test_a_keypoint_that_nobody_has_is_minus_one_and_not_in_the_mean() -> None:
    mask = ALL & [True, False, False]
    done = pck(FOUND, TRUTH, mask, TEN, threshold=0.4)
    assert done.per_keypoint.tolist() == [1, -1, -1]
    assert (done.mean, done.counted) == (1, 1)
    assert pck(FOUND, TRUTH, ~ALL, TEN)[1:] == (0, 0)


def test_a_sample_without_a_length_does_not_count() -> None:
    lengths = np.array([[10.0, 10.0], [0.0, 10.0]])
    assert nme(FOUND, TRUTH, ALL, lengths) == pytest.approx((1 + 4 + 9) / 3 / 10)


def test_one_length_serves_both_axes() -> None:
    assert nme(FOUND, TRUTH, ALL, [10.0, 20.0]) == nme(FOUND, TRUTH, ALL, [[10.0, 10.0], [20.0, 20.0]])
    assert pck(FOUND, TRUTH, ALL, [10.0, 0.0], threshold=0.5).per_keypoint.tolist() == [1, 1, 0]


def test_distances_are_means_over_what_counts() -> None:
    assert epe(FOUND, TRUTH, ALL & [True, True, False]) == pytest.approx(2.5)
    assert nme(FOUND, TRUTH, ALL, TEN) == pytest.approx(14 / 3 / 10)
    assert epe(FOUND, TRUTH, ~ALL) == 0


def test_the_area_under_the_curve_is_that_of_pck() -> None:
    curve = [pck(FOUND, TRUTH, ALL, TEN, threshold=step / 10).mean for step in range(10)]
    assert auc(FOUND, TRUTH, ALL, norm=10.0, steps=10) == pytest.approx(np.mean(curve))
    assert auc(TRUTH, TRUTH, ALL) == pytest.approx(0.95)  # the threshold 0 lets nothing through


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            (FOUND[:1], TRUTH, ALL, TEN),
            "points of shape (1, 3, 2) and (2, 3, 2) came; give two of one (N, K, 2)",
        ),
        (
            (FOUND, TRUTH, ALL[:1], TEN),
            "a mask of shape (1, 3) and lengths of shape (2, 2) came; give (2, 3)",
        ),
        ((FOUND, TRUTH, ALL, TEN[:1, 0]), "lengths of shape (1, 2) came; give (2, 3), and (2,) or (2, 2)"),
        ((FOUND, TRUTH, ALL, 10.0), "lengths of shape () came"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(arguments: tuple[Any, ...], text: str) -> None:
    with pytest.raises(ShapeError, match=re.escape(text)):
        pck(*arguments)


def peak(x: int, y: int) -> torch.Tensor:
    maps = torch.zeros(1, 1, 20, 20)
    maps[0, 0, y, x] = 1
    return maps


def test_peaks_near_the_target_are_right() -> None:
    assert heatmap_accuracy(peak(10, 10), peak(10, 10)).mean == 1
    assert heatmap_accuracy(peak(10, 11), peak(10, 10)).mean == 0  # a pixel is half of a tenth of 20
    assert heatmap_accuracy(peak(10, 10), peak(10, 10)).points.tolist() == [[[10, 10]]]


def test_targets_at_the_border_or_without_a_peak_do_not_count() -> None:
    for target in (peak(1, 10), torch.zeros(1, 1, 20, 20)):
        done = heatmap_accuracy(peak(1, 10), target)
        assert (done.per_keypoint.tolist(), done.mean, done.counted) == ([-1], 0, 0)


def test_heatmaps_must_be_of_one_shape() -> None:
    with pytest.raises(ShapeError, match=re.escape("heatmaps of shape (1, 1, 20, 20) and (1, 20, 20) came")):
        heatmap_accuracy(peak(1, 1), peak(1, 1)[0])
