import pickle

import pytest

from hrpose.errors import ConfigError, UnknownNameError
from hrpose.skeletons import COCO, DEFAULT_SIGMA, Skeleton, chains, mirror_pairs, names

ARM = names("hand elbow shoulder")


def test_links_and_mirror_become_indices() -> None:
    skeleton = Skeleton(
        name="ears",
        keypoints=names("left_ear nose right_ear"),
        mirror=(("left_ear", "right_ear"),),
        links=chains("left_ear nose right_ear"),
    )
    assert skeleton.mirror_index == (2, 1, 0)
    assert skeleton.link_index == ((0, 1), (1, 2))
    assert skeleton.index("right_ear") == 2
    assert skeleton.sigmas == (DEFAULT_SIGMA,) * 3


def test_dict_round_trip_gives_an_equal_skeleton() -> None:
    assert Skeleton.from_dict(COCO.to_dict()) == COCO
    assert isinstance(COCO.to_dict()["links"][0], list)
    assert pickle.loads(pickle.dumps(COCO)) == COCO
    assert hash(Skeleton.from_dict(COCO.to_dict())) == hash(COCO)


def test_generic_numbers_its_keypoints() -> None:
    skeleton = Skeleton.generic(3)
    assert skeleton.name == "generic_3"
    assert skeleton.keypoints == ("keypoint_0", "keypoint_1", "keypoint_2")
    assert skeleton.mirror_index == (0, 1, 2)


@pytest.mark.parametrize("count", [0, -1, 2.5, "5"])
def test_generic_needs_a_keypoint(count: int) -> None:
    with pytest.raises(ConfigError, match=f"num_keypoints={count!r}; a skeleton needs at least 1"):
        Skeleton.generic(count)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"keypoints": ()}, "skeleton 'arm' has no keypoints; give at least one name"),
        ({"keypoints": ("hand", "hand")}, "names 'hand' twice; each keypoint needs its own name"),
        ({"links": (("hand", "elbo"),)}, "skeleton 'arm' has no keypoint 'elbo'; did you mean elbow"),
        ({"mirror": (("hand", "foot"),)}, "has no keypoint 'foot'; did you mean"),
        ({"upper_body": ("foot",)}, "has no keypoint 'foot'"),
        ({"links": (("hand", "hand"),)}, "links 'hand' to itself; a link joins two keypoints"),
        (
            {"mirror": (("hand", "elbow"), ("hand", "shoulder"))},
            "uses 'hand' more than once; a keypoint has one",
        ),
        ({"mirror": (("hand", "hand"),)}, "uses 'hand' more than once"),
        ({"sigmas": (0.1,)}, "has 1 sigmas for 3 keypoints; give one a keypoint, or none at all"),
        ({"sigmas": (0.1, 0.0, 0.1)}, "sigma of 'elbow' in skeleton 'arm' is 0.0; give a number above 0"),
        ({"sigmas": (0.1, float("nan"), 0.1)}, "sigma of 'elbow' in skeleton 'arm' is nan"),
        (
            {"grouping_order": ("hand",)},
            "grouping_order of 'arm' lists 1 of 3 keypoints; list each keypoint exactly",
        ),
    ],
)
def test_a_faulty_skeleton_is_refused(fields: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        Skeleton.from_dict({"name": "arm", "keypoints": ARM, **fields})


def test_an_unknown_field_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="a skeleton has no field 'link'; did you mean links"):
        Skeleton.from_dict({"name": "arm", "keypoints": ARM, "link": ()})
    with pytest.raises(ConfigError, match="a skeleton needs the field 'keypoints', and only name came"):
        Skeleton.from_dict({"name": "arm"})


def test_an_unknown_keypoint_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        UnknownNameError, match="skeleton 'coco' has no keypoint 'left_foot'; did you mean left_"
    ):
        COCO.index("left_foot")


@pytest.mark.parametrize(
    ("keypoints", "pairs"),
    [
        ("left_eye right_eye nose", (("left_eye", "right_eye"),)),
        ("Mouth_Back_Left Mouth_Back_Right", (("Mouth_Back_Left", "Mouth_Back_Right"),)),
        ("L_Eye R_Eye Nose", (("L_Eye", "R_Eye"),)),
        ("eye_l eye_r", (("eye_l", "eye_r"),)),
        ("left_eye nose", ()),
        ("leftover rightover", (("leftover", "rightover"),)),
        ("tail l_tail", ()),
    ],
)
def test_names_that_differ_by_side_alone_are_pairs(
    keypoints: str, pairs: tuple[tuple[str, str], ...]
) -> None:
    assert mirror_pairs(keypoints.split()) == pairs


def test_a_link_named_twice_counts_once() -> None:
    assert chains("a b c", "a b") == (("a", "b"), ("b", "c"))
