"""What a device or an installation lacks to run a network in one way or another, and what to do about it."""

import importlib.util
import shutil
import sys

import torch

from hrpose.deploy.job import Job
from hrpose.deploy.native.library import compiler


def lacks_nothing(job: Job) -> str:
    """Every device runs it."""
    return ""


def lacks_compiler(job: Job) -> str:
    """What torch.compile needs and does not find here."""
    if job.device.type == "cuda":
        return (
            "" if _installed("triton") else "torch.compile needs triton on CUDA: python -m pip install triton"
        )
    return _lacks_cxx("torch.compile needs")


def lacks_native(job: Job) -> str:
    """What the library's own kernels need and do not find here."""
    if job.device.type != "cpu" or job.dtype != torch.float32:
        return f"the kernels run float32 on the processor, not {job.dtype} on {job.device}: take 'eager'"
    if sys.platform == "win32":
        return "the kernels are for GCC or Clang, and Windows has neither: take 'compile' or a runner"
    return _lacks_cxx("the kernels need")


def _lacks_cxx(who: str) -> str:
    name = compiler()[0]
    if shutil.which(name):
        return ""
    return f"{who} a C++ compiler, and {name!r} is not on PATH: install one, or set CXX to its name"


def lacks_cuda(job: Job) -> str:
    """What CUDA graphs need and do not find here."""
    if job.device.type == "cuda":
        return ""
    return f"CUDA graphs need a CUDA device, and the model is on {job.device}: move it and the example there"


def lacks_onnxruntime(job: Job) -> str:
    """What ONNX Runtime needs and does not find here."""
    return _lacks_export(job, "onnxruntime", "onnx", "onnxscript", extra="onnx")


def lacks_openvino(job: Job) -> str:
    """What OpenVINO needs and does not find here."""
    return _lacks_export(job, "openvino", "onnx", "onnxscript", extra="onnx,openvino")


def _lacks_export(job: Job, *packages: str, extra: str) -> str:
    if job.device.type != "cpu" or job.dtype != torch.float32:
        came = f"{job.dtype} on {job.device}"
        return f"{packages[0]} runs float32 on the processor here, not {came}: take 'compile' or 'eager'"
    absent = [name for name in packages if not _installed(name)]
    if absent:
        return f'{", ".join(absent)} not installed: python -m pip install "hrpose[{extra}]"'
    return ""


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def lacks_dtype(dtype: torch.dtype, device: torch.device) -> str:
    """Why a device has no convolutions in this dtype, or no fast ones; empty if it has."""
    if dtype not in (torch.float32, torch.float16, torch.bfloat16):
        return "networks run in torch.float32, torch.float16 or torch.bfloat16: give one of them, or None"
    if dtype == torch.bfloat16 and not _has_bfloat16(device):
        return f"the device {device} has no bfloat16: give None"
    if dtype == torch.float16 and device.type == "cpu":
        return "processors are slower in float16 than in float32: give torch.bfloat16 or None"
    return ""


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type != "cpu" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
