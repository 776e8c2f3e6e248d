from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hrpose.data.synthetic import write_coco
from hrpose.data.validate import validate_dataset
from hrpose.errors import DataError
from hrpose.skeletons import COCO
from tests.data.made import content, person, save


def test_a_data_set_without_fault_has_none(tmp_path: Path) -> None:
    crowd = person(2, iscrowd=1, keypoints=[0] * 9)
    unlabelled = person(3, keypoints=[0] * 9, num_keypoints=0)
    path = save(tmp_path, content(person(), crowd, unlabelled))
    assert validate_dataset(path, tmp_path) == []


@pytest.mark.parametrize(
    ("fields", "kind", "text"),
    [
        ({"image_id": 8}, "unknown image", "image 8 is not in the list of images"),
        ({"category_id": 5}, "unknown category", "category 5 is not in the list"),
        ({"keypoints": [1, 1, 2]}, "keypoint count", "keypoints holds 3 numbers, and 3 keypoints need 9"),
        ({"keypoints": [None] * 9}, "keypoints no numbers", "keypoints holds NaN, infinity or text"),
        ({"keypoints": [1, 1, 3] * 3, "num_keypoints": 3}, "visibility", "a v other than 0, 1 and 2"),
        (
            {"keypoints": [99, 9, 2] * 3, "num_keypoints": 3},
            "keypoint outside the image",
            "3 labelled keypoints lie outside the image of 64 x 48, the first at (99, 9)",
        ),
        ({"num_keypoints": 3}, "num_keypoints", "num_keypoints is 3, but 2 are labelled"),
        ({"area": None}, "no area", "has no area; 0.53 of the box is taken in its place"),
        ({"area": -4}, "area not above 0", "area is -4; OKS divides by it, so it must be above 0"),
        ({"bbox": None}, "no box", "has no bbox; the box of its keypoints is taken in its place"),
        ({"bbox": [1, 1, 0, 0]}, "zero-size box", "bbox [1, 1, 0, 0] has no size"),
        ({"bbox": [70, 5, 9, 9]}, "box outside the image", "lies outside its image of 64 x 48"),
        ({"bbox": [9, 9, 0, 8]}, "flat box", "bbox [9, 9, 0, 8] has no width or no height; it is kept"),
        ({"bbox": "all"}, "box no numbers", "bbox is 'all'; give four numbers"),
    ],
)
def test_each_fault_is_named_with_its_annotation(fields: dict[str, Any], kind: str, text: str) -> None:
    (fault,) = validate_dataset(content(person(), person(9, **fields)), ".", open_images=False)
    assert (fault.annotation_id, fault.kind) == (9, kind)
    assert str(fault).startswith("annotation 9: ")
    assert text in str(fault)


@pytest.mark.parametrize(
    ("point", "inside"), [((-0.5, 0), True), ((63.5, 47.5), True), ((-0.51, 0), False), ((9, 48), False)]
)
def test_a_keypoint_may_lie_anywhere_on_a_pixel(point: tuple[float, float], inside: bool) -> None:
    made = content(person(keypoints=[*point, 2] * 3, num_keypoints=3))
    kinds = [fault.kind for fault in validate_dataset(made, ".", open_images=False)]
    assert kinds == ([] if inside else ["keypoint outside the image"])


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (content(person(), 5), r"annotations\[1\] is 5, but an object is needed; remove it"),
        (content(person(), images=["a.png"]), r"images\[0\] is 'a.png', but an object is needed"),
        (content(person(), categories={"id": 1}), '"categories" is a dict, but a list is needed'),
        (content(person(image_id=[7])), r"has image_id=\[7\]; give the id of an image"),
    ],
)
def test_a_file_of_another_form_cannot_be_linted(made: dict[str, Any], text: str) -> None:
    with pytest.raises(DataError, match=text):
        validate_dataset(made, ".", open_images=False)


def test_a_known_skeleton_can_be_given_by_name() -> None:
    (fault,) = validate_dataset(content(person()), ".", skeleton="coco", open_images=False)
    assert fault.kind == "keypoint count"


def test_the_figures_that_come_with_the_library_are_without_fault(tmp_path: Path) -> None:
    path = write_coco(tmp_path, 4, seed=0, size=(64, 64), people=(1, 2))
    assert validate_dataset(path, tmp_path / "images") == []


def test_ids_must_be_there_and_differ() -> None:
    made = content(person(None), person(0), person(5), person(5))
    texts = [str(fault) for fault in validate_dataset(made, ".", open_images=False)]
    assert texts == [
        "annotation None: has no id; number annotations from 1",
        "annotation 0: COCO AP takes the id 0 for no person; number annotations from 1",
        "annotation 5: its id is used twice; renumber",
    ]


def test_all_faults_of_an_annotation_are_named() -> None:
    broken = person(9, image_id=8, bbox=[0, 0, 0, 0], area=0, keypoints=[])
    kinds = [fault.kind for fault in validate_dataset(content(broken), ".", open_images=False)]
    assert kinds == ["unknown image", "keypoint count", "zero-size box", "area not above 0"]


def test_images_are_looked_at(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (64, 48)).save(tmp_path / "turned.png", exif=turned)
    (tmp_path / "text.png").write_text("no picture")
    size = {"width": 64, "height": 48}
    images = [
        {"id": 7, "file_name": "turned.png", **size},
        {"id": 8, "file_name": "gone.png", **size},
        {"id": 9, "file_name": "text.png", **size},
        {"id": 9, "file_name": "turned.png", "width": 48, "height": 64},
        {"id": "ten", "file_name": "turned.png", "width": 48, "height": 64},
        {"file_name": "turned.png"},
    ]
    texts = [str(fault) for fault in validate_dataset(content(person(), images=images), tmp_path)]
    assert texts[0].endswith("the file says 64 x 48 and the picture is 48 x 64 (width x height)")
    assert texts[1] == f"image 8: there is no file {tmp_path / 'gone.png'}"
    assert f"image 9: {tmp_path / 'text.png'} cannot be read" in texts[2]
    assert texts[3:] == [
        "image id 9 is used twice",
        "image id 'ten' is no whole number",
        'image 5 of the list lacks "id" or "file_name"',
    ]


def test_empty_lists_are_named() -> None:
    texts = [str(fault) for fault in validate_dataset({"images": [], "annotations": []}, ".")]
    assert texts == [
        'the list "images" is missing or empty',
        'the list "annotations" is missing or empty',
        'the list "categories" is missing or empty',
    ]


def test_the_skeleton_decides_how_many_keypoints_there_must_be() -> None:
    (fault,) = validate_dataset(content(person()), ".", skeleton=COCO, open_images=False)
    assert "keypoints holds 9 numbers, and 17 keypoints need 51" in fault.text


def test_a_list_is_no_data_set(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(DataError, match="a list came; a COCO-format file is an object"):
        validate_dataset(tmp_path / "list.json", tmp_path)
