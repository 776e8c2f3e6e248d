import json
import re
from pathlib import Path
from typing import Any

import pytest

from hrpose.data.coco import CocoKeypoints
from hrpose.errors import ConfigError, DataError, UnknownNameError
from hrpose.skeletons import COCO
from tests.data.made import KEYPOINTS, content, person, save

ALL_ZERO = [0] * 9


def read(*people: dict[str, Any], **settings: Any) -> CocoKeypoints:
    return CocoKeypoints.from_file(content(*people), "pictures", **settings)


def test_a_file_gives_its_people_and_its_skeleton(tmp_path: Path) -> None:
    data = CocoKeypoints.from_file(save(tmp_path, content(person(3))), tmp_path)
    (found,) = data.people
    assert (found.annotation_id, found.image_id, found.area, found.score) == (3, 7, 300.0, 1.0)
    assert found.image_path == tmp_path / "seven.png"
    assert found.points.tolist() == [[15, 10], [25, 20], [0, 0]]
    assert found.visible.tolist() == [1, 1, 0]
    assert data.skeleton.keypoints == tuple(KEYPOINTS)
    assert data.skeleton.mirror == (("left_hand", "right_hand"),)
    assert data.summary() == "1 people in 1 images; left out: none; mended: none"


def test_a_box_loses_its_last_pixel_as_in_the_original() -> None:
    assert read(person()).people[0].box == (10, 5, 19, 29)


def test_a_box_that_sticks_out_is_clipped_and_counted() -> None:
    data = read(person(4, bbox=[-10, -10, 90, 30]))
    assert data.people[0].box == (0, 0, 63, 29)
    assert data.mended.ids == {"box clipped to the image": [4]}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"iscrowd": 1}, "crowd region"),
        ({"keypoints": ALL_ZERO}, "no keypoints"),
        ({"keypoints": None}, "no keypoints"),
        ({"area": 0}, "area not above 0"),
        ({"bbox": [10, 5, 0, 0]}, "zero-size box"),
        ({"bbox": [70, 5, 20, 30]}, "box outside the image"),
        ({"category_id": 2}, "other category"),
    ],
)
def test_what_cannot_be_learned_from_is_left_out_and_counted(fields: dict[str, Any], reason: str) -> None:
    data = read(person(), person(9, **fields))
    assert [found.annotation_id for found in data.people] == [1]
    assert data.skipped.ids == {reason: [9]}
    assert data.skipped[reason] == data.skipped.total() == 1
    assert f"left out: 1 {reason};" in data.summary()


def test_a_missing_area_is_half_the_box_and_counted() -> None:
    data = read(person(2, area=None))
    assert data.people[0].area == pytest.approx(0.53 * 20 * 30)
    assert data.mended.ids == {"area from the box": [2]}


def test_a_missing_box_is_that_of_the_labelled_keypoints_and_counted() -> None:
    data = read(person(2, bbox=None))
    assert data.people[0].box == (15, 10, 9, 9)
    assert data.mended.ids == {"box from the keypoints": [2]}


def test_one_labelled_keypoint_makes_no_box() -> None:
    data = read(person(), person(2, bbox=None, keypoints=[15, 10, 2, 0, 0, 0, 0, 0, 0]))
    assert data.skipped.ids == {"zero-size box": [2]}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"image_id": 8}, "annotation 9: image 8 is not in the list of images; add or remove one"),
        ({"keypoints": [1, 2, 2]}, "annotation 9: keypoints holds 3 numbers, and 3 keypoints need 9"),
        ({"keypoints": "none"}, "annotation 9: keypoints holds 'none' numbers"),
        ({"keypoints": [float("nan")] * 9}, "annotation 9: keypoints holds NaN, infinity or text"),
        ({"bbox": [1, 2, 3]}, "annotation 9: bbox is [1, 2, 3]; give four numbers x, y, width, height"),
        ({"bbox": [1, 2, 3, float("inf")]}, "annotation 9: bbox is [1, 2, 3, inf]; give four numbers"),
        ({"area": "big"}, "annotation 9: area is 'big'; give a number of pixels, or leave it out"),
    ],
)
def test_what_makes_a_file_doubtful_is_refused_or_counted(fields: dict[str, Any], text: str) -> None:
    hint = 'on_fault="skip" leaves such annotations out and counts them'
    with pytest.raises(DataError, match=re.escape(text)) as caught:
        read(person(), person(9, **fields))
    assert hint in str(caught.value)
    data = read(person(), person(9, **fields), on_fault="skip")
    assert [found.annotation_id for found in data.people] == [1]
    assert data.skipped.total() == 1
    assert [entry["image_id"] for entry in data.ground_truth()["annotations"]] == [7]


def test_an_id_that_is_used_twice_is_refused() -> None:
    with pytest.raises(DataError, match="annotation id 1 is used twice; renumber"):
        read(person(), person())
    assert read(person(), person(), on_fault="skip").skipped.ids == {"id used twice": [1]}


