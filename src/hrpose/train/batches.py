"""Samples become batches, in an order that the seed and the epoch decide."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler

from hrpose.data.topdown import Sample, TopDownDataset
from hrpose.errors import ConfigError, DataError
from hrpose.models.base import PoseNetwork
from hrpose.models.spec import PoseSpec
from hrpose.train.config import FitConfig
from hrpose.types import PoseTargets


class Batch(NamedTuple):
    """What the model is fed and compared with, and where the crops came from."""

    images: Tensor  # (N, 3, H, W)
    targets: PoseTargets
    center: Tensor  # (N, 2)
    scale: Tensor  # (N, 2)
    rows: list[int]  # (N,) of the data set

    def to(self, device: torch.device) -> Self:
        """The batch on a device; images in channels_last, which convolutions like best."""
        heatmaps = tuple(h.to(device, non_blocking=True) for h in self.targets.heatmaps)
        weights = None if self.targets.weights is None else self.targets.weights.to(device, non_blocking=True)
        images = self.images.to(device, non_blocking=True, memory_format=torch.channels_last)
        return self._replace(images=images, targets=PoseTargets(heatmaps, weights, self.targets.masks))


def collate(samples: Sequence[Sample]) -> Batch:
    """Stack samples."""
    targets = PoseTargets(
        (torch.stack([s.heatmaps for s in samples]),), torch.stack([s.weights for s in samples])
    )
    return Batch(
        images=torch.stack([s.image for s in samples]),
        targets=targets,
        center=torch.stack([torch.as_tensor(s.center) for s in samples]),
        scale=torch.stack([torch.as_tensor(s.scale) for s in samples]),
        rows=[int(s.index) for s in samples],
    )


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


def train_loader(data: TopDownDataset, config: FitConfig, device: torch.device) -> DataLoader[Any]:
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


def check_data(model: nn.Module, data: TopDownDataset, name: str) -> None:
    """Raise unless `data` holds something that `model` can learn.

    Raises: DataError for an empty data set; ConfigError if keypoints or codec differ from the model's.
    """
    if len(data) == 0:
        raise DataError(f"{name} is empty; give at least one person with labelled keypoints")
    if not isinstance(model, PoseNetwork):
        raise ConfigError(f"{type(model).__name__} is no pose network; give a model with loss(maps, targets)")
    wanted, has = data.skeleton.num_keypoints, model.config.num_keypoints
    if wanted != has:
        came = f"{name} has the {wanted} keypoints of {data.skeleton.name!r}, but the model {has}"
        raise ConfigError(f"{came}; create the model with skeleton= or num_keypoints={wanted}")
    if model.spec is not None:
        check_spec_of(model.spec, data, name)


def check_spec_of(spec: PoseSpec, data: TopDownDataset, name: str) -> None:
    """Raise ConfigError unless `data` were prepared as `spec` says."""
    ours, theirs = spec.skeleton, data.skeleton
    if ours.keypoints != theirs.keypoints:
        came = f"{name} names its keypoints {theirs.name!r}, but the model's spec {ours.name!r}"
        raise ConfigError(f"{came}; give model.spec the skeleton of the data, or set it to None")
    if spec.codec != data.codec:
        came = f"{name} is encoded by {data.codec}, but the model's spec says {spec.codec}"
        raise ConfigError(f"{came}; build the data with model.spec.codec, or set model.spec to None")


def learn_spec(model: PoseNetwork, data: TopDownDataset) -> None:
    """A model without a spec takes over how its data were prepared, so that its weights can be used later."""
    if model.spec is None:
        model.spec = PoseSpec(
            skeleton=data.skeleton, codec=data.codec, mean=_triple(data.mean), std=_triple(data.std)
        )


def _triple(values: Tensor) -> tuple[float, ...]:
    """One number a channel, as short as float32 allows."""
    return tuple(round(v, 6) for v in values.flatten().tolist())
