"""From a row of facts to a card: what the tables of the other files share."""

import re
from collections.abc import Sequence
from typing import TypeAlias

from hrpose.backbones.hrnet import HRNET_CONFIGS, HRNetConfig
from hrpose.codecs import DARK, MSRA, UDP, Face, TopDownCodec, UDPOffset
from hrpose.hub.card import Measured, ModelCard, Source, Weights
from hrpose.models.spec import PoseSpec
from hrpose.models.topdown import TopDownConfig
from hrpose.skeletons import find_skeleton

TRUNK_PARAMS = {"hrnet_w32": 28_535_552, "hrnet_w48": 63_594_912, "hrnetv2_w18": 9_562_260}
HEAD_WIDTH = {"hrnet_w32": 32, "hrnet_w48": 48, "hrnetv2_w18": 270}  # channels that the last layer reads
MIX_PARAMS = {"hrnetv2_w18": 270 * 270 + 3 * 270}  # the V2 head's first convolution and batch norm

# tag, skeleton, input size, codec and sigma, file, what was measured, the published figure
PoseRow: TypeAlias = tuple[str, str, tuple[int, int], str, str, str, float | None]


def trunk_config(architecture: str, *, pose: bool = True) -> HRNetConfig:
    """The trunk behind a name: V1 (hrnet_*) keeps one branch for poses, V2 (hrnetv2_*) keeps all, bilinear.

    >>> trunk_config("hrnet_w48").outputs, trunk_config("hrnetv2_w18").upsample
    (1, 'bilinear')
    """
    family, _, size = architecture.partition("_")
    base = {name: getattr(HRNET_CONFIGS[size], name) for name in HRNetConfig.__dataclass_fields__}
    if family == "hrnetv2":
        return HRNetConfig(**base | {"upsample": "bilinear"})
    return HRNetConfig(**base | {"outputs": 1 if pose else None})


def topdown_config(architecture: str, spec: PoseSpec, *, bn_momentum: float = 0.1) -> TopDownConfig:
    """The pose network behind a name, for the keypoints of `spec`."""
    trunk = trunk_config(architecture)
    if bn_momentum != trunk.bn_momentum:
        trunk = HRNetConfig(**vars(trunk) | {"bn_momentum": bn_momentum})
    return TopDownConfig(
        backbone=trunk,
        head="v2" if architecture.startswith("hrnetv2") else "v1",
        num_keypoints=spec.skeleton.num_keypoints,
        maps_per_keypoint=spec.codec.maps_per_keypoint,
        spec=spec,
    )


def make_codec(text: str, input_size: tuple[int, int], *, mmpose: bool = False) -> TopDownCodec:
    """The codec that a table names, as "dark 3": its name and sigma.

    >>> make_codec("dark 3", (384, 288)).sigma
    3.0
    """
    name, _, number = text.partition(" ")
    sigma = float(number or 2)
    form = "mmpose" if mmpose else "original"
    if name == "face":
        return Face(input_size=input_size, sigma=sigma)
    if name == "udp_offset":
        return UDPOffset(input_size=input_size, form=form)
    if name == "udp":
        return UDP(input_size=input_size, sigma=sigma, kernel=blur(sigma), form=form)
    if name == "dark":  # mmpose shifts the mirrored maps, DarkPose does not; it blurs by 11 always
        kernel = blur(sigma) if mmpose else 11
        return DARK(input_size=input_size, sigma=sigma, kernel=kernel, form=form, flip_shift=mmpose)
    return MSRA(input_size=input_size, sigma=sigma, form=form)


def blur(sigma: float) -> int:
    """The blur kernel that mmpose goes with."""
    return 17 if sigma == 3 else 11


def num_params(architecture: str, maps: int) -> int:
    """Trainable numbers of a pose network with so many maps: the published figures are these sums."""
    head = maps * (HEAD_WIDTH[architecture] + 1) + MIX_PARAMS.get(architecture, 0)
    return TRUNK_PARAMS[architecture] + head


def pose_card(
    architecture: str,
    row: PoseRow,
    sources: Sequence[Source],
    *,
    sha256: str | None,
    licence: str,
    origin: str,
    mmpose: bool = False,
    bn_momentum: float = 0.1,
    notes: str = "",
) -> ModelCard:
    """The card of one row."""
    tag, skeleton, input_size, codec, file, what, published = row
    spec = PoseSpec(skeleton=find_skeleton(skeleton), codec=make_codec(codec, input_size, mmpose=mmpose))
    config = topdown_config(architecture, spec, bn_momentum=bn_momentum)
    return ModelCard(
        name=f"{architecture}.{tag}",
        config=config,
        spec=spec,
        measured=(Measured(what=what, published=published),) if what else (),
        upstream=file.rpartition("/")[2],
        weights=Weights(
            sources=tuple(sources),
            sha256=sha256,
            num_params=num_params(architecture, config.out_channels),
            licence=licence,
            origin=origin,
            notes=notes,
        ),
    )


def hash_in_name(file: str) -> str | None:
    """The first eight digits of the SHA-256, where OpenMMLab put them into the file name.

    >>> hash_in_name("hrnet_w32_coco_256x192-c78dce93_20200708.pth")
    'c78dce93'
    """
    match = re.search(r"-([0-9a-f]{8})(_\d{8})?\.pth$", file)
    return match[1] if match else None
