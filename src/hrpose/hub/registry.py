"""Models by name: what there is, and how to make one."""

import contextlib
import dataclasses
import fnmatch
import logging
from collections.abc import Sequence
from typing import Any

from torch import nn

from hrpose.backbones.hrnet import HRNET_CONFIGS, HRNet, HRNetConfig
from hrpose.errors import ConfigError, UnknownNameError, nearest
from hrpose.hub.adapt import POSE_CONFIGS, with_channels, with_keypoints
from hrpose.hub.cards import all_cards
from hrpose.hub.cards.networks import HOURGLASSES, bottomup_config
from hrpose.hub.cards.rows import trunk_config
from hrpose.hub.guess import AnyCodec
from hrpose.hub.load import KeypointMap, known_spec, load_weights
from hrpose.hub.read import WeightsSource, read_card, read_weights
from hrpose.models.classify import ClassifierConfig
from hrpose.models.families import build
from hrpose.models.segment import SegmenterConfig
from hrpose.models.spec import PoseSpec
from hrpose.models.topdown import TopDownConfig
from hrpose.skeletons import Skeleton

log = logging.getLogger(__name__)

OF_V2 = {"align_corners"}  # settings of the trunk that head "v2" has as well, and takes over


def architectures() -> dict[str, Any]:
    """Settings behind the names without a tag.

    hrnet_* and hrnetv2_* for poses, *_cls, *_seg; higherhrnet_* and hrnet_ae_* for crowds; hourglasses.
    """
    found: dict[str, Any] = {**HOURGLASSES}
    for size, config in HRNET_CONFIGS.items():
        v1, v2 = trunk_config(f"hrnet_{size}"), trunk_config(f"hrnetv2_{size}")
        found[f"hrnet_{size}"] = TopDownConfig(backbone=v1)
        found[f"hrnetv2_{size}"] = TopDownConfig(backbone=v2, head="v2")
        for family in ("higherhrnet", "hrnet_ae"):
            found[f"{family}_{size}"] = bottomup_config(f"{family}_{size}")
        found[f"hrnet_{size}_cls"] = ClassifierConfig(backbone=config)
        found[f"hrnetv2_{size}_seg"] = SegmenterConfig(backbone=v2)
    return found


def list_models(filter: str = "*", pretrained: bool = False) -> list[str]:
    """Names that `create_model` knows, sorted.

    Args:
        filter: as for file names, for instance "hrnet_w32*" or "*mpii*".
        pretrained: only those that have weights: the ones with a tag.
    Raises: ConfigError for a filter that is no text.

    >>> list_models("hrnet_w32.coco_*x*", pretrained=True)[:2]
    ['hrnet_w32.coco_128x96_dark', 'hrnet_w32.coco_256x192']
    """
    if not isinstance(filter, str):
        raise ConfigError(
            f"filter={filter!r} is no pattern; give one as for file names, such as 'hrnet_w32*'"
        )
    names = [*all_cards()] if pretrained else [*architectures(), *all_cards()]
    return sorted(fnmatch.filter(names, filter))


def create_model(
    name: str,
    *,
    pretrained: bool | WeightsSource = False,
    skeleton: Skeleton | str | None = None,
    num_keypoints: int | None = None,
    in_chans: int | None = None,
    codec: AnyCodec | None = None,
    keypoints: KeypointMap | None = None,
    **settings: Any,
) -> Any:  # a TopDown, a Classifier, a Segmenter ...: the name decides
    """A model by its name, with weights if asked for.

    Args:
        name: "hrnet_w32" builds the bare architecture, "hrnet_w32.coco_256x192" the model of that card.
        pretrained: True for the card's own weights; or what `read_weights` takes: another card's name,
            "hf-hub:org/repo@revision", "local-dir:folder", a file, a URL, a state dict. A model without a
            spec takes over that of the weights, if it is known and has as many keypoints.
        skeleton: the keypoints to find, or the name of a known skeleton.
        num_keypoints: instead of a skeleton, where names do not matter.
        in_chans: channels of the pictures; 3 unless the card says otherwise.
        codec: how maps become points; the card's unless given.
        keypoints: which old keypoint starts each new one, see `load_weights`; with weights of a known other
            skeleton equal names are found by themselves.
        settings: fields of the model's config, of its backbone's, or of both.
    Raises: UnknownNameError, with the nearest names; ConfigError for settings; all of `load_weights`.

    >>> create_model("hrnet_w18_small", num_keypoints=4, upsample="bilinear").config.backbone.upsample
    'bilinear'
    """
    config = with_settings(find_config(name), settings)
    config = with_channels(config, in_chans)
    if isinstance(config, POSE_CONFIGS):
        config = with_keypoints(config, skeleton, num_keypoints, codec)
    elif skeleton is not None or num_keypoints is not None or codec is not None:
        raise ConfigError(f"{name} finds no keypoints; leave out skeleton, num_keypoints and codec")
    model = build(config)
    fill(model, name, pretrained, keypoints, renamed=skeleton is not None)
    return model


