"""Whole pictures in training and evaluation: batches of views, and the people a model finds in pictures."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from hrpose.codecs.tags import Grouped
from hrpose.data.bottomup import BottomUpDataset, PictureSample, stack
from hrpose.data.people import coco_annotations
from hrpose.errors import DataError
from hrpose.metrics.coco import coco_ap, crowdpose_ap
from hrpose.metrics.rescore import bottomup_results
from hrpose.predict.whole import WholePictures
from hrpose.train.batches import Batch
from hrpose.train.whole import Whole
from hrpose.types import PoseMaps

Run = Callable[[Tensor], PoseMaps]
CROWDING = ("APeasy", "APmedium", "APhard")
CATEGORY = 1  # a bottom-up model tells no categories apart


def collate(samples: Sequence[PictureSample]) -> Batch:
    """Stack views; images with fewer people get rows of nobody."""
    stacked = stack(samples)
    return Batch(images=stacked.image, targets=stacked.targets, rows=stacked.index.tolist())


def detect(
    run: Run,
    data: BottomUpDataset,
    device: torch.device,
    *,
    batch_size: int,
    flip_test: bool,
    scales: tuple[float, ...],
    workers: int,
) -> tuple[int, Iterator[list[dict[str, Any]]]]:
    """How many batches of pictures there are, and the results of each: one a person found."""
    mean, std = data.mean.to(device), data.std.to(device)
    whole = WholePictures(
        codec=data.codec, mirror_index=data.skeleton.mirror_index, flip_test=flip_test, scales=scales
    )
    loader: DataLoader[Any] = DataLoader(
        Whole(data), batch_size=batch_size, collate_fn=list, num_workers=workers
    )

    def look(batch: list[tuple[int, Tensor]]) -> list[dict[str, Any]]:
        people = whole.find(
            lambda pixels: run((pixels.float() / 255 - mean) / std),
            [picture.to(device, non_blocking=True) for _, picture in batch],
        )
        found = zip(batch, people, strict=True)
        return [entry for (row, _), each in found for entry in _entries(data.pictures[row].image_id, each)]

    return len(loader), map(look, loader)


def _entries(image_id: int | str, people: Grouped) -> list[dict[str, Any]]:
    """One result a person found in the picture."""
    keypoints = torch.cat((people.points, people.scores[..., None]), 2)  # (M, K, 3)
    image_ids = [image_id] * len(keypoints)
    return bottomup_results(keypoints, people.person_scores, image_ids, category_id=CATEGORY)


def ground_truth(data: BottomUpDataset) -> dict[str, Any]:
    """Everybody in `data` as the content of a COCO annotation file, ids counted from 1.

    Raises: DataError if nobody is annotated.
    """
    images = [{"id": picture.image_id, "crowdIndex": picture.crowd_index} for picture in data.pictures]
    if not data.people:
        raise DataError("nobody is annotated in the data to evaluate on; give pictures with people")
    people = [{**entry, "category_id": CATEGORY} for entry in coco_annotations(data.people)]
    categories = [{"id": CATEGORY, "name": data.skeleton.name}]
    return {"images": images, "annotations": people, "categories": categories}


def score(data: BottomUpDataset, truth: dict[str, Any], found: Sequence[dict[str, Any]]) -> dict[str, float]:
    """COCO's ten figures; and by crowding, where all pictures have a CrowdPose index."""
    stats = coco_ap(truth, found, sigmas=data.skeleton.sigmas)
    if all(image.get("crowdIndex") is not None for image in truth["images"]):
        crowded = crowdpose_ap(truth, found, sigmas=data.skeleton.sigmas)
        stats |= {name: crowded[name] for name in CROWDING}
    return stats
