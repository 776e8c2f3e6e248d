"""Skeletons of body, feet, face and hands together: COCO-WholeBody and Halpe."""

from hrpose.skeletons.body import COCO
from hrpose.skeletons.face import FACE_300W
from hrpose.skeletons.hand import HAND_21
from hrpose.skeletons.skeleton import Pairs, Skeleton, chains, mirror_pairs, names


def _under(prefix: str, keypoints: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{prefix}_{name}" for name in keypoints)


def _pairs_under(prefix: str, pairs: Pairs) -> Pairs:
    return tuple((f"{prefix}_{first}", f"{prefix}_{second}") for first, second in pairs)


_FEET = names("left_big_toe left_small_toe left_heel right_big_toe right_small_toe right_heel")
_FACE = _under("face", FACE_300W.keypoints)
_HANDS = _under("left_hand", HAND_21.keypoints) + _under("right_hand", HAND_21.keypoints)
_FOOT_LINKS = chains(
    "left_big_toe left_ankle left_small_toe",
    "left_ankle left_heel",
    "right_big_toe right_ankle right_small_toe",
    "right_ankle right_heel",
)
_PART_LINKS = (
    *_pairs_under("face", FACE_300W.links),
    *_pairs_under("left_hand", HAND_21.links),
    *_pairs_under("right_hand", HAND_21.links),
)
_PART_MIRROR = _pairs_under("face", FACE_300W.mirror) + mirror_pairs(_HANDS)

COCO_WHOLEBODY = Skeleton(
    name="coco_wholebody",
    keypoints=COCO.keypoints + _FEET + _FACE + _HANDS,
    mirror=COCO.mirror + mirror_pairs(_FEET) + _PART_MIRROR,
    links=COCO.links + _FOOT_LINKS + _PART_LINKS,
    sigmas=(
        *COCO.sigmas,
        *(0.068, 0.066, 0.066, 0.092, 0.094, 0.094),
        *(FACE_300W.sigmas + HAND_21.sigmas + HAND_21.sigmas),
    ),
    upper_body=COCO.upper_body + _FACE + _HANDS,
)

_HALPE_BODY = (
    *COCO.keypoints,
    *names("head neck hip left_big_toe right_big_toe left_small_toe right_small_toe left_heel right_heel"),
)

HALPE = Skeleton(
    name="halpe",
    keypoints=_HALPE_BODY + _FACE + _HANDS,
    mirror=mirror_pairs(_HALPE_BODY) + _PART_MIRROR,
    links=(
        *chains(
            "left_ankle left_knee left_hip hip right_hip right_knee right_ankle",
            "head neck hip",
            "left_wrist left_elbow left_shoulder neck right_shoulder right_elbow right_wrist",
            "left_ear left_eye nose right_eye right_ear",
            "left_eye right_eye",
        ),
        *(_FOOT_LINKS + _PART_LINKS),
    ),
    sigmas=(*COCO.sigmas, *(0.080,) * 3, *(0.089,) * 6, *(0.015,) * 110),
    upper_body=(*COCO.upper_body, "head", "neck", *_FACE, *_HANDS),
)
