"""Whole pictures through a bottom-up model: sizes, mirrors, scales, and from all their maps to people."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from hrpose.codecs import BottomUpCodec
from hrpose.codecs.aggregate import Merged, Pass
from hrpose.codecs.scales import Resized
from hrpose.codecs.tags import Grouped
from hrpose.codecs.warp import crop_images
from hrpose.errors import ConfigError
from hrpose.predict.aside import Aside, one_ahead
from hrpose.types import PoseMaps

Run: TypeAlias = Callable[[Tensor], PoseMaps]  # pixels (N, 3, H, W) of 0..255, not normalised yet


class _Part(NamedTuple):
    """Pictures of a batch that are fed in the same sizes, and their maps, which may not be ready yet."""

    numbers: list[int]  # in the batch
    sizes: list[dict[float, Resized]]
    merged: Merged
    since: torch.cuda.Event | None  # when the maps are ready


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

    def find(self, run: Run, pictures: Sequence[Tensor]) -> list[Grouped]:
        """The people of each picture (3, H, W), points in its pixels, on the host.

        Pictures that are fed in one size go through the model together.
        """
        return next(self.find_each(run, iter([pictures])), [])

    @torch.no_grad()
    def find_each(
        self, run: Run, batches: Iterator[Sequence[Tensor]], device: torch.device | None = None
    ) -> Iterator[list[Grouped]]:
        """As `find`, for each of several batches.

        On CUDA the network of the next batch is started before the people of this one are put together,
        which is done on the host for the most part.

        Args:
            batches: an iterator that makes them one by one, each when its turn comes.
            device: of pictures that `batches` brings there itself; None does one after another.
        """
        where = torch.device("cpu") if device is None else device
        aside = Aside(where)
        started = (self._start(run, pictures, aside) for pictures in aside.each(batches))
        for parts in one_ahead(started, where):
            found: dict[int, Grouped] = {}
            for part in parts:
                found |= zip(part.numbers, aside.read(part.since, partial(self._people, part)), strict=True)
            yield [found[number] for number in range(len(found))]

    def _start(self, run: Run, pictures: Sequence[Tensor], aside: Aside) -> list[_Part]:
        """The maps of a batch, those of pictures that are fed in one size together."""
        alike: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
        sizes = [self._sizes(picture) for picture in pictures]
        for number, fed in enumerate(sizes):
            alike[tuple(one.size for one in fed.values())].append(number)
        parts = []
        for numbers in alike.values():
            chosen = [sizes[number] for number in numbers]
            merged = self._merged(run, [pictures[number] for number in numbers], chosen, aside)
            parts.append(_Part(numbers, chosen, merged, aside.mark()))
        return parts

    def _sizes(self, picture: Tensor) -> dict[float, Resized]:
        """How a picture is fed at each scale, the largest first, and at scale 1."""
        smallest, size = min(self.scales), (picture.shape[1], picture.shape[2])
        wanted = sorted({*self.scales, 1.0}, reverse=True)
        return {scale: self.codec.resized(size, scale=scale, smallest=smallest) for scale in wanted}

    def _merged(
        self, run: Run, pictures: list[Tensor], sizes: list[dict[float, Resized]], aside: Aside
    ) -> Merged:
        """The maps of pictures that are fed in the same sizes, those of all passes made one."""
        wanted = sorted(self.scales, reverse=True)
        fed = [aside.make(partial(_resized, pictures, [one[scale] for one in sizes])) for scale in wanted]
        passes = []
        for scale, pixels in zip(wanted, fed, strict=True):
            mirrored = run(pixels.flip(3)) if self.flip_test else None
            passes.append(Pass(run(pixels), mirrored, scale))
        mirror = self.mirror_index if self.flip_test else ()
        return self.codec.merge(passes, mirror_index=mirror, size=sizes[0][1.0].size)

    def _people(self, part: _Part) -> list[Grouped]:
        """The people of each of the pictures whose maps these are."""
        size = (part.merged.heatmaps.shape[2], part.merged.heatmaps.shape[3])
        people = self.codec.decode(part.merged)
        return [
            one._replace(points=fed[min(self.scales)].to_image(one.points, size))
            for one, fed in zip(people, part.sizes, strict=True)
        ]


def _resized(pictures: list[Tensor], fed: list[Resized]) -> Tensor:
    """Pictures (3, H, W) in one size, (N, 3, h, w)."""
    matrices = torch.cat([one.matrix() for one in fed]).float()
    return crop_images(pictures, matrices, fed[0].size, image_index=range(len(pictures)))
