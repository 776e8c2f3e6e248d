"""Network and loss compiled for training, where the machine has what that takes."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable

import torch
from torch import Tensor

from hrpose.errors import ConfigError

Loss = Callable[..., Tensor]


def compiled(loss: Loss, device: torch.device) -> Loss:
    """The same function by torch.compile; what it calls is compiled with it, backward pass included.

    Raises: ConfigError if there is no compiler for the device.
    """
    if device.type == "cuda":
        if importlib.util.find_spec("triton") is None:
            raise ConfigError("compile=True needs triton on CUDA; install it, or set compile=False")
    elif device.type == "cpu":
        usual = {"darwin": "clang++", "win32": "cl"}.get(sys.platform, "g++")
        name = (os.environ.get("CXX") or usual).split()[0]
        if shutil.which(name) is None:
            came = f"compile=True needs a C++ compiler, and {name!r} is not on PATH"
            raise ConfigError(f"{came}; install one, set CXX to its name, or set compile=False")
    return torch.compile(loss)
