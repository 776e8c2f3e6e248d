import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hrpose.errors import ShapeError
from hrpose.metrics import (
    coco_ap,
    crowdpose_ap,
    oks,
    oks_nms,
    pose_similarity,
    soft_oks_nms,
    topdown_results,
)

SIGMAS = (0.05, 0.1, 0.2)
POSE = np.array([[10.0, 10, 2], [20, 10, 2], [15, 30, 1]])


def aside(pixels: float) -> np.ndarray:
    return np.add(POSE, [pixels, 0, 0])


@pytest.mark.parametrize(
    "metric", [coco_ap, crowdpose_ap, oks, pose_similarity, oks_nms, soft_oks_nms, topdown_results]
)
def test_no_skeleton_is_taken_for_granted(metric: Callable[..., Any]) -> None:
    sigmas = inspect.signature(metric).parameters["sigmas"]
    assert (sigmas.kind, sigmas.default) == (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.empty)


def test_a_pose_is_like_itself_and_unlike_one_far_away() -> None:
    poses = np.stack([POSE, aside(500)])
    assert oks(poses, poses, [400, 400], sigmas=SIGMAS) == pytest.approx(np.eye(2))


def test_unknown_keypoints_do_not_count() -> None:
    known = POSE.copy()
    known[2] = 0
    moved = np.add(POSE, [[0, 0, 0], [0, 0, 0], [99, 99, 0]])
    assert oks([moved], [known], [400], sigmas=SIGMAS).item() == pytest.approx(1)


def test_a_large_sigma_forgives_more() -> None:
    moved = aside(3)
    each = [oks([moved], [POSE], [400], sigmas=(sigma,) * 3).item() for sigma in SIGMAS]
    assert each == sorted(each)


def test_without_labelled_keypoints_the_distance_to_twice_the_box_counts() -> None:
    crowd = np.zeros((1, 3, 3))
    inside, outside = POSE, aside(200)
    boxes = [[5.0, 5.0, 20.0, 30.0]]
    similar = oks([inside, outside], crowd, [400], boxes, sigmas=SIGMAS)
    assert similar[0, 0] == 1
    assert similar[1, 0] < 0.01
    assert oks([inside], crowd, [400], sigmas=SIGMAS).item() == 0


def test_empty_lists_give_empty_tables() -> None:
    nothing: list[Any] = []
    assert oks(nothing, [POSE], [400], sigmas=SIGMAS).shape == (0, 1)
    assert oks([POSE], nothing, nothing, sigmas=SIGMAS).shape == (1, 0)
    assert oks_nms(nothing, nothing, nothing, sigmas=SIGMAS).shape == (0,)
    assert soft_oks_nms(nothing, nothing, nothing, sigmas=SIGMAS).shape == (0,)


def test_the_worse_of_two_alike_is_dropped_or_moved_back() -> None:
    poses = np.stack([POSE, aside(0.5), aside(500)])
    scores, areas = [0.8, 0.9, 0.3], [400, 400, 400]
    assert oks_nms(poses, scores, areas, threshold=0.9, sigmas=SIGMAS).tolist() == [1, 2]
    assert soft_oks_nms(poses, scores, areas, threshold=0.5, sigmas=SIGMAS).tolist() == [1, 2, 0]
    assert soft_oks_nms(poses, scores, areas, threshold=0.5, sigmas=SIGMAS, most=2).tolist() == [1, 2]


def test_only_sure_keypoints_count_where_a_score_is_asked_for() -> None:
    sure, unsure = POSE.copy(), np.add(POSE, [[0, 0, 0], [50, 0, 0], [0, 0, 0]])
    sure[:, 2], unsure[:, 2] = 0.9, (0.9, 0.1, 0.9)
    both = pose_similarity([sure, unsure], [400, 400], sigmas=SIGMAS, min_score=0.2)
    assert both[0, 1] == pytest.approx(1)
    assert both[1, 0] == pytest.approx(2 / 3, abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ([POSE[:2]], [POSE], [1]),
            "keypoints of shape (1, 2, 3) and 3 sigmas came; give (people, 3, 2 or 3)",
        ),
        (([POSE], [POSE[:, :2]], [1]), "give (people, 3, 3)"),
        (([POSE], [POSE], [1, 2]), "2 areas came for 1 people; give one for each"),
        (([POSE], [POSE * 0], [1], [[1, 2]]), "boxes of shape (1, 2) came; give (1, 4)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(arguments: tuple[Any, ...], text: str) -> None:
    with pytest.raises(ShapeError, match=re.escape(text)):
        oks(*arguments, sigmas=SIGMAS)


def test_scores_must_fit_the_people() -> None:
    with pytest.raises(ShapeError, match="2 scores came for 1 people; give one for each"):
        oks_nms([POSE], [1, 2], [400], sigmas=SIGMAS)
