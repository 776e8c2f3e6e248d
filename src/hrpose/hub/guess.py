"""What weights alone do not say: names of keypoints, codec and normalisation, guessed from what is usual."""

from dataclasses import dataclass
from typing import TypeAlias

from hrpose.codecs import MSRA, AEHourglass, Face, HourglassGrouping, Princeton, TopDownCodec
from hrpose.codecs.bottomup import HigherHRNet
from hrpose.codecs.tags import TagGrouping
from hrpose.errors import ConfigError
from hrpose.hub.convert.engine import Origin
from hrpose.layers.resize import Upsample
from hrpose.models.bottomup import BottomUpConfig, BottomUpSpec
from hrpose.models.hourglass import HourglassAESpec, HourglassConfig
from hrpose.models.spec import PoseSpec
from hrpose.skeletons import Skeleton, find_skeleton
from hrpose.types import IMAGENET_MEAN, IMAGENET_STD

# By number of keypoints, the skeleton that published weights of this head mostly have, and their input size.
BODIES = {17: "coco", 16: "mpii", 14: "crowdpose", 133: "coco_wholebody", 136: "halpe", 19: "coco_aic"}
CROWDS = {**BODIES, 16: "mhp"}  # of bottom-up networks
ANIMALS = {20: "animal_pose", 22: "horse10", 15: "atrw", 23: "animal_kingdom"}
SUPERANIMALS = {39: "superanimal_quadruped", 27: "superanimal_topviewmouse"}
FACES = {98: "wflw", 68: "face_300w", 29: "cofw", 19: "aflw", 21: "hand_21"}
UPRIGHT_BODIES = BODIES.keys() - {16}  # crops of MPII are square
UPRIGHT = (256, 192)
SQUARE = (256, 256)

NO_FIGURES = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
HOURGLASS_FIGURES = {  # mean and std of the pictures, where they are not those of ImageNet
    "princeton_hourglass": NO_FIGURES,
    "pose_ae": NO_FIGURES,
    "bearpaw_hourglass": ((0.4404, 0.444, 0.4327), (0.2458, 0.241, 0.2468)),  # of MPII
}
MPII_KEYPOINTS = 16

AnyCodec: TypeAlias = TopDownCodec | HigherHRNet | AEHourglass


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What names and shapes cannot tell, as far as the caller states it."""

    upsample: Upsample | None = None
    align_corners: bool | None = None
    bn_momentum: float | None = None
    skeleton: Skeleton | None = None
    codec: AnyCodec | None = None


def guess_spec(keypoints: int, in_chans: int, origin: Origin, wishes: Wishes, *, v1: bool) -> PoseSpec:
    """Names, codec and normalisation that are usual for such weights; the wishes come first.

    Args:
        v1: whether the head reads the finest branch alone, as for bodies; else all, as for faces and hands.
    """
    skeleton = wishes.skeleton or named(keypoints, {**BODIES, **ANIMALS, **SUPERANIMALS} if v1 else FACES)
    size = UPRIGHT if v1 and keypoints in UPRIGHT_BODIES else SQUARE
    codec = topdown_codec(wishes.codec or guess_codec(size, origin), "a top-down network")
    mean, std = figures_for(in_chans)
    return PoseSpec(skeleton=skeleton, codec=codec, mean=mean, std=std)


def guess_bottomup_spec(config: BottomUpConfig, wishes: Wishes) -> BottomUpSpec:
    """Names, codec and normalisation of a bottom-up network; the wishes come first.

    One heatmap more than the skeleton has names is the centre of people.
    """
    skeleton = wishes.skeleton or named(config.num_keypoints, CROWDS)
    has_tags = config.tags if config.head == "higher" else (True,)
    strides = tuple(4 >> level for level in range(len(has_tags)))
    usual = HigherHRNet(
        strides=strides,
        tag_strides=tuple(stride for stride, has in zip(strides, has_tags, strict=True) if has),
        tag_dims=config.tag_dims,
        shared_tags=config.shared_tags,
        center=config.num_keypoints == skeleton.num_keypoints + 1,
        grouping=TagGrouping(joint_order=TagGrouping.joint_order_of(skeleton)),
    )
    codec = crowd_codec(wishes.codec or usual, "a bottom-up network")
    mean, std = figures_for(config.backbone.in_chans)
    return BottomUpSpec(skeleton=skeleton, codec=codec, mean=mean, std=std)


def guess_hourglass_spec(config: HourglassConfig, origin: str, wishes: Wishes) -> PoseSpec:
    """Names, codec and normalisation of a stacked hourglass; the wishes come first."""
    skeleton = wishes.skeleton or named(config.num_keypoints, {**FACES, **BODIES})
    codec = wishes.codec or guess_hourglass_codec(config, skeleton, origin)
    mean, std = hourglass_figures(config, origin)
    if not config.tags:
        codec = topdown_codec(codec, "an hourglass without tags")
        return PoseSpec(skeleton=skeleton, codec=codec, mean=mean, std=std)
    codec = codec if isinstance(codec, AEHourglass) else crowd_codec(codec, "an hourglass with tags")
    return HourglassAESpec(skeleton=skeleton, codec=codec, mean=mean, std=std)


def topdown_codec(codec: AnyCodec, network: str) -> TopDownCodec:
    """The codec, or ConfigError if it is not one for a person alone."""
    if isinstance(codec, TopDownCodec):
        return codec
    raise wrong_codec(codec, network, "TopDownCodec")


def crowd_codec(codec: AnyCodec, network: str) -> HigherHRNet:
    """The codec, or ConfigError if it is not HigherHRNet's."""
    if isinstance(codec, HigherHRNet):
        return codec
    raise wrong_codec(codec, network, "HigherHRNet")


