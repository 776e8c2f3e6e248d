"""Losses as plain modules."""

from hrpose.losses.heatmap import HeatmapMSE, HeatmapOHKM, OffsetMSE
from hrpose.losses.hourglass import StackMSE

__all__ = ["HeatmapMSE", "HeatmapOHKM", "OffsetMSE", "StackMSE"]
