"""Losses as plain modules."""

from hrpose.losses.heatmap import HeatmapMSE, HeatmapOHKM, OffsetMSE
from hrpose.losses.hourglass import StackMSE
from hrpose.losses.instance import InstanceAELoss, InstanceLoss
from hrpose.losses.multires import MaskedMSE, MultiResolutionLoss
from hrpose.losses.tags import AELoss

__all__ = [
    "AELoss",
    "HeatmapMSE",
    "HeatmapOHKM",
    "InstanceAELoss",
    "InstanceLoss",
    "MaskedMSE",
    "MultiResolutionLoss",
    "OffsetMSE",
    "StackMSE",
]
