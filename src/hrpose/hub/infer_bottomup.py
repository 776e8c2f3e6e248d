"""The settings of a bottom-up network, read off the names and shapes of its weights (under our names)."""

import dataclasses
from typing import Any

from hrpose.backbones.hrnet import HRNetConfig
from hrpose.codecs import TopDownCodec
from hrpose.codecs.bottomup import HigherHRNet
from hrpose.errors import ConfigError
from hrpose.hub.convert.engine import Origin
from hrpose.hub.counting import Weights, count
from hrpose.hub.guess import Wishes, guess_bottomup_spec
from hrpose.models.bottomup import BottomUpConfig

USUAL_KERNEL = 4  # of transposed convolutions


def finds_tags(weights: Weights, known: Origin, wishes: Wishes) -> bool:
    """Whether the head gives tags beside heatmaps.

    HigherHRNet's names tell. One last convolution does not: the codec or the number of names that the
    caller states does, or else the origin.
    """
    if "head.outputs.0.weight" in weights:
        return True
    if "head.conv.weight" not in weights or "head.mix.0.weight" in weights:
        return False
    if wishes.codec is not None:
        return not isinstance(wishes.codec, TopDownCodec)
    if wishes.skeleton is not None:
        return bool(weights["head.conv.weight"].shape[0] == 2 * wishes.skeleton.num_keypoints)
    return known.kind == "bottomup"


def infer_bottomup(weights: Weights, trunk: HRNetConfig, wishes: Wishes) -> BottomUpConfig:
    """The settings of HigherHRNet, or of HRNet with one convolution for heatmaps and tags.

    Raises: ConfigError if the keypoints leave no maps for tags.
    """
    higher = "head.outputs.0.weight" in weights
    levels = count(weights, "head.outputs.")
    last = [weights[f"head.outputs.{i}.weight"] for i in range(levels)] or [weights["head.conv.weight"]]
    made = [weight.shape[0] for weight in last]
    keypoints = infer_keypoints(made, wishes)
    tags = max(made) - keypoints
    if tags < 1:
        raise ConfigError(
            f"the weights give {max(made)} maps, which leaves no tags beside {keypoints} heatmaps; "
            "give the skeleton that they are for, or a top-down codec"
        )
    shared = bool(tags % keypoints)
    config = BottomUpConfig(
        backbone=trunk,
        head="higher" if higher else "ae",
        num_keypoints=keypoints,
        tag_dims=tags if shared else tags // keypoints,
        shared_tags=shared,
        kernel=last[0].shape[-1],
        **(infer_deconvs(weights, made, keypoints) if higher else {}),
    )
    return dataclasses.replace(config, spec=guess_bottomup_spec(config, wishes))


def infer_keypoints(made: list[int], wishes: Wishes) -> int:
    """Heatmaps at each resolution: the maps of one without tags; else as stated, or half of the maps."""
    most = max(made)
    if min(made) < most:
        return min(made)
    codec = wishes.codec if isinstance(wishes.codec, HigherHRNet) else None
    if wishes.skeleton is not None:
        return wishes.skeleton.num_keypoints + (codec.center if codec else 0)
    if codec is not None:
        return most - codec.tag_dims if codec.shared_tags else most // (1 + codec.tag_dims)
    return most - 1 if most % 2 else most // 2


def infer_deconvs(weights: Weights, made: list[int], keypoints: int) -> dict[str, Any]:
    """The settings of the modules that double the resolution, and of what they are fed."""
    modules = [f"head.deconvs.{i}." for i in range(len(made) - 1)]
    grows = [weights[f"{module}0.0.weight"] for module in modules]  # (in, out, kernel, kernel)
    reads = [weights[f"head.outputs.{i}.weight"].shape[1] for i in range(len(made) - 1)]
    kernels = tuple(grow.shape[-1] for grow in grows)
    units = {"deconv_blocks": count(weights, modules[0]) - 1} if modules else {}
    return {
        "deconv_channels": tuple(grow.shape[1] for grow in grows),
        "deconv_kernels": None if set(kernels) <= {USUAL_KERNEL} else kernels,
        "tags": tuple(maps > keypoints for maps in made),
        "joined": tuple(grow.shape[0] > read for grow, read in zip(grows, reads, strict=True)),
        **units,
    }
