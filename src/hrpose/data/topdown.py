"""People -> crops with their targets: what a top-down model is trained and measured on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from hrpose.codecs import TopDownCodec
from hrpose.codecs.geometry import PIXEL_STD, transform_points
from hrpose.data.augment import Placement, TopDownAugment, check_mirror
from hrpose.data.images import read_image
from hrpose.data.people import Array, Person
from hrpose.errors import ConfigError, DataError
from hrpose.skeletons import Skeleton
from hrpose.types import IMAGENET_MEAN, IMAGENET_STD, Matrices, PoseTargets


class Sample(NamedTuple):
    """One person ready for a network; the default collate of PyTorch makes a batch, which is a Sample too.

    A batch goes into a model as `model.loss(model(batch.image), batch.targets)`.
    """

    image: Tensor  # (3, H, W), normalised
    heatmaps: Tensor  # (K, h, w)
    weights: Tensor  # (K,), 0 where nothing is to be learned
    center: Tensor  # (2,), image pixels
    scale: Tensor  # (2,), padded (width, height) / 200
    index: Tensor  # type: ignore[assignment]  # which of the people; the method of tuples is not needed

    @property
    def targets(self) -> PoseTargets:
        """What the maps of a batch are compared with."""
        return PoseTargets((self.heatmaps,), self.weights)


class Uncut(NamedTuple):
    """One person in a whole picture, and where its crop lies: what `TopDownDataset.cut` makes a sample of."""

    image: Tensor  # (3, H, W), bytes
    matrix: Tensor  # (2, 3), image pixels to crop pixels, mirrored where the crop is
    points: Tensor  # (K, 2), crop pixels
    visible: Tensor  # (K,)
    center: Tensor  # (2,), image pixels
    scale: Tensor  # (2,), padded (width, height) / 200
    index: Tensor  # type: ignore[assignment]  # which of the people; the method of tuples is not needed


class TopDownDataset(Dataset[Sample]):
    """One crop a person.

    Random numbers depend on the seed, the epoch and the index alone, so the same crops come from any number
    of workers in any order. Call `set_epoch` before each epoch (it reaches workers that are kept alive), or
    every epoch repeats the first. Without a seed they come from PyTorch's generator, which each worker has
    seeded anew.

    Args:
        people: those of `CocoKeypoints`, `Detections` or `MPIIKeypoints`, whose method `crops` gives them and
            their skeleton by itself.
        codec: decides the crop and draws the targets.
        skeleton: of the people.
        augment: None gives each person's own box, as evaluation needs it.
        seed: of the augmentation.
        mean, std: of the normalisation, for channels from 0 to 1.
        keypoint_weights: (K,), factors on the weights; HRNet gives 1.5 to wrists and ankles, 1.2 to elbows
            and knees.
    Raises: DataError if there are no people, or one has another number of keypoints; ConfigError for weights
        of another length, and for mirroring where the skeleton has no pairs. Reading a picture may raise
        ImageError.
    """

    def __init__(
        self,
        people: Sequence[Person],
        codec: TopDownCodec,
        skeleton: Skeleton,
        *,
        augment: TopDownAugment | None = None,
        seed: int | None = None,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        keypoint_weights: Sequence[float] | None = None,
    ) -> None:
        _check_people(people, skeleton)
        _check_kind("codec", codec, TopDownCodec, "MSRA(input_size=(256, 192)), or model.spec.codec")
        if augment is not None:
            _check_kind("augment", augment, TopDownAugment, "TopDownAugment(), or None")
            check_mirror(skeleton, augment.flip_probability, without_pairs=augment.flip_without_pairs)
        factors = (1.0,) * skeleton.num_keypoints if keypoint_weights is None else tuple(keypoint_weights)
        if len(factors) != skeleton.num_keypoints:
            made = f"{len(factors)} keypoint_weights for {skeleton.num_keypoints} keypoints"
            raise ConfigError(f"{made}; give one for each")
        self.people = people
        self.codec = codec
        self.skeleton = skeleton
        self.augment = augment
        self.seed = seed
        self.keypoint_weights = torch.tensor(factors)
        self.mean, self.std = (_three(name, each) for name, each in (("mean", mean), ("std", std)))
        self._epoch = torch.zeros((), dtype=torch.int64)
        self._epoch.share_memory_()  # type: ignore[no-untyped-call]  # PyTorch's own annotation is missing

    def __len__(self) -> int:
        return len(self.people)

    def set_epoch(self, epoch: int) -> None:
        """Let the next epoch draw other random numbers."""
        self._epoch.fill_(epoch)

    def __getitem__(self, index: int) -> Sample:
        return Sample(*(part[0] for part in self.cut([self.uncut(index)])))

    def uncut(self, index: int) -> Uncut:
        """A person as it is read: all random numbers are drawn, no pixel is changed yet."""
        person = self.people[index]
        image = torch.from_numpy(read_image(person.image_path)).permute(2, 0, 1)
        place = self._place(person, index, image.shape[2])
        center, scale = (torch.as_tensor(each, dtype=torch.float32) for each in place[:2])
        matrix = self._matrix(center, scale, place, image.shape[2])
        points, visible = self._points(person, matrix, flip=place.flip)
        return Uncut(image, matrix[0], points, visible, center, scale, torch.tensor(index))

    def cut(self, people: Sequence[Uncut], device: torch.device | None = None) -> Sample:
        """A batch of samples from people as they were read.

        Crops are cut and normalised, and targets drawn, on `device`; None stays on the host. What crosses
        over are whole pictures of bytes.
        """
        images = [person.image.to(device, non_blocking=True) for person in people]
        matrices, points, visible, center, scale, index = (
            torch.stack(parts).to(device) for parts in list(zip(*people, strict=True))[1:]
        )
        crops = self.codec.crop(images, matrices, image_index=range(len(images))).float() / 255
        heatmaps, weights = self.codec.encode(points, visible)
        mean, std, factors = (each.to(device) for each in (self.mean, self.std, self.keypoint_weights))
        return Sample((crops - mean) / std, heatmaps, weights * factors, center, scale, index)

    def _place(self, person: Person, index: int, width: int) -> Placement:
        place = Placement(*(values[0] for values in center_scale([person], self.codec)))
        if self.augment is None:
            return place
        height, crop_width = self.codec.input_size
        return self.augment.draw(
            self._random(index),
            person.points,
            person.visible,
            place,
            upper_body=[self.skeleton.index(name) for name in self.skeleton.upper_body],
            aspect=crop_width / height,
            width=width,
        )

    def _random(self, index: int) -> np.random.Generator:
        if self.seed is None:
            return np.random.default_rng(int(torch.randint(2**62, ())))
        return np.random.default_rng([self.seed, int(self._epoch), index])

    def _matrix(self, center: Tensor, scale: Tensor, place: Placement, width: int) -> Matrices:
        """Image to crop; mirroring is folded in, so that the picture itself is never copied for it."""
        rotation = torch.tensor([place.rotation])
        matrix = self.codec.matrices(center[None], scale[None], rotation)
        if not place.flip:
            return matrix
        x_axis, y_axis, offset = matrix.unbind(2)
        return torch.stack((-x_axis, y_axis, offset + x_axis * (width - 1)), 2)

    def _points(self, person: Person, matrix: Matrices, *, flip: bool) -> tuple[Tensor, Tensor]:
        """The keypoints in crop pixels, (K, 2), left and right renamed in a mirrored crop; and (K,) which."""
        points = transform_points(torch.as_tensor(person.points, dtype=torch.float32)[None], matrix)[0]
        visible = torch.as_tensor(person.visible, dtype=torch.float32)
        order = list(self.skeleton.mirror_index) if flip else slice(None)
        return points[order], visible[order]


@dataclass(frozen=True, kw_only=True)
class PeopleSource:
    """What a reader gives: people of one skeleton."""

    skeleton: Skeleton
    people: list[Person]

    def crops(
        self,
        codec: TopDownCodec,
        *,
        augment: TopDownAugment | None = None,
        seed: int | None = None,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        keypoint_weights: Sequence[float] | None = None,
    ) -> TopDownDataset:
        """One crop a person, with its targets; arguments and errors as for `TopDownDataset`."""
        return TopDownDataset(
            self.people,
            codec,
            self.skeleton,
            augment=augment,
            seed=seed,
            mean=mean,
            std=std,
            keypoint_weights=keypoint_weights,
        )


def center_scale(people: Sequence[Person], codec: TopDownCodec) -> tuple[Array, Array]:
    """Centre (M, 2) and scale (M, 2) of each person's crop, float64."""
    boxes = torch.tensor([person.box for person in people], dtype=torch.float64).view(-1, 4)
    center, scale = codec.center_scale(boxes)
    return center.numpy(), scale.numpy()


