"""Trained networks made fast: fused, optimised for a device, exported, measured."""

from hrpose.deploy.buckets import Buckets
from hrpose.deploy.compile import optimize
from hrpose.deploy.export import Exported, export_onnx, export_program
from hrpose.deploy.fuse import fuse
from hrpose.deploy.named import PosePeaks, PosePoints
from hrpose.deploy.optimized import Choice, Optimized
from hrpose.deploy.runners import OnnxRunner, OpenVinoRunner, ProgramRunner

__all__ = [
    "Buckets",
    "Choice",
    "Exported",
    "OnnxRunner",
    "OpenVinoRunner",
    "Optimized",
    "PosePeaks",
    "PosePoints",
    "ProgramRunner",
    "export_onnx",
    "export_program",
    "fuse",
    "optimize",
]
