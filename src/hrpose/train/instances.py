"""Instances in training and evaluation: batches of views, and what a model finds in whole pictures."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from hrpose.codecs.instance import Instances
from hrpose.data.instances import InstanceDataset, InstanceSample, stack_instances
from hrpose.errors import ConfigError, DataError
from hrpose.metrics.masks import mask_ap, mask_results
from hrpose.models.instances import InstanceSegmenter, InstanceSpec
from hrpose.predict.instances import WholeInstances
from hrpose.train.batches import Batch
from hrpose.train.whole import Whole
from hrpose.types import InstanceMaps

Run = Callable[[Tensor], InstanceMaps]


def collate(samples: Sequence[InstanceSample]) -> Batch:
    """Stack views; images with fewer things get empty masks."""
    stacked = stack_instances(samples)
    return Batch(images=stacked.image, targets=stacked.targets, rows=stacked.index.tolist())


def detect(
    run: Run,
    data: InstanceDataset,
    device: torch.device,
    *,
    batch_size: int,
    flip_test: bool,
    scales: tuple[float, ...],
    workers: int,
) -> tuple[int, Iterator[list[dict[str, Any]]]]:
    """How many batches of pictures there are, and the results of each: one an instance.

    Raises: ConfigError for scales other than 1.
    """
    if scales != (1.0,):
        raise ConfigError(f"scales={scales}, but instances are looked at in one size; leave it out")
    mean, std = data.mean.to(device), data.std.to(device)
    whole = WholeInstances(grouping=data.grouping, input_size=data.input_size, flip_test=flip_test)
    loader: DataLoader[Any] = DataLoader(
        Whole(data), batch_size=batch_size, collate_fn=list, num_workers=workers
    )

    def look(batch: list[tuple[int, Tensor]]) -> list[dict[str, Any]]:
        found = whole.find(
            lambda pixels: run((pixels.float() / 255 - mean) / std),
            [picture.to(device, non_blocking=True) for _, picture in batch],
        )
        return [
            entry for (row, _), one in zip(batch, found, strict=True) for entry in _entries(data, row, one)
        ]

    return len(loader), map(look, loader)


def _entries(data: InstanceDataset, row: int, found: Instances) -> list[dict[str, Any]]:
    """One result an instance found in the picture."""
    categories = [label + 1 for label in found.labels.tolist()]
    return mask_results(found.masks.numpy(), found.scores.tolist(), data.pictures[row].image_id, categories)


def ground_truth(data: InstanceDataset) -> dict[str, Any]:
    """All things in `data` as the content of a COCO annotation file; ids and categories count from 1.

    Raises: DataError if there are none.
    """
    annotations: list[dict[str, Any]] = []
    for picture in data.pictures:
        for thing in picture.things:
            area = {} if thing.area is None else {"area": thing.area}
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": picture.image_id,
                    "category_id": thing.label + 1,
                    "segmentation": thing.outline,
                    "iscrowd": int(thing.iscrowd),
                    **area,
                }
            )
    if not annotations:
        raise DataError("nothing is outlined in the data to evaluate on; give pictures with instances")
    images = [
        {"id": picture.image_id, "height": picture.size[0], "width": picture.size[1]}
        for picture in data.pictures
    ]
    categories = [{"id": number, "name": name} for number, name in enumerate(data.classes, start=1)]
    return {"images": images, "annotations": annotations, "categories": categories}


def score(data: InstanceDataset, truth: dict[str, Any], found: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The twelve figures of mask AP."""
    return mask_ap(truth, found)


def check(model: InstanceSegmenter, data: InstanceDataset, name: str) -> None:
    """Raise ConfigError unless `data` have the classes and the size of maps of `model`, and suit its spec."""
    if len(data.classes) != model.config.num_classes:
        came = f"{name} has {len(data.classes)} classes, but the model {model.config.num_classes}"
        raise ConfigError(f"{came}; create the model with num_classes={len(data.classes)}")
    if data.stride != model.stride:
        came = f"{name} has masks at 1/{data.stride}, but the model's maps are at 1/{model.stride}"
        raise ConfigError(f"{came}; make the data with stride={model.stride}")
    for field in ("classes", "input_size", "grouping") if model.spec is not None else ():
        theirs, ours = getattr(data, field), getattr(model.spec, field)
        if theirs != ours:
            came = f"{name} has {field}={theirs}, but the model's spec says {ours}"
            raise ConfigError(f"{came}; make the data as the spec says, or set model.spec to None")


def spec_of(data: InstanceDataset, mean: tuple[float, ...], std: tuple[float, ...]) -> InstanceSpec:
    """How `data` were prepared."""
    return InstanceSpec(
        classes=data.classes, input_size=data.input_size, grouping=data.grouping, mean=mean, std=std
    )