def well_centred(people: Iterable[Person], codec: TopDownCodec) -> list[Person]:
    """The people whose keypoints lie about the middle of their crop, the more of them the nearer.

    HRNet trains MPII and LSP models on these alone (its setting SELECT_DATA); COCO models on all.

    Source: HRNet, lib/dataset/JointsDataset.py, select_data.
    """
    chosen = list(people)
    centers, scales = center_scale(chosen, codec)
    return [p for p, c, s in zip(chosen, centers, scales, strict=True) if _is_central(p, c, s)]


def _is_central(person: Person, center: Array, scale: Array) -> bool:
    labelled = person.points[person.visible > 0]
    if not len(labelled):
        return False
    distance = np.linalg.norm(labelled.mean(axis=0) - center)
    area = scale.prod() * PIXEL_STD**2
    closeness = np.exp(-(distance**2) / (2 * 0.2**2 * area))
    return bool(closeness > 0.45 + 0.2 / 16 * (len(labelled) - 1))


def _check_kind(name: str, given: Any, kind: type, example: str) -> None:
    if not isinstance(given, kind):
        raise ConfigError(f"{name}={given!r} is no {kind.__name__}; give one, such as {example}")


def _three(name: str, values: Sequence[float]) -> Tensor:
    """A figure a channel, (3, 1, 1)."""
    given = tuple(values)
    if len(given) != 3 or (name == "std" and not all(value > 0 for value in given)):
        raise ConfigError(
            f"{name}={given}; give three figures, for red, green and blue, those of std above 0"
        )
    return torch.tensor(given).view(3, 1, 1)


def _check_people(people: Any, skeleton: Skeleton) -> None:
    if isinstance(people, PeopleSource):
        came = f"people is a {type(people).__name__}, but a list of them was needed"
        raise DataError(f"{came}; call its method crops(codec), or give its .people")
    if not people:
        raise DataError("the list of people is empty; look at what the reader skipped, and why")
    for person in people:
        if len(person.keypoints) != skeleton.num_keypoints:
            made = f"annotation {person.annotation_id} has {len(person.keypoints)} keypoints"
            raise DataError(f"{made}, and skeleton {skeleton.name!r} has {skeleton.num_keypoints}")
