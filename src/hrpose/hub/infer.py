"""The settings of a model, read off the names and shapes of its weights (under our names)."""

from typing import Any

from hrpose.backbones.hrnet import HRNetConfig
from hrpose.errors import ConfigError
from hrpose.hub.convert.engine import Origin
from hrpose.hub.counting import Weights, count
from hrpose.hub.guess import Wishes, guess_spec
from hrpose.hub.infer_bottomup import finds_tags, infer_bottomup
from hrpose.hub.infer_hourglass import infer_hourglass
from hrpose.models.classify import ClassifierConfig
from hrpose.models.segment import SegmenterConfig
from hrpose.models.topdown import TopDownConfig


def infer_config(weights: Weights, known: Origin, wishes: Wishes) -> Any:
    """The settings that names, shapes, the origin and the caller lead to."""
    if "stacks.0.predict.weight" in weights:
        return infer_hourglass(weights, known, wishes)
    trunk = infer_trunk(weights, known, wishes)
    if "head.classifier.weight" in weights:
        return infer_classifier(weights, trunk)
    if finds_tags(weights, known, wishes):
        return infer_bottomup(weights, trunk, wishes)
    if "head.conv.weight" not in weights:
        return trunk
    if known.kind == "segmenter":
        return infer_segmenter(weights, trunk)
    return infer_topdown(weights, trunk, known, wishes)


def infer_trunk(weights: Weights, origin: Origin, wishes: Wishes) -> HRNetConfig:
    """Widths, depths and the exchange of the trunk.

    Raises: ConfigError if there is no stage with several branches; KeyError for a weight that is missing.
    """
    stages = [s for s in range(2, 9) if f"backbone.stage{s}.rounds.0.branches.0.0.conv1.weight" in weights]
    last = f"backbone.stage{stages[-1]}.rounds." if stages else ""
    branches = count(weights, f"{last}0.branches.")
    if not branches:
        raise ConfigError("the weights hold no stage with several branches; they are no HRNet")
    planes = tuple(weights[f"{last}0.branches.{b}.0.conv1.weight"].shape[0] for b in range(branches))
    rows = count(weights, f"{last}{count(weights, last) - 1}.exchange.into.")
    stem, unit = weights["backbone.stem.0.weight"], "backbone.stage1.0."
    return HRNetConfig(
        width=planes[0],
        widths=None if planes == tuple(planes[0] * 2**b for b in range(branches)) else planes,
        in_chans=stem.shape[1],
        stem_width=stem.shape[0],
        stage1_block="bottleneck" if f"{unit}conv3.weight" in weights else "basic",
        stage1_blocks=count(weights, "backbone.stage1."),
        stage1_width=weights[f"{unit}conv1.weight"].shape[0],
        rounds=tuple(count(weights, f"backbone.stage{s}.rounds.") for s in stages),
        block="bottleneck" if f"{last}0.branches.0.0.conv3.weight" in weights else "basic",
        blocks=count(weights, f"{last}0.branches.0."),
        outputs=1 if is_v1(weights) else None if rows == branches else rows,
        attention="se" if f"{unit}attention.squeeze.weight" in weights else None,
        **infer_settings(weights, origin, wishes),
    )


def infer_settings(weights: Weights, origin: Origin, wishes: Wishes) -> dict[str, Any]:
    """What follows from the origin, not from shapes: upsampling and momentum."""
    # the small segmentation nets exist in the older code only, which never aligns corners
    older = origin.kind == "segmenter" and count(weights, "backbone.stage1.") < 4
    by_head = "bilinear" if "head.mix.0.weight" in weights else "nearest"
    upsample = wishes.upsample or origin.upsample or by_head
    aligned = upsample == "bilinear" and origin.align_corners and not older
    momentum = 0.01 if older else origin.bn_momentum
    return {
        "upsample": upsample,
        "align_corners": aligned if wishes.align_corners is None else wishes.align_corners,
        "bn_momentum": wishes.bn_momentum or momentum,
    }


def is_v1(weights: Weights) -> bool:
    """Whether the head reads the finest branch alone."""
    names = ("head.conv.weight", "head.outputs.0.weight")
    return any(name in weights for name in names) and "head.mix.0.weight" not in weights


def infer_classifier(weights: Weights, trunk: HRNetConfig) -> ClassifierConfig:
    """The settings of an ImageNet classifier."""
    classes, hidden = weights["head.classifier.weight"].shape
    units = range(count(weights, "head.increase."))
    widths = tuple(weights[f"head.increase.{b}.0.conv1.weight"].shape[0] for b in units)
    return ClassifierConfig(backbone=trunk, num_classes=classes, hidden=hidden, widths=widths)


def infer_segmenter(weights: Weights, trunk: HRNetConfig) -> SegmenterConfig:
    """The settings of a segmenter."""
    conv = weights["head.conv.weight"]
    return SegmenterConfig(
        backbone=trunk,
        num_classes=conv.shape[0],
        kernel=conv.shape[-1],
        hidden=infer_hidden(weights, trunk),
        align_corners=trunk.align_corners,
    )


def infer_topdown(weights: Weights, trunk: HRNetConfig, origin: Origin, wishes: Wishes) -> TopDownConfig:
    """The settings of a top-down pose network."""
    conv, v1 = weights["head.conv.weight"], is_v1(weights)
    maps = infer_maps(conv.shape[0], wishes)
    keypoints = conv.shape[0] // maps
    return TopDownConfig(
        backbone=trunk,
        head="v1" if v1 else "v2",
        num_keypoints=keypoints,
        maps_per_keypoint=maps,
        kernel=conv.shape[-1],
        hidden=None if v1 else infer_hidden(weights, trunk),
        align_corners=False if v1 else trunk.align_corners,
        spec=guess_spec(keypoints, trunk.in_chans, origin, wishes, v1=v1),
    )


def infer_maps(channels: int, wishes: Wishes) -> int:
    """Maps a keypoint, if the codec or the number of names tells; else one.

    Raises: ConfigError if the keypoints do not share the maps evenly.
    """
    if wishes.codec is not None:
        return wishes.codec.maps_per_keypoint
    named = wishes.skeleton.num_keypoints if wishes.skeleton else channels
    if channels % named:
        raise ConfigError(f"the weights give {channels} maps, which {named} keypoints do not share evenly")
    return channels // named


def infer_hidden(weights: Weights, trunk: HRNetConfig) -> int | None:
    """Channels between the two convolutions of the head, if they are not those of all branches."""
    hidden = weights["head.mix.0.weight"].shape[0]
    return None if hidden == sum(trunk.out_channels) else hidden
