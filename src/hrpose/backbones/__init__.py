"""Networks that turn images into a pyramid."""

from hrpose.backbones.base import Backbone, FeatureInfo
from hrpose.backbones.build import build_backbone
from hrpose.backbones.hrnet import HRNET_CONFIGS, HRNet, HRNetConfig
from hrpose.backbones.timm import TimmBackbone, TimmConfig

__all__ = [
    "HRNET_CONFIGS",
    "Backbone",
    "FeatureInfo",
    "HRNet",
    "HRNetConfig",
    "TimmBackbone",
    "TimmConfig",
    "build_backbone",
]
