"""Trained networks made fast: fused, optimised for a device, exported, measured."""

from hrpose.deploy.export import Exported, export_onnx, export_program
from hrpose.deploy.fuse import fuse
from hrpose.deploy.named import PosePeaks, PosePoints
from hrpose.deploy.runners import OnnxRunner, OpenVinoRunner, ProgramRunner

__all__ = [
    "Exported",
    "OnnxRunner",
    "OpenVinoRunner",
    "PosePeaks",
    "PosePoints",
    "ProgramRunner",
    "export_onnx",
    "export_program",
    "fuse",
]
