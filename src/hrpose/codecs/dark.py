"""DARK: a Gaussian at the point itself, read by fitting a parabola to the logarithm of the peak."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from hrpose.codecs.checks import choose
from hrpose.codecs.gaussian import Window, draw, weigh, window
from hrpose.codecs.maxima import Peaks, around, blur_maps, check_kernel, check_reach, find_peaks, newton_step
from hrpose.codecs.topdown import TopDownCodec
from hrpose.types import Heatmaps, Points, Scores

FORMS = ("original", "mmpose")
_CROSS = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (2, 0), (-2, 0), (0, 2), (0, -2))
_DIAGONALS = ((1, 1), (1, -1), (-1, 1), (-1, -1))


@dataclass(frozen=True, kw_only=True)
class DARK(TopDownCodec):
    """The codec of DarkPose: no rounding on the way in, none on the way out.

    The maps are blurred, and the point is where a parabola through the logarithm of the peak is highest.
    The peak is sought before the blur. One within two pixels of the border stays where it is, and a map
    without a value above zero gives (0, 0).

    `kernel` counts heatmap pixels, and the default suits crops of 256 x 192 and more. A blur that reaches
    over the border moves the peak, at 128 x 96 by up to a crop pixel, at 64 x 48 by up to three: take 5 for
    the one, and 3 for the other.

    form="mmpose" has the rules of that project: pixel edges, not centres, of crop and box meet, a map
    without a peak gives (-1, -1), and hidden keypoints keep their weight.
    Source: Zhang et al., CVPR 2020, section 3.

    >>> codec = DARK(input_size=(128, 128))
    >>> maps, weights = codec.encode(torch.tensor([[[50.0, 71.0]]]), torch.ones(1, 1))
    >>> codec.to_crop(codec.decode(maps)[0]).round().tolist()
    [[[50.0, 71.0]]]
    """

    form: str = "original"
    kernel: int = 11  # of the blur, pixels; 11 suits sigma 2, 17 suits sigma 3
    reach: float | None = None  # longest step from the peak on each axis; the reference code has no bound
    flip_shift: bool = False
    name: ClassVar[str] = "dark"

    def __post_init__(self) -> None:
        choose("form of DARK", self.form, FORMS)
        super().__post_init__()
        check_kernel(self.kernel)
        check_reach(self.reach)

    @property
    def unbiased(self) -> bool:
        """Do crop and maps correspond by pixel centres?"""
        return self.form == "original"

    @property
    def box_form(self) -> str:
        """The form of `box_to_center_scale`."""
        return "dark" if self.form == "original" else "mmpose"

    @property
    def crop_form(self) -> str:
        """The form of `crop_matrix` between image and crop."""
        return "dark" if self.form == "original" else "msra"

    @property
    def map_form(self) -> str:
        """The form of `crop_matrix` between image and heatmap."""
        return "dark" if self.form == "original" else "stretch"

    def to_heatmap(self, points: Points) -> Points:
        """Points in crop pixels to heatmap pixels."""
        if self.form == "mmpose":
            return super().to_heatmap(points)
        crop, maps = self._middles(points)
        return (points - crop) * (maps[0] / crop[0]) + maps

    def to_crop(self, points: Points) -> Points:
        """Points in heatmap pixels to crop pixels."""
        if self.form == "mmpose":
            return super().to_crop(points)
        crop, maps = self._middles(points)
        return (points - maps) * (crop[0] / maps[0]) + crop

    def _middles(self, like: Points) -> tuple[Points, Points]:
        """The middle of crop and map, (x, y); both axes have the width's scale, as in the crop."""
        (height, width), (h, w) = self.input_size, self.heatmap_size
        return like.new_tensor(((width - 1) / 2, (height - 1) / 2)), like.new_tensor(
            ((w - 1) / 2, (h - 1) / 2)
        )

    def targets(self, points: Points, visible: Scores) -> tuple[Heatmaps, Scores]:
        """As `encode`, for points in heatmap pixels."""
        hidden = self.form == "mmpose"
        radius = 3 * self.sigma
        if hidden:
            square = Window(points - radius, points + radius + 1, points)
        else:
            square = window(points, self.sigma)
        weights, drawn = weigh(visible, square.meets(self.heatmap_size), keep_hidden=hidden)
        return draw(points, drawn, self.heatmap_size, self.sigma), weights

    def read(self, heatmaps: Heatmaps) -> tuple[Points, Scores]:
        """As `decode`, for maps that were checked and are not in half precision."""
        peaks = find_peaks(heatmaps)
        values = around(blur_maps(heatmaps, self.kernel), peaks, (*_CROSS, *_DIAGONALS))
        logs = (value.clamp(min=1e-10).log() for value in values)
        here, right, left, below, above, right2, left2, below2, above2, *corners = logs
        slope = 0.5 * (right - left), 0.5 * (below - above)
        bend = (corners[0] - corners[1] - corners[2] + corners[3]) * 0.25
        curve = (right2 - 2 * here + left2) * 0.25, bend, (below2 - 2 * here + above2) * 0.25
        step = newton_step(slope, curve, reach=self.reach)
        points = peaks.points(missing=-1 if self.form == "mmpose" else 0)
        return peaks.result(points + torch.where(self._may_move(peaks)[..., None], step, 0))

    def _may_move(self, peaks: Peaks) -> torch.Tensor:
        height, width = self.heatmap_size
        return (peaks.x > 1) & (peaks.x < width - 2) & (peaks.y > 1) & (peaks.y < height - 2)
