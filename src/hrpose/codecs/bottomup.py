"""HigherHRNet's codec: many people to maps of several resolutions, and those maps to people."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
from torch import Tensor

from hrpose.codecs.aggregate import Merged, Pass, merge_passes
from hrpose.codecs.crowd import check_people, draw_people, mirror_in, tag_places
from hrpose.codecs.scales import Resized, resized
from hrpose.codecs.tags import Grouped, TagGrouping
from hrpose.errors import ConfigError
from hrpose.types import PoseTargets, Size


@dataclass(frozen=True, kw_only=True)
class HigherHRNet:
    """Whole images in, people out: heatmaps at several resolutions and associative-embedding tags.

    The defaults are those for COCO at 512. Bottom-up HRNet has strides=(4,). Tags of a network with other
    settings are read by the same codec: one map for all keypoints, several dimensions, several resolutions.

    Raises: ConfigError for settings without a meaning.
    Source: Cheng et al., CVPR 2020, as in its code.

    >>> codec = HigherHRNet(input_size=64)
    >>> people = torch.tensor([[[[20.0, 30.0], [41.0, 10.0]]]])
    >>> targets = codec.encode(people, torch.ones(1, 1, 2), (64, 64))
    >>> [tuple(maps.shape) for maps in targets.heatmaps], targets.tags[0].tolist()
    ([(1, 2, 16, 16), (1, 2, 32, 32)], [[[117, 298]]])
    """

    name: ClassVar[str] = "higherhrnet"
    fit: ClassVar[Literal["short", "long"]] = "short"  # the side of an image that becomes `input_size` long
    maps_per_keypoint: ClassVar[int] = 1

    input_size: int = 512  # pixels of the short side at scale 1
    strides: tuple[int, ...] = (4, 2)  # input pixels to a pixel of each heatmap
    tag_strides: tuple[int, ...] = (4,)  # the same of each tag map
    sigma: float | None = 2.0  # of the Gaussians, heatmap pixels at every resolution; None: side / 64
    shared_tags: bool = False  # one tag map for all keypoints
    tag_dims: int = 1  # numbers in a tag
    center: bool = False  # the network has one more heatmap, the last: the middle of a person
    ignore_center: bool = True  # leave it out when people are put together
    heatmap_maps: tuple[int, ...] = ()  # heatmaps read at inference, 0 the first; empty: all
    tag_maps: tuple[int, ...] = ()  # tag maps read at inference; empty: all
    project: bool = True  # group people at the size of the network's input, not of its finest map
    unbiased: bool = False  # UDP: sizes count from pixel centre to pixel centre, points keep their fraction
    grouping: TagGrouping = field(default_factory=TagGrouping)

    def __post_init__(self) -> None:
        for name in ("strides", "tag_strides"):
            if not getattr(self, name) or min(getattr(self, name)) < 1:
                raise ConfigError(
                    f"{name}={getattr(self, name)}; give one positive number a map, such as (4,)"
                )
            if any(self.strides[0] % stride for stride in getattr(self, name)):
                came = (
                    f"{name}={getattr(self, name)}, but finer maps double those of stride {self.strides[0]}"
                )
                raise ConfigError(
                    f"{came}; give the coarsest of the heatmaps first, and strides that divide it"
                )
        for name in ("input_size", "tag_dims"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)}, but it counts; give 1 or more")
        if self.sigma is not None and not self.sigma > 0:
            raise ConfigError(
                f"sigma={self.sigma}, but a Gaussian needs a width; give it, or None for side / 64"
            )

    def resized(self, image_size: Size, *, scale: float = 1.0, smallest: float = 1.0) -> Resized:
        """The size in which an image (height, width) is fed to the network, and the way back."""
        return resized(image_size, self.input_size, scale=scale, smallest=smallest, unbiased=self.unbiased)

    def encode(
        self,
        points: Tensor,
        visible: Tensor,
        size: Size,
        *,
        person_sigma: Tensor | None = None,
        mirrored: Tensor | None = None,
    ) -> PoseTargets:
        """Make the targets of every map.

        Args:
            points: (N, M, K, 2) in pixels of the network's input; any M, rows without a visible keypoint
                are nobody.
            visible: (N, M, K), 0 where nobody marked the keypoint.
            size: of the network's input, (height, width).
            person_sigma: (N, M) heatmap pixels at every resolution, in place of `sigma`.
            mirrored: (N,), True where the input is mirrored; `points` are those before, left and right
                renamed.
        Returns: PoseTargets without masks: the heatmaps of each stride, and for each tag stride the places
            (N, M, K) of the tags, see `tag_places`.
        Raises: ShapeError for other shapes; DataError for a sigma that is not above 0.
        """
        check_people(points, visible)
        heatmaps = []
        for stride in self.strides:
            here = self.map_size(size, stride)
            sigma = here[0] / 64 if self.sigma is None else self.sigma
            spread = sigma if person_sigma is None else person_sigma
            there = self._on_map(points, size, stride, mirrored)
            heatmaps.append(draw_people(there, visible, here, spread, subpixel=self.unbiased))
        tags = tuple(
            tag_places(
                self._on_map(points, size, stride, mirrored),
                visible,
                self.map_size(size, stride),
                shared=self.shared_tags,
            )
            for stride in self.tag_strides
        )
        return PoseTargets(heatmaps=tuple(heatmaps), tags=tags)

    def _on_map(self, points: Tensor, size: Size, stride: int, mirrored: Tensor | None) -> Tensor:
        """Points of the input in pixels of the map of that stride."""
        here = self.map_size(size, stride)
        if not self.unbiased:
            return mirror_in(points / stride, mirrored, here[1])
        spans = points.new_tensor([(here[axis] - 1) / (size[axis] - 1) for axis in (1, 0)])
        return mirror_in(points * spans, mirrored, here[1])

    def map_size(self, size: Size, stride: int) -> Size:
        """Of the maps of a stride, for an input (height, width): the coarsest round up, finer ones double."""
        coarsest = self.strides[0]
        height, width = (-(-side // coarsest) * coarsest // stride for side in size)
        return height, width

    def merge(
        self, passes: Sequence[Pass], *, mirror_index: Sequence[int] = (), size: Size | None = None
    ) -> Merged:
        """Average the heatmaps of all resolutions, mirrors and scales, and collect the tags.

        Args:
            passes: one an image scale, each of the same images.
            mirror_index: the keypoint that takes each keypoint's place in a mirror, the centre left out;
                needed for mirrored passes.
            size: of the network's input at scale 1, (height, width); needed if `project` is set.
        Raises: as `merge_passes`; ConfigError if `project` is set and there is no size.
        """
        if self.project and size is None:
            raise ConfigError("project=True, but no size to project to came; give size, or set project=False")
        index = list(mirror_index)
        return merge_passes(
            passes,
            mirror_index=[*index, len(index)] if self.center and index else index,
            heatmap_maps=self.heatmap_maps,
            tag_maps=self.tag_maps,
            tag_dims=self.tag_dims,
            drop_last=self.center and self.ignore_center,
            size=size if self.project else None,
        )

    @torch.no_grad()
    def decode(self, merged: Merged) -> list[Grouped]:
        """Put the people of each image together; see `TagGrouping.group`.

        The centre of people, where it took part, is left out of what is returned, but counts in the scores.
        """
        people = self.grouping.group(merged.heatmaps, merged.tags)
        if not self.center or self.ignore_center:
            return people
        return [Grouped(p.points[:, :-1], p.scores[:, :-1], p.tags[:, :-1], p.person_scores) for p in people]
