"""Which parameters have a channel for each map, and how those of one number of keypoints become another's."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hrpose.errors import ConfigError
from hrpose.hub.convert.engine import compile_pattern
from hrpose.models.bottomup import BottomUp, BottomUpConfig
from hrpose.models.hourglass import HourglassConfig, StackedHourglass


@dataclass(frozen=True, kw_only=True)
class MapAxis:
    """Where the maps stand among the channels of a parameter: [others], keypoints * blocks, [after]."""

    axis: int
    keypoints: int  # of the model
    blocks: int  # the heatmaps, and each dimension of the tags that keypoints do not share
    after: int = 0  # shared tags, or maps that mean nothing

    def before(self, weight: Tensor) -> int:
        """Other channels, before the maps, of the model's parameter."""
        return weight.shape[self.axis] - self.keypoints * self.blocks - self.after


def map_axis(model: nn.Module, name: str) -> MapAxis | None:
    """The maps in parameter `name` of a model with tags or stacks; None if it has no channel for them."""
    if isinstance(model, BottomUp):
        return bottomup_axis(model.config, name)
    return hourglass_axis(model.config, name) if isinstance(model, StackedHourglass) else None


def bottomup_axis(config: BottomUpConfig, name: str) -> MapAxis | None:
    """The last convolutions, and the transposed ones that are fed their maps."""
    tags = config.tags if config.head == "higher" else (True,)
    if compile_pattern("head.conv.").fullmatch(name):
        return level_axis(config, tags[0])
    if match := compile_pattern("head.outputs.{i}.").fullmatch(name):
        return level_axis(config, tags[int(match["i"])])
    match = compile_pattern("head.deconvs.{i}.0.0.weight").fullmatch(name)  # (in, out, kernel, kernel)
    return level_axis(config, tags[int(match["i"])]) if match and config.joined[int(match["i"])] else None


def level_axis(config: BottomUpConfig, has_tags: bool) -> MapAxis:
    """The maps of one resolution."""
    own = config.tag_dims if has_tags and not config.shared_tags else 0
    after = config.tag_dims if has_tags and config.shared_tags else 0
    return MapAxis(axis=0, keypoints=config.num_keypoints, blocks=1 + own, after=after)


def hourglass_axis(config: HourglassConfig, name: str) -> MapAxis | None:
    """The last convolution of each stack, and the one that hands its maps on."""
    each, others = divmod(config.tags, config.num_keypoints)
    blocks, after = 1 + each, others + config.spare
    for pattern, axis in (
        ("stacks.{s}.predict.", 0),
        ("links.{s}.maps.weight", 1),
        ("links.{s}.maps.0.weight", 1),
    ):
        if compile_pattern(pattern).fullmatch(name):
            return MapAxis(axis=axis, keypoints=config.num_keypoints, blocks=blocks, after=after)
    return None


def fit_maps(
    weight: Tensor, wanted: Tensor, place: MapAxis, rows: Sequence[int | None] | None
) -> tuple[Tensor | None, str]:
    """The file's parameter for the model's keypoints, or None if it has to begin anew; and what was done.

    Args:
        rows: for each keypoint of the model the index in the file, or None for a new one.
    Raises: ConfigError for rows that the file does not have.
    """
    came, needed = weight.shape[place.axis], wanted.shape[place.axis]
    before = place.before(wanted)
    old, rest = divmod(came - before - place.after, place.blocks)
    if rows is None or rest or old < 1:
        word = "input channels" if before or place.axis else "outputs"
        return None, f"{came} {word} in the file, {needed} in the model"
    if any(row is not None and not 0 <= row < old for row in rows):
        raise ConfigError(
            f"keypoints={list(rows)}, but those of the file go from 0 to {old - 1}; give such indices"
        )
    pairs = [(c, c) for c in range(before)]
    pairs += [
        (before + b * len(rows) + k, before + b * old + row)
        for b in range(place.blocks)
        for k, row in enumerate(rows)
        if row is not None
    ]
    pairs += [(needed - c, came - c) for c in range(1, place.after + 1)]
    ours, theirs = (torch.tensor(list(side), device=weight.device) for side in zip(*pairs, strict=True))
    picked = wanted.to(weight).index_copy(place.axis, ours, weight.index_select(place.axis, theirs))
    kept = sum(row is not None for row in rows)
    return picked, f"{kept} of {len(rows)} keypoints from the file, the others new"
