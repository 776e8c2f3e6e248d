import builtins
import json

import numpy as np
import pytest

from hrpose.errors import ConfigError, MissingExtraError, ShapeError
from hrpose.predict import People
from hrpose.skeletons import Skeleton

THREE = Skeleton.generic(3)


def people(count: int = 2, *, image: bool = True) -> People:
    numbers = np.arange(count * 6, dtype=np.float32).reshape(count, 3, 2)
    return People(
        keypoints=numbers,
        scores=np.full((count, 3), 0.5, np.float32),
        boxes=np.tile(np.array([1, 2, 10, 20], np.float32), (count, 1)),
        person_scores=np.linspace(0.2, 0.9, count, dtype=np.float32),
        skeleton=THREE,
        image=np.zeros((30, 40, 3), np.uint8) if image else None,
    )


def test_one_or_several_people_can_be_chosen() -> None:
    everyone = people(3)
    assert len(everyone) == 3
    assert len(everyone[1]) == 1
    assert everyone[-1].person_scores[0] == everyone.person_scores[2]
    assert len(everyone[:2]) == len(everyone[[0, 2]]) == len(everyone[everyone.person_scores > 0.5]) == 2
    assert [one.keypoints[0, 0, 0] for one in everyone] == [0, 6, 12]
    assert everyone[0].image is everyone.image


def test_a_number_nobody_has_is_refused() -> None:
    with pytest.raises(IndexError, match="there is no person 2; there are 2, counted from 0"):
        people()[2]


def test_corners_follow_from_sizes() -> None:
    assert people(1).boxes_xyxy.tolist() == [[1, 2, 11, 22]]


@pytest.mark.parametrize(
    ("field", "shape"),
    [
        ("keypoints", (2, 2, 2)),
        ("scores", (2, 2)),
        ("boxes", (2, 5)),
        ("person_scores", (1,)),
        ("tags", (2, 1)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(field: str, shape: tuple[int, ...]) -> None:
    good = people()
    fields = {
        name: getattr(good, name) for name in ("keypoints", "scores", "boxes", "person_scores", "skeleton")
    }
    with pytest.raises(
        ShapeError, match=f"{field} has the shape .*; 2 people of the 3 keypoints of 'generic_3' need"
    ):
        People(**fields | {field: np.zeros(shape, np.float32)})


def test_coco_entries_are_plain_numbers() -> None:
    entries = people().to_coco(image_id=7)
    assert json.loads(json.dumps(entries)) == entries
    first = entries[0]
    assert first["image_id"] == 7
    assert first["category_id"] == 1
    assert first["keypoints"] == [0, 1, 0.5, 2, 3, 0.5, 4, 5, 0.5]
    assert first["bbox"] == [1, 2, 10, 20]
    assert first["score"] == pytest.approx(0.2)
    assert People.nobody(THREE).to_coco(1) == []


def test_drawing_leaves_the_picture_alone() -> None:
    some = people()
    drawn = np.asarray(some.draw())
    assert drawn.any()
    assert some.image is not None
    assert not some.image.any()
    assert some.draw(np.full((50, 60, 3), 255, np.uint8)).size == (60, 50)


def test_drawing_needs_a_picture() -> None:
    with pytest.raises(
        ConfigError, match=r"these people know no picture; give one, as in people.draw\(image\)"
    ):
        people(image=False).draw()


@pytest.mark.filterwarnings(
    "ignore:OpenCV .* is not installed:UserWarning"
)  # supervision's word, at its import
def test_supervision_gets_the_points() -> None:
    points = people().to_supervision()
    assert points.xy.shape == (2, 3, 2)
    assert len(People.nobody(THREE).to_supervision()) == 0


def test_without_supervision_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = builtins.__import__

    def without(name: str, *rest):
        if name == "supervision":
            raise ImportError(name)
        return genuine(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r'needs supervision; run: .* install "hrpose\[viz\]"'):
        people().to_supervision()


def test_people_are_shown_in_one_line() -> None:
    people = People(
        keypoints=np.zeros((2, 3, 2), np.float32),
        scores=np.ones((2, 3), np.float32),
        boxes=np.zeros((2, 4), np.float32),
        person_scores=np.array([0.5, 0.25], np.float32),
        skeleton=Skeleton.generic(3),
    )
    assert repr(people) == "People(2 people, 3 keypoints of 'generic_3', best score 0.50)"
