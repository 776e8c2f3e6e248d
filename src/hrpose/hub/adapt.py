"""The settings of a model changed to other pictures, keypoints or codecs."""

import dataclasses
from typing import Any

from hrpose.codecs import MSRA, TopDownCodec
from hrpose.codecs.bottomup import HigherHRNet
from hrpose.codecs.tags import TagGrouping
from hrpose.errors import ConfigError
from hrpose.hub.guess import (
    AnyCodec,
    Wishes,
    crowd_codec,
    figures_for,
    guess_bottomup_spec,
    guess_hourglass_spec,
    spread,
    topdown_codec,
)
from hrpose.models.bottomup import BottomUpConfig
from hrpose.models.hourglass import HourglassConfig
from hrpose.models.spec import PoseSpec
from hrpose.models.topdown import TopDownConfig
from hrpose.skeletons import Skeleton, as_skeleton

DEFAULT_CODEC = MSRA(input_size=(256, 192))
POSE_CONFIGS = (TopDownConfig, BottomUpConfig, HourglassConfig)


def with_channels(config: Any, in_chans: int | None) -> Any:
    """The config for pictures of so many channels."""
    trunk = getattr(config, "backbone", None)
    if in_chans is None or in_chans == (config if trunk is None else trunk).in_chans:
        return config
    changed: dict[str, Any] = {"in_chans": in_chans}
    if trunk is not None:
        changed = {"backbone": dataclasses.replace(trunk, in_chans=in_chans)}
    spec = getattr(config, "spec", None)
    if spec is not None:
        mean, std = other_figures(spec, in_chans)
        changed["spec"] = dataclasses.replace(spec, mean=mean, std=std)
    return dataclasses.replace(config, **changed)


def other_figures(spec: PoseSpec, in_chans: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std for other channels: those of ImageNet stay so, of others the average is taken."""
    usual = (spec.mean, spec.std) == figures_for(len(spec.mean))
    return figures_for(in_chans) if usual else spread(spec.mean, spec.std, in_chans)


def with_keypoints(
    config: Any, skeleton: Skeleton | str | None, num_keypoints: int | None, codec: AnyCodec | None
) -> Any:
    """The config of a pose network for other keypoints or another codec.

    Raises: ConfigError if skeleton and num_keypoints differ, or the codec does not fit the network.
    """
    wanted = as_skeleton(skeleton)
    old = config.spec
    named = old.skeleton.num_keypoints if old else config.num_keypoints
    if wanted is None and num_keypoints not in (None, named):
        wanted = Skeleton.generic(num_keypoints or 0)
    if wanted is None and codec is None:
        return config
    wanted = wanted or (old.skeleton if old else Skeleton.generic(config.num_keypoints))
    if num_keypoints is not None and num_keypoints != wanted.num_keypoints:
        came = f"skeleton {wanted.name!r} has {wanted.num_keypoints} keypoints"
        raise ConfigError(f"{came}, but num_keypoints={num_keypoints}; give one of the two")
    codec = codec or (regrouped(old.codec, wanted) if old else None)
    if isinstance(config, TopDownConfig):
        return topdown_for(config, wanted, codec or DEFAULT_CODEC)
    resize = bottomup_for if isinstance(config, BottomUpConfig) else hourglass_for
    made: Any = resize(config, Wishes(skeleton=wanted, codec=codec))
    if old is None:
        return made
    return dataclasses.replace(made, spec=dataclasses.replace(made.spec, mean=old.mean, std=old.std))


def regrouped(codec: AnyCodec, skeleton: Skeleton) -> AnyCodec:
    """The codec, visiting the keypoints of another skeleton when it puts people together."""
    if isinstance(codec, TopDownCodec):
        return codec
    grouped = isinstance(codec, HigherHRNet) and codec.center and not codec.ignore_center
    order = TagGrouping.joint_order_of(skeleton, center=grouped)
    grouping: Any = dataclasses.replace(codec.grouping, joint_order=order)
    return dataclasses.replace(codec, grouping=grouping)


def topdown_for(config: TopDownConfig, skeleton: Skeleton, codec: AnyCodec) -> TopDownConfig:
    """The top-down config for these keypoints and this codec."""
    read = topdown_codec(codec, "a top-down network")
    old = config.spec
    mean, std = (old.mean, old.std) if old else figures_for(config.backbone.in_chans)
    return dataclasses.replace(
        config,
        num_keypoints=skeleton.num_keypoints,
        maps_per_keypoint=read.maps_per_keypoint,
        spec=PoseSpec(skeleton=skeleton, codec=read, mean=mean, std=std),
    )


def bottomup_for(config: BottomUpConfig, wishes: Wishes) -> BottomUpConfig:
    """The bottom-up config for these keypoints, and for the tags that the codec reads."""
    codec = None if wishes.codec is None else crowd_codec(wishes.codec, "a bottom-up network")
    skeleton = wishes.skeleton or Skeleton.generic(config.num_keypoints)
    changed: dict[str, Any] = {"num_keypoints": skeleton.num_keypoints, "spec": None}
    if codec is not None:
        changed["num_keypoints"] += codec.center
        changed |= {"tag_dims": codec.tag_dims, "shared_tags": codec.shared_tags}
    made = dataclasses.replace(config, **changed)
    return dataclasses.replace(made, spec=guess_bottomup_spec(made, wishes))


def hourglass_for(config: HourglassConfig, wishes: Wishes) -> HourglassConfig:
    """The hourglass config for these keypoints, with a tag for each where it had tags."""
    count = config.num_keypoints if wishes.skeleton is None else wishes.skeleton.num_keypoints
    tags = count if config.tags else 0
    made = dataclasses.replace(config, num_keypoints=count, tags=tags, spec=None)
    return dataclasses.replace(made, spec=guess_hourglass_spec(made, "", wishes))
