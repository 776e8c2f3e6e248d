"""Networks that turn images into a pyramid."""

from hrpose.backbones.build import build_backbone
from hrpose.backbones.hrnet import HRNET_CONFIGS, HRNet, HRNetConfig
from hrpose.backbones.timm import TimmBackbone, TimmConfig

__all__ = ["HRNET_CONFIGS", "HRNet", "HRNetConfig", "TimmBackbone", "TimmConfig", "build_backbone"]
