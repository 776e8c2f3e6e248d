"""UDP: crop and maps meet by pixel centres, so that nothing shifts when the image is flipped."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from hrpose.codecs.checks import check_shape, choose
from hrpose.codecs.gaussian import WINDOWS, draw, weigh, window
from hrpose.codecs.geometry import flip_back
from hrpose.codecs.maxima import around, blur_maps, check_kernel, check_reach, find_peaks, newton_step
from hrpose.codecs.topdown import TopDownCodec
from hrpose.errors import ConfigError
from hrpose.types import Heatmaps, Points, Scores

FORMS = ("original", "mmpose")
_NEAR = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1))
_EPSILON = torch.finfo(torch.float32).eps  # on the curvature, so that a flat map has one


@dataclass(frozen=True, kw_only=True)
class _Unbiased(TopDownCodec):
    """What UDP and its offset form share: the frames."""

    form: str = "original"
    kernel: int = 11  # of the blur, pixels
    flip_shift: bool = False

    def __post_init__(self) -> None:
        choose(f"form of {type(self).__name__}", self.form, FORMS)
        super().__post_init__()
        check_kernel(self.kernel)

    @property
    def unbiased(self) -> bool:
        """Do crop and maps correspond by pixel centres?"""
        return True

    @property
    def box_form(self) -> str:
        """The form of `box_to_center_scale`."""
        return "mmpose"

    @property
    def crop_form(self) -> str:
        """The form of `crop_matrix` between image and crop."""
        return "udp"

    def to_crop(self, points: Points) -> Points:
        """Points in heatmap pixels to crop pixels.

        mmpose multiplies by input / (map - 1), which does not undo `to_heatmap`; form="mmpose" has it so.
        The way to the image is not touched by it.
        """
        if self.form == "original":
            return super().to_crop(points)
        (height, width), (h, w) = self.input_size, self.heatmap_size
        return points * points.new_tensor((width / (w - 1), height / (h - 1)))

    def _missing(self) -> int:
        return -1 if self.form == "mmpose" else 0


@dataclass(frozen=True, kw_only=True)
class UDP(_Unbiased):
    """Unbiased data processing with Gaussian maps.

    The Gaussian lies at the point itself, on the square of pixels around the nearest one. The reading is
    DARK's, with other second derivatives and at the border too. A map without a value above zero gives
    (0, 0).

    `kernel` counts heatmap pixels, and the default suits crops of 256 x 192 and more. A blur that reaches
    over the border moves the peak: at 64 x 48, points no nearer than a twelfth to the border are missed by
    3.3 crop pixels on average with a kernel of 11, and by 0.2 with 3. Take 5 at 128 x 96, and 3 at 64 x 48.

    With a sigma for which 3 * sigma is not whole, such as 1.5, a Gaussian that crosses the left or upper
    border lies a heatmap pixel too far in, as in the reference code; window="exact" leaves it in its place.

    form="mmpose" differs: the blur is scaled to keep the peak and sees zeros beyond the border (the original
    sees the map mirrored), a map without a peak gives (-1, -1), hidden keypoints keep their weight, and
    `to_crop` has another factor.
    Source: Huang et al., CVPR 2020, sections 3 and 4.

    >>> codec = UDP(input_size=(128, 128))
    >>> maps, weights = codec.encode(torch.tensor([[[50.0, 71.0]]]), torch.ones(1, 1))
    >>> codec.to_crop(codec.decode(maps)[0]).round().tolist()
    [[[50.0, 71.0]]]
    """

    window: str = "original"  # the pixels that a Gaussian is drawn on; or "exact"
    reach: float | None = None  # longest step from the peak on each axis; the reference code has no bound
    name: ClassVar[str] = "udp"

    def __post_init__(self) -> None:
        super().__post_init__()
        choose("window of UDP", self.window, WINDOWS)
        check_reach(self.reach)

    def targets(self, points: Points, visible: Scores) -> tuple[Heatmaps, Scores]:
        """As `encode`, for points in heatmap pixels."""
        cells = torch.trunc(points + 0.5)
        square = window(cells, self.sigma, self.window)
        meets = square.meets(self.heatmap_size)
        weights, drawn = weigh(visible, meets, keep_hidden=self.form == "mmpose")
        middle = square.middle + (points - cells)
        return draw(middle, drawn, self.heatmap_size, self.sigma, square), weights

    def read(self, heatmaps: Heatmaps) -> tuple[Points, Scores]:
        """As `decode`, for maps that were checked and are not in half precision."""
        peaks = find_peaks(heatmaps)
        mmpose = self.form == "mmpose"
        blurred = blur_maps(heatmaps, self.kernel, border="zero" if mmpose else "mirror", keep_peak=mmpose)
        values = around(blurred, peaks, _NEAR)
        here, right, left, below, above, ahead, behind = (v.clamp(1e-3, 50.0).log() for v in values)
        slope = 0.5 * (right - left), 0.5 * (below - above)
        bend = 0.5 * (ahead - right - below + here + here - left - above + behind)
        curve = right - 2 * here + left + _EPSILON, bend, below - 2 * here + above + _EPSILON
        step = newton_step(slope, curve, reach=self.reach)
        moved = torch.where(peaks.found[..., None], step, 0)
        return peaks.result(peaks.points(missing=self._missing()) + moved)


@dataclass(frozen=True, kw_only=True)
class UDPOffset(_Unbiased):
    """The "combined" form of UDP: a disc around the point, and the way to it from each pixel.

    Three maps to a keypoint, in the order disc, x, y: 1 within `radius` of the point, and the offset to the
    point in radii. The disc is blurred and its peak sought; the offsets at the peak lead to the point.

    form="mmpose" differs: offsets stand everywhere, not only in the disc, and are not blurred; the radius
    is that part of the longer side, not of the height; and a map without a peak gives (-1, -1).
    Source: Huang et al., CVPR 2020, section 4.2.

    >>> codec = UDPOffset(input_size=(128, 128), form="mmpose")
    >>> maps, weights = codec.encode(torch.tensor([[[50.0, 71.0]]]), torch.ones(1, 1))
    >>> maps.shape
    torch.Size([1, 3, 32, 32])
    """

    radius_factor: float = 0.0546875  # of the map's height or longer side
    name: ClassVar[str] = "udp_offset"
    maps_per_keypoint: ClassVar[int] = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.radius_factor > 0:
            raise ConfigError(f"radius_factor={self.radius_factor} leaves no disc; give a number above 0")

    @property
    def radius(self) -> float:
        """Of the disc, heatmap pixels."""
        height, width = self.heatmap_size
        return self.radius_factor * (max(height, width) if self.form == "mmpose" else height)

    def targets(self, points: Points, visible: Scores) -> tuple[Heatmaps, Scores]:
        """As `encode`, for points in heatmap pixels; maps (N, 3 K, h, w). No border takes a weight away."""
        known = torch.isfinite(points).all(2)
        drawn = known & (visible >= 0.5 if self.form == "mmpose" else visible > 0.5)
        height, width = self.heatmap_size
        x, y = torch.where(known[..., None], points, 0).unbind(2)
        pixels = torch.arange(max(height, width), dtype=points.dtype, device=points.device)
        across = ((x[..., None] - pixels[:width]) / self.radius)[..., None, :].expand(-1, -1, height, -1)
        down = ((y[..., None] - pixels[:height]) / self.radius)[..., None].expand(-1, -1, -1, width)
        disc = across**2 + down**2 <= 1
        filled = torch.ones_like(disc) if self.form == "mmpose" else disc
        maps = torch.stack((disc.to(points), across * filled, down * filled), 2)
        maps = maps * drawn[..., None, None, None]
        return maps.flatten(1, 2), visible * known

    def read(self, heatmaps: Heatmaps) -> tuple[Points, Scores]:
        """As `decode`, for maps that were checked and are not in half precision."""
        disc, across, down = heatmaps[:, ::3], heatmaps[:, 1::3], heatmaps[:, 2::3]
        peaks = find_peaks(blur_maps(disc, 2 * self.kernel + 1, border="mirror", keep_peak=False))
        if self.form == "original":
            across = blur_maps(across, self.kernel, border="mirror", keep_peak=False)
            down = blur_maps(down, self.kernel, border="mirror", keep_peak=False)
        here = ((0, 0),)
        offset = torch.stack((*around(across, peaks, here), *around(down, peaks, here)), 2) * self.radius
        points = peaks.points(missing=self._missing())
        return peaks.result(torch.where(peaks.found[..., None], points + offset, points))

    def unflip(self, mirrored: Heatmaps, mirror_index: Sequence[int]) -> Heatmaps:
        """Maps of flipped crops as maps of the crops: the x offsets change their sign too."""
        check_shape("heatmaps", mirrored, "N", 3 * len(mirror_index), "h", "w")
        index = [3 * k + part for k in mirror_index for part in range(3)]
        back = flip_back(mirrored, index, shift=self.flip_shift)
        sign = back.new_tensor((1, -1, 1)).repeat(len(mirror_index))
        return back * sign[:, None, None]
