import re

import numpy as np
import pytest

from hrpose.errors import ShapeError
from hrpose.metrics.rescore import bottomup_results, rescore, topdown_results

SIGMAS = (0.05, 0.05)
POSE = np.array([[10.0, 10, 0.8], [30, 40, 0.6]])


def test_a_person_without_a_sure_keypoint_scores_zero() -> None:
    assert rescore([POSE], [0.9], min_score=0.9).tolist() == [0]
    assert rescore([POSE], [0.5], min_score=0.7).tolist() == pytest.approx([0.4])


def test_doubles_go_within_an_image_only() -> None:
    results = topdown_results(
        np.stack([POSE] * 3), [0.5, 0.9, 0.7], [7, 7, 8], [400] * 3, sigmas=SIGMAS, category_ids=[4, 5, 6]
    )
    assert [(r["image_id"], r["category_id"], r["index"]) for r in results] == [(7, 5, 1), (8, 6, 2)]
    assert results[0]["score"] == pytest.approx(0.9 * 0.7)
    assert results[0]["keypoints"] == POSE.ravel().tolist()


def test_soft_suppression_keeps_everyone() -> None:
    poses = np.stack([POSE] * 3)
    results = topdown_results(poses, [0.5, 0.9, 0.7], [7, 7, 7], [400] * 3, sigmas=SIGMAS, soft=True)
    assert [r["index"] for r in results] == [1, 2, 0]


def test_bottom_up_results_keep_everybody_and_box_all_keypoints() -> None:
    poses = np.array([[[3, 4, 0.9, 7], [0, 0, 0.0, 0]], [[5, 9, 0.8, 7], [8, 6, 0.1, 7]]])  # with a tag
    first, second = bottomup_results(poses, [0.1, 0.9], [7, 7])
    assert first["bbox"] == [0, 0, 3, 4]  # the missing keypoint stands at 0, 0
    assert second["bbox"] == [5, 6, 3, 3]
    assert second["keypoints"] == [5, 9, 0.8, 8, 6, 0.1]
    assert bottomup_results(np.zeros((0, 2, 3)), [], []) == []


@pytest.mark.parametrize(
    ("keypoints", "scores", "images"),
    [((2, 3), 2, 2), ((2, 3, 2), 2, 2), ((2, 3, 3), 1, 2), ((2, 3, 3), 2, 1)],
)
def test_bottom_up_results_that_do_not_fit_are_refused(
    keypoints: tuple[int, ...], scores: int, images: int
) -> None:
    with pytest.raises(
        ShapeError, match=r"person_scores \(.*image_ids; give \(M, K, 3 or more\), \(M,\) and M"
    ):
        bottomup_results(np.zeros(keypoints), np.zeros(scores), [7] * images)


def test_nobody_gives_no_results() -> None:
    assert topdown_results(np.zeros((0, 2, 3)), [], [], [], sigmas=SIGMAS) == []


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match=re.escape("keypoints of shape (2, 3) and box scores of shape (1,)")):
        rescore(POSE, [1.0])
    with pytest.raises(ShapeError, match="1 people, 2 image ids and 1 areas came; give one of each a person"):
        topdown_results([POSE], [1.0], [7, 8], [400], sigmas=SIGMAS)
