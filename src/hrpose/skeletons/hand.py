"""Skeletons of the hand: the wrist and four points a finger, number 4 at its tip."""

from hrpose.skeletons.skeleton import Skeleton, chains

_FINGERS = ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")
_OUTWARD = tuple(f"{finger}{joint}" for finger in _FINGERS for joint in (1, 2, 3, 4))
_INWARD = tuple(f"{finger}{joint}" for finger in _FINGERS for joint in (4, 3, 2, 1))
_LINKS = chains(*(f"wrist {finger}1 {finger}2 {finger}3 {finger}4" for finger in _FINGERS))
_WRIST_SIGMA = 0.029
_SIGMAS = (  # of the hands in COCO-WholeBody, finger by finger, outward
    *(0.022, 0.035, 0.037, 0.047),
    *(0.026, 0.025, 0.024, 0.035),
    *(0.018, 0.024, 0.022, 0.026),
    *(0.017, 0.021, 0.021, 0.032),
    *(0.020, 0.019, 0.022, 0.031),
)
_SIGMA_OF = dict(zip(_OUTWARD, _SIGMAS, strict=True))
_SIGMAS_INWARD = tuple(_SIGMA_OF[name] for name in _INWARD)

# OneHand10K, FreiHAND, CMU Panoptic HandDB and the hands of COCO-WholeBody
HAND_21 = Skeleton(
    name="hand_21", keypoints=("wrist", *_OUTWARD), links=_LINKS, sigmas=(_WRIST_SIGMA, *_SIGMAS)
)

# the Rendered Hand data set lists each finger from its tip
RHD = Skeleton(
    name="rhd", keypoints=("wrist", *_INWARD), links=_LINKS, sigmas=(_WRIST_SIGMA, *_SIGMAS_INWARD)
)

INTERHAND2D = Skeleton(
    name="interhand2d", keypoints=(*_INWARD, "wrist"), links=_LINKS, sigmas=(*_SIGMAS_INWARD, _WRIST_SIGMA)
)
