"""Optimized: a network made fast for one device, called like the original."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn, Self

import numpy as np
import torch
from torch import Tensor, nn

from hrpose.deploy.buckets import Buckets
from hrpose.deploy.guards import WeightWatch, check_evaluating, check_input
from hrpose.deploy.results import Result, Runner, on_tensors
from hrpose.errors import ConfigError

TOLERANCE = {torch.float32: 1e-3, torch.float16: 2e-2, torch.bfloat16: 1e-1}  # of the largest value
SHARED = ("spec", "config", "finds_people", "feature_info", "in_chans")  # what an original says of itself


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What an optimised network runs on, and what making it took."""

    backend: str
    dtype: torch.dtype  # that it computes in
    device: torch.device
    buckets: Buckets | None  # batch sizes that it is made ready for; None takes any as it is
    seconds: float  # to make it and run it once
    weight_bytes: int  # of its own copy of the weights, before a backend packs them its own way
    tried: dict[str, str]  # of "auto": what became of each backend that it considered

    def __str__(self) -> str:
        cost = f"ready in {self.seconds:.1f} s, {self.weight_bytes / 2**20:.0f} MiB of weights"
        kind = str(self.dtype).removeprefix("torch.")
        lines = [f"{self.backend}, {kind} on {self.device}; {cost}"]
        return "; ".join(lines + [f"{name}: {what}" for name, what in self.tried.items()])


class Optimized(nn.Module):
    """A network made fast by `optimize`: the same call, results and `state_dict` as `model`, the original.

    It has a copy of the weights, and says so when those of the original are no longer the same. It stays in
    evaluation mode, on its device, in its dtype; it gives no gradients. Images with NaN or infinity go
    through the original on a CPU, and give NaN on CUDA.

    Raises: when called, ShapeError for images of other channels or dtype; ConfigError for another device,
        for training mode, for images that require gradients and for weights that were changed.
    """

    def __init__(self, model: nn.Module, run: Runner, example: Tensor, choice: Choice) -> None:
        super().__init__()
        self.held = (model, run)  # in a tuple, as no part of this module
        self.choice = choice
        self.watch = WeightWatch(model)
        self.channels, self.dtype, self.device = example.shape[1], example.dtype, example.device
        self.eval()

    @property
    def model(self) -> nn.Module:
        """The original."""
        return self.held[0]

    def __getattr__(self, name: str) -> Any:
        """What the original says of itself; its parts are reached by `.model`."""
        if name in SHARED:
            return getattr(self.model, name)
        raise AttributeError(f"an optimised network has no {name!r}; the original, .model, may have")

    def forward(self, images: Tensor) -> Any:
        """What the original returns for images (N, C, H, W), without gradients."""
        check_evaluating(self)
        check_input(images, channels=self.channels, dtype=self.dtype, device=self.device)
        with plainly(self.device):
            result = self._run(images)
        self.watch.check()  # on CUDA while the device is at work
        return result

    def _run(self, images: Tensor) -> Result:
        """No images, and what is not finite on a CPU, go to the original: fused kernels may drop NaN."""
        if len(images) and (images.is_cuda or is_finite(images)):
            return self.held[1](images)
        check_evaluating(self.model)
        made: Result = self.model(images)
        return made

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """That of the original, under its names."""
        return self.model.state_dict(*args, **kwargs)

    def named_parameters(self, *args: Any, **kwargs: Any) -> Iterator[tuple[str, nn.Parameter]]:
        """Those of the original."""
        return self.model.named_parameters(*args, **kwargs)

    def named_buffers(self, *args: Any, **kwargs: Any) -> Iterator[tuple[str, Tensor]]:
        """Those of the original."""
        return self.model.named_buffers(*args, **kwargs)

    def load_state_dict(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises: ConfigError always."""
        raise ConfigError(
            "the weights of an optimised network cannot be replaced; load them into the original, .model, "
            "and call hrpose.deploy.optimize again"
        )

    def train(self, mode: bool = True) -> Self:
        """Raises: ConfigError for training mode."""
        if mode:
            raise ConfigError(
                "an optimised network cannot be trained; train the original, .model, and optimise it again"
            )
        return super().train(mode)

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        """What .to(), .cuda(), .half() ... do; fine as long as nothing would move.

        Raises: ConfigError for another device or dtype.
        """
        here = torch.empty(0, dtype=self.dtype, device=self.device)
        there = fn(here)
        if (there.dtype, there.device) != (here.dtype, here.device):
            came = f"from {here.dtype} on {here.device} to {there.dtype} on {there.device}"
            raise ConfigError(
                f"an optimised network cannot be brought {came}; bring the original, .model, there, "
                "and optimise it again"
            )
        return self

    def __reduce__(self) -> NoReturn:
        """What copy.deepcopy, pickle and torch.save call. Raises: ConfigError always."""
        raise ConfigError(
            "an optimised network cannot be copied or saved; copy or save the original, .model, "
            "or write a file with hrpose.deploy.export_onnx or export_program"
        )

    def extra_repr(self) -> str:
        """Shown by print."""
        return f"{type(self.model).__name__}: {self.choice}"


@contextlib.contextmanager
def plainly(device: torch.device) -> Iterator[None]:
    """No gradients, no inference mode, no autocast: one state of torch, for which networks are compiled."""
    with torch.inference_mode(False), torch.no_grad(), torch.autocast(device.type, enabled=False):
        yield


def is_finite(images: Tensor) -> bool:
    """Whether no pixel is NaN or infinite.

    By numpy, in one thread: those that torch wakes would stand in the way of a runner's own.
    """
    if images.dtype == torch.float32:
        return bool(np.isfinite(images.detach().numpy().sum()))
    return bool(torch.isfinite(images.sum()))


def difference(result: Any, expected: Any) -> float:
    """The largest difference of any map, as a share of its largest value; infinite for NaN."""
    shares: list[float] = []
    on_tensors(lambda a, b: shares.append(_off(a, b)), result, expected)
    return max(shares)


def _off(came: Tensor, needed: Tensor) -> float:
    gap = (came.float() - needed.float()).abs().max()
    return float(torch.nan_to_num(gap / needed.float().abs().max().clamp(min=1e-12), nan=torch.inf))
