"""Pictures in, the instances of each out: where an instance segmenter meets its grouping."""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from hrpose.codecs.instance import InstanceGrouping, Instances
from hrpose.codecs.warp import crop_images
from hrpose.data.images import read_image
from hrpose.errors import ConfigError
from hrpose.models.device import as_device
from hrpose.models.instances import InstanceSpec
from hrpose.predict.feed import evaluating, normalised, upload
from hrpose.types import InstanceMaps, Matrices, Size

Run: TypeAlias = Callable[[Tensor], InstanceMaps]  # pixels (N, 3, H, W) of 0..255, not normalised yet
STEP = 32  # pixels that the sides of a fed picture are multiples of


@dataclass(frozen=True, kw_only=True)
class WholeInstances:
    """How an instance segmenter looks at pictures: whole, the short side brought to `input_size`."""

    grouping: InstanceGrouping
    input_size: int
    flip_test: bool = False  # also look at each picture mirrored, and read both

    @torch.no_grad()
    def find(self, run: Run, pictures: Sequence[Tensor]) -> list[Instances]:
        """The instances of each picture (3, H, W), masks in its size, on the host.

        Pictures that are fed in one size go through the model together.
        """
        alike: defaultdict[Size, list[int]] = defaultdict(list)
        for number, picture in enumerate(pictures):
            alike[fed_size(_size(picture), self.input_size)].append(number)
        found: dict[int, Instances] = {}
        for size, numbers in alike.items():
            together = self._together(run, [pictures[number] for number in numbers], size)
            found |= zip(numbers, together, strict=True)
        return [found[number] for number in range(len(pictures))]

    def _together(self, run: Run, pictures: list[Tensor], size: Size) -> list[Instances]:
        """The instances of pictures that are fed in the same size."""
        matrices = torch.cat([stretching(_size(picture), size) for picture in pictures])
        pixels = crop_images(pictures, matrices, size, image_index=range(len(pictures)))
        maps = run(pixels)
        if self.flip_test:
            maps = with_mirrored(maps, run(pixels.flip(3)))
        sizes = [_size(picture) for picture in pictures]
        return [
            Instances(*(each.cpu() for each in one))
            for one in self.grouping.decode(maps.logits, maps.tags, sizes=sizes)
        ]


def fed_size(size: Size, input_size: int) -> Size:
    """The size in which a picture is fed: the short side about `input_size`, both multiples of 32.

    >>> fed_size((480, 640), 128)
    (128, 160)
    """
    factor = input_size / min(size) / STEP
    height, width = (max(1, round(side * factor)) * STEP for side in size)
    return height, width


def stretching(size: Size, wanted: Size) -> Matrices:
    """The map from all of a picture to all of another size, (1, 2, 3)."""
    down, across = wanted[0] / size[0], wanted[1] / size[1]
    return torch.tensor([[[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5]]])


def with_mirrored(maps: InstanceMaps, mirrored: InstanceMaps) -> InstanceMaps:
    """The maps of pictures and of their mirror images as one; tags of both, as far apart as they were."""
    logits = (maps.logits + mirrored.logits.flip(3)) / 2
    return InstanceMaps(logits, torch.cat((maps.tags, mirrored.tags.flip(3)), 1) / math.sqrt(2))


def _size(picture: Tensor) -> Size:
    return picture.shape[1], picture.shape[2]


class InstancePredictor:
    """Find the instances in pictures.

    Args:
        model: an instance segmenter.
        spec: how pictures go in and instances come out; None takes the model's own.
        device: None leaves the model where it is.
        batch_size: pictures at a time.
        flip_test: also look at each picture mirrored.
    Raises: ConfigError for a model that does not know how pictures go into it, or no batch.

    >>> from hrpose.backbones import HRNetConfig
    >>> from hrpose.models import InstanceConfig, InstanceSegmenter
    >>> small = HRNetConfig(width=8, rounds=(1,), blocks=1, upsample="bilinear")
    >>> spec = InstanceSpec(classes=("cat",), input_size=64)
    >>> model = InstanceSegmenter(InstanceConfig(backbone=small, spec=spec))
    >>> InstancePredictor(model)(torch.zeros(3, 50, 70)).masks.shape[1:]
    torch.Size([50, 70])
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        spec: InstanceSpec | None = None,
        device: str | torch.device | None = None,
        batch_size: int = 8,
        flip_test: bool = False,
    ) -> None:
        if batch_size < 1:
            raise ConfigError(f"batch_size={batch_size}; give 1 or more")
        self.model, self.batch_size = model, batch_size
        known = getattr(model, "spec", None) if spec is None else spec
        if not isinstance(known, InstanceSpec):
            came = f"this {type(model).__name__} does not say how instances come out (no InstanceSpec)"
            raise ConfigError(
                f"{came}; train it by fit, or give spec=InstanceSpec(classes=..., input_size=...)"
            )
        self.spec = known
        self.device = next(model.parameters()).device if device is None else as_device(device)
        self.model.to(self.device)
        self.whole = WholeInstances(
            grouping=self.spec.grouping, input_size=self.spec.input_size, flip_test=flip_test
        )

    def __call__(self, images: Any) -> Any:
        """The `Instances` of one picture, or a list of those of each of several.

        Args:
            images: a path, PIL image, array or tensor (see `read_image`), or a list of them.
        Returns: masks in the size of the picture, on the host; `spec.classes[label]` is the name of a class.
        Raises: ImageError for a picture that cannot be used.
        """
        several = isinstance(images, list | tuple)
        pictures = [read_image(one) for one in images] if several else [read_image(images)]
        found: list[Instances] = []
        with evaluating(self.model), torch.inference_mode():
            for start in range(0, len(pictures), self.batch_size):
                some = pictures[start : start + self.batch_size]
                found += self.whole.find(self._run, [upload(picture, self.device) for picture in some])
        return found if several else found[0]

    def _run(self, pixels: Tensor) -> InstanceMaps:
        return self.model(normalised(pixels, self.spec.mean, self.spec.std, self.model))
