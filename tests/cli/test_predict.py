import json
from pathlib import Path

import pytest
from PIL import Image

from hrpose.cli.predict import file_names, read_boxes
from hrpose.errors import DataError
from tests.cli.conftest import hrpose


def test_pictures_are_drawn_and_keypoints_written(weights: str, figures: Path, tmp_path: Path) -> None:
    results = tmp_path / "keypoints.json"
    shown = hrpose(
        *("predict", weights, figures / "images", "--boxes", figures / "annotations.json"),
        *("--out", tmp_path / "drawn", "--json", results, "--flip-test"),
    )
    assert shown.exit_code == 0, shown.output
    assert sorted(p.name for p in (tmp_path / "drawn").iterdir()) == [f"{i:06d}.png" for i in range(4)]
    annotated = json.loads((figures / "annotations.json").read_text())["annotations"]
    entries = json.loads(results.read_text())
    assert [entry["bbox"] for entry in entries] == [pytest.approx(one["bbox"], abs=1e-3) for one in annotated]
    assert {entry["image_id"] for entry in entries} == {f"{i:06d}.png" for i in range(4)}


def test_without_boxes_a_picture_is_one_person(weights: str, figures: Path) -> None:
    shown = hrpose("predict", weights, figures / "images" / "000000.png")
    assert "000000.png: 1 person, best score" in shown.output


def test_keypoints_below_the_least_score_are_not_drawn(weights: str, figures: Path, tmp_path: Path) -> None:
    picture = figures / "images" / "000000.png"
    drawn = {}
    for score in ("-1000", "1000"):
        shown = hrpose("predict", weights, picture, "--out", tmp_path / score, "--min-score", score)
        assert shown.exit_code == 0, shown.output
        drawn[score] = Image.open(tmp_path / score / "000000.png").convert("RGB").tobytes()
    assert drawn["1000"] == Image.open(picture).convert("RGB").tobytes() != drawn["-1000"]


def test_a_picture_without_a_box_has_nobody(weights: str, figures: Path, tmp_path: Path) -> None:
    boxes = tmp_path / "boxes.json"
    boxes.write_text(json.dumps({"000001.png": [[5, 5, 40, 60], [10, 5, 40, 60]]}))
    shown = hrpose("predict", weights, figures / "images", "--boxes", boxes)
    assert "000000.png: nobody" in shown.output
    assert "000001.png: 2 people" in shown.output


def test_what_the_user_can_put_right_is_told(weights: str, figures: Path, tmp_path: Path) -> None:
    missing = hrpose("predict", weights, tmp_path / "none.jpg")
    assert (missing.exit_code, missing.output[:8]) == (2, "hrpose: ")
    assert "picture 0: there is no image file" in missing.output
    both = hrpose("predict", weights, figures / "images", "--boxes", "a.json", "--detector", "b")
    assert both.exit_code == 2
    assert "give --boxes or --detector, not both" in both.output


def test_folders_are_opened(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "b.png")
    Image.new("RGB", (4, 4)).save(tmp_path / "a.jpg")
    (tmp_path / "notes.txt").write_text("")
    assert [path.name for path in file_names((tmp_path, Path("c.png")))] == ["a.jpg", "b.png", "c.png"]


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"the folder .* holds no pictures; give one that does, or name the files"
    ):
        file_names((tmp_path,))


def test_crowds_of_an_annotation_file_are_no_boxes(tmp_path: Path) -> None:
    file = tmp_path / "coco.json"
    images = [{"id": 7, "file_name": "sub/a.png"}]
    person = {"id": 1, "image_id": 7, "bbox": [1, 2, 3, 4]}
    file.write_text(json.dumps({"images": images, "annotations": [person, person | {"iscrowd": 1}]}))
    assert read_boxes(file)["a.png"] == [[1, 2, 3, 4]]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{", r"boxes cannot be read from .* \(.*\); give a JSON file"),
        ("[1]", r"does not hold boxes; give an object of file name -> \[\[x, y, width, height\], ...\]"),
        ('{"a.png": 3}', "does not hold boxes"),
        (
            '{"images": [], "annotations": [{"id": 4, "image_id": 9}]}',
            r"annotation 4 has no bbox, .* \(9\); take",
        ),
    ],
)
def test_a_file_without_boxes_is_refused(content: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "boxes.json"
    file.write_text(content)
    with pytest.raises(DataError, match=text):
        read_boxes(file)
