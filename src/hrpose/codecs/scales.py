"""The size that a whole image gets for a bottom-up network, and the way back."""

from dataclasses import dataclass

import torch

from hrpose.codecs.geometry import PIXEL_STD, crop_matrix, transform_points
from hrpose.errors import ConfigError, ShapeError
from hrpose.types import Matrices, Points, Size

ROUND_TO = 64  # pixels: two more halvings than the coarsest branch


@dataclass(frozen=True, kw_only=True)
class Resized:
    """An image as a network is fed it: its size there, and the box of the image that is shown.

    The box has the size's shape, so it may reach past the image on one axis, where pixels are black.
    """

    size: Size  # (height, width)
    center: tuple[float, float]  # of the box, image pixels, (x, y)
    scale: tuple[float, float]  # of the box, (width, height) / 200
    unbiased: bool = False  # UDP: sizes count from pixel centre to pixel centre

    def matrix(self, size: Size | None = None, *, inverse: bool = False) -> Matrices:
        """The map from the image to the resized one, or to maps of another `size`; (1, 2, 3) in float64."""
        center, scale = (torch.tensor([pair], dtype=torch.float64) for pair in (self.center, self.scale))
        form = "udp" if self.unbiased else "msra"
        return crop_matrix(center, scale, size or self.size, form=form, inverse=inverse)

    def to_image(self, points: Points, size: Size) -> Points:
        """Points (P, K, 2) in pixels of maps of that size to image pixels; missing ones move along.

        Raises: ShapeError for points of another shape.
        """
        if points.dim() != 3 or points.shape[2] != 2:
            raise ShapeError(f"points are {tuple(points.shape)}, but (P, K, 2) is needed; reshape them")
        matrix = self.matrix(size, inverse=True).to(points.device)
        return transform_points(points.double().view(1, -1, 2), matrix).view(points.shape).to(points.dtype)


def resized(
    image_size: Size, input_size: int, *, scale: float = 1.0, smallest: float = 1.0, unbiased: bool = False
) -> Resized:
    """Fit the short side of an image to `input_size` times `scale`, in steps of 64 at the smallest scale.

    The sizes of all scales of a test follow from the smallest one, so that they are multiples of each other.

    Args:
        image_size: (height, width).
        input_size: pixels of the short side at scale 1.
        scale: of this pass.
        smallest: of all passes of the test.
        unbiased: boxes count from pixel centre to pixel centre.
    Raises: ConfigError for sizes and scales that are not above 0.
    Source: Cheng et al., CVPR 2020; unbiased: Huang et al., CVPR 2020.

    >>> resized((480, 640), 512)
    Resized(size=(512, 704), center=(320.0, 240.0), scale=(3.3, 2.4), unbiased=False)
    """
    height, width = image_size
    if min(height, width, input_size) < 1 or not min(scale, smallest) > 0:
        came = f"image_size={image_size}, input_size={input_size}, scale={scale}, smallest={smallest}"
        raise ConfigError(f"{came}: none of them can be 0 or less; give positive ones")
    short, long = min(height, width), max(height, width)
    least = _round_up(smallest * input_size)
    to_short = int(least * scale / smallest)
    to_long = int(_round_up(least / short * long) * scale / smallest)
    off = 1.0 if unbiased else 0.0
    box_short = short - off
    box_long = (to_long - off) / (to_short - off) * box_short
    tall = width < height
    box = (box_short, box_long) if tall else (box_long, box_short)
    center = (float(int(width / 2 + 0.5)), float(int(height / 2 + 0.5)))
    if unbiased:
        center = (box[0] / 2, box[1] / 2)
    return Resized(
        size=(to_long, to_short) if tall else (to_short, to_long),
        center=center,
        scale=(box[0] / PIXEL_STD, box[1] / PIXEL_STD),
        unbiased=unbiased,
    )


def _round_up(pixels: float) -> int:
    """The next multiple of 64, by the reference's formula."""
    return int((pixels + ROUND_TO - 1) // ROUND_TO * ROUND_TO)
