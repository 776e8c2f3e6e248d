"""MSRA: a Gaussian at the nearest pixel, read with a quarter of a pixel's offset."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from hrpose.codecs.checks import choose
from hrpose.codecs.gaussian import WINDOWS, draw, weigh, window
from hrpose.codecs.maxima import Peaks, around, check_nudge, find_peaks
from hrpose.codecs.topdown import TopDownCodec
from hrpose.types import Heatmaps, Points, Scores

FORMS = ("original", "mmpose")


@dataclass(frozen=True, kw_only=True)
class MSRA(TopDownCodec):
    """The codec of HRNet, exact to a quarter of a heatmap pixel at best.

    A peak moves `nudge` toward its higher neighbour on each axis, which makes up for having been rounded
    to a pixel. As in the reference code one in the first two or the last row or column stays put. A map
    without a value above zero gives (0, 0).

    With a sigma for which 3 * sigma is not whole, such as 1.5, a Gaussian that crosses the left or upper
    border lies a heatmap pixel too far in, as in the reference code; window="exact" leaves it in its place.

    form="mmpose" has the rules of that project: the two axes are nudged each on its own, a map without a
    peak gives (-1, -1), hidden keypoints keep their weight, and height has its own scale on the way back.
    Source: Xiao et al., ECCV 2018; Sun et al., CVPR 2019, "Testing".

    >>> codec = MSRA(input_size=(64, 64))
    >>> maps, weights = codec.encode(torch.tensor([[[20.0, 32.0]]]), torch.ones(1, 1))
    >>> codec.to_crop(codec.decode(maps)[0]).tolist()
    [[[20.0, 32.0]]]
    """

    form: str = "original"
    window: str = "original"  # the pixels that a Gaussian is drawn on; or "exact"
    nudge: float = 0.25  # heatmap pixels; 0 keeps whole pixels
    name: ClassVar[str] = "msra"

    def __post_init__(self) -> None:
        super().__post_init__()
        choose("form of MSRA", self.form, FORMS)
        choose("window of MSRA", self.window, WINDOWS)
        check_nudge(self.nudge)

    @property
    def box_form(self) -> str:
        """The form of `box_to_center_scale`."""
        return "mmpose" if self.form == "mmpose" else "msra"

    @property
    def map_form(self) -> str:
        """The form of `crop_matrix` between image and heatmap."""
        return "stretch" if self.form == "mmpose" else "msra"

    def targets(self, points: Points, visible: Scores) -> tuple[Heatmaps, Scores]:
        """As `encode`, for points in heatmap pixels."""
        square = window(torch.trunc(points + 0.5), self.sigma, self.window)  # toward zero: -0.7 becomes 0
        hidden = self.form == "mmpose"
        weights, drawn = weigh(visible, square.meets(self.heatmap_size), keep_hidden=hidden)
        return draw(square.middle, drawn, self.heatmap_size, self.sigma, square), weights

    def read(self, heatmaps: Heatmaps) -> tuple[Points, Scores]:
        """As `decode`, for maps that were checked and are not in half precision."""
        peaks = find_peaks(heatmaps)
        right, left, below, above = around(heatmaps, peaks, ((1, 0), (-1, 0), (0, 1), (0, -1)))
        uphill = torch.stack((torch.sign(right - left), torch.sign(below - above)), 2)
        points = peaks.points(missing=-1 if self.form == "mmpose" else 0)
        return peaks.result(points + uphill * self._may_move(peaks) * self.nudge)

    def _may_move(self, peaks: Peaks) -> torch.Tensor:
        """(N, K, 2): on which axes is a peak far enough from the border?"""
        height, width = self.heatmap_size
        x = (peaks.x > 1) & (peaks.x < width - 1)
        y = (peaks.y > 1) & (peaks.y < height - 1)
        if self.form == "original":
            x = y = x & y
        else:
            x, y = x & (peaks.y > 0), y & (peaks.x > 0)
        return torch.stack((x, y), 2)
