"""Top-down: pictures and boxes in, one person a box out."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hrpose.data.images import RGB
from hrpose.models.spec import PoseSpec
from hrpose.predict.aside import Aside
from hrpose.predict.boxes import Found
from hrpose.predict.feed import check_count, check_maps, evaluating, normalised, upload
from hrpose.predict.people import People
from hrpose.types import Heatmaps, Matrices

SURE = 0.2  # keypoints above it count toward a person's score, as in the evaluation of HRNet


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
        """Points (M, K, 2) in the pictures and scores (M, K) of all boxes, on the host."""
        codec = self.spec.codec
        center, scale = codec.center_scale(torch.from_numpy(boxes))  # on the host, where the boxes are
        batches = self._batches(pictures, codec.matrices(center, scale), owners.tolist())
        with evaluating(self.model), torch.inference_mode():
            joined = torch.cat(list(self._read(batches))).float().cpu()  # (M, K, 3): the one copy
        points = codec.to_image(joined[..., :2], center, scale)
        return points.numpy(), joined[..., 2].numpy()

    def _batches(self, pictures: list[RGB], matrices: Matrices, owners: list[int]) -> Iterator[Tensor]:
        """Normalised crops (m, 3, H, W); a picture is on the device from its first person to its last."""
        held: dict[int, Tensor] = {}
        for start in range(0, len(matrices), self.batch_size):
            rows = slice(start, start + self.batch_size)
            wanted = sorted(set(owners[rows]))
            held = {
                number: held[number] if number in held else upload(pictures[number], self.device)
                for number in wanted
            }
            places = [wanted.index(owner) for owner in owners[rows]]
            crops = self.spec.codec.crop(list(held.values()), matrices[rows], image_index=places)
            yield normalised(crops, self.spec.mean, self.spec.std, self.model)

    def _read(self, batches: Iterator[Tensor]) -> Iterator[Tensor]:
        """Points in heatmap pixels and scores of each batch, (m, K, 3), on the device.

        The crops of the next batch are made while the device is at work on the network.
        """
        aside = Aside(self.device)
        crops = aside.next_of(batches)
        while crops is not None:
            maps = self._maps(crops)
            crops = aside.next_of(batches)
            points, scores = self.spec.codec.decode(maps)
            check_count(points, self.spec.skeleton)
            yield torch.cat((points, scores[..., None]), 2)

    def _maps(self, crops: Tensor) -> Heatmaps:
        """The heatmaps (m, K, h, w) of crops, with a flip test the mean of two."""
        maps = check_maps(self.model(crops)).heatmaps[-1]
        if not self.flip_test:
            return maps
        mirrored = check_maps(self.model(crops.flip(3))).heatmaps[-1]
        return self.spec.codec.merge_flip(maps, mirrored, self.spec.skeleton.mirror_index)


def _person_scores(scores: np.ndarray) -> np.ndarray:
    """The mean over the keypoints that are sure, (M,); 0 where none is."""
    sure = scores > SURE
    total = np.where(sure, scores, 0).sum(axis=1)
    return np.asarray(total / np.maximum(sure.sum(axis=1), 1), np.float32)
