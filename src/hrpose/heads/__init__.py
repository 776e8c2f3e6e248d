"""What turns a pyramid into maps, logits or another pyramid."""

from hrpose.heads.classify import ClassificationHead
from hrpose.heads.concat import HRNetV2Head, HRNetV2pHead
from hrpose.heads.heatmap import HRNetV1Head
from hrpose.heads.higher import DeconvModule, HigherHRNetHead
from hrpose.heads.tags import AETagHead

__all__ = [
    "AETagHead",
    "ClassificationHead",
    "DeconvModule",
    "HRNetV1Head",
    "HRNetV2Head",
    "HRNetV2pHead",
    "HigherHRNetHead",
]
