"""Crops and pictures kept in memory: for data that fit, and processors too slow to read them every epoch."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from hrpose.codecs import BottomUpCodec, TopDownCodec
from hrpose.codecs.geometry import mirror_points
from hrpose.data.augment import TopDownAugment, check_mirror
from hrpose.data.bottomup import BottomUpDataset, PersonSigma
from hrpose.data.images import RGB, read_image
from hrpose.data.people import Person
from hrpose.data.pictures import BottomUpAugment, Picture
from hrpose.data.topdown import Sample, TopDownDataset, Uncut
from hrpose.errors import ConfigError
from hrpose.skeletons import Skeleton
from hrpose.types import IMAGENET_MEAN, IMAGENET_STD


class TopDownInMemory(TopDownDataset):
    """A TopDownDataset that cuts every crop once, when it is made, and keeps it as bytes.

    A crop of 128 x 96 takes 37 kB. Only mirroring stays random from epoch to epoch; scale and rotation are
    drawn once a copy.

    Args:
        people, codec, skeleton, augment, mean, std: as for `TopDownDataset`.
        copies: of each person, each of them augmented differently.
        flip_probability: of mirroring a crop when it is asked for.
        seed: of the augmentation and of the mirroring.
    Raises: DataError and ConfigError as `TopDownDataset`, and ConfigError for less than one copy or what is
        no probability.
    """

    def __init__(
        self,
        people: Sequence[Person],
        codec: TopDownCodec,
        skeleton: Skeleton,
        *,
        augment: TopDownAugment | None = None,
        copies: int = 1,
        flip_probability: float = 0.5,
        seed: int = 0,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        if copies < 1:
            raise ConfigError(f"copies={copies}; give at least 1")
        if not 0 <= flip_probability <= 1:
            raise ConfigError(f"flip_probability={flip_probability}; a probability lies between 0 and 1")
        check_mirror(
            skeleton, flip_probability, without_pairs=augment is not None and augment.flip_without_pairs
        )
        repeated = [person for person in people for _ in range(copies)]
        super().__init__(repeated, codec, skeleton, augment=augment, seed=seed, mean=mean, std=std)
        self.flip_probability = flip_probability
        count = len(repeated)
        self.crops = torch.zeros((count, 3, *codec.input_size), dtype=torch.uint8)
        self.points = torch.zeros(count, skeleton.num_keypoints, 2)
        self.visible = torch.zeros(count, skeleton.num_keypoints)
        self.centers, self.scales = torch.zeros(count, 2), torch.zeros(count, 2)
        for path, group in groupby(range(count), key=lambda index: repeated[index].image_path):
            image = torch.from_numpy(read_image(path)).permute(2, 0, 1)
            for index in group:
                self._cut(index, image)

    def _cut(self, index: int, image: Tensor) -> None:
        """Fill in row `index`."""
        person, width = self.people[index], image.shape[2]
        place = self._place(person, index, width)
        self.centers[index], self.scales[index] = torch.as_tensor(place.center), torch.as_tensor(place.scale)
        matrix = self._matrix(self.centers[index], self.scales[index], place, width)
        self.crops[index] = self.codec.crop(image, matrix)[0]
        self.points[index], self.visible[index] = self._points(person, matrix, flip=place.flip)

    def __getitem__(self, index: int) -> Sample:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Sample]:
        """Several samples at once, which is what a DataLoader asks for."""
        rows = torch.as_tensor(indices)
        images, points, visible = self.crops[rows].float() / 255, self.points[rows], self.visible[rows]
        if flipped := [k for k, index in enumerate(indices) if self._flips(index)]:
            order, width = self.skeleton.mirror_index, images.shape[3]
            images[flipped] = images[flipped].flip(3)
            points[flipped] = mirror_points(points[flipped], width, order)
            visible[flipped] = visible[flipped][:, list(order)]
        heatmaps, weights = self.codec.encode(points, visible)
        parts = ((images - self.mean) / self.std, heatmaps, weights * self.keypoint_weights)
        return [Sample(*row) for row in zip(*parts, self.centers[rows], self.scales[rows], rows, strict=True)]

    def uncut(self, index: int) -> Uncut:
        """A crop that is kept, as a picture to cut the whole of, mirrored or not."""
        width, flips = self.crops.shape[3], self._flips(index)
        across = (-1.0, 0.0, width - 1.0) if flips else (1.0, 0.0, 0.0)
        points, visible = self.points[index], self.visible[index]
        if flips:
            order = self.skeleton.mirror_index
            points, visible = mirror_points(points[None], width, order)[0], visible[list(order)]
        return Uncut(
            self.crops[index],
            torch.tensor((across, (0.0, 1.0, 0.0))),
            points,
            visible,
            self.centers[index],
            self.scales[index],
            torch.tensor(index),
        )

    def _flips(self, index: int) -> bool:
        random = np.random.default_rng([self.seed or 0, int(self._epoch), index, 1])
        return bool(random.random() < self.flip_probability)


class BottomUpInMemory(BottomUpDataset):
    """A BottomUpDataset that reads every picture once, when it is made, and keeps it as bytes.

    A picture of 256 x 256 takes 197 kB. Views stay random from epoch to epoch.

    Args, raises: as `BottomUpDataset`.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        codec: BottomUpCodec,
        skeleton: Skeleton,
        *,
        augment: BottomUpAugment | None = None,
        seed: int | None = None,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        person_sigma: PersonSigma | None = None,
    ) -> None:
        super().__init__(
            pictures,
            codec,
            skeleton,
            augment=augment,
            seed=seed,
            mean=mean,
            std=std,
            person_sigma=person_sigma,
        )
        self.images = [BottomUpDataset.read(self, index) for index in range(len(pictures))]

    def read(self, index: int) -> RGB:
        """A whole image, (H, W, 3)."""
        return self.images[index]
