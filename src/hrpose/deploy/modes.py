"""Modes: the ways to run a network that `bench` compares, each made ready from the same model."""

import copy
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from hrpose.deploy.optimized import plainly
from hrpose.deploy.results import Runner
from hrpose.errors import ConfigError, UnknownNameError, nearest

Prepare: TypeAlias = Callable[[nn.Module, Tensor, torch.dtype], Runner]
EAGER = "eager"  # the mode that all others are compared with


def eager(model: nn.Module, images: Tensor, dtype: torch.dtype) -> Runner:
    """The model as it is, in its own dtype."""
    return model


def autocast(model: nn.Module, images: Tensor, dtype: torch.dtype) -> Runner:
    """The model as it is, its convolutions in half precision by torch.autocast.

    Raises: ConfigError for float32.
    """
    if dtype == torch.float32:
        raise ConfigError("autocast leaves float32 as it is; give --dtype bfloat16 or float16")

    def run(images: Tensor) -> Any:
        with torch.autocast(images.device.type, dtype=dtype):
            return model(images)

    return run


def optimized(backend: str, model: nn.Module, images: Tensor, dtype: torch.dtype) -> Runner:
    """What `optimize` makes of the model with this backend."""
    from hrpose.deploy.compile import optimize

    return optimize(model, images, backend=backend, dtype=dtype)  # type: ignore[arg-type]


def unfused_compiled(model: nn.Module, images: Tensor, dtype: torch.dtype) -> Runner:
    """torch.compile on the model as it came, with frozen weights; on CUDA with mode="max-autotune"."""
    from hrpose.deploy.backends import COMPILED_ON_CPU, frozen

    network = copy.deepcopy(model).to(dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    kind: dict[str, Any] = {"dtype": dtype, "memory_format": torch.channels_last}
    with plainly(images.device):  # the state of torch that it is compiled for, or it would be compiled again
        tuned = torch.compile(network, mode="max-autotune") if images.is_cuda else None
        compiled: Runner = tuned or frozen(network, images.to(**kind), COMPILED_ON_CPU)

    def run(images: Tensor) -> Any:
        with plainly(images.device):
            return compiled(images.to(**kind))

    return run


def unfused_exported(runner: str, model: nn.Module, images: Tensor, dtype: torch.dtype) -> Runner:
    """The model as it came, exported to ONNX and run by another library: what one has without `fuse`.

    Raises: ConfigError for another dtype or device than float32 on the processor.
    """
    from hrpose.deploy import runners
    from hrpose.deploy.export import export_onnx

    if dtype != torch.float32 or images.device.type != "cpu":
        raise ConfigError(f"exported networks run here in float32 on the processor, not in {dtype}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        export_onnx(model, path, images)
        made: Runner = getattr(runners, runner)(path, threads=torch.get_num_threads())
    return made


MODES: dict[str, Prepare] = {
    EAGER: eager,
    "autocast": autocast,
    "fused": partial(optimized, "eager"),
    "compiled": partial(optimized, "compile"),
    "graph": partial(optimized, "graph"),
    "native": partial(optimized, "native"),
    "onnxruntime": partial(optimized, "onnxruntime"),
    "openvino": partial(optimized, "openvino"),
    "unfused-compiled": unfused_compiled,
    "unfused-onnxruntime": partial(unfused_exported, "OnnxRunner"),
    "unfused-openvino": partial(unfused_exported, "OpenVinoRunner"),
}
USUAL = (
    EAGER,
    "fused",
    "compiled",
    "graph",
    "native",
    "onnxruntime",
    "openvino",
)  # if nobody asks for others


def check_modes(names: tuple[str, ...]) -> None:
    """Raise UnknownNameError for a mode that there is not; ConfigError for none at all."""
    if not names:
        raise ConfigError(f"no mode came; give some of {', '.join(MODES)}")
    for name in names:
        if name not in MODES:
            raise UnknownNameError(f"mode {name!r} is not known; {nearest(name, MODES)}")
