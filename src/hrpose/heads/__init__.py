"""What turns a pyramid into maps, logits or another pyramid."""

from hrpose.heads.classify import ClassificationHead
from hrpose.heads.concat import HRNetV2Head, HRNetV2pHead
from hrpose.heads.heatmap import HRNetV1Head

__all__ = ["ClassificationHead", "HRNetV1Head", "HRNetV2Head", "HRNetV2pHead"]
