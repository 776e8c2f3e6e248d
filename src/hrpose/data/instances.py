"""Whole images with the masks of all things -> views with their targets: for instance segmentation."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from hrpose.codecs.instance import InstanceGrouping
from hrpose.codecs.warp import crop_images
from hrpose.data.images import RGB, read_image
from hrpose.data.pictures import BottomUpAugment, View, fitted
from hrpose.data.things import ThingPicture
from hrpose.errors import ConfigError, DataError
from hrpose.types import IMAGENET_MEAN, IMAGENET_STD, InstanceTargets, Size


class InstanceSample(NamedTuple):
    """One view ready for a network; `stack_instances` makes a batch, which is an InstanceSample too.

    A batch goes into a model as `model.loss(model(batch.image), batch.targets)`.
    """

    image: Tensor  # (3, H, W), normalised
    masks: Tensor  # (M, h, w), True on the pixels of each thing
    labels: Tensor  # (M,), the class of each
    counted: Tensor  # (h, w), False where nothing is to be learned
    index: Tensor  # type: ignore[assignment]  # which of the pictures; the method of tuples is not needed

    @property
    def targets(self) -> InstanceTargets:
        """What the maps of a batch are compared with."""
        return InstanceTargets(self.masks, self.labels, self.counted)


def stack_instances(samples: Sequence[InstanceSample]) -> InstanceSample:
    """A batch, for the `collate_fn` of a DataLoader; images with fewer things get empty masks."""
    image, masks, labels, counted, index = zip(*samples, strict=True)
    return InstanceSample(
        torch.stack(image),
        pad_sequence(list(masks), batch_first=True),
        pad_sequence(list(labels), batch_first=True),
        torch.stack(counted),
        torch.stack(index),
    )


class InstanceDataset(Dataset[InstanceSample]):
    """One square view of a whole image each, with the masks of all things in it.

    Crowds and what lies outside the image count for nothing. Random numbers depend on the seed, the epoch
    and the index alone, as in `TopDownDataset`.

    Args:
        pictures: those of `CocoInstances`, whose method `pictures` gives them and their classes by itself.
        classes: their names.
        input_size: pixels of a side of the views, which the short side of an image fills.
        stride: pixels of a view for one of the masks: 4 over the `upsample` of the model.
        augment: None shows the middle of each image. Evaluation needs None, and reads the images whole.
        seed: of the augmentation; None takes the numbers from PyTorch's generator.
        mean, std: of the normalisation, for channels from 0 to 1.
        in_memory: read images and outlines once and keep them as bytes: for data that fit.
        grouping: how instances are read from maps in evaluation; None takes the usual one.
    Raises: DataError if there are no pictures; ConfigError for sizes that do not divide. Reading a picture
        may raise ImageError, and DataError if its size is not the annotated one or an outline is none.
    """

    def __init__(
        self,
        pictures: Sequence[ThingPicture],
        *,
        classes: Sequence[str],
        input_size: int,
        stride: int = 4,
        augment: BottomUpAugment | None = None,
        seed: int | None = None,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        in_memory: bool = False,
        grouping: InstanceGrouping | None = None,
    ) -> None:
        if not pictures:
            raise DataError("the list of pictures is empty; look at what the reader skipped, and why")
        if stride < 1 or input_size < 1 or input_size % stride:
            came = f"input_size={input_size} and stride={stride}"
            raise ConfigError(f"{came}; give a size that the stride divides, both above 0")
        self.pictures, self.classes = pictures, tuple(classes)
        self.input_size, self.stride = input_size, stride
        self.augment, self.seed = augment, seed
        self.grouping = InstanceGrouping() if grouping is None else grouping
        self.mean, self.std = (torch.tensor(tuple(values)).view(3, 1, 1) for values in (mean, std))
        self._epoch = torch.zeros((), dtype=torch.int64)
        self._epoch.share_memory_()  # type: ignore[no-untyped-call]  # PyTorch's own annotation is missing
        self._kept: list[tuple[RGB, Tensor]] = []
        if in_memory:
            self._kept = [(self.read(index), self.outlines(index)) for index in range(len(pictures))]

    def __len__(self) -> int:
        return len(self.pictures)

    def set_epoch(self, epoch: int) -> None:
        """Let the next epoch draw other random numbers."""
        self._epoch.fill_(epoch)

    def read(self, index: int) -> RGB:
        """A whole image, (H, W, 3).

        Raises: ImageError if it cannot be read; DataError if its size is not the annotated one.
        """
        if self._kept:
            return self._kept[index][0]
        picture = self.pictures[index]
        image = read_image(picture.image_path)
        if image.shape[:2] != picture.size:
            came = f"{picture.image_path} is {image.shape[:2]}, but annotated as {picture.size}"
            raise DataError(f"{came} (height, width); outlines would lie elsewhere: give its own annotations")
        return image

    def outlines(self, index: int) -> Tensor:
        """The masks of a whole image as bytes, (M + 1, H, W): each thing, then the pixels that count."""
        if self._kept:
            return self._kept[index][1]
        picture = self.pictures[index]
        return torch.from_numpy(np.concatenate([picture.masks(), picture.counted()[None]])).to(torch.uint8)

    def view(self, index: int) -> View:
        """The part of an image that is shown in this epoch."""
        size = self.pictures[index].size
        return fitted(size) if self.augment is None else self.augment.draw(self._random(index), size)

    def __getitem__(self, index: int) -> InstanceSample:
        view = self.view(index)
        image = self._cut(torch.from_numpy(self.read(index)).permute(2, 0, 1), view)
        shares = F.avg_pool2d(self._cut(255 * self.outlines(index), view).float() / 255, self.stride)
        return InstanceSample(
            (image.float() / 255 - self.mean) / self.std,
            shares[:-1] >= 0.5,  # a pixel of a map is what most of its pixels of the view are
            torch.tensor(self.pictures[index].labels, dtype=torch.int64),
            shares[-1] >= 0.5,
            torch.tensor(index),
        )

    def _cut(self, image: Tensor, view: View) -> Tensor:
        """What the view shows of (C, H, W), mirrored if it is."""
        size: Size = (self.input_size, self.input_size)
        crop = crop_images(image, view.matrix(size).float(), size)[0]
        return crop.flip(2) if view.flip else crop

    def _random(self, index: int) -> np.random.Generator:
        if self.seed is None:
            return np.random.default_rng(int(torch.randint(2**62, ())))
        return np.random.default_rng([self.seed, int(self._epoch), index])
