"""Whole images with all their people -> views with their targets: what a bottom-up model is trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from hrpose.codecs import BottomUpCodec
from hrpose.codecs.crowd import ABSENT
from hrpose.codecs.geometry import transform_points
from hrpose.codecs.warp import crop_images
from hrpose.data.augment import check_mirror
from hrpose.data.images import RGB, read_image
from hrpose.data.people import Person
from hrpose.data.pictures import BottomUpAugment, Picture, View, fitted
from hrpose.errors import ConfigError, DataError
from hrpose.skeletons import Skeleton
from hrpose.types import IMAGENET_MEAN, IMAGENET_STD, PoseTargets, Size


@dataclass(frozen=True, kw_only=True)
class PersonSigma:
    """Gaussians as wide as their person is large, instead of the codec's one width for all.

    Source: HigherHRNet, lib/dataset/COCOKeypoints.py, SCALE_AWARE_SIGMA.

    >>> PersonSigma().of((0.0, 0.0, 100.0, 512.0))
    4.0
    """

    sigma: float = 2.0  # heatmap pixels, of a person whose box is `size` pixels long
    size: float = 256.0
    whole: bool = False  # rounded to a whole number, upward

    def __post_init__(self) -> None:
        for name in ("sigma", "size"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name}={getattr(self, name)}; give a number of pixels above 0")

    def of(self, box: tuple[float, float, float, float]) -> float:
        """The width for the person in a box, heatmap pixels, before the view is scaled."""
        sigma = max(box[2], box[3]) / self.size * self.sigma
        return float(np.round(sigma + 0.5)) if self.whole else sigma


class PictureSample(NamedTuple):
    """One view ready for a network; `stack` makes a batch, which is a PictureSample too.

    A batch goes into a model as `model.loss(model(batch.image), batch.targets)`.
    """

    image: Tensor  # (3, H, W), normalised
    heatmaps: tuple[Tensor, ...]  # of each resolution, (K, h, w)
    masks: tuple[Tensor, ...]  # of each resolution, (h, w), 0 where nothing is to be learned
    places: tuple[Tensor, ...]  # of each tag map, (M, K), where each person's tags are read
    index: Tensor  # type: ignore[assignment]  # which of the pictures; the method of tuples is not needed

    @property
    def targets(self) -> PoseTargets:
        """What the maps of a batch are compared with."""
        return PoseTargets(self.heatmaps, None, self.masks, self.places)


def stack(samples: Sequence[PictureSample]) -> PictureSample:
    """A batch, for the `collate_fn` of a DataLoader; images with fewer people get rows of nobody."""
    image, heatmaps, masks, places, index = zip(*samples, strict=True)
    return PictureSample(
        torch.stack(image),
        tuple(map(torch.stack, zip(*heatmaps, strict=True))),
        tuple(map(torch.stack, zip(*masks, strict=True))),
        tuple(
            pad_sequence(list(rows), batch_first=True, padding_value=ABSENT)
            for rows in zip(*places, strict=True)
        ),
        torch.stack(index),
    )


class _Shown(NamedTuple):
    """What one view shows; points are those before mirroring, left and right renamed."""

    image: Tensor  # (3, H, W), normalised
    masks: tuple[Tensor, ...]  # (h, w)
    points: Tensor  # (M, K, 2), pixels of the input, float64
    visible: Tensor  # (M, K)
    sigmas: Tensor  # (M,)
    flip: bool


class BottomUpDataset(Dataset[PictureSample]):
    """One square view of a whole image each, with all people in it.

    Crowds, people whose keypoints nobody marked, and what lies outside the image count for nothing in the
    heatmaps. Random numbers depend on the seed, the epoch and the index alone, as in `TopDownDataset`.

    Args:
        pictures: those of `CocoKeypoints`, whose method `pictures` gives them and their skeleton by itself.
        codec: decides the size of the views and draws the targets.
        skeleton: of the people.
        augment: None shows the middle of each image. Evaluation needs None, and reads the images whole.
        seed: of the augmentation; None takes the numbers from PyTorch's generator.
        mean, std: of the normalisation, for channels from 0 to 1.
        person_sigma: None draws Gaussians of the codec's width.
    Raises: DataError if there are no pictures, or a person has another number of keypoints; ConfigError for
        mirroring where the skeleton has no pairs. Reading a picture may raise ImageError, and DataError if
        its size is not the annotated one or an outline is none.
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
        _check_pictures(pictures, skeleton)
        if augment is not None:
            check_mirror(skeleton, augment.flip_probability, without_pairs=augment.flip_without_pairs)
        self.pictures = pictures
        self.codec = codec
        self.skeleton = skeleton
        self.augment = augment
        self.seed = seed
        self.person_sigma = person_sigma
        self.mean, self.std = (torch.tensor(tuple(values)).view(3, 1, 1) for values in (mean, std))
        nobody = torch.zeros(1, 0, self.num_maps, 2)
        drawn = codec.encode(nobody, nobody[..., 0], self.input_size).heatmaps
        self.map_sizes: list[Size] = [(maps.shape[2], maps.shape[3]) for maps in drawn]
        self._epoch = torch.zeros((), dtype=torch.int64)
        self._epoch.share_memory_()  # type: ignore[no-untyped-call]  # PyTorch's own annotation is missing

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def people(self) -> list[Person]:
        """Everybody in all pictures."""
        return [person for picture in self.pictures for person in picture.people]

    @property
    def input_size(self) -> Size:
        """Of the views, (height, width)."""
        return self.codec.input_size, self.codec.input_size

    @property
    def num_maps(self) -> int:
        """Heatmaps at each resolution: one a keypoint, and one for the middle of people if the codec asks."""
        return self.skeleton.num_keypoints + self.codec.center

    def set_epoch(self, epoch: int) -> None:
        """Let the next epoch draw other random numbers."""
        self._epoch.fill_(epoch)

    def read(self, index: int) -> RGB:
        """A whole image, (H, W, 3).

        Raises: ImageError if it cannot be read; DataError if its size is not the annotated one.
        """
        picture = self.pictures[index]
        image = read_image(picture.image_path)
        if image.shape[:2] != picture.size:
            came = f"{picture.image_path} is {image.shape[:2]}, but annotated as {picture.size}"
            raise DataError(
                f"{came} (height, width); keypoints would lie elsewhere: give its own annotations"
            )
        return image

    def __getitem__(self, index: int) -> PictureSample:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[PictureSample]:
        """Several samples at once, which is what a DataLoader asks for."""
        shown = [self._show(index) for index in indices]
        points = pad_sequence([one.points for one in shown], batch_first=True)
        visible = pad_sequence([one.visible for one in shown], batch_first=True)
        sigmas = pad_sequence([one.sigmas for one in shown], batch_first=True, padding_value=1.0)
        flipped = torch.tensor([one.flip for one in shown])
        own = None if self.person_sigma is None else sigmas
        made = self.codec.encode(points, visible, self.input_size, person_sigma=own, mirrored=flipped)
        return [
            PictureSample(
                one.image,
                tuple(maps[n] for maps in made.heatmaps),
                one.masks,
                tuple(places[n, : len(one.points)] for places in made.tags),
                torch.tensor(index),
            )
            for n, (one, index) in enumerate(zip(shown, indices, strict=True))
        ]

    def view(self, index: int) -> View:
        """The part of an image that is shown in this epoch."""
        size, fit = self.pictures[index].size, self.codec.fit
        if self.augment is None:
            return fitted(size, fit)
        return self.augment.draw(self._random(index), size, fit=fit)

    def joints(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        """Points (M, K, 2) in image pixels, visibility (M, K) and own sigmas (M,) of who is learned.

        If the codec has a centre it comes last: the sum of all coordinates, 0 where unknown, over the number
        of keypoints that are marked.
        """
        learned = self.pictures[index].learned
        table = np.zeros((len(learned), self.num_maps, 3))
        for row, person in zip(table, learned, strict=True):
            row[: self.skeleton.num_keypoints] = person.keypoints
            if self.codec.center and person.visible.any():
                row[-1, :2] = person.points.sum(axis=0) / person.visible.sum()
                row[-1, 2] = 1
        sigmas = [self._sigma(person) for person in learned]
        joints = torch.from_numpy(table)
        return joints[..., :2], (joints[..., 2] > 0).double(), torch.tensor(sigmas, dtype=torch.float64)

    def _sigma(self, person: Person) -> float:
        if self.person_sigma is None or not (person.visible.any() or min(person.box[2:]) > 0):
            return 1.0  # plays no part
        return self.person_sigma.of(person.box)

    def _show(self, index: int) -> _Shown:
        view = self.view(index)
        crop = self._cut(torch.from_numpy(self.read(index)).permute(2, 0, 1), view, self.input_size)
        full = torch.from_numpy(self.pictures[index].mask())[None].to(torch.uint8) * 255
        masks = tuple((self._cut(full, view, size)[0] > 127).float() for size in self.map_sizes)
        points, visible, sigmas = self.joints(index)
        matrix = view.matrix(self.input_size, unbiased=self.codec.unbiased)
        points = transform_points(points.reshape(1, -1, 2), matrix).view(points.shape)
        if view.flip:
            order = list(self.skeleton.mirror_index) + [self.num_maps - 1] * self.codec.center
            points, visible = points[:, order], visible[:, order]
        return _Shown(
            (crop.float() / 255 - self.mean) / self.std, masks, points, visible, sigmas / view.zoom, view.flip
        )

    def _cut(self, image: Tensor, view: View, size: Size) -> Tensor:
        """What the view shows of (C, H, W), mirrored if it is."""
        matrix = view.matrix(size, unbiased=self.codec.unbiased)
        crop = crop_images(image, matrix.float(), size)[0]
        return crop.flip(2) if view.flip else crop

    def _random(self, index: int) -> np.random.Generator:
        if self.seed is None:
            return np.random.default_rng(int(torch.randint(2**62, ())))
        return np.random.default_rng([self.seed, int(self._epoch), index])


def _check_pictures(pictures: Sequence[Picture], skeleton: Skeleton) -> None:
    if not pictures:
        raise DataError("the list of pictures is empty; look at what the reader skipped, and why")
    for person in (person for picture in pictures for person in picture.people):
        if len(person.keypoints) != skeleton.num_keypoints:
            made = f"annotation {person.annotation_id} has {len(person.keypoints)} keypoints"
            raise DataError(f"{made}, and skeleton {skeleton.name!r} has {skeleton.num_keypoints}")
