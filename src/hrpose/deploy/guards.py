"""What an optimised network looks at before it answers: its input, and whether its weights still hold."""

from typing import Any

import torch
from torch import Tensor, nn

from hrpose.errors import ConfigError, ShapeError

Mark = tuple[int, int, int]  # of a tensor: which one it is, where it lies, how often it was written to


class WeightWatch:
    """Tells whether the weights of a network were changed, replaced or moved since this was made.

    It looks at where each tensor lies and at torch's count of writes, never at the values: well below a
    millisecond for a thousand tensors. A write through `.data` is not counted by torch, and not noticed.
    """

    def __init__(self, model: nn.Module) -> None:
        self.owners = [
            (f"{prefix}.{key}".lstrip("."), held, key)
            for prefix, module in model.named_modules()
            for held in (module._parameters, module._buffers)
            for key, tensor in held.items()
            if tensor is not None
        ]
        self.children = [(module._modules, list(module._modules.values())) for module in model.modules()]
        tensors = [held[key] for _, held, key in self.owners]
        self.kept = [(tensor, tensor.detach()) for tensor in tensors]  # so that no other takes their places
        self.marks = self._marks()

    def _marks(self) -> list[Mark]:
        return [_mark(held.get(key)) for _, held, key in self.owners]

    def changed(self) -> list[str]:
        """The names of the tensors that are not what they were; a part that was replaced counts as all."""
        if any(list(held.values()) != before for held, before in self.children):
            return [name for name, _, _ in self.owners]
        now = self._marks()
        if now == self.marks:
            return []
        both = zip(self.owners, self.marks, now, strict=True)
        return [name for (name, _, _), before, after in both if before != after]

    def check(self) -> None:
        """Raise ConfigError if any was changed."""
        changed = self.changed()
        if changed:
            came = f"{len(changed)} of {len(self.marks)} weights were changed, replaced or moved"
            raise ConfigError(
                f"{came} since the network was optimised, {changed[0]} first, and it has a copy of them as "
                "they were; call hrpose.deploy.optimize again"
            )


def _mark(tensor: Any) -> Mark:
    if tensor is None:
        return (0, 0, 0)
    # a tensor made in inference mode counts no writes
    return (id(tensor), tensor.data_ptr(), 0 if tensor.is_inference() else tensor._version)


def check_evaluating(model: nn.Module) -> None:
    """Raise ConfigError if any part of the model is in training mode."""
    training = [name or type(model).__name__ for name, part in model.named_modules() if part.training]
    if training:
        came = f"{training[0]} is in training mode" if len(training) == 1 else _several(training)
        raise ConfigError(f"{came}, and only what is done in evaluation can be optimised; call .eval() first")


def _several(training: list[str]) -> str:
    return f"{len(training)} parts of the model, {training[0]} first, are in training mode"


def check_input(images: Any, *, channels: int, dtype: torch.dtype, device: torch.device) -> None:
    """Raise ShapeError or ConfigError unless images are what the network was optimised for.

    Args:
        images: any size above 0, any number of them.
    """
    if not isinstance(images, Tensor):
        raise ShapeError(f"images are a {type(images).__name__}, but a tensor was needed; stack them to one")
    if images.dim() != 4 or images.shape[1] != channels or min(images.shape[2:]) < 1:
        came = f"images are {tuple(images.shape)}, but (N, {channels}, H, W) was needed"
        raise ShapeError(
            f"{came}; add the batch axis, put channels second, and leave no side without a pixel"
        )
    if images.dtype != dtype:
        raise ShapeError(
            f"images are {images.dtype}, but the network was optimised for {dtype}; "
            f"convert them with images.to({dtype}), whatever it computes in"
        )
    if images.device != device:
        raise ConfigError(
            f"images are on {images.device}, but the network was optimised for {device}; "
            "move them there, or optimise another copy"
        )
    if images.requires_grad and torch.is_grad_enabled():
        raise ConfigError(
            "images require gradients, and an optimised network gives none; call it under torch.no_grad(), "
            "or differentiate the original, .model"
        )
