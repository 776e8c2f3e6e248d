"""Codecs: how points become heatmaps and heatmaps become points."""

from typing import TypeAlias

from hrpose.codecs.bottomup import HigherHRNet
from hrpose.codecs.dark import DARK
from hrpose.codecs.face import Face
from hrpose.codecs.geometry import box_to_center_scale, crop_matrix, mirror_points, transform_points
from hrpose.codecs.hourglass import Princeton
from hrpose.codecs.instance import InstanceGrouping
from hrpose.codecs.msra import MSRA
from hrpose.codecs.pose_ae import AEHourglass, HourglassGrouping
from hrpose.codecs.tags import TagGrouping
from hrpose.codecs.topdown import TopDownCodec
from hrpose.codecs.udp import UDP, UDPOffset
from hrpose.codecs.warp import crop_images

CODECS: dict[str, type[TopDownCodec]] = {
    codec.name: codec for codec in (MSRA, UDP, UDPOffset, DARK, Face, Princeton)
}
BottomUpCodec: TypeAlias = HigherHRNet | AEHourglass  # whole images to all their people, and back

__all__ = [
    "CODECS",
    "DARK",
    "MSRA",
    "UDP",
    "AEHourglass",
    "BottomUpCodec",
    "Face",
    "HigherHRNet",
    "HourglassGrouping",
    "InstanceGrouping",
    "Princeton",
    "TagGrouping",
    "TopDownCodec",
    "UDPOffset",
    "box_to_center_scale",
    "crop_images",
    "crop_matrix",
    "mirror_points",
    "transform_points",
]
