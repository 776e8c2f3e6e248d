"""Princeton: the single-person codec of the stacked hourglass."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from hrpose.codecs.crowd import draw_people
from hrpose.codecs.geometry import invert_matrices, transform_points
from hrpose.codecs.maxima import around, find_peaks
from hrpose.codecs.topdown import TopDownCodec
from hrpose.codecs.warp import crop_index, image_list
from hrpose.errors import ConfigError
from hrpose.types import Heatmaps, Matrices, Points, Scores


@dataclass(frozen=True, kw_only=True)
class Princeton(TopDownCodec):
    """The codec of the stacked hourglass: square crops, and positions cut to whole pixels toward zero.

    A keypoint is drawn where x > 0. One that is not drawn is learned as an empty map: every weight is 1.
    A peak above 0 moves a quarter pixel toward its higher neighbour on each axis (to the lower side if they
    are equal) and to the middle of its pixel. A map without a value above 0 gives (0, 0) and a score of 0.
    Points in the image are whole numbers.

    An upright crop is cut out in whole pixels and then resized. One that is turned is sampled from the
    image in one step; the authors turned the resized crop.

    Raises: ConfigError unless input_size is square.
    Source: Newell et al., ECCV 2016, and the code of its authors.

    >>> codec = Princeton(input_size=(64, 64))
    >>> points, scores = codec.decode(codec.encode(torch.tensor([[[21.0, 33.0]]]), torch.ones(1, 1))[0])
    >>> points.tolist(), scores.tolist()
    ([[[5.25, 8.25]]], [[1.0]])
    """

    sigma: float = 1.0  # heatmap pixels; the authors take a 64th of the map's side
    flip_shift: bool = False
    adjust: bool = True  # False leaves peaks where they are, in whole pixels
    name: ClassVar[str] = "princeton"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.input_size[0] != self.input_size[1]:
            raise ConfigError(f"input_size={self.input_size}, but {self.name} cuts squares; give equal sides")

    def crop(
        self,
        images: Tensor | Sequence[Tensor],
        matrices: Matrices,
        *,
        image_index: Sequence[int] | Tensor | None = None,
    ) -> Tensor:
        """Cut the crops (M, C, H, W) out of whole images; arguments and errors as in `crop_images`."""
        upright = (matrices[:, 0, 1] == 0) & (matrices[:, 1, 0] == 0) & (matrices[:, 0, 0] > 0)
        if not len(matrices) or not upright.all():
            return super().crop(images, matrices, image_index=image_index)
        whole = image_list(images)
        index = crop_index(image_index, len(matrices), len(whole))
        corners = matrices.new_tensor((((0, 0), self.input_size[::-1]),)).double()  # (1, 2, 2)
        back = invert_matrices(matrices.double())
        ends = transform_points(corners.expand(len(back), -1, -1), back).long()  # toward zero
        parts = zip(index, ends.tolist(), strict=True)
        side = self.input_size[0]
        return torch.stack([cut_and_resize(whole[i], first, end, side) for i, (first, end) in parts])

    def targets(self, points: Points, visible: Scores) -> tuple[Heatmaps, Scores]:
        """As `encode`, for points in heatmap pixels."""
        drawn = visible * (points[..., 0] > 0)
        maps = draw_people(points[:, None], drawn[:, None], self.heatmap_size, self.sigma, cut_corners=True)
        return maps.to(points.dtype), torch.ones_like(visible)

    def read(self, heatmaps: Heatmaps) -> tuple[Points, Scores]:
        """As `decode`, for maps that were checked and are not in half precision."""
        peaks = find_peaks(heatmaps)
        points = peaks.points(missing=0)
        if self.adjust:
            right, left, below, above = around(heatmaps, peaks, ((1, 0), (-1, 0), (0, 1), (0, -1)))
            uphill = torch.stack((right > left, below > above), 2).to(points) * 0.5 - 0.25
            points = torch.where(peaks.found[..., None], points + uphill + 0.5, points)
        return peaks._replace(scores=peaks.scores.clamp(min=0)).result(points)

    def merge_flip(self, heatmaps: Heatmaps, mirrored: Heatmaps, mirror_index: Sequence[int]) -> Heatmaps:
        """The mean of the maps of crops and of their mirror images, 1 at most."""
        return super().merge_flip(heatmaps, mirrored, mirror_index).clamp(max=1)

    def to_image(self, points: Points, center: Tensor, scale: Tensor) -> Points:
        """Points (M, K, 2) in heatmap pixels to whole pixels of the image, toward zero."""
        exact = super().to_image(points.double(), center.double(), scale.double())
        return exact.trunc().to(points.dtype)


def cut_and_resize(image: Tensor, first: Sequence[int], end: Sequence[int], side: int) -> Tensor:
    """A part of an image in whole pixels, black where it reaches past the image, as a square.

    Args:
        image: (C, H, W).
        first, end: (x, y) of its first pixel, and of the first one after it.
        side: pixels of the square.
    Returns: (C, side, side) in the image's dtype, rounded if that holds whole numbers.

    >>> cut_and_resize(torch.arange(12).view(1, 3, 4), (2, 1), (6, 5), 2).tolist()
    [[[8, 0], [0, 0]]]
    """
    (x, y), (height, width) = first, image.shape[1:]
    right, bottom = max(end[0], x + 1), max(end[1], y + 1)
    if x >= width or y >= height or right <= 0 or bottom <= 0:
        return image.new_zeros(image.shape[0], side, side)
    exact = image if image.is_floating_point() else image.float()
    part = F.pad(exact, (-x, right - width, -y, bottom - height))  # a negative margin cuts
    square = F.interpolate(part[None], (side, side), mode="bilinear", align_corners=False)[0]
    return (square if image.is_floating_point() else square.round()).to(image.dtype)
