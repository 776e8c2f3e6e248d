"""Trained networks made fast: fused, optimised for a device, exported, measured."""
