import json
from pathlib import Path
from typing import Any

import pytest

from hrpose.errors import DataError
from hrpose.skeletons import COCO, CROWDPOSE, DEFAULT_SIGMA, Skeleton

BIRD = {
    "id": 3,
    "name": "bird",
    "keypoints": ["beak", "left_wing", "right_wing"],
    "skeleton": [[1, 2], [1, 3]],
}


def content(*categories: dict[str, Any]) -> dict[str, Any]:
    return {"categories": list(categories)}


def test_names_and_links_come_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "birds.json"
    file.write_text(json.dumps(content(BIRD)))
    skeleton = Skeleton.from_coco(file)
    assert skeleton.name == "bird"
    assert skeleton.links == (("beak", "left_wing"), ("beak", "right_wing"))
    assert skeleton.mirror == (("left_wing", "right_wing"),)
    assert skeleton.sigmas == (DEFAULT_SIGMA,) * 3


def test_given_sigmas_are_kept() -> None:
    assert Skeleton.from_coco(content(BIRD), sigmas=[0.1, 0.2, 0.2]).sigmas == (0.1, 0.2, 0.2)


def test_known_names_bring_the_measured_sigmas_and_right_links() -> None:
    wrong_links = {"id": 1, "name": "person", "keypoints": list(CROWDPOSE.keypoints), "skeleton": [[16, 14]]}
    assert Skeleton.from_coco(content(wrong_links)) == CROWDPOSE
    assert Skeleton.from_coco(content({"id": 1, "name": "person", "keypoints": list(COCO.keypoints)})) == COCO


def test_categories_that_agree_need_no_choice() -> None:
    assert Skeleton.from_coco(content(BIRD, BIRD | {"id": 4, "name": "owl"})).name == "bird"
    assert Skeleton.from_coco(content({"id": 9, "name": "sky"}, BIRD)).name == "bird"


def test_categories_that_differ_need_one() -> None:
    fish = {"id": 5, "name": "fish", "keypoints": ["mouth", "tail"]}
    with pytest.raises(
        DataError, match="the categories bird, fish have different keypoints; choose one with"
    ):
        Skeleton.from_coco(content(BIRD, fish))
    assert Skeleton.from_coco(content(BIRD, fish), category="fish").keypoints == ("mouth", "tail")
    assert Skeleton.from_coco(content(BIRD, fish), category=3).name == "bird"


def test_an_unknown_category_is_answered_with_the_nearest() -> None:
    with pytest.raises(DataError, match="there is no category 'brid'; did you mean bird"):
        Skeleton.from_coco(content(BIRD), category="brid")


@pytest.mark.parametrize("categories", [[], [{"id": 1, "name": "face", "keypoints": []}]])
def test_a_file_without_names_asks_for_a_skeleton(categories: list[dict[str, Any]]) -> None:
    with pytest.raises(DataError, match="no category lists keypoint names; give the skeleton yourself"):
        Skeleton.from_coco({"categories": categories})


def test_links_beyond_the_keypoints_are_refused() -> None:
    beyond = BIRD | {"skeleton": [[0, 1]]}
    with pytest.raises(
        DataError, match=r"'bird' has 3 keypoints, and its skeleton links \[0, 1\]; links count"
    ):
        Skeleton.from_coco(content(beyond))


@pytest.mark.parametrize("link", [[1], 5, ["beak", "tail"]])
def test_links_that_are_no_pairs_of_numbers_are_refused(link: object) -> None:
    with pytest.raises(
        DataError, match=r"category 'bird' has the link .*; give the numbers of two keypoints"
    ):
        Skeleton.from_coco(content(BIRD | {"skeleton": [link]}))


def test_one_text_in_place_of_names_is_refused() -> None:
    with pytest.raises(
        DataError, match="category 'bird' has keypoints='beak', but a list of names is needed"
    ):
        Skeleton.from_coco(content(BIRD | {"keypoints": "beak"}))


def test_files_that_are_not_coco_say_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no annotation file .*none.json; give the path"):
        Skeleton.from_coco(tmp_path / "none.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(DataError, match=r"broken.json is not JSON \(.*\); give a COCO-format JSON file"):
        Skeleton.from_coco(tmp_path / "broken.json")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(DataError, match=r"list.json holds a list; a COCO-format file holds an object"):
        Skeleton.from_coco(tmp_path / "list.json")