def wrong_codec(codec: AnyCodec, network: str, needed: str) -> ConfigError:
    """The error for a codec of another family."""
    name = getattr(codec, "name", codec)
    return ConfigError(f"codec {name!r} does not read {network}; give a {needed}, or leave codec out")


def guess_hourglass_codec(config: HourglassConfig, skeleton: Skeleton, origin: str) -> AnyCodec:
    """The codec of the tests of an hourglass; of its stacks the last is read."""
    if config.unit == "basic":
        return MSRA(input_size=SQUARE, form="mmpose" if origin.startswith("mmpose") else "original")
    if not config.tags:
        return Princeton(input_size=SQUARE)
    order = TagGrouping.joint_order_of(skeleton)
    if config.unit != "conv_bn":
        return AEHourglass(grouping=HourglassGrouping(joint_order=order))
    last = (config.stacks - 1,)
    grouping = TagGrouping(joint_order=order)
    return HigherHRNet(strides=(4,), tag_strides=(4,), heatmap_maps=last, tag_maps=last, grouping=grouping)


def hourglass_figures(config: HourglassConfig, origin: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std of the pictures that weights of this origin were trained on."""
    known = HOURGLASS_FIGURES.get(origin)
    if known is None or (origin == "bearpaw_hourglass" and config.num_keypoints != MPII_KEYPOINTS):
        return figures_for(config.in_chans)
    mean, std = known
    return (mean, std) if config.in_chans == len(mean) else spread(mean, std, config.in_chans)


def named(keypoints: int, known: dict[int, str]) -> Skeleton:
    """The skeleton that so many keypoints usually are, or one of numbered ones."""
    return find_skeleton(known[keypoints]) if keypoints in known else Skeleton.generic(keypoints)


def spread(
    mean: tuple[float, ...], std: tuple[float, ...], in_chans: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The averages of the figures, for each of another number of channels."""
    return (sum(mean) / len(mean),) * in_chans, (sum(std) / len(std),) * in_chans


def figures_for(in_chans: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std of ImageNet, or, for other than three channels, of its grey pictures.

    >>> [round(mean, 3) for mean in figures_for(1)[0]]
    [0.449]
    """
    if in_chans == len(IMAGENET_MEAN):
        return IMAGENET_MEAN, IMAGENET_STD
    return spread(IMAGENET_MEAN, IMAGENET_STD, in_chans)


def guess_codec(input_size: tuple[int, int], origin: Origin) -> TopDownCodec:
    """The codec of the origin's own tests."""
    if origin.name == "official_face":
        return Face(input_size=input_size)
    return MSRA(input_size=input_size, form="mmpose" if origin.name.startswith("mmpose") else "original")
