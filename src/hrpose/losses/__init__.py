"""Losses as plain modules."""

from hrpose.losses.heatmap import HeatmapMSE, HeatmapOHKM

__all__ = ["HeatmapMSE", "HeatmapOHKM"]
