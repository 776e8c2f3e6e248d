"""The codec of HRNetV2's face landmarks, which counts pixels from 1 and keeps whole ones."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from hrpose.codecs.checks import choose
from hrpose.codecs.gaussian import WINDOWS, draw, window
from hrpose.codecs.maxima import around, check_nudge, find_peaks
from hrpose.codecs.topdown import TopDownCodec
from hrpose.errors import ConfigError
from hrpose.types import Heatmaps, Points, Scores


@dataclass(frozen=True, kw_only=True)
class Face(TopDownCodec):
    """The codec of HRNet-Facial-Landmark-Detection.

    Points are cut, not rounded, to heatmap pixels, so that half a pixel is added when they are read; a map
    without a value above zero gives (-0.5, -0.5). On the way back to the image the reference code cuts to
    whole pixels once more and then adds 1; `subpixel=True` does neither, and is closer to the truth.
    Every landmark keeps its weight, in the map or not. With a sigma of 1.5 a Gaussian that crosses the left
    or upper border lies a heatmap pixel too far in; window="exact" leaves it in its place.
    Source: Wang et al., TPAMI 2021, section 6 (facial landmark detection).

    >>> codec = Face(input_size=(128, 128))
    >>> maps, weights = codec.encode(torch.tensor([[[41.0, 60.0]]]), torch.ones(1, 1))
    >>> codec.decode(maps)[0].tolist()
    [[[10.5, 15.5]]]
    """

    sigma: float = 1.5
    window: str = "original"  # the pixels that a Gaussian is drawn on; or "exact"
    nudge: float = 0.25  # heatmap pixels; 0 keeps whole pixels
    subpixel: bool = False
    flip_shift: bool = False
    name: ClassVar[str] = "face"

    def __post_init__(self) -> None:
        super().__post_init__()
        choose("window of Face", self.window, WINDOWS)
        check_nudge(self.nudge)
        height, width = self.heatmap_size
        if height != width:
            raise ConfigError(
                f"heatmaps of {height}x{width}, but Face has one scale; give a square input_size"
            )

    def targets(self, points: Points, visible: Scores) -> tuple[Heatmaps, Scores]:
        """As `encode`, for points in heatmap pixels."""
        square = window(torch.trunc(points), self.sigma, self.window)
        drawn = (visible > 0.5) & square.meets(self.heatmap_size)
        return draw(square.middle, drawn, self.heatmap_size, self.sigma, square), visible

    def read(self, heatmaps: Heatmaps) -> tuple[Points, Scores]:
        """As `decode`, for maps that were checked and are not in half precision."""
        peaks = find_peaks(heatmaps)
        right, left, below, above = around(heatmaps, peaks, ((1, 0), (-1, 0), (0, 1), (0, -1)))
        uphill = torch.stack((torch.sign(right - left), torch.sign(below - above)), 2)
        height, width = self.heatmap_size
        inner = (peaks.x > 0) & (peaks.x < width - 1) & (peaks.y > 0) & (peaks.y < height - 1)
        return peaks.result(peaks.points(missing=-1) + 0.5 + uphill * inner[..., None] * self.nudge)

    def to_image(self, points: Points, center: Tensor, scale: Tensor) -> Points:
        """Points (M, K, 2) in heatmap pixels to image pixels, whole and counted from 1 unless `subpixel`."""
        exact = super().to_image(points, center, scale)
        return exact if self.subpixel else torch.trunc(exact) + 1
