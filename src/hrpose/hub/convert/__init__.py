"""Rename tables, one for each origin of weights, and the engine that reads them in both directions."""

from collections.abc import Iterable, Mapping

from torch import Tensor

from hrpose.errors import UnknownNameError, nearest
from hrpose.hub.convert.deeplabcut import DEEPLABCUT
from hrpose.hub.convert.engine import Origin
from hrpose.hub.convert.higher import HIGHER, MMPOSE0_HIGHER
from hrpose.hub.convert.hourglass import (
    BEARPAW,
    HOURGLASS52,
    HOURGLASS52_V1,
    MMPOSE0_HOURGLASS_AE,
    POSE_AE,
    PRINCETON,
)
from hrpose.hub.convert.mmlab import MMPOSE0, MMPOSE0_AE, MMPOSE0_V2, MMPOSE1, MMPOSE1_AE, MMPRETRAIN
from hrpose.hub.convert.native import NATIVE, NATIVE_HOURGLASS, NATIVE_TRUNK
from hrpose.hub.convert.official import BACKBONE, CLASSIFICATION, FACE, POSE, SEGMENTATION

__all__ = ["NATIVE", "ORIGINS", "Origin", "find_origin", "identify"]

# the first that recognises the names is taken, so what tells more stands before what tells less
ORIGINS: dict[str, Origin] = {
    origin.name: origin
    for origin in (
        NATIVE,
        NATIVE_TRUNK,
        NATIVE_HOURGLASS,
        DEEPLABCUT,
        MMPRETRAIN,
        MMPOSE1_AE,
        MMPOSE1,
        MMPOSE0_HIGHER,
        MMPOSE0_AE,
        MMPOSE0,
        MMPOSE0_V2,
        CLASSIFICATION,
        SEGMENTATION,
        FACE,
        HIGHER,
        POSE,
        BACKBONE,
        PRINCETON,
        BEARPAW,
        POSE_AE,
        HOURGLASS52,
        HOURGLASS52_V1,
        MMPOSE0_HOURGLASS_AE,
    )
}


def find_origin(name: str) -> Origin:
    """The origin called `name`.

    Raises: UnknownNameError, with the nearest names.
    """
    if name not in ORIGINS:
        raise UnknownNameError(f"there is no origin {name!r}; {nearest(name, ORIGINS)}")
    return ORIGINS[name]


def identify(names: Iterable[str] | Mapping[str, Tensor]) -> Origin | None:
    """The origin of weights, or of their names alone; None if no origin knows them.

    >>> identify(["stem.0.weight", "stem.1.weight"]).name
    'hrpose_trunk'
    """
    known = list(names)
    able = (origin for origin in ORIGINS.values() if origin.recognises(known) and origin.fits(names))
    return next(able, None)