def create_backbone(
    name: str,
    *,
    pretrained: bool | WeightsSource = False,
    out_indices: Sequence[int] | None = None,
    in_chans: int | None = None,
    **settings: Any,
) -> HRNet:
    """The trunk of a model by its name: images in, a pyramid of maps out.

    Args:
        name: "hrnet_w32" has all four branches; the trunk of a card has those that its weights make,
            which for V1 pose nets is the finest alone.
        pretrained: see `create_model`; what the weights have of a head is left out.
        out_indices: branches to return, 0 the finest.
        settings: fields of HRNetConfig.
    Raises: as `create_model`.

    >>> create_backbone("hrnet_w18_small", out_indices=(0, 2)).feature_info.reduction()
    [4, 16]
    """
    found = find_config(name)
    config = getattr(found, "backbone", found)
    if not isinstance(config, HRNetConfig):
        raise ConfigError(f"the backbone of {name} is no HRNet; build it with hrpose.backbones")
    if name in architectures():
        config = dataclasses.replace(config, outputs=None)
    config = with_channels(with_settings(config, settings), in_chans)
    model = HRNet(config, out_indices=out_indices)
    fill(model, name, pretrained, None, renamed=False)
    return model


def find_config(name: str) -> Any:
    """The settings behind a name.

    Raises: UnknownNameError, with the nearest names.
    """
    if name in all_cards():
        return all_cards()[name].config
    known = architectures()
    if name not in known:
        raise UnknownNameError(f"there is no model {name!r}; {nearest(name, [*known, *all_cards()])}")
    return known[name]


def with_settings(config: Any, settings: dict[str, Any]) -> Any:
    """The config with some of its own fields, or of its backbone's, changed.

    Raises: ConfigError, with the nearest names, for a setting of neither; and for values that they refuse.
    """
    own = {f.name for f in dataclasses.fields(config)}
    trunk: Any = getattr(config, "backbone", None)
    inner = {f.name for f in dataclasses.fields(trunk)} if trunk is not None else set()
    for name in settings:
        if name not in own | inner:
            kind = type(config).__name__
            raise ConfigError(f"{kind} has no setting {name!r}; {nearest(name, own | inner)}")
    if settings.get("head", getattr(config, "head", None)) == "v1":
        own -= OF_V2
    trunk = settings.get("backbone", trunk)
    deep = {name: value for name, value in settings.items() if name in inner}
    changed = {name: value for name, value in settings.items() if name in own}
    if deep:
        changed["backbone"] = dataclasses.replace(trunk, **deep)
    return dataclasses.replace(config, **changed)  # at once: backbone and head must fit each other


def fill(
    model: nn.Module,
    name: str,
    pretrained: bool | WeightsSource,
    keypoints: KeypointMap | None,
    *,
    renamed: bool,
) -> None:
    """Load the weights that were asked for, and log what did not come from them as it was.

    Raises: ConfigError if a name without a tag is asked for its own weights; all of `load_weights`.
    """
    if pretrained is False:
        return
    if pretrained is True and name not in all_cards():
        near = ", ".join(list_models(f"{name}.*", pretrained=True)[:5]) or "see list_models(pretrained=True)"
        raise ConfigError(f"{name} has no weights of its own; give pretrained the name of some: {near}")
    read = read_card(name) if isinstance(pretrained, bool) else read_weights(pretrained)
    if keypoints is None and renamed and other_names(model, known_spec(read)):
        keypoints = "names"
    report = load_weights(model, read, keypoints=keypoints)
    if not report.complete:
        log.warning("%s", report)
    take_spec(model, known_spec(read))


def take_spec(model: Any, theirs: PoseSpec | None) -> None:
    """Let a model without a spec read pictures as its weights were trained to, if the spec fits it."""
    config = getattr(model, "config", None)
    if theirs is None or not isinstance(config, POSE_CONFIGS) or config.spec is not None:
        return
    if config.num_keypoints == theirs.skeleton.num_keypoints:
        with contextlib.suppress(ConfigError):  # of another kind of network: then only the weights serve
            model.spec = theirs


def other_names(model: nn.Module, theirs: PoseSpec | None) -> bool:
    """Whether the weights are known to find other keypoints than the model, or the same in another order."""
    ours = getattr(getattr(model, "config", None), "spec", None)
    if ours is None or theirs is None:
        return False
    return bool(ours.skeleton.keypoints != theirs.skeleton.keypoints)
