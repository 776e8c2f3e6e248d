"""What networks return, whatever its shape: a tensor, a pyramid, or the maps of a pose network."""

from collections.abc import Callable
from typing import Any, TypeAlias

from torch import Tensor

from hrpose.errors import ConfigError
from hrpose.types import PoseMaps, Pyramid

Result: TypeAlias = "PoseMaps | Pyramid | Tensor"
Runner: TypeAlias = Callable[[Tensor], Result]  # images (N, C, H, W) -> what the network returns for them


def on_tensors(change: Callable[..., Any], first: Any, *others: Any) -> Any:
    """The same structure, each tensor of `first` changed together with those in its place in `others`.

    Raises: ConfigError for a result made of anything but tensors, lists and named tuples.

    >>> import torch
    >>> on_tensors(torch.add, [torch.ones(1), torch.zeros(1)], [torch.ones(1), torch.ones(1)])
    [tensor([2.]), tensor([1.])]
    """
    if isinstance(first, Tensor):
        return change(first, *others)
    if not isinstance(first, list | tuple):
        came = f"the model returned a {type(first).__name__}"
        raise ConfigError(f"{came}; only tensors, lists and named tuples of them can be optimised")
    parts = [on_tensors(change, *those) for those in zip(first, *others, strict=True)]
    return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)


def tensors_of(result: Any) -> list[Tensor]:
    """Every tensor of a result, in order."""
    found: list[Tensor] = []
    on_tensors(found.append, result)
    return found
