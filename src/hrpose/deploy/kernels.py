"""Convolution + bias + addend + ReLU in one call, where the backend has such a kernel."""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

HALVES = (torch.bfloat16, torch.float16)


class Geometry(NamedTuple):
    """The settings of a convolution in the order in which torch takes them."""

    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int


def plain(
    x: Tensor, weight: Tensor, bias: Tensor, geometry: Geometry, *, addend: Tensor | None, relu: bool
) -> Tensor:
    """The same in single steps: what is exported and compiled, and runs where no kernel does it at once."""
    y = F.conv2d(x, weight, bias, *geometry)
    y = y if addend is None else y + addend
    return F.relu(y) if relu else y


def is_traced(x: Tensor) -> bool:
    """Whether a compiler, an exporter or a counter looks on, who knows the single steps only."""
    traced: Any = torch._C._get_tracing_state()  # of torch.jit.trace
    return torch.compiler.is_compiling() or type(x) is not Tensor or traced is not None


def onednn_runs(x: Tensor) -> bool:
    """Whether oneDNN's fused convolution takes `x`."""
    if not x.is_cpu or not x.numel() or torch.is_autocast_enabled("cpu"):
        return False
    backend: Any = torch.backends.mkldnn
    if not backend.is_available() or not backend.enabled:
        return False
    known: Any = torch.ops.mkldnn
    if x.dtype == torch.bfloat16:
        return bool(known._is_mkldnn_bf16_supported())
    return x.dtype == torch.float32 or (x.dtype == torch.float16 and known._is_mkldnn_fp16_supported())


def onednn_pack(weight: Tensor, geometry: Geometry, size: torch.Size) -> Tensor:
    """The weight in the layout that oneDNN likes best for inputs of `size`; opaque to all other code."""
    pack: Any = torch.ops.mkldnn._reorder_convolution_weight
    stride, padding, dilation, groups = geometry
    return pack(weight.contiguous(), padding, stride, dilation, groups, size)


def is_channels_last(x: Tensor) -> bool:
    """Whether oneDNN can write its result over `x`."""
    return x.is_contiguous(memory_format=torch.channels_last)


def onednn(
    x: Tensor,
    packed: Tensor,
    bias: Tensor,
    geometry: Geometry,
    *,
    addend: Tensor | None,
    relu: bool,
    overwrite: bool = False,
) -> Tensor:
    """One call of oneDNN; channels last come out, over the addend if it may be overwritten."""
    known: Any = torch.ops.mkldnn
    stride, padding, dilation, groups = geometry
    settings = (packed, bias, padding, stride, dilation, groups)
    if addend is None:
        return known._convolution_pointwise(x, *settings, "relu" if relu else "none", [], None)
    then: tuple[Any, ...] = ("add", 1.0, "relu" if relu else None, [], None)
    if overwrite:
        return known._convolution_pointwise_.binary(addend, x, *settings, *then)
    return known._convolution_pointwise.binary(x, addend, *settings, *then)


def cudnn_runs(x: Tensor, addend: Tensor | None, *, relu: bool) -> bool:
    """Whether cuDNN's fused convolution takes `x`: it always ends in a ReLU."""
    if not x.is_cuda or not relu or not x.numel() or torch.is_autocast_enabled("cuda"):
        return False
    backend: Any = torch.backends.cudnn
    if torch.version.hip is not None or not backend.is_available() or not backend.enabled:
        return False
    same = addend is None or addend.dtype == x.dtype
    return same and x.dtype in (torch.float32, *HALVES)


def cudnn(x: Tensor, weight: Tensor, bias: Tensor, geometry: Geometry, *, addend: Tensor | None) -> Tensor:
    """One call of cuDNN."""
    if addend is None:
        return torch.cudnn_convolution_relu(x, weight, bias, *geometry)
    return torch.cudnn_convolution_add_relu(x, weight, addend, 1.0, bias, *geometry)