def test_a_box_without_a_width_but_with_a_height_is_kept_as_in_the_original() -> None:
    assert read(person(bbox=[12, 20, 0.5, 20])).people[0].box == (12, 20, 0, 19)


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (content(), 'the list "annotations" is empty; there is nothing to read'),
        (content(person(), images=[]), 'the list "images" is empty; there is nothing to read'),
        ({"images": [{}]}, 'has no list "annotations"; a COCO-format file has images and annotations'),
        (content(person(iscrowd=1)), "none of 1 annotations is left: 1 crowd region"),
        (content(person(), images=[{"id": 7}]), 'image {\'id\': 7} lacks "id" or "file_name"'),
        (
            content(person(), images=[{"id": 7, "file_name": "a", "width": 1, "height": 1}] * 2),
            "image id 7 is used twice",
        ),
        (
            content(person(), images=[{"id": 7, "file_name": "gone.png"}]),
            "image 7 has no width and height, and pictures/gone.png cannot be read",
        ),
        (
            content(person(keypoints=None), categories=[]),
            "names no keypoints, and its annotations hold none; give skeleton=",
        ),
        (
            content(person(), categories=[{"id": 1, "keypoints": ["a"]}, {"id": 2, "keypoints": ["b"]}]),
            "have different keypoints; choose one with category=",
        ),
        (content(person(), categories="puppet"), '"categories" is a str, but a list is needed'),
        (content(person(), categories=[{"name": "puppet"}]), "a category has no id, which annotations name"),
        (content(person(), 5), "annotations[1] is 5, but an object is needed; remove it"),
        (content(person(image_id=[7])), "annotations[0] has image_id=[7]; give the id of an image"),
        (content(person([1])), "annotations[0] has id=[1]; give a whole number"),
        (
            content(person(), images=[{"id": 7, "file_name": 7}]),
            "images[0] has file_name=7; give the name of a file",
        ),
        (
            content(person(), images=[{"id": 7, "file_name": "a.png", "width": "64", "height": 48}]),
            "images[0] has width='64'; give a number of pixels",
        ),
    ],
)
def test_a_file_without_people_is_refused(made: dict[str, Any], text: str) -> None:
    with pytest.raises(DataError, match=re.escape(text)):
        CocoKeypoints.from_file(made, "pictures")


def test_a_file_that_is_no_annotation_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cut.json").write_text(json.dumps(content(person()))[:200])
    (tmp_path / "list.json").write_text("[]")
    for name, text in (
        ("gone.json", "there is no annotation file"),
        ("cut.json", "cut.json is not JSON, or is cut short"),
        (
            "list.json",
            "holds a list, not the object of a COCO-format file; detections are read by Detections",
        ),
    ):
        with pytest.raises(DataError, match=re.escape(text)):
            CocoKeypoints.from_file(tmp_path / name, tmp_path)


def test_a_known_skeleton_can_be_given_by_name() -> None:
    seen = person(keypoints=[15, 10, 2] * 17)
    assert read(seen, skeleton="coco").skeleton == COCO
    with pytest.raises(UnknownNameError, match="there is no skeleton 'coko'; did you mean coco"):
        read(seen, skeleton="coko")


def test_an_unknown_way_with_faults_is_refused() -> None:
    with pytest.raises(ConfigError, match="on_fault='ignore' is not known; give 'raise' or 'skip'"):
        read(person(), on_fault="ignore")


def test_a_size_of_null_is_read_off_the_picture(tmp_path: Path) -> None:
    made = content(person())
    path = save(tmp_path, made)
    made["images"][0] |= {"width": None, "height": None}
    path.write_text(json.dumps(made))
    assert CocoKeypoints.from_file(path, tmp_path).images[7]["width"] == 64


def test_a_wrong_category_is_answered_with_the_right_ones() -> None:
    with pytest.raises(DataError, match="there is no category 'pupet'; did you mean puppet"):
        read(person(), category="pupet")


def test_people_come_in_the_order_of_the_images_and_of_the_file() -> None:
    size = {"width": 64, "height": 48}
    images = [{"id": number, "file_name": f"{number}.png", **size} for number in (9, 7)]
    made = content(person(1), person(2, image_id=9), person(3), person(4, image_id=9), images=images)
    people = CocoKeypoints.from_file(made, ".").people
    assert [found.annotation_id for found in people] == [2, 4, 1, 3]


def test_known_names_give_the_known_skeleton() -> None:
    made = content(
        person(keypoints=[1, 2, 2] * 17), categories=[{"id": 1, "keypoints": list(COCO.keypoints)}]
    )
    assert CocoKeypoints.from_file(made, ".").skeleton == COCO


def test_keypoints_without_names_are_numbered() -> None:
    data = CocoKeypoints.from_file(content(person(), categories=[{"id": 1, "keypoints": []}]), ".")
    assert data.skeleton.keypoints == ("keypoint_0", "keypoint_1", "keypoint_2")


def test_a_missing_image_size_is_read_off_the_picture(tmp_path: Path) -> None:
    save(tmp_path, content(person()))
    made = content(person(), images=[{"id": 7, "file_name": "seven.png"}])
    data = CocoKeypoints.from_file(made, tmp_path)
    assert (data.images[7]["width"], data.images[7]["height"]) == (64, 48)


def test_ground_truth_keeps_crowds_and_fills_in_what_is_missing() -> None:
    crowd = person(5, iscrowd=1, keypoints=None, num_keypoints=None)
    truth = read(person(0, area=None, num_keypoints=None), crowd).ground_truth()
    first, second = truth["annotations"]
    assert (first["id"], first["num_keypoints"], first["area"]) == (1, 2, pytest.approx(318))
    assert (second["id"], second["num_keypoints"], second["keypoints"]) == (2, 0, ALL_ZERO)
