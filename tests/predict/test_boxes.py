import numpy as np
import pytest
import torch

from hrpose.errors import DataError, ShapeError
from hrpose.predict.boxes import Detections, check_boxes, whole_picture

IMAGE = np.zeros((100, 200, 3), np.uint8)


def test_corners_become_sizes() -> None:
    found = check_boxes([[10, 20, 40, 60]], IMAGE, box_format="xyxy")
    assert found.boxes.tolist() == [[10, 20, 30, 40]]
    assert found.scores.tolist() == [1]
    assert found.boxes.dtype == found.scores.dtype == np.float32


def test_tensors_and_detections_are_read() -> None:
    found = check_boxes(Detections(torch.tensor([[10.0, 20, 40, 60]]), [0.7]), IMAGE, box_format="xywh")
    assert found.boxes.tolist() == [[10, 20, 30, 40]]
    assert found.scores.tolist() == pytest.approx([0.7])


@pytest.mark.parametrize("empty", [[], np.zeros((0, 4)), torch.zeros(0, 4)])
def test_no_boxes_are_fine(empty) -> None:
    assert check_boxes(empty, IMAGE, box_format="xyxy").boxes.shape == (0, 4)


def test_a_box_may_reach_over_the_edge() -> None:
    assert len(check_boxes([[-50, -50, 10, 10], [190, 90, 400, 300]], IMAGE, box_format="xyxy").boxes) == 2


def test_the_whole_picture_is_a_box() -> None:
    assert whole_picture(IMAGE).boxes.tolist() == [[0, 0, 200, 100]]


@pytest.mark.parametrize(
    ("box", "text"),
    [
        (
            [10, 20, 10, 60],
            r"box 0 of picture 3 is 0 wide and 40 high; a box needs a size above 0: is box_format",
        ),
        ([40, 20, 10, 60], "is -30 wide and 40 high"),
        (
            [200, 0, 260, 50],
            r"from \(200, 0\) to \(260, 50\), outside the picture, which is 200 wide and 100 high",
        ),
        ([-60, 0, 0, 50], "outside the picture"),
        ([0, 100, 50, 150], "outside the picture"),
        (
            [0, float("nan"), 50, 150],
            r"box 0 of picture 3 holds NaN or infinity, \[0.0, nan, 50.0, nan\]; drop it",
        ),
        ([0, 0, float("inf"), 150], "holds NaN or infinity"),
    ],
)
def test_a_box_that_nobody_can_be_in_is_refused(box: list[float], text: str) -> None:
    with pytest.raises(DataError, match=text):
        check_boxes([box], IMAGE, box_format="xyxy", picture=3)


def test_boxes_of_another_shape_are_refused() -> None:
    with pytest.raises(
        ShapeError, match=r"picture 0 have the shape \(4,\); give \(M, 4\), one row a person, as in"
    ):
        check_boxes([10, 20, 40, 60], IMAGE, box_format="xyxy")
    with pytest.raises(ShapeError, match=r"the boxes of picture 2 have the shape \(1, 5\)"):
        check_boxes([[10, 20, 40, 60, 1]], IMAGE, box_format="xyxy", picture=2)
    with pytest.raises(ShapeError, match=r"picture 0 are no array of numbers \(.*\); give \(M, 4\)"):
        check_boxes([["a", "b"], [1]], IMAGE, box_format="xyxy")


def test_scores_must_match_the_boxes() -> None:
    with pytest.raises(ShapeError, match=r"picture 1 has 1 boxes and scores of shape \(2,\); give \(1,\)"):
        check_boxes(Detections([[0, 0, 5, 5]], [1, 2]), IMAGE, box_format="xyxy", picture=1)
