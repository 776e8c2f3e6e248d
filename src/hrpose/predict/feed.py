"""How pictures reach a model: to its device, normalised, in its dtype, while it is in evaluation mode."""

import contextlib
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from hrpose.data.images import RGB
from hrpose.errors import ConfigError, ShapeError
from hrpose.skeletons import Skeleton
from hrpose.types import PoseMaps


def upload(picture: RGB, device: torch.device) -> Tensor:
    """(H, W, 3) -> (3, H, W) of bytes on the device."""
    pixels = torch.from_numpy(picture)
    if device.type == "cuda":  # from pinned memory the copy goes on while the host does
        pixels = pixels.pin_memory()
    return pixels.to(device, non_blocking=True).permute(2, 0, 1)


def normalised(pixels: Tensor, mean: Sequence[float], std: Sequence[float], model: nn.Module) -> Tensor:
    """Pixels (N, 3, H, W) of 0..255 as the model wants them."""
    middle, spread = (_figures(tuple(each), pixels.device) for each in (mean, std))
    dtype = next((weight.dtype for weight in model.parameters()), torch.float32)
    return ((pixels.float() / 255 - middle) / spread).to(dtype)


@functools.lru_cache(maxsize=64)
def _figures(values: tuple[float, ...], device: torch.device) -> Tensor:
    """One figure a channel, (C, 1, 1): copied to a device once, as each copy would wait for it."""
    with torch.inference_mode(False):
        return torch.tensor(values, device=device).view(-1, 1, 1)


@contextlib.contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode for a while; each part goes back to the mode it was in."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def check_maps(maps: Any) -> PoseMaps:
    """What the model returned. Raises: ConfigError unless it is PoseMaps."""
    if not isinstance(maps, PoseMaps):
        raise ConfigError(
            f"the model returned {type(maps).__name__}, not PoseMaps; a predictor needs a pose model"
        )
    return maps


def check_count(points: Tensor, skeleton: Skeleton) -> None:
    """Raise ShapeError unless points (M, K, 2) are as many a person as the skeleton has keypoints."""
    if points.shape[1] != skeleton.num_keypoints:
        made = f"the model gives {points.shape[1]} keypoints"
        raise ShapeError(f"{made}, and skeleton {skeleton.name!r} has {skeleton.num_keypoints}; give its own")
