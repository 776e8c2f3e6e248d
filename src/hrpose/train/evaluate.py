"""evaluate: the average precision of a model: of people in boxes or whole pictures, or of masks."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from hrpose.errors import DataError
from hrpose.models.device import as_device
from hrpose.train.check import check_data
from hrpose.train.kinds import Learner, PoseData, kind_of


def evaluate(
    model: Learner,
    data: PoseData,
    *,
    batch_size: int | None = None,
    flip_test: bool = True,
    scales: tuple[float, ...] = (1.0,),
    device: str | torch.device | None = None,
    autocast: torch.dtype | None = None,
    workers: int = 0,
    progress: bool = False,
) -> dict[str, float]:
    """COCO's ten figures (AP, AP50, AP75, APm, APl, AR ...) of `model` on `data`.

    Crops, or whole pictures, run in batches, and are decoded, on the device; the model is left in the mode it
    came in. Whole pictures are looked at in the size that the codec gives them, whatever views of them are
    trained on. Where all of them have a CrowdPose index, APeasy, APmedium and APhard are added. For an
    instance segmenter the figures are the twelve of `mask_ap`, and for an MPII list that was read with the
    heads they are the nine of `mpii_pckh`.

    Args:
        data: without augmentation; its codec or grouping decodes, and its skeleton's sigmas are those of OKS.
        batch_size: at a time; None takes 64 crops, or 8 pictures.
        flip_test: average with the maps of the mirrored crops or pictures.
        scales: sizes to look at whole pictures in, 1 among them.
        device: None stays where the model is.
        autocast: dtype of half precision, or None.
    Raises: DataError if `data` is empty, or augmented; ConfigError if its keypoints are not the model's.
    """
    check_data(model, data, "the data to evaluate on")
    if data.augment is not None:
        random = "the data to evaluate on is augmented, which makes the score random"
        raise DataError(f"{random}; build it with augment=None")
    truth = ground_truth(data)
    found = list(
        detect(
            model,
            data,
            batch_size=batch_size,
            flip_test=flip_test,
            scales=scales,
            device=device,
            autocast=autocast,
            workers=workers,
            progress=progress,
        )
    )
    return kind_of(data).score(data, truth, found)


@torch.no_grad()
def detect(
    model: Learner,
    data: PoseData,
    *,
    batch_size: int | None = None,
    flip_test: bool = True,
    scales: tuple[float, ...] = (1.0,),
    device: str | torch.device | None = None,
    autocast: torch.dtype | None = None,
    workers: int = 0,
    progress: bool = False,
) -> Iterator[dict[str, Any]]:
    """The keypoints of each person in `data`, or each instance, as entries of a COCO results file."""
    kind = kind_of(data)
    device = next(model.parameters()).device if device is None else as_device(device)

    def run(images: Tensor) -> Any:
        with torch.autocast(device.type, dtype=autocast, enabled=autocast is not None):
            return model(images)

    was_training = model.training
    model.to(device).eval()
    try:
        batches, results = kind.detect(
            run,
            data,
            device,
            batch_size=batch_size or kind.batch_size,
            flip_test=flip_test,
            scales=scales,
            workers=workers,
        )
        for entries in tqdm(results, desc="evaluate", total=batches, disable=not progress, leave=False):
            yield from entries
    finally:
        model.train(was_training)


def ground_truth(data: PoseData) -> dict[str, Any]:
    """Who is in `data`, as the content of a COCO annotation file, ids counted from 1."""
    return kind_of(data).ground_truth(data)
