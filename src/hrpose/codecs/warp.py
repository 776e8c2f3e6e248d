"""Crops cut from whole images, on the images' device."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from hrpose.codecs.checks import check_shape
from hrpose.codecs.geometry import invert_matrices
from hrpose.errors import ShapeError
from hrpose.types import Matrices, Size

TOGETHER = 8  # crops that the host samples at once; more would leave its caches and take twice as long


def crop_images(
    images: Tensor | Sequence[Tensor],
    matrices: Matrices,
    size: Size,
    *,
    image_index: Sequence[int] | Tensor | None = None,
) -> Tensor:
    """Cut M crops out of images of any sizes, without a copy of an image for each person.

    Bilinear, zero outside the image. Whole-number images give rounded whole numbers, which are those of
    OpenCV 5's warpAffine but for ties in float32.

    Args:
        images: one image (C, H, W), or several, each of its own size.
        matrices: (M, 2, 3), image to crop; moved to the images' device.
        size: of the crops, (height, width).
        image_index: (M,), the image that each crop is cut from; may be left out if there is one image.
    Returns: (M, C, height, width), in the images' dtype.
    Raises: ShapeError for other shapes, images that differ in channels, dtype or device, several images
        without an index, and an index that no image has; DataError for a matrix without an inverse.

    >>> image = torch.arange(12).view(1, 3, 4)
    >>> crop_images(image, torch.tensor([[[1.0, 0.0, -1.0], [0.0, 1.0, 0.0]]]), (2, 2)).int().tolist()
    [[[[1, 2], [5, 6]]]]
    """
    whole = image_list(images)
    check_shape("matrices", matrices, "M", 2, 3)
    index = crop_index(image_index, len(matrices), len(whole))
    device, dtype = (whole[0].device, whole[0].dtype) if whole else (matrices.device, matrices.dtype)
    channels = whole[0].shape[0] if whole else 3
    precise = torch.float64 if torch.float64 in (dtype, matrices.dtype) else torch.float32
    back = invert_matrices(matrices.to(precise)).to(device)
    crops = torch.empty((len(matrices), channels, *size), dtype=dtype, device=device)
    for i in sorted(set(index)):
        rows = [row for row, of in enumerate(index) if of == i]
        exact = whole[i].to(precise)
        step = TOGETHER if device.type == "cpu" else len(rows)
        for start in range(0, len(rows), step):
            some = rows[start : start + step]
            sampled = _sample(exact, back[some], size)
            crops[some] = (sampled if dtype.is_floating_point else sampled.round()).to(dtype)
    return crops


def image_list(images: Tensor | Sequence[Tensor]) -> list[Tensor]:
    """One image or several as a list of (C, H, W), of one kind.

    Raises: ShapeError for an image of another shape or without pixels, and for images of several kinds.
    """
    if isinstance(images, Tensor):
        images = [images] if images.dim() == 3 else images
    whole = list(images)
    for i, image in enumerate(whole):
        check_shape(f"image {i}", image, "C", "H", "W")
        if not image.numel():
            raise ShapeError(f"image {i} has the shape {tuple(image.shape)} and no pixels; leave it out")
        kind, first = ((each.shape[0], each.dtype, each.device) for each in (image, whole[0]))
        if kind != first:
            raise ShapeError(
                f"image {i} has {image.shape[0]} channels of {image.dtype} on {image.device}, but image 0 "
                f"has {whole[0].shape[0]} of {whole[0].dtype} on {whole[0].device}; bring them to one kind"
            )
    return whole


def crop_index(image_index: Sequence[int] | Tensor | None, crops: int, images: int) -> list[int]:
    """The image of each crop.

    Raises: ShapeError if there is not one for each crop, or an index names no image.
    """
    if image_index is None:
        if images > 1:
            raise ShapeError(f"{images} images came without image_index; say which each crop is cut from")
        image_index = [0] * crops
    index = [int(i) for i in (image_index.tolist() if isinstance(image_index, Tensor) else image_index)]
    if len(index) != crops:
        raise ShapeError(f"image_index has {len(index)} entries for {crops} crops; give one to each")
    wrong = sorted({i for i in index if not 0 <= i < images})
    if wrong:
        raise ShapeError(f"image_index names image {wrong[0]}, but there are {images}; count them from 0")
    return index


def _sample(image: Tensor, back: Matrices, size: Size) -> Tensor:
    """The crops of one image, (m, C, height, width); `back` maps crop to image and has the image's dtype."""
    # grid_sample counts in half images from the middle; put that into the map, not into every pixel.
    half = back.new_tensor((image.shape[2], image.shape[1])) * 0.5
    linear = back[:, :, :2] / half[:, None]
    offset = (back[:, :, 2] + 0.5) / half - 1
    x = torch.arange(size[1], dtype=back.dtype, device=back.device)
    y = torch.arange(size[0], dtype=back.dtype, device=back.device)
    along = linear[:, None, None, :, 0] * x[:, None] + offset[:, None, None, :]  # (m, 1, width, 2)
    grid = along + linear[:, None, None, :, 1] * y[:, None, None]  # (m, height, width, 2)
    every = image.expand(len(back), -1, -1, -1)
    return F.grid_sample(every, grid, padding_mode="zeros", align_corners=False)
