"""What an optimised network looks at before it answers: its input, and whether its weights still hold."""

import itertools
import operator
from typing import Any

import torch
from torch import Tensor, nn

from hrpose.errors import ConfigError, ShapeError

WRITES = operator.attrgetter("_version")  # how often a tensor was written to
END = object()  # behind the last of what stands in a network


class WeightWatch:
    """Tells whether the weights of a network were changed, replaced or moved since this was made.

    It looks at where each tensor lies and at torch's count of writes, never at the values: some half a
    millisecond for the 1,754 tensors of W32. A write through `.data` is not counted by torch, and not
    noticed.
    """

    def __init__(self, model: nn.Module) -> None:
        parts = list(model.named_modules())
        held = [(prefix, each) for prefix, part in parts for each in (part._parameters, part._buffers)]
        places: list[dict[str, Any]] = [each for _, each in held] + [part._modules for _, part in parts]
        self.vacant = [place for place in places if not place]  # two of three, and the quickest to look at
        self.present = [place.values() for place in places if place]  # as they are at any time
        named = [(prefix, key, value) for prefix, each in held for key, value in each.items()]
        self.names = [f"{prefix}.{key}".lstrip(".") for prefix, key, value in named if value is not None]
        self.tensors = [value for _, _, value in named if value is not None]
        self.kept = parts, [tensor.detach() for tensor in self.tensors]  # so that nothing takes their memory
        # a tensor made in inference mode counts no writes
        self.counting = [tensor for tensor in self.tensors if not tensor.is_inference()]
        self.stood = [*itertools.chain.from_iterable(self.present), END]
        self.lay = list(map(Tensor.data_ptr, self.tensors))
        self.written = list(map(WRITES, self.counting))
        self.writes = sum(self.written)

    def is_replaced(self) -> bool:
        """Whether anything else stands in a place, or in one that was vacant."""
        now = itertools.chain(itertools.chain.from_iterable(self.present), (END,))
        return any(self.vacant) or not all(map(operator.is_, now, self.stood))

    def changed(self) -> list[str]:
        """The names of the tensors that are not what they were; all of them where one was replaced."""
        if self.is_replaced():
            return self.names
        lies = list(map(Tensor.data_ptr, self.tensors))
        if lies == self.lay and sum(map(WRITES, self.counting)) == self.writes:  # counts only rise
            return []
        moved = [a != b for a, b in zip(self.lay, lies, strict=True)]
        both = zip(self.counting, self.written, strict=True)
        written = {id(tensor) for tensor, before in both if before != WRITES(tensor)}
        rows = zip(self.names, self.tensors, moved, strict=True)
        return [name for name, tensor, went in rows if went or id(tensor) in written]

    def check(self) -> None:
        """Raise ConfigError if any was changed."""
        changed = self.changed()
        if changed:
            came = f"{len(changed)} of {len(self.names)} weights were changed, replaced or moved"
            raise ConfigError(
                f"{came} since the network was optimised, {changed[0]} first, and it has a copy of them as "
                "they were; call hrpose.deploy.optimize again"
            )


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
