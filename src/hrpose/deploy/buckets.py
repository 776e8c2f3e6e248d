"""Batches of any size on networks that were made ready for a few sizes only."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from hrpose.deploy.results import Result, Runner, on_tensors
from hrpose.errors import ConfigError
from hrpose.layers.checks import check_counts
from hrpose.types import Size

PREPARING = threading.Lock()  # torch traces and compiles one network at a time
Prepare: TypeAlias = Callable[[int, Size], Runner]  # (N, (H, W)) -> what runs up to N images of that size


class Part(NamedTuple):
    """Images `start` to `stop` of a batch, and the bucket that runs them."""

    start: int
    stop: int
    bucket: int


@dataclass(frozen=True, kw_only=True)
class Buckets:
    """The batch sizes that a network is made ready for; other batches are cut up and filled with zeros.

    A batch larger than the largest bucket is split. What is left over goes into the smallest bucket that
    holds it if at most `waste` of that would be filled up, else into smaller ones.

    Raises: ConfigError for sizes that do not rise from 1, and for a waste that is no share.

    >>> Buckets(sizes=(1, 4)).plan(8)
    [Part(start=0, stop=4, bucket=4), Part(start=4, stop=8, bucket=4)]
    >>> Buckets(sizes=(1, 4)).plan(3), Buckets(sizes=(1, 4)).plan(2)
    ([Part(start=0, stop=3, bucket=4)], [Part(start=0, stop=1, bucket=1), Part(start=1, stop=2, bucket=1)])
    """

    sizes: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)
    waste: float = 0.25  # of a bucket; 1 always fills up: right where starting costs more than computing

    def __post_init__(self) -> None:
        check_counts("buckets", self.sizes, needed="batch sizes are needed; give some, such as (1, 8, 32)")
        if self.sizes[0] != 1 or list(self.sizes) != sorted(set(self.sizes)):
            raise ConfigError(
                f"buckets={self.sizes}, but sizes must rise from 1; give some, such as (1, 8, 32)"
            )
        if not 0 <= self.waste <= 1:
            raise ConfigError(f"waste={self.waste}, but it is a share of a bucket; give one from 0 to 1")

    def plan(self, count: int) -> list[Part]:
        """How a batch of `count` images is cut up."""
        parts, start = [], 0
        while start < count:
            bucket = self._bucket(count - start)
            stop = min(start + bucket, count)
            parts.append(Part(start, stop, bucket))
            start = stop
        return parts

    def _bucket(self, left: int) -> int:
        """The bucket for the next of `left` images."""
        filled = next((size for size in self.sizes if size >= left), None)
        if filled is not None and filled - left <= self.waste * filled:
            return filled
        return max(size for size in self.sizes if size <= left)


class ByShape:
    """Run batches of any size, in a network that is made ready once for each bucket and image size.

    At most `most_sizes` image sizes are made ready for. Images of any other size go through `otherwise`,
    which needs no preparation: there is never a row of slow starts, however sizes vary.

    Args:
        prepare: called the first time that a bucket of an image size is needed.
        otherwise: runs images of any shape.
    """

    def __init__(self, prepare: Prepare, otherwise: Runner, buckets: Buckets, *, most_sizes: int) -> None:
        self.prepare, self.otherwise, self.buckets, self.most_sizes = prepare, otherwise, buckets, most_sizes
        self.ready: dict[tuple[int, Size], Runner] = {}

    def __call__(self, images: Tensor) -> Result:
        """What the network returns for images (N, C, H, W)."""
        size = (images.shape[2], images.shape[3])
        if size not in self.sizes and len(self.sizes) >= self.most_sizes:
            return self.otherwise(images)
        parts = [self._run(images[part.start : part.stop], part.bucket, size) for part in self._plan(images)]
        return parts[0] if len(parts) == 1 else on_tensors(_join, *parts)

    @property
    def sizes(self) -> list[Size]:
        """The image sizes that are ready, first come first."""
        return list(dict.fromkeys(size for _, size in self.ready))

    def _plan(self, images: Tensor) -> list[Part]:
        return self.buckets.plan(len(images))

    def _run(self, images: Tensor, bucket: int, size: Size) -> Result:
        with PREPARING:
            if (bucket, size) not in self.ready:
                self.ready[bucket, size] = self.prepare(bucket, size)
        return self.ready[bucket, size](images)


def filled_up(images: Tensor, buffer: Tensor) -> Tensor:
    """The buffer (N, C, H, W) with n <= N images in its first places, and zeros after them."""
    buffer[: len(images)].copy_(images, non_blocking=True)
    buffer[len(images) :].zero_()
    return buffer


def first_of(result: Any, count: int) -> Any:
    """The result for the first `count` images of a bucket."""
    return on_tensors(lambda maps: maps[:count], result)


def _join(*parts: Tensor) -> Tensor:
    return torch.cat(parts)
