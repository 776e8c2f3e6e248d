"""Top-down: pictures and boxes in, one person a box out."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from hrpose.data.images import RGB
from hrpose.models.spec import PoseSpec
from hrpose.predict.boxes import Found
from hrpose.predict.feed import check_count, check_maps, evaluating, normalised, upload
from hrpose.predict.people import People

SURE = 0.2  # keypoints above it count toward a person's score, as in the evaluation of HRNet


class _Crops(NamedTuple):
    """The crops of one batch, and the way back to their pictures."""

    crops: Tensor  # (m, 3, H, W), normalised
    center: Tensor  # (m, 2)
    scale: Tensor  # (m, 2)


class FromBoxes:
    """Find the keypoints of people, each in a box; the crops of all pictures run in batches."""

    def __init__(
        self, model: nn.Module, spec: PoseSpec, *, device: torch.device, batch_size: int, flip_test: bool
    ) -> None:
        self.model, self.spec, self.device = model, spec, device
        self.batch_size, self.flip_test = batch_size, flip_test

    def people(self, pictures: list[RGB], found: list[Found]) -> list[People]:
        """The people of each picture (H, W, 3), one a box."""
        counts = [len(one.boxes) for one in found]
        if not sum(counts):
            return [People.nobody(self.spec.skeleton, image=picture) for picture in pictures]
        boxes = np.concatenate([one.boxes for one in found])
        points, scores = self._predict(pictures, boxes, np.repeat(np.arange(len(pictures)), counts))
        ends = np.cumsum(counts)[:-1]
        parts = zip(np.split(points, ends), np.split(scores, ends), found, pictures, strict=True)
        return [
            People(
                keypoints=keypoints,
                scores=sure,
                boxes=one.boxes,
                person_scores=one.scores * _person_scores(sure),
                skeleton=self.spec.skeleton,
                image=picture,
            )
            for keypoints, sure, one, picture in parts
        ]

    def _predict(self, pictures: list[RGB], boxes: np.ndarray, owners: np.ndarray) -> tuple[Any, Any]:
        """Points (M, K, 2) and scores (M, K) of all boxes, on the host."""
        with evaluating(self.model), torch.inference_mode():
            batches = self._batches(pictures, torch.from_numpy(boxes), owners.tolist())
            read = [torch.cat(self._points(batch), dim=2) for batch in batches]
            joined = torch.cat(read).float().cpu().numpy()  # (M, K, 3): the one copy
        return joined[..., :2], joined[..., 2]

    def _batches(self, pictures: list[RGB], boxes: Tensor, owners: list[int]) -> Iterator[_Crops]:
        """Crops in batches; a picture is on the device from its first person to its last."""
        held: dict[int, Tensor] = {}
        for start in range(0, len(boxes), self.batch_size):
            rows = slice(start, start + self.batch_size)
            wanted = sorted(set(owners[rows]))
            held = {
                number: held[number] if number in held else upload(pictures[number], self.device)
                for number in wanted
            }
            center, scale = self.spec.codec.center_scale(boxes[rows].to(self.device))
            matrices = self.spec.codec.matrices(center, scale)
            places = [wanted.index(owner) for owner in owners[rows]]
            crops = self.spec.codec.crop(list(held.values()), matrices, image_index=places)
            yield _Crops(normalised(crops, self.spec.mean, self.spec.std, self.model), center, scale)

    def _points(self, batch: _Crops) -> tuple[Tensor, Tensor]:
        """Points (m, K, 2) in the picture, and scores (m, K, 1)."""
        codec, skeleton = self.spec.codec, self.spec.skeleton
        maps = check_maps(self.model(batch.crops)).heatmaps[-1]
        if self.flip_test:
            mirrored = check_maps(self.model(batch.crops.flip(3))).heatmaps[-1]
            maps = codec.merge_flip(maps, mirrored, skeleton.mirror_index)
        points, scores = codec.decode(maps)
        check_count(points, skeleton)
        return codec.to_image(points, batch.center, batch.scale), scores[..., None]


def _person_scores(scores: np.ndarray) -> np.ndarray:
    """The mean over the keypoints that are sure, (M,); 0 where none is."""
    sure = scores > SURE
    total = np.where(sure, scores, 0).sum(axis=1)
    return np.asarray(total / np.maximum(sure.sum(axis=1), 1), np.float32)
