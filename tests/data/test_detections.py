import json
import re
from pathlib import Path
from typing import Any

import pytest

from hrpose.data.coco import CocoKeypoints
from hrpose.data.detections import Detections
from hrpose.errors import DataError
from tests.data.made import KEYPOINTS, content, person

DATA = CocoKeypoints.from_file(content(person()), "pictures")


def box(**fields: Any) -> dict[str, Any]:
    made = {"image_id": 7, "category_id": 1, "bbox": [1, 2, 30, 40], "score": 0.8} | fields
    return {key: value for key, value in made.items() if value is not None}


def test_boxes_become_people_without_keypoints(tmp_path: Path) -> None:
    (tmp_path / "boxes.json").write_text(json.dumps([box()]))
    (found,) = Detections.from_file(tmp_path / "boxes.json", DATA).people
    assert (found.box, found.score, found.area) == ((1, 2, 30, 40), 0.8, 1200)
    assert found.image_path == Path("pictures/seven.png")
    assert found.keypoints.shape == (3, 3)
    assert not found.visible.any()


def test_what_is_left_out_is_counted() -> None:
    weak, cat, empty = box(score=0.1), box(category_id=2), box(bbox=[1, 1, 0, 0])
    found = Detections.from_file([weak, box(), cat, empty], DATA, min_score=0.25)
    assert [person.annotation_id for person in found.people] == [1]
    assert found.skipped.ids == {"low score": [0], "other category": [2], "zero-size box": [3]}


def test_the_category_is_that_of_the_data_or_the_one_named() -> None:
    kinds = [{"id": n, "name": name, "keypoints": KEYPOINTS} for n, name in ((1, "cat"), (5, "dog"))]
    both, dogs = (
        CocoKeypoints.from_file(
            content(person(1), person(2, category_id=5), categories=kinds), ".", category=category
        )
        for category in (None, "dog")
    )
    found = [box(), box(category_id=5), box(category_id=9)]

    def places(data: CocoKeypoints, category: str | int | None = None) -> list[int]:
        return [p.annotation_id for p in Detections.from_file(found, data, category=category).people]

    assert places(both) == [0, 1]
    assert places(dogs) == places(both, "dog") == places(both, 5) == [1]
    with pytest.raises(DataError, match="there is no category 'dug'; did you mean dog"):
        places(both, "dug")


def test_any_category_will_do_where_the_file_lists_none() -> None:
    data = CocoKeypoints.from_file(content(person(), categories=[]), ".")
    assert len(Detections.from_file([box(category_id=3)], data).people) == 1


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ([], "the list of detections is empty; there is no box to look into"),
        (
            {"annotations": []},
            "detections came as dict; give a list of image_id, category_id, bbox and score",
        ),
        ([box(score=None)], 'detection 0 has no "score"'),
        ([box(image_id=8)], "detection 0 is of image 8, which the data set does not list"),
        ([box(bbox=[1, 2, float("nan"), 4])], "detection 0: bbox is [1, 2, nan, 4]; give four numbers"),
        ([box(score=0.1)], "none of 1 detections is left: 1 low score; lower min_score?"),
    ],
)
def test_what_is_no_list_of_boxes_is_refused(entries: Any, text: str) -> None:
    with pytest.raises(DataError, match=re.escape(text)):
        Detections.from_file(entries, DATA, min_score=0.25)
