"""What all top-down codecs share: from a box to a crop, and from the maps back to the image."""

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from hrpose.codecs.checks import check_shape
from hrpose.codecs.geometry import box_to_center_scale, crop_matrix, flip_back, transform_points
from hrpose.codecs.warp import crop_images
from hrpose.errors import ConfigError, ShapeError
from hrpose.types import Boxes, Heatmaps, Matrices, Points, Scores, Size


@dataclass(frozen=True, kw_only=True)
class TopDownCodec(abc.ABC):
    """How a box becomes a crop, points become heatmaps, and heatmaps become points again.

    Three frames, always (x, y) with pixel centres at whole numbers: image pixels, crop pixels (what the
    network is fed) and heatmap pixels. A map that holds NaN or an infinity gives NaN for its own
    keypoint, point and score, and leaves the others alone.
    """

    input_size: Size  # of the crop, (height, width)
    stride: int = 4  # crop pixels to a heatmap pixel
    sigma: float = 2.0  # of the Gaussian, heatmap pixels
    padding: float = 1.25  # the crop is so much larger than the box
    flip_shift: bool = True  # in a flip test, shift the maps of the flipped crops by a pixel
    map_size: Size | None = None  # of the heatmaps, where it is not input_size / stride, rounded up

    name: ClassVar[str]
    maps_per_keypoint: ClassVar[int] = 1  # channels that the network gives to each keypoint

    def __post_init__(self) -> None:
        for field in ("input_size", "map_size"):
            size = getattr(self, field)
            if size is not None or field == "input_size":
                object.__setattr__(self, field, _check_size(field, size))
        for field in ("stride", "sigma", "padding"):
            value = getattr(self, field)
            if not isinstance(value, int | float) or not value > 0:
                raise ConfigError(f"{field}={value!r}, but it must be above 0; give another")
        if not isinstance(self.stride, int):
            raise ConfigError(f"stride={self.stride} is no whole number; give map_size for sizes between")
        if self.unbiased and min(self.heatmap_size) < 2:
            made = (
                f"input_size={self.input_size} and stride={self.stride} make heatmaps of {self.heatmap_size}"
            )
            raise ConfigError(f"{made}, but {self.name} needs two pixels a side; give a larger input_size")

    @property
    def heatmap_size(self) -> Size:
        """Of the maps, (height, width)."""
        if self.map_size is not None:
            return self.map_size
        height, width = self.input_size
        return -(-height // self.stride), -(-width // self.stride)

    @property
    def unbiased(self) -> bool:
        """Do crop and maps correspond by pixel centres, not by pixel edges?"""
        return False

    @property
    def box_form(self) -> str:
        """The form of `box_to_center_scale`."""
        return "msra"

    @property
    def crop_form(self) -> str:
        """The form of `crop_matrix` between image and crop."""
        return "msra"

    @property
    def map_form(self) -> str:
        """The form of `crop_matrix` between image and heatmap."""
        return self.crop_form

    def center_scale(self, boxes: Boxes) -> tuple[Tensor, Tensor]:
        """Boxes (M, 4) to centres (M, 2) and scales (M, 2): see `box_to_center_scale`."""
        return box_to_center_scale(boxes, self.input_size, padding=self.padding, form=self.box_form)

    def matrices(self, center: Tensor, scale: Tensor, rotation: Tensor | None = None) -> Matrices:
        """The maps from image to crop, (M, 2, 3); `rotation` (M,) in degrees."""
        return crop_matrix(center, scale, self.input_size, rotation=rotation, form=self.crop_form)

    def crop(
        self,
        images: Tensor | Sequence[Tensor],
        matrices: Matrices,
        *,
        image_index: Sequence[int] | Tensor | None = None,
    ) -> Tensor:
        """Cut the crops (M, C, H, W) out of whole images: see `crop_images`."""
        return crop_images(images, matrices, self.input_size, image_index=image_index)

    def to_heatmap(self, points: Points) -> Points:
        """Points in crop pixels to heatmap pixels."""
        return points / self._step(points)

    def to_crop(self, points: Points) -> Points:
        """Points in heatmap pixels to crop pixels."""
        return points * self._step(points)

    def to_image(self, points: Points, center: Tensor, scale: Tensor) -> Points:
        """Points (M, K, 2) in heatmap pixels to image pixels, given the crops' centres and scales."""
        back = crop_matrix(center, scale, self.heatmap_size, form=self.map_form, inverse=True)
        return transform_points(points, back.to(points))

    def encode(self, points: Points, visible: Scores) -> tuple[Heatmaps, Scores]:
        """Draw the maps that a network should give.

        Args:
            points: (N, K, 2) in crop pixels.
            visible: (N, K), 0 for a keypoint that nobody marked.
        Returns: maps (N, K, h, w), and the weight of each keypoint, (N, K), in the dtype of `points`.
        Raises: ShapeError for other shapes.
        """
        check_shape("points", points, "N", "K", 2)
        check_shape("visible", visible, *points.shape[:2])
        points = points if points.is_floating_point() else points.to(torch.get_default_dtype())
        return self.targets(self.to_heatmap(points), visible.to(points))

    @abc.abstractmethod
    def targets(self, points: Points, visible: Scores) -> tuple[Heatmaps, Scores]:
        """As `encode`, for points in heatmap pixels."""

    def decode(self, heatmaps: Heatmaps) -> tuple[Points, Scores]:
        """Read one keypoint from each map (from each group of maps, where there are several to a keypoint).

        Args:
            heatmaps: (N, K, h, w), any scale; half precision is read as float32.
        Returns: points (N, K, 2) in heatmap pixels, and the value at each peak, (N, K).
        Raises: ShapeError if the maps are not of the codec's size.
        """
        check_shape("heatmaps", heatmaps, "N", "K", "h", "w")
        if tuple(heatmaps.shape[2:]) != self.heatmap_size:
            came = f"heatmaps are {tuple(heatmaps.shape[2:])}, but those of input_size={self.input_size}"
            raise ShapeError(f"{came} are {self.heatmap_size}; set input_size to that of the images")
        if heatmaps.shape[1] % self.maps_per_keypoint:
            needs = f"{self.name} reads {self.maps_per_keypoint} to a keypoint"
            raise ShapeError(f"{heatmaps.shape[1]} maps, but {needs}; give the network more channels")
        low = heatmaps.dtype in (torch.float16, torch.bfloat16)
        return self.read(heatmaps.float() if low else heatmaps)

    @abc.abstractmethod
    def read(self, heatmaps: Heatmaps) -> tuple[Points, Scores]:
        """As `decode`, for maps that were checked and are not in half precision."""

    def merge_flip(self, heatmaps: Heatmaps, mirrored: Heatmaps, mirror_index: Sequence[int]) -> Heatmaps:
        """The mean of the maps of crops and of the crops flipped left to right: a flip test.

        Args:
            heatmaps: (N, K, h, w) of the crops.
            mirrored: of the flipped crops, as the network gave them.
            mirror_index: the keypoint that takes each keypoint's place in a mirror.
        Raises: ShapeError if the two differ in shape.
        """
        check_shape("mirrored heatmaps", mirrored, *heatmaps.shape)
        return (heatmaps + self.unflip(mirrored, mirror_index)) * 0.5

    def unflip(self, mirrored: Heatmaps, mirror_index: Sequence[int]) -> Heatmaps:
        """Maps of flipped crops as maps of the crops: see `flip_back`."""
        return flip_back(mirrored, mirror_index, shift=self.flip_shift)

    def _step(self, like: Tensor) -> Tensor:
        """Crop pixels to one heatmap pixel, (x, y)."""
        corner = 1 if self.unbiased else 0
        (height, width), (h, w) = self.input_size, self.heatmap_size
        return like.new_tensor(((width - corner) / (w - corner), (height - corner) / (h - corner)))


def _check_size(field: str, size: Sequence[int] | None) -> Size:
    whole = tuple(size) if isinstance(size, Sequence) else ()
    if len(whole) != 2 or not all(isinstance(n, int) and n > 0 for n in whole):
        raise ConfigError(f"{field}={size!r} is no (height, width); give two whole numbers above 0")
    return whole
