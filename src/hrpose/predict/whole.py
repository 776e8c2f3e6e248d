"""Whole pictures through a bottom-up model: sizes, mirrors, scales, and from all their maps to people."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from hrpose.codecs import BottomUpCodec
from hrpose.codecs.aggregate import Pass
from hrpose.codecs.scales import Resized
from hrpose.codecs.tags import Grouped
from hrpose.codecs.warp import crop_images
from hrpose.errors import ConfigError
from hrpose.types import PoseMaps

Run: TypeAlias = Callable[[Tensor], PoseMaps]  # pixels (N, 3, H, W) of 0..255, not normalised yet


@dataclass(frozen=True, kw_only=True)
class WholePictures:
    """How a bottom-up model looks at pictures.

    Raises: ConfigError for scales that no tags can be read at.
    """

    codec: BottomUpCodec
    mirror_index: tuple[int, ...]  # without the centre of people
    flip_test: bool = False  # also look at each picture mirrored, and take the mean
    scales: tuple[float, ...] = (1.0,)  # sizes to look at each picture in, 1 among them

    def __post_init__(self) -> None:
        if not self.scales or min(self.scales) <= 0:
            raise ConfigError(f"scales={self.scales}; give sizes above 0, such as (0.5, 1, 2)")
        if len(self.scales) > 1 and 1 not in self.scales:
            raise ConfigError(f"scales={self.scales}, but tags are read at scale 1 alone; add 1")

    @torch.no_grad()
    def find(self, run: Run, pictures: Sequence[Tensor]) -> list[Grouped]:
        """The people of each picture (3, H, W), points in its pixels, on the host.

        Pictures that are fed in one size go through the model together.
        """
        alike: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
        for number, picture in enumerate(pictures):
            alike[tuple(fed.size for fed in self._sizes(picture).values())].append(number)
        found: dict[int, Grouped] = {}
        for numbers in alike.values():
            people = self._together(run, [pictures[number] for number in numbers])
            found |= zip(numbers, people, strict=True)
        return [found[number] for number in range(len(pictures))]

    def _sizes(self, picture: Tensor) -> dict[float, Resized]:
        """How a picture is fed at each scale, the largest first, and at scale 1."""
        smallest, size = min(self.scales), (picture.shape[1], picture.shape[2])
        wanted = sorted({*self.scales, 1.0}, reverse=True)
        return {scale: self.codec.resized(size, scale=scale, smallest=smallest) for scale in wanted}

    def _together(self, run: Run, pictures: list[Tensor]) -> list[Grouped]:
        """The people of pictures that are fed in the same sizes."""
        sizes = [self._sizes(picture) for picture in pictures]
        passes = [self._pass(run, pictures, sizes, scale) for scale in sorted(self.scales, reverse=True)]
        mirror = self.mirror_index if self.flip_test else ()
        merged = self.codec.merge(passes, mirror_index=mirror, size=sizes[0][1.0].size)
        size = (merged.heatmaps.shape[2], merged.heatmaps.shape[3])
        people = self.codec.decode(merged)
        return [
            one._replace(points=fed[min(self.scales)].to_image(one.points, size))
            for one, fed in zip(people, sizes, strict=True)
        ]

    def _pass(
        self, run: Run, pictures: list[Tensor], sizes: list[dict[float, Resized]], scale: float
    ) -> Pass:
        """The maps of one scale."""
        fed = [one[scale] for one in sizes]
        matrices = torch.cat([one.matrix() for one in fed]).float()
        pixels = crop_images(pictures, matrices, fed[0].size, image_index=range(len(pictures)))
        mirrored = run(pixels.flip(3)) if self.flip_test else None
        return Pass(run(pixels), mirrored, scale)
