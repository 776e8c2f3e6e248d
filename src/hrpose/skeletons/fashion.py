"""Landmarks of clothes: DeepFashion's whole-body, upper and lower pieces."""

from hrpose.skeletons.skeleton import Skeleton, chains, mirror_pairs, names

_COLLAR = names("left_collar right_collar")
_SLEEVES = names("left_sleeve right_sleeve")
_WAIST = names("left_waistline right_waistline")
_HEM = names("left_hem right_hem")

DEEPFASHION_FULL = Skeleton(
    name="deepfashion_full",
    keypoints=_COLLAR + _SLEEVES + _WAIST + _HEM,
    mirror=mirror_pairs(_COLLAR + _SLEEVES + _WAIST + _HEM),
    links=chains(
        "left_sleeve left_collar right_collar right_sleeve",
        "left_collar left_waistline left_hem right_hem right_waistline right_collar",
    ),
)

DEEPFASHION_UPPER = Skeleton(
    name="deepfashion_upper",
    keypoints=_COLLAR + _SLEEVES + _HEM,
    mirror=mirror_pairs(_COLLAR + _SLEEVES + _HEM),
    links=chains(
        "left_sleeve left_collar right_collar right_sleeve", "left_collar left_hem right_hem right_collar"
    ),
)

DEEPFASHION_LOWER = Skeleton(
    name="deepfashion_lower",
    keypoints=_WAIST + _HEM,
    mirror=mirror_pairs(_WAIST + _HEM),
    links=chains("left_waistline right_waistline right_hem left_hem left_waistline"),
)
