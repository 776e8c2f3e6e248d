"""Keypoint names, mirror pairs, links and sigmas of the published data sets: data only."""

from hrpose.errors import UnknownNameError, nearest
from hrpose.skeletons.body import COCO
from hrpose.skeletons.skeleton import DEFAULT_SIGMA, Skeleton, chains, mirror_pairs

SKELETONS: dict[str, Skeleton] = {skeleton.name: skeleton for skeleton in (COCO,)}


def find_skeleton(name: str) -> Skeleton:
    """The skeleton that goes by `name`.

    >>> find_skeleton("coco").num_keypoints
    17

    Raises: UnknownNameError, with the nearest names.
    """
    try:
        return SKELETONS[name]
    except KeyError:
        raise UnknownNameError(f"there is no skeleton {name!r}; {nearest(name, SKELETONS)}") from None


__all__ = [
    "COCO",
    "DEFAULT_SIGMA",
    "SKELETONS",
    "Skeleton",
    "chains",
    "find_skeleton",
    "mirror_pairs",
]
