"""Random scale, rotation, mirroring and half bodies for top-down crops, as the original HRNet draws them."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hrpose.codecs.geometry import PIXEL_STD
from hrpose.data.people import Array
from hrpose.errors import ConfigError
from hrpose.skeletons import SKELETONS, Skeleton

HALF_BODY_PADDING = 1.5  # wider than the 1.25 of a whole body
ENOUGH = 2  # a half is preferred with more keypoints than this, and taken at all with as many


class Placement(NamedTuple):
    """Where a crop lies in its image."""

    center: Array  # (2,), image pixels
    scale: Array  # (2,), padded (width, height) / 200
    rotation: float = 0.0  # degrees
    flip: bool = False  # the image is mirrored first, and `center` counts in the mirrored one


@dataclass(frozen=True, kw_only=True)
class TopDownAugment:
    """How strongly crops vary; the defaults are HRNet's for COCO at 256 x 192.

    The scale is normal about 1, cut off at 1 +- `scale`; the angle is normal, cut off at twice `rotation`.
    """

    scale: float = 0.35
    rotation: float = 45.0  # degrees
    rotation_probability: float = 0.6
    flip_probability: float = 0.5
    half_body_probability: float = 0.3
    half_body_above: int = 8  # people with more labelled keypoints than this may be cut in half
    flip_without_pairs: bool = False  # mirror a skeleton of your own that has no left and right, as a hand

    def __post_init__(self) -> None:
        for name in ("rotation_probability", "flip_probability", "half_body_probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name}={getattr(self, name)}; a probability lies between 0 and 1")
        if not (0 <= self.scale < 1 and self.rotation >= 0):
            given = f"scale={self.scale}, rotation={self.rotation}"
            raise ConfigError(f"{given}; give a scale from 0 to below 1 and a rotation of 0 degrees or more")

    def draw(
        self,
        rng: np.random.Generator,
        points: Array,
        visible: Array,
        place: Placement,
        *,
        upper_body: Collection[int] = (),
        aspect: float = 0.75,
        width: int = 0,
    ) -> Placement:
        """One random placement.

        Args:
            points: (K, 2), image pixels.
            visible: (K,), above 0 where labelled.
            place: that of the whole body.
            upper_body: indices of keypoints; without any the body stays whole.
            aspect: width / height of the crop.
            width: of the image, pixels.
        Source: HRNet, lib/dataset/JointsDataset.py.
        """
        center, scale = place.center, place.scale
        enough = bool(upper_body) and (visible > 0).sum() > self.half_body_above
        if enough and rng.random() < self.half_body_probability:
            half = half_body(points, visible, upper_body, aspect, coin=rng.standard_normal())
            center, scale = (half.center, half.scale) if half else (center, scale)
        scale = scale * np.clip(1 + self.scale * rng.standard_normal(), 1 - self.scale, 1 + self.scale)
        angle = np.clip(self.rotation * rng.standard_normal(), -2 * self.rotation, 2 * self.rotation)
        rotation = float(angle) if rng.random() <= self.rotation_probability else 0.0
        flip = rng.random() < self.flip_probability
        if flip:
            center = np.array([width - 1 - center[0], center[1]])
        return Placement(center, scale, rotation, flip)


def check_mirror(skeleton: Skeleton, flip_probability: float, *, without_pairs: bool = False) -> None:
    """Raise ConfigError if pictures are mirrored and nobody said which keypoints change places."""
    if flip_probability > 0 and not (without_pairs or is_mirrored(skeleton)):
        came = f"flip_probability={flip_probability}, but skeleton {skeleton.name!r} names no mirror pairs"
        cure = "give skeleton= with its pairs, flip_probability=0, or flip_without_pairs=True if it has none"
        raise ConfigError(f"{came}, so left would be learned as right; {cure}")


def is_mirrored(skeleton: Skeleton) -> bool:
    """Whether it is known which keypoints change places in a mirror.

    The published skeletons without pairs, such as those of hands, mean that none do.

    >>> is_mirrored(SKELETONS["hand_21"]), is_mirrored(Skeleton.generic(21))
    (True, False)
    """
    return bool(skeleton.mirror) or skeleton.num_keypoints == 1 or SKELETONS.get(skeleton.name) == skeleton


def half_body(
    points: Array, visible: Array, upper_body: Collection[int], aspect: float, *, coin: float
) -> Placement | None:
    """The place of the upper or the lower half of a body, or None where too little of either is labelled.

    >>> spot = half_body(np.array([[0.0, 0], [0, 80], [60, 0]]), np.ones(3), {0, 1, 2}, 0.75, coin=0.0)
    >>> spot.center.round(2), spot.scale
    (array([20.  , 26.67]), array([0.45, 0.6 ]))

    Args:
        points: (K, 2), image pixels.
        visible: (K,), above 0 where labelled.
        upper_body: indices of keypoints.
        aspect: width / height of the crop.
        coin: a normal random number; the upper half is preferred below 0.5, so in 69 of 100 cases.
    Source: HRNet, lib/dataset/JointsDataset.py, half_body_transform.
    """
    labelled = visible > 0
    above = np.isin(np.arange(len(points)), list(upper_body))
    upper, lower = points[labelled & above], points[labelled & ~above]
    prefer_upper = coin < 0.5 and len(upper) > ENOUGH
    chosen = upper if prefer_upper or len(lower) <= ENOUGH else lower
    if len(chosen) < ENOUGH:
        return None
    width, height = chosen.max(axis=0) - chosen.min(axis=0)
    width, height = max(width, height * aspect), max(height, width / aspect)
    return Placement(chosen.mean(axis=0), np.array([width, height]) / PIXEL_STD * HALF_BODY_PADDING)
