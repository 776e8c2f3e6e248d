"""Landmarks of the face. Left and right are the person's own; the contour starts at the right ear."""

import itertools

from hrpose.skeletons.skeleton import Pairs, Skeleton, mirror_pairs, names


def _row(part: str, count: int) -> tuple[str, ...]:
    return tuple(f"{part}_{number}" for number in range(count))


def _lines(*parts: tuple[str, ...]) -> Pairs:
    return tuple(pair for part in parts for pair in itertools.pairwise(part))


def _rings(*parts: tuple[str, ...]) -> Pairs:
    return _lines(*((*part, part[0]) for part in parts))


_CONTOUR = _row("contour", 17)
_BROWS = _row("right_brow", 5), _row("left_brow", 5)
_NOSE = _row("nose_bridge", 4), _row("nostril", 5)
_EYES = _row("right_eye", 6), _row("left_eye", 6)
_LIPS = _row("outer_lip", 12), _row("inner_lip", 8)
_POINTS_68 = tuple(itertools.chain(_CONTOUR, *_BROWS, *_NOSE, *_EYES, *_LIPS))
# fmt: off
_MIRROR_68 = (
    (0, 16), (1, 15), (2, 14), (3, 13), (4, 12), (5, 11), (6, 10), (7, 9),  # contour
    (17, 26), (18, 25), (19, 24), (20, 23), (21, 22), (31, 35), (32, 34),  # brows, nostrils
    (36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46),  # eyes
    (48, 54), (49, 53), (50, 52), (55, 59), (56, 58), (60, 64), (61, 63), (65, 67),  # lips
)
# fmt: on

FACE_300W = Skeleton(
    name="face_300w",
    keypoints=_POINTS_68,
    mirror=tuple((_POINTS_68[a], _POINTS_68[b]) for a, b in _MIRROR_68),
    links=_lines(_CONTOUR, *_BROWS, *_NOSE) + _rings(*_EYES, *_LIPS),
    sigmas=(  # of the face in COCO-WholeBody, which has the same points
        *(0.042, 0.043, 0.044, 0.043, 0.040, 0.035, 0.031, 0.025, 0.020),
        *(0.023, 0.029, 0.032, 0.037, 0.038, 0.043, 0.041, 0.045),
        *(0.013, 0.012, 0.011, 0.011, 0.012, 0.012, 0.011, 0.011, 0.013, 0.015),
        *(0.009, 0.007, 0.007, 0.007, 0.012, 0.009, 0.008, 0.016, 0.010),
        *(0.017, 0.011, 0.009, 0.011, 0.009, 0.007, 0.013, 0.008, 0.011, 0.012, 0.010, 0.034),
        *(0.008, 0.008, 0.009, 0.008, 0.008, 0.007, 0.010, 0.008, 0.009, 0.009, 0.009, 0.007),
        *(0.007, 0.008, 0.011, 0.008, 0.008, 0.008, 0.010, 0.008),
    ),
)

_WFLW_CONTOUR = _row("contour", 33)
_WFLW_BROWS = _row("right_brow", 9), _row("left_brow", 9)
_WFLW_EYES = _row("right_eye", 8), _row("left_eye", 8)
_PUPILS = names("right_pupil left_pupil")
_POINTS_98 = tuple(itertools.chain(_WFLW_CONTOUR, *_WFLW_BROWS, *_NOSE, *_WFLW_EYES, *_LIPS, _PUPILS))
# fmt: off
_MIRROR_98 = (
    *((index, 32 - index) for index in range(16)),  # contour
    (33, 46), (34, 45), (35, 44), (36, 43), (37, 42), (38, 50), (39, 49), (40, 48), (41, 47),  # brows
    (55, 59), (56, 58),  # nostrils
    (60, 72), (61, 71), (62, 70), (63, 69), (64, 68), (65, 75), (66, 74), (67, 73),  # eyes
    (76, 82), (77, 81), (78, 80), (83, 87), (84, 86), (88, 92), (89, 91), (93, 95), (96, 97),  # lips, pupils
)
# fmt: on

WFLW = Skeleton(
    name="wflw",
    keypoints=_POINTS_98,
    mirror=tuple((_POINTS_98[a], _POINTS_98[b]) for a, b in _MIRROR_98),
    links=_lines(_WFLW_CONTOUR, *_NOSE) + _rings(*_WFLW_BROWS, *_WFLW_EYES, *_LIPS),
)

_POINTS_29 = names(
    "right_brow_outer left_brow_outer right_brow_inner left_brow_inner",
    "right_brow_upper right_brow_lower left_brow_upper left_brow_lower",
    "right_eye_outer left_eye_outer right_eye_inner left_eye_inner",
    "right_eye_upper right_eye_lower left_eye_upper left_eye_lower right_pupil left_pupil",
    "right_nostril left_nostril nose_tip nose_base right_mouth left_mouth",
    "upper_lip_top upper_lip_bottom lower_lip_top lower_lip_bottom chin",
)


COFW = Skeleton(
    name="cofw",
    keypoints=_POINTS_29,
    mirror=mirror_pairs(_POINTS_29),
    links=_rings(
        names("right_brow_outer right_brow_upper right_brow_inner right_brow_lower"),
        names("left_brow_outer left_brow_upper left_brow_inner left_brow_lower"),
        names("right_eye_outer right_eye_upper right_eye_inner right_eye_lower"),
        names("left_eye_outer left_eye_upper left_eye_inner left_eye_lower"),
        names("nose_tip right_nostril nose_base left_nostril"),
        names("right_mouth upper_lip_top left_mouth lower_lip_bottom"),
        names("right_mouth upper_lip_bottom left_mouth lower_lip_top"),
    ),
)

_POINTS_19 = names(
    "right_brow_outer right_brow_middle right_brow_inner left_brow_inner left_brow_middle left_brow_outer",
    "right_eye_outer right_eye_middle right_eye_inner left_eye_inner left_eye_middle left_eye_outer",
    "right_nostril nose_tip left_nostril right_mouth mouth left_mouth chin",
)

AFLW = Skeleton(
    name="aflw",
    keypoints=_POINTS_19,
    mirror=mirror_pairs(_POINTS_19),
    links=_lines(*(_POINTS_19[start : start + 3] for start in (0, 3, 6, 9, 12, 15))),
)
