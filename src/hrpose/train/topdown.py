"""Crops in training and evaluation: batches of them, and what a model finds in them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from hrpose.data.people import coco_annotations
from hrpose.data.topdown import Sample, TopDownDataset
from hrpose.errors import ConfigError
from hrpose.metrics.coco import coco_ap
from hrpose.metrics.mpii import mpii_pckh
from hrpose.train.batches import Batch
from hrpose.types import Heatmaps, PoseMaps, PoseTargets

Run = Callable[[Tensor], PoseMaps]


def collate(samples: Sequence[Sample]) -> Batch:
    """Stack samples; N of them make images (N, 3, H, W) and heatmaps (N, K, h, w)."""
    heatmaps = torch.stack([sample.heatmaps for sample in samples])
    return Batch(
        images=torch.stack([sample.image for sample in samples]),
        targets=PoseTargets((heatmaps,), torch.stack([sample.weights for sample in samples])),
        rows=[int(sample.index) for sample in samples],
        center=torch.stack([torch.as_tensor(sample.center) for sample in samples]),
        scale=torch.stack([torch.as_tensor(sample.scale) for sample in samples]),
    )


def names(data: TopDownDataset, rows: Sequence[int]) -> str:
    """What some of the samples are called in the data set."""
    return "annotation ids " + ", ".join(str(data.people[row].annotation_id) for row in rows)


def detect(
    run: Run,
    data: TopDownDataset,
    device: torch.device,
    *,
    batch_size: int,
    flip_test: bool,
    scales: tuple[float, ...],
    workers: int,
) -> tuple[int, Iterator[list[dict[str, Any]]]]:
    """How many batches there are, and the results of each: one a person.

    Raises: ConfigError for scales other than 1.
    """
    if scales != (1.0,):
        raise ConfigError(f"scales={scales}, but people in boxes are looked at in one size; leave it out")
    loader: DataLoader[Any] = DataLoader(
        data, batch_size=batch_size, collate_fn=collate, num_workers=workers, pin_memory=device.type == "cuda"
    )
    return len(loader), (
        _entries(data, batch, _heatmaps(run, data, batch.to(device), flip_test=flip_test)) for batch in loader
    )


def _heatmaps(run: Run, data: TopDownDataset, batch: Batch, *, flip_test: bool) -> Heatmaps:
    """The last map of the model, (N, K, h, w), averaged with that of the mirrored crops."""
    heatmaps = run(batch.images).heatmaps[-1]
    if flip_test:
        mirrored = run(batch.images.flip(3)).heatmaps[-1]
        heatmaps = data.codec.merge_flip(heatmaps, mirrored, data.skeleton.mirror_index)
    return heatmaps.float()


def _entries(data: TopDownDataset, batch: Batch, heatmaps: Heatmaps) -> list[dict[str, Any]]:
    """One result a person; its score is the mean of its keypoints'."""
    points, scores = (each.cpu() for each in data.codec.decode(heatmaps))
    placed = data.codec.to_image(points, batch.center.float(), batch.scale.float())
    flat = torch.cat((placed, scores[..., None]), 2).flatten(1).tolist()
    return [
        {
            "image_id": data.people[row].image_id,
            "category_id": data.people[row].category_id,
            "keypoints": numbers,
            "score": score,
        }
        for row, numbers, score in zip(batch.rows, flat, scores.mean(1).tolist(), strict=True)
    ]


def ground_truth(data: TopDownDataset) -> dict[str, Any]:
    """The people of `data` as the content of a COCO annotation file, ids counted from 1."""
    images = [{"id": image} for image in dict.fromkeys(person.image_id for person in data.people)]
    numbers = sorted({person.category_id for person in data.people})
    categories = [{"id": number, "name": data.skeleton.name} for number in numbers]
    return {"images": images, "annotations": coco_annotations(data.people), "categories": categories}


def score(data: TopDownDataset, truth: dict[str, Any], found: Sequence[dict[str, Any]]) -> dict[str, float]:
    """COCO's ten figures; MPII's table, PCKh in percent, where the heads of all people are known."""
    heads = [person.head_box_xyxy for person in data.people if person.head_box_xyxy is not None]
    if len(heads) < len(data.people):
        return coco_ap(truth, found, sigmas=data.skeleton.sigmas)
    points = np.array([entry["keypoints"] for entry in found]).reshape(len(heads), -1, 3)[:, :, :2]
    goals = np.stack([person.keypoints for person in data.people])
    return mpii_pckh(points, goals[:, :, :2], goals[:, :, 2] > 0, np.reshape(heads, (-1, 2, 2)))
