import json
import os
from pathlib import Path

import pytest

from hrpose.errors import ConfigError, UnknownNameError
from hrpose.skeletons import (
    ALIASES,
    AP10K,
    COCO,
    COCO_WHOLEBODY,
    CROWDPOSE,
    FACE_300W,
    HAND_21,
    RHD,
    SKELETONS,
    Skeleton,
    as_skeleton,
    find_skeleton,
)

EVERY = pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=list(SKELETONS))
PUBLISHED_COUNTS = {
    "coco": 17,
    "crowdpose": 14,
    "mpii": 16,
    "aic": 14,
    "jhmdb": 15,
    "posetrack18": 17,
    "h36m": 17,
    "coco_wholebody": 133,
    "halpe": 136,
    "face_300w": 68,
    "wflw": 98,
    "cofw": 29,
    "aflw": 19,
    "hand_21": 21,
    "ap10k": 17,
    "animal_pose": 20,
    "horse10": 22,
    "atrw": 15,
    "animal_kingdom": 23,
    "superanimal_quadruped": 39,
    "superanimal_topviewmouse": 27,
    "deepfashion_full": 8,
    "deepfashion_upper": 6,
    "deepfashion_lower": 4,
}


@EVERY
def test_mirroring_twice_changes_nothing(skeleton: Skeleton) -> None:
    order = skeleton.mirror_index
    assert [order[other] for other in order] == list(range(skeleton.num_keypoints))


@EVERY
def test_names_with_a_side_have_a_partner(skeleton: Skeleton) -> None:
    sides = [name for name in skeleton.keypoints if name.startswith(("left_", "right_", "L_", "R_"))]
    paired = {name for pair in skeleton.mirror for name in pair}
    assert set(sides) <= paired


@EVERY
def test_mirroring_keeps_the_links(skeleton: Skeleton) -> None:
    order = skeleton.mirror_index
    links = {frozenset(pair) for pair in skeleton.link_index}
    assert {frozenset((order[a], order[b])) for a, b in skeleton.link_index} == links


@EVERY
def test_mirrored_keypoints_share_their_sigma_in_bodies(skeleton: Skeleton) -> None:
    measured_by_side = {"atrw", "aic", "face_300w", "coco_wholebody", "animal_pose"}
    if skeleton.name not in measured_by_side:
        assert [skeleton.sigmas[other] for other in skeleton.mirror_index] == list(skeleton.sigmas)


@pytest.mark.parametrize(("name", "count"), PUBLISHED_COUNTS.items())
def test_counts_are_the_published_ones(name: str, count: int) -> None:
    assert SKELETONS[name].num_keypoints == count


def test_aliases_lead_to_skeletons() -> None:
    assert all(find_skeleton(alias).name == name for alias, name in ALIASES.items())
    assert not set(ALIASES) & set(SKELETONS)
    assert all(name == skeleton.name for name, skeleton in SKELETONS.items())


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="there is no skeleton 'crowd_pose'; did you mean crowdpose"):
        find_skeleton("crowd_pose")


@pytest.mark.parametrize("name", [None, 17, ["coco"]])
def test_what_is_no_name_is_answered_with_names(name: object) -> None:
    with pytest.raises(UnknownNameError, match=r"there is no skeleton .*; did you mean "):
        find_skeleton(name)  # type: ignore[arg-type]


def test_a_skeleton_may_be_given_by_name_or_as_it_is() -> None:
    assert as_skeleton("onehand10k") is HAND_21
    assert as_skeleton(COCO) is COCO
    assert as_skeleton(None) is None
    with pytest.raises(
        ConfigError, match=r"skeleton=\['a'\] is none; give a Skeleton, or the name of a known"
    ):
        as_skeleton(["a"])  # type: ignore[arg-type]


def test_coco_has_the_sigmas_of_pycocotools() -> None:
    yardstick = pytest.importorskip("pycocotools.cocoeval").Params(iouType="keypoints")
    assert COCO.sigmas == pytest.approx(yardstick.kpt_oks_sigmas)


def test_the_parts_of_the_whole_body_are_the_single_ones() -> None:
    assert COCO_WHOLEBODY.keypoints[:17] == COCO.keypoints
    assert COCO_WHOLEBODY.sigmas[23:91] == FACE_300W.sigmas
    assert COCO_WHOLEBODY.sigmas[91:112] == COCO_WHOLEBODY.sigmas[112:] == HAND_21.sigmas
    assert COCO_WHOLEBODY.mirror_index[91:112] == tuple(range(112, 133))


def test_rhd_lists_each_finger_from_its_tip() -> None:
    assert RHD.keypoints[:5] == ("wrist", "thumb4", "thumb3", "thumb2", "thumb1")
    assert all(RHD.sigmas[RHD.index(n)] == HAND_21.sigmas[HAND_21.index(n)] for n in HAND_21.keypoints)


BESIDE = Path(__file__).parents[3] / "shared" / "data"
REAL = Path(os.environ.get("HRPOSE_DATA", BESIDE)) / "coco_tiny"


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the folder of real photographs {REAL} is absent")
@pytest.mark.parametrize(
    ("file", "skeleton"),
    [
        ("coco/test_coco.json", COCO),
        ("crowdpose/test_crowdpose.json", CROWDPOSE),
        ("ap10k/test_ap10k.json", AP10K),
        ("onehand10k/test_onehand10k.json", HAND_21),
    ],
)
def test_real_annotation_files_name_these_keypoints(file: str, skeleton: Skeleton) -> None:
    content = json.loads((REAL / file).read_text())
    assert tuple(content["categories"][0]["keypoints"]) == skeleton.keypoints
    assert Skeleton.from_coco(REAL / file) == skeleton


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the folder of real photographs {REAL} is absent")
@pytest.mark.parametrize("name", ["wflw", "300w", "cofw"])
def test_left_landmarks_of_frontal_faces_lie_on_the_right_of_the_picture(name: str) -> None:
    skeleton = find_skeleton(name)
    content = json.loads((REAL / name / f"test_{name}.json").read_text())
    points = content["annotations"][0]["keypoints"]
    x = dict(zip(skeleton.keypoints, points[::3], strict=True))
    eyes = [
        (left, left.replace("left", "right")) for left in skeleton.keypoints if left.startswith("left_eye")
    ]
    assert eyes
    assert all(x[left] > x[right] for left, right in eyes)
