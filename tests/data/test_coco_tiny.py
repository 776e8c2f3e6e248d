"""The real photographs and annotations of ../shared/data, where they are."""

import json
from pathlib import Path

import pytest
import torch

from hrpose.codecs import MSRA
from hrpose.data.coco import CocoKeypoints
from hrpose.data.detections import Detections
from hrpose.data.images import read_image
from hrpose.data.mpii import MPIIKeypoints
from hrpose.data.validate import validate_dataset
from hrpose.errors import DataError
from hrpose.skeletons import COFW, FACE_300W, WFLW, Skeleton
from tests.data.made import real_folder

CODEC = MSRA(input_size=(64, 64))
FOLDERS = {  # keypoints, people, skipped, mended; a skeleton where the file has no names
    "coco": (17, 12, {"no keypoints": 2}, {}, None),
    "crowdpose": (14, 4, {"no keypoints": 1}, {"area from the box": 4}, None),
    "wflw": (98, 4, {}, {}, WFLW),
    "cofw": (29, 2, {}, {}, COFW),
    "300w": (68, 2, {}, {}, FACE_300W),
    "ap10k": (17, 2, {}, {}, None),
    "onehand10k": (21, 4, {}, {}, None),
}


def read(name: str, skeleton: Skeleton | None = None) -> CocoKeypoints:
    folder = real_folder() / name
    return CocoKeypoints.from_file(folder / f"test_{name}.json", folder, skeleton=skeleton)


@pytest.mark.parametrize("name", FOLDERS)
def test_every_folder_is_read_and_every_annotation_accounted_for(name: str) -> None:
    keypoints, people, skipped, mended, skeleton = FOLDERS[name]
    data = read(name, skeleton)
    assert (data.skeleton.num_keypoints, len(data.people)) == (keypoints, people)
    assert {reason: len(ids) for reason, ids in data.skipped.ids.items()} == skipped
    assert {reason: len(ids) for reason, ids in data.mended.ids.items()} == mended
    assert people + data.skipped.total() == len(data.content["annotations"])


@pytest.mark.parametrize("name", FOLDERS)
def test_every_person_becomes_a_crop_with_targets(name: str) -> None:
    data = read(name, FOLDERS[name][4])
    items = [data.crops(CODEC)[n] for n in range(len(data.people))]
    assert all(torch.isfinite(item.image).all() and item.weights.sum() > 0 for item in items)
    peaks = torch.cat([item.heatmaps.flatten(1).amax(1)[item.weights > 0] for item in items])
    assert peaks.min() > 0  # a few keypoints lie just outside their crop
    assert (peaks == 1).float().mean() > 0.9


@pytest.mark.parametrize("name", FOLDERS)
def test_the_linter_finds_in_every_folder_only_what_is_there(name: str) -> None:
    folder = real_folder() / name
    faults = validate_dataset(folder / f"test_{name}.json", folder)
    expected = {"no area", "num_keypoints"} if name == "crowdpose" else set()
    assert {fault.kind for fault in faults} == expected, [str(fault) for fault in faults]


def test_crowdpose_gets_its_own_skeleton_although_its_file_links_keypoints_it_lacks() -> None:
    assert read("crowdpose").skeleton.name == "crowdpose"


def test_the_animals_of_all_categories_share_a_skeleton_and_one_can_be_chosen() -> None:
    folder = real_folder() / "ap10k"
    assert read("ap10k").skeleton.name == "ap10k"
    names = {
        entry["id"]: entry["name"]
        for entry in json.loads((folder / "test_ap10k.json").read_text())["categories"]
    }
    category = names[read("ap10k").people[0].category_id]
    data = CocoKeypoints.from_file(folder / "test_ap10k.json", folder, category=category)
    assert (len(data.people), data.skipped["other category"]) == (1, 1)


def test_keypoints_of_another_skeleton_are_refused() -> None:
    with pytest.raises(DataError, match="and 29 keypoints need 87"):
        read("wflw", COFW)


@pytest.mark.parametrize(("name", "file"), [("coco", "AP_H_56"), ("crowdpose", "AP_40")])
def test_detections_are_read(name: str, file: str) -> None:
    data = read(name)
    path = real_folder() / name / f"test_{name}_det_{file}.json"
    found = Detections.from_file(path, data, min_score=0.2)
    assert len(found.people) + found.skipped.total() == len(json.loads(path.read_text()))
    assert set(found.skipped.ids) <= {"low score"}
    assert len(found.people) >= 4
    assert found.crops(CODEC)[0].weights.sum() == 0


def test_mpii_is_read_and_lies_on_its_pictures() -> None:
    folder = real_folder() / "mpii"
    data = MPIIKeypoints.from_file(folder / "test_mpii.json", folder)
    people = data.people
    assert len(people) == 5
    assert people[0].points[0].tolist() == [803, 710]
    for person in people:
        height, width, _ = read_image(person.image_path).shape
        seen = person.points[person.visible > 0]
        assert (seen >= 0).all()
        assert (seen < (width, height)).all()
    assert torch.isfinite(data.crops(CODEC)[0].image).all()


def test_the_pictures_have_the_size_that_their_file_states() -> None:
    data = read("coco")
    for image in data.images.values():
        path: Path = data.image_folder / image["file_name"]
        assert read_image(path).shape == (image["height"], image["width"], 3)
