"""evaluate: the average precision of a top-down model on people whose boxes are known."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from hrpose.data.topdown import TopDownDataset
from hrpose.errors import DataError
from hrpose.metrics.coco import coco_ap
from hrpose.models.base import PoseNetwork
from hrpose.train.batches import Batch, check_data, collate
from hrpose.types import Heatmaps, Points, Scores


def evaluate(
    model: PoseNetwork,
    data: TopDownDataset,
    *,
    batch_size: int = 64,
    flip_test: bool = True,
    device: str | torch.device | None = None,
    autocast: torch.dtype | None = None,
    workers: int = 0,
    progress: bool = False,
) -> dict[str, float]:
    """COCO's ten figures (AP, AP50, AP75, APm, APl, AR ...) of `model` on `data`.

    Crops run in batches, and are decoded, on the device; the model is left in the mode it came in.

    Args:
        data: without augmentation; its codec decodes and its skeleton's sigmas are those of OKS.
        flip_test: average with the heatmaps of the mirrored crops.
        device: None stays where the model is.
        autocast: dtype of half precision, or None.
    Raises: DataError if `data` is empty, or augmented; ConfigError if its keypoints are not the model's.
    """
    check_data(model, data, "the data to evaluate on")
    if data.augment is not None:
        random = "the data to evaluate on is augmented, which makes the score random"
        raise DataError(f"{random}; build it with augment=None")
    detections = list(
        detect(
            model,
            data,
            batch_size=batch_size,
            flip_test=flip_test,
            device=device,
            autocast=autocast,
            workers=workers,
            progress=progress,
        )
    )
    return coco_ap(ground_truth(data), detections, sigmas=data.skeleton.sigmas)


@torch.no_grad()
def detect(
    model: PoseNetwork,
    data: TopDownDataset,
    *,
    batch_size: int = 64,
    flip_test: bool = True,
    device: str | torch.device | None = None,
    autocast: torch.dtype | None = None,
    workers: int = 0,
    progress: bool = False,
) -> Iterator[dict[str, Any]]:
    """The keypoints of each person in `data`, as entries of a COCO results file."""
    device = next(model.parameters()).device if device is None else torch.device(device)
    loader: DataLoader[Any] = DataLoader(
        data, batch_size=batch_size, collate_fn=collate, num_workers=workers, pin_memory=device.type == "cuda"
    )
    was_training = model.training
    model.to(device).eval()
    try:
        for batch in tqdm(loader, desc="evaluate", disable=not progress, leave=False):
            with torch.autocast(device.type, dtype=autocast, enabled=autocast is not None):
                heatmaps = read_heatmaps(model, data, batch.to(device).images, flip_test=flip_test)
            points, scores = data.codec.decode(heatmaps.float())
            placed = data.codec.to_image(points.cpu(), batch.center.float(), batch.scale.float())
            yield from entries(data, batch, placed, scores.cpu())
    finally:
        model.train(was_training)


def read_heatmaps(model: PoseNetwork, data: TopDownDataset, images: Tensor, *, flip_test: bool) -> Heatmaps:
    """The last map of the model, (N, K, h, w), averaged with that of the mirrored crops."""
    heatmaps = model(images).heatmaps[-1]
    if not flip_test:
        return heatmaps
    mirrored = model(images.flip(3)).heatmaps[-1]
    return data.codec.merge_flip(heatmaps, mirrored, data.skeleton.mirror_index)


def entries(data: TopDownDataset, batch: Batch, points: Points, scores: Scores) -> Iterator[dict[str, Any]]:
    """One result a person; its score is the mean of its keypoints'."""
    flat = torch.cat((points, scores[..., None]), 2).flatten(1).tolist()
    for index, numbers, score in zip(batch.rows, flat, scores.mean(1).tolist(), strict=True):
        person = data.people[index]
        yield {
            "image_id": person.image_id,
            "category_id": person.category_id,
            "keypoints": numbers,
            "score": score,
        }


def ground_truth(data: TopDownDataset) -> dict[str, Any]:
    """The people of `data` as the content of a COCO annotation file, ids counted from 1."""
    people = [
        {
            "id": number,
            "image_id": p.image_id,
            "category_id": p.category_id,
            "bbox": list(p.box),
            "area": p.area,
            "iscrowd": int(p.iscrowd),
            "num_keypoints": int(p.visible.sum()),
            "keypoints": p.keypoints.reshape(-1).tolist(),
        }
        for number, p in enumerate(data.people, start=1)
    ]
    images = [{"id": image} for image in dict.fromkeys(p.image_id for p in data.people)]
    categories = [{"id": c, "name": data.skeleton.name} for c in sorted({p.category_id for p in data.people})]
    return {"images": images, "annotations": people, "categories": categories}
