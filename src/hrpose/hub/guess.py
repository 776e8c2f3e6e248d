"""What weights alone do not say: names of keypoints, codec and normalisation, guessed from what is usual."""

from dataclasses import dataclass

from hrpose.codecs import MSRA, Face, TopDownCodec
from hrpose.hub.convert.engine import Origin
from hrpose.layers.resize import Upsample
from hrpose.models.spec import PoseSpec
from hrpose.skeletons import Skeleton, find_skeleton
from hrpose.types import IMAGENET_MEAN, IMAGENET_STD

# By number of keypoints, the skeleton that published weights of this head mostly have, and their input size.
BODIES = {17: "coco", 16: "mpii", 14: "crowdpose", 133: "coco_wholebody", 136: "halpe", 19: "coco_aic"}
ANIMALS = {20: "animal_pose", 22: "horse10", 15: "atrw", 23: "animal_kingdom"}
SUPERANIMALS = {39: "superanimal_quadruped", 27: "superanimal_topviewmouse"}
FACES = {98: "wflw", 68: "face_300w", 29: "cofw", 19: "aflw", 21: "hand_21"}
UPRIGHT = (256, 192)
SQUARE = (256, 256)


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What names and shapes cannot tell, as far as the caller states it."""

    upsample: Upsample | None = None
    align_corners: bool | None = None
    bn_momentum: float | None = None
    skeleton: Skeleton | None = None
    codec: TopDownCodec | None = None


def guess_spec(keypoints: int, in_chans: int, v1: bool, origin: Origin, wishes: Wishes) -> PoseSpec:
    """Names, codec and normalisation that are usual for such weights; the wishes come first."""
    known = {**BODIES, **ANIMALS, **SUPERANIMALS} if v1 else FACES
    name = known.get(keypoints)
    skeleton = wishes.skeleton or (find_skeleton(name) if name else Skeleton.generic(keypoints))
    codec = wishes.codec or guess_codec(
        UPRIGHT if v1 and keypoints in (17, 14, 133, 136, 19) else SQUARE, origin
    )
    mean, std = figures_for(in_chans)
    return PoseSpec(skeleton=skeleton, codec=codec, mean=mean, std=std)


def figures_for(in_chans: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std of ImageNet, or, for other than three channels, of its grey pictures.

    >>> [round(mean, 3) for mean in figures_for(1)[0]]
    [0.449]
    """
    if in_chans == len(IMAGENET_MEAN):
        return IMAGENET_MEAN, IMAGENET_STD
    return (sum(IMAGENET_MEAN) / 3,) * in_chans, (sum(IMAGENET_STD) / 3,) * in_chans


def guess_codec(input_size: tuple[int, int], origin: Origin) -> TopDownCodec:
    """The codec of the origin's own tests."""
    if origin.name == "official_face":
        return Face(input_size=input_size)
    return MSRA(input_size=input_size, form="mmpose" if origin.name.startswith("mmpose") else "original")
