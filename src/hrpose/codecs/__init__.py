"""Codecs: how points become heatmaps and heatmaps become points."""

from hrpose.codecs.msra import MSRA
from hrpose.codecs.topdown import TopDownCodec
from hrpose.codecs.warp import crop_images

CODECS: dict[str, type[TopDownCodec]] = {codec.name: codec for codec in (MSRA,)}

__all__ = ["CODECS", "MSRA", "TopDownCodec", "crop_images"]
