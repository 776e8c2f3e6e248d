"""A model and its decoding as one network, to be exported together."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hrpose.codecs.aggregate import Merged, Pass
from hrpose.codecs.bottomup import HigherHRNet
from hrpose.codecs.topdown import TopDownCodec
from hrpose.deploy.named import PosePeaks, PosePoints
from hrpose.errors import ConfigError
from hrpose.types import Heatmaps, Images

FRAMES = ("crop", "heatmap")


class WithPoints(nn.Module):
    """A top-down model and its codec's reading: crops (N, 3, H, W) -> PosePoints.

    frame="crop" gives points in pixels of the crop, "heatmap" in heatmap pixels as `codec.decode` does.
    """

    def __init__(self, model: nn.Module, codec: TopDownCodec, frame: str) -> None:
        super().__init__()
        self.model, self.codec, self.frame = model, codec, frame

    def maps(self, images: Images) -> Heatmaps:
        """The maps that are read."""
        return self.model(images).heatmaps[-1]

    def read(self, maps: Heatmaps) -> PosePoints:
        """The points in them; their size was checked before."""
        points, scores = self.codec.read(maps)
        return PosePoints(self.codec.to_crop(points) if self.frame == "crop" else points, scores)

    def forward(self, images: Images) -> PosePoints:
        """Crops -> points and scores."""
        return self.read(self.maps(images))


class WithPeaks(nn.Module):
    """A bottom-up model, its maps merged and their peaks found: images (N, 3, H, W) -> PosePeaks.

    What remains is to put people together, which the host does: `codec.decode(peaks.merged())`.
    """

    def __init__(self, model: nn.Module, codec: HigherHRNet) -> None:
        super().__init__()
        self.model, self.codec = model, codec

    def maps(self, images: Images) -> Merged:
        """Heatmaps and tags, each brought to one size."""
        return self.codec.merge([Pass(self.model(images))], size=(images.shape[2], images.shape[3]))

    def read(self, maps: Merged) -> PosePeaks:
        """The highest peaks of each heatmap and the tags there; all 0 where there are fewer than wanted."""
        grouping = self.codec.grouping
        keypoints, width = maps.heatmaps.shape[1], maps.heatmaps.shape[3]
        highest = F.max_pool2d(maps.heatmaps, grouping.nms_kernel, 1, grouping.nms_kernel // 2)
        is_peak = (maps.heatmaps == highest) & (maps.heatmaps > grouping.detection_threshold)
        values, places = torch.where(is_peak, maps.heatmaps, 0).flatten(2).topk(grouping.max_people, 2)
        rows = torch.div(places, width, rounding_mode="floor")
        peaks = torch.stack(((places - rows * width).to(values), rows.to(values), values), 3)
        read = [tag.expand(-1, keypoints, -1, -1).flatten(2).gather(2, places) for tag in maps.tags]
        tags = torch.stack(read, 3)
        there = (values > 0)[..., None].to(values)
        return PosePeaks(maps.heatmaps, torch.stack(maps.tags, 1), peaks * there, tags * there)

    def forward(self, images: Images) -> PosePeaks:
        """Images -> maps and peaks."""
        return self.read(self.maps(images))


def with_decoding(model: nn.Module, decode: bool | str) -> WithPoints | WithPeaks:
    """The model and its decoding.

    Args:
        decode: "crop" or "heatmap", the pixels that points count in; True is "crop". Peaks always count in
            pixels of the merged heatmaps.
    Raises: ConfigError for a model without a codec, or with one whose decoding depends on what it sees.
    """
    frame = "crop" if decode is True else decode
    if frame not in FRAMES:
        raise ConfigError(f"decode={decode!r} is not known; give True, 'crop' or 'heatmap'")
    codec: Any = getattr(getattr(model, "spec", None), "codec", None)
    if isinstance(codec, TopDownCodec):
        return WithPoints(model, codec, str(frame))
    if isinstance(codec, HigherHRNet):
        return WithPeaks(model, codec)
    if codec is None:
        came = f"this {type(model).__name__} has no codec to decode by"
        raise ConfigError(f"{came}; set model.spec, or export it with decode=False")
    came = f"{type(codec).__name__} reads maps in a way that depends on their values"
    raise ConfigError(f"{came}, which no graph can hold; export with decode=False and decode on the host")


def disturbed(maps: Any, by: float, generator: torch.Generator) -> Any:
    """Maps as another backend may give them: `by` times their largest value away, at random."""
    if isinstance(maps, Tensor):
        noise = torch.randn(maps.shape, generator=generator).to(maps)
        return maps + noise * (by * maps.abs().amax())
    return Merged(
        disturbed(maps.heatmaps, by, generator), tuple(disturbed(tag, by, generator) for tag in maps.tags)
    )
