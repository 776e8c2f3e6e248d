"""Several maps of the same people -> one: resolutions, the mirrored image, and image scales."""

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from hrpose.codecs.geometry import flip_back
from hrpose.errors import ConfigError, ShapeError
from hrpose.types import Heatmaps, PoseMaps, Size, Tags


class Pass(NamedTuple):
    """What a network gave for a batch of images at one scale, and for the same images mirrored.

    maps: heatmaps and tags, any resolutions. mirrored: as the network gave them, still mirrored; None
    without a flip test. scale: relative to `input_size`.
    """

    maps: PoseMaps
    mirrored: PoseMaps | None = None
    scale: float = 1.0


class Merged(NamedTuple):
    """One heatmap a keypoint, (N, K, h, w), and a map of that size for each tag dimension."""

    heatmaps: Heatmaps
    tags: tuple[Tags, ...]


def merge_passes(
    passes: Sequence[Pass],
    *,
    mirror_index: Sequence[int] = (),
    heatmap_maps: Sequence[int] = (),
    tag_maps: Sequence[int] = (),
    tag_dims: int = 1,
    drop_last: bool = False,
    size: Size | None = None,
) -> Merged:
    """Average the heatmaps of all passes and put the tags of the pass at scale 1 side by side.

    Tags are not averaged: each resolution, and the mirrored image, adds dimensions of its own, first those
    of the image, then those of its mirror.

    Args:
        passes: one an image scale; the maps of all take the size of those of the largest scale.
        mirror_index: the keypoint that takes each keypoint's place in a mirror.
        heatmap_maps, tag_maps: which entries of the PoseMaps are read; all if empty.
        tag_dims: dimensions of the tags of one map, whose channels are dims * K or, shared, dims.
        drop_last: leave out the last keypoint, the centre of a person.
        size: of the result instead, (height, width).
    Raises: ConfigError without passes, heatmaps or tags to read, for an index of no map, or if several
        passes have none at scale 1; ShapeError if maps do not fit mirror_index or tag_dims.
    Source: Cheng et al., CVPR 2020, "Heatmap Aggregation", and its code.

    >>> low, high = torch.zeros(1, 17, 4, 4), torch.ones(1, 17, 8, 8)
    >>> merged = merge_passes([Pass(PoseMaps((low, high), (low,)))])
    >>> merged.heatmaps.mean().item(), [tuple(tag.shape) for tag in merged.tags]
    (0.5, [(1, 17, 8, 8)])
    """
    if not passes:
        raise ConfigError("there is no pass to merge; give the maps of one image scale at least")
    heatmaps: list[Heatmaps] = []
    tags: tuple[Tags, ...] = ()
    for one in sorted(passes, key=lambda one: one.scale, reverse=True):
        read = _Reader(mirror_index, heatmap_maps, tag_maps, tag_dims).read(one, drop_last=drop_last)
        target = size or _size(heatmaps[0] if heatmaps else read.heatmaps)
        heatmaps.append(resize(read.heatmaps, target))
        if one.scale == 1 or len(passes) == 1:
            tags = tuple(resize(tag, target) for tag in read.tags)
    if not tags:
        came = f"scales {[one.scale for one in passes]} have no tags to read"
        raise ConfigError(
            f"{came}, which come from scale 1 alone; add that scale, and tag maps to the network"
        )
    return Merged(_mean(heatmaps), tags)


class _Reader(NamedTuple):
    """Which maps of a pass are read, and how they are mirrored."""

    mirror_index: Sequence[int]
    heatmap_maps: Sequence[int]
    tag_maps: Sequence[int]
    tag_dims: int

    def read(self, one: Pass, *, drop_last: bool) -> Merged:
        """The maps of one pass, all at the size of its finest.

        Raises: ConfigError if there are no heatmaps; ShapeError if `tag_dims` does not divide the tags.
        """
        finest = max((_size(maps) for maps in (*one.maps.heatmaps, *one.maps.tags)), key=math.prod)
        heatmaps = self._pick("heatmap_maps", one.maps.heatmaps, self.heatmap_maps)
        if not heatmaps:
            raise ConfigError(
                "there are no heatmaps to read; give the network one, and heatmap_maps its place"
            )
        keypoints = heatmaps[0].shape[1]
        tags = self._tags(one.maps)
        if one.mirrored is not None:
            mirrors = self._pick("heatmap_maps", one.mirrored.heatmaps, self.heatmap_maps)
            back = [flip_back(maps, self.mirror_index) for maps in mirrors]
            heatmaps = [_mean(pair) for pair in zip(heatmaps, back, strict=True)]
            tags += [self._turn(tag, keypoints) for tag in self._tags(one.mirrored)]
        mean = _mean([resize(maps, finest) for maps in heatmaps])
        tags = [resize(tag, finest) for tag in tags]
        if drop_last:
            mean, tags = mean[:, :-1], [tag[:, :-1] if tag.shape[1] == keypoints else tag for tag in tags]
        return Merged(mean, tuple(tags))

    def _tags(self, maps: PoseMaps) -> list[Tags]:
        """One map a dimension, resolution by resolution."""
        picked = self._pick("tag_maps", maps.tags, self.tag_maps)
        for tag in picked:
            if tag.shape[1] % self.tag_dims:
                came = f"tag maps have {tag.shape[1]} channels, which {self.tag_dims} dimensions"
                raise ShapeError(f"{came} do not divide; set tag_dims to that of the head")
        return [part for tag in picked for part in tag.chunk(self.tag_dims, 1)]

    def _turn(self, tag: Tags, keypoints: int) -> Tags:
        return flip_back(tag, self.mirror_index) if tag.shape[1] == keypoints else tag.flip(3)

    def _pick(self, name: str, maps: tuple[Tensor, ...], which: Sequence[int]) -> list[Tensor]:
        beyond = [i for i in which if not 0 <= i < len(maps)]
        if beyond:
            raise ConfigError(f"{name}={tuple(which)}, but there are {len(maps)}; give numbers below that")
        return [maps[i] for i in which] if which else list(maps)


def resize(maps: Tensor, size: Size) -> Tensor:
    """Bilinear, by pixel edges; nothing is done to maps of that size."""
    if _size(maps) == tuple(size):
        return maps
    return F.interpolate(maps, size, mode="bilinear", align_corners=False)


def _size(maps: Tensor) -> Size:
    return maps.shape[2], maps.shape[3]


def _mean(maps: Sequence[Tensor]) -> Tensor:
    return functools.reduce(torch.add, maps) / len(maps) if len(maps) > 1 else maps[0]
