"""What the trainer reads, and how a batch of it comes to the device: ready made, or to be made there."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from hrpose.data.topdown import TopDownDataset, Uncut
from hrpose.errors import ConfigError
from hrpose.train.batches import Batch, train_loader
from hrpose.train.config import FitConfig
from hrpose.train.kinds import PoseData, kind_of

Bring = Callable[[Any], Batch]


class Uncuts(Dataset[Uncut]):
    """The people of a data set as they are read."""

    def __init__(self, data: TopDownDataset) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Uncut:
        return self.data.uncut(index)


def feed(data: PoseData, config: FitConfig, device: torch.device) -> tuple[DataLoader[Any], Bring]:
    """A loader, and what makes a batch on the device of what it gives.

    Raises: ConfigError for on_device with data other than crops.
    """
    if not config.on_device:
        loader = train_loader(data, config, device, kind_of(data).collate)
        return loader, lambda batch: batch.to(device)
    if not isinstance(data, TopDownDataset):
        came = f"on_device=True, but only crops are cut on the device, and {type(data).__name__} holds none"
        raise ConfigError(f"{came}; leave it out, and give workers= to read with several processes")
    return train_loader(Uncuts(data), config, device, list), lambda people: cut(data, people, device)


def cut(data: TopDownDataset, people: Sequence[Uncut], device: torch.device) -> Batch:
    """The batch that `collate` would have made of these people, made on the device."""
    sample = data.cut(people, device)
    rows = [int(person.index) for person in people]
    return Batch(
        images=sample.image, targets=sample.targets, rows=rows, center=sample.center, scale=sample.scale
    ).to(device)
