"""Samples become batches, in an order that the seed and the epoch decide."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from hrpose.train.config import FitConfig
from hrpose.types import InstanceTargets, PoseTargets


class Batch(NamedTuple):
    """What the model is fed and compared with, and where it came from."""

    images: Tensor  # (N, 3, H, W)
    targets: PoseTargets | InstanceTargets
    rows: list[int]  # (N,) of the data set
    center: Tensor = torch.zeros(0, 2)  # (N, 2) of crops
    scale: Tensor = torch.zeros(0, 2)  # (N, 2) of crops

    def to(self, device: torch.device) -> Self:
        """The batch on a device; images in channels_last, which convolutions like best."""
        images = self.images.to(device, non_blocking=True, memory_format=torch.channels_last)
        return self._replace(images=images, targets=moved(self.targets, device))


def moved(parts: Any, device: torch.device) -> Any:
    """Tensors, or tuples of them within tuples, on a device; None stays None."""
    if parts is None or isinstance(parts, Tensor):
        return parts if parts is None else parts.to(device, non_blocking=True)
    inner = [moved(each, device) for each in parts]
    return type(parts)(*inner) if hasattr(parts, "_fields") else tuple(inner)


class Shuffled(Sampler[int]):
    """Every index once, in an order that follows from the seed and the epoch alone.

    >>> order = Shuffled(4, seed=1)
    >>> sorted(order), list(order) == list(order)
    ([0, 1, 2, 3], True)
    """

    def __init__(self, length: int, seed: int) -> None:
        self.length = length
        self.seed = seed
        self.epoch = 0

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(epoch_seed(self.seed, self.epoch))
        return iter(torch.randperm(self.length, generator=generator).tolist())

    def __len__(self) -> int:
        return self.length


def epoch_seed(seed: int, epoch: int) -> int:
    """A seed for one epoch of a run, so that a run taken up again draws what it would have drawn."""
    return (seed * 1_000_003 + epoch) % 2**63


def train_loader(
    data: Any, config: FitConfig, device: torch.device, collate: Callable[..., Any]
) -> DataLoader[Any]:
    """Shuffled batches; an incomplete last one is left out if there are others."""
    return DataLoader(
        data,
        batch_size=config.batch_size,
        sampler=Shuffled(len(data), config.seed),
        num_workers=config.workers,
        collate_fn=collate,
        drop_last=len(data) > config.batch_size,
        pin_memory=device.type == "cuda",
    )
