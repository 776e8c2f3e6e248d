"""Bottom-up: whole pictures in, everybody in them out, without boxes."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from hrpose.codecs.tags import Grouped
from hrpose.data.images import RGB
from hrpose.errors import ConfigError
from hrpose.models.bottomup import BottomUpSpec
from hrpose.predict.feed import check_count, check_maps, evaluating, normalised, upload
from hrpose.predict.people import Floats, People
from hrpose.predict.whole import WholePictures
from hrpose.types import PoseMaps


class FromPictures:
    """Find people in whole pictures; those that are fed in one size run and are decoded together."""

    def __init__(
        self,
        model: nn.Module,
        spec: BottomUpSpec,
        *,
        device: torch.device,
        batch_size: int,
        flip_test: bool,
        scales: Sequence[float],
    ) -> None:
        self.model, self.spec, self.device, self.batch_size = model, spec, device, batch_size
        self.whole = WholePictures(
            codec=spec.codec,
            mirror_index=spec.skeleton.mirror_index,
            flip_test=flip_test,
            scales=tuple(map(float, scales)),
        )

    def people(self, pictures: Sequence[RGB]) -> list[People]:
        """Everybody in each picture (H, W, 3)."""
        starts = range(0, len(pictures), self.batch_size)
        batches = (pictures[start : start + self.batch_size] for start in starts)
        fed = ([upload(picture, self.device) for picture in some] for some in batches)
        found: list[Grouped] = []
        with evaluating(self.model), torch.inference_mode():
            for people in self.whole.find_each(self._run, fed, self.device):
                found += people
        return [self._people(one, picture) for one, picture in zip(found, pictures, strict=True)]

    def _run(self, pixels: Tensor) -> PoseMaps:
        """The maps for pixels (N, 3, H, W) of 0..255. Raises: ConfigError if there are no tags among them."""
        maps = check_maps(self.model(normalised(pixels, self.spec.mean, self.spec.std, self.model)))
        if not maps.tags:
            raise ConfigError(
                "the model gave no tags, by which people are told apart; give it a top-down spec"
            )
        return maps

    def _people(self, found: Grouped, picture: RGB) -> People:
        check_count(found.points, self.spec.skeleton)
        points, scores, tags, person_scores = (each.float().numpy() for each in found)
        there = scores > 0
        return People(
            keypoints=np.where(there[..., None], points, 0).astype(np.float32),
            scores=scores,
            boxes=boxes_round(points, there),
            person_scores=person_scores,
            skeleton=self.spec.skeleton,
            tags=tags,
            image=picture,
        )


def boxes_round(points: Floats, there: np.ndarray) -> Floats:
    """The box (x, y, width, height) of each person's keypoints, (M, 4).

    Args:
        points: (M, K, 2), pixels.
        there: (M, K), True where a keypoint was found; at least one a person.
    """
    known = there[..., None]
    low = np.where(known, points, np.inf).min(axis=1, initial=np.inf)
    high = np.where(known, points, -np.inf).max(axis=1, initial=-np.inf)
    return np.concatenate([low, high - low], axis=1).astype(np.float32)
