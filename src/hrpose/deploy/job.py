"""Job: a network that a backend is to run."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from hrpose.deploy.buckets import Buckets
from hrpose.layers.checks import check_positive
from hrpose.types import Size


@dataclass(frozen=True, kw_only=True)
class Job:
    """A network that a backend is to run, and for what."""

    original: nn.Module  # as it came
    network: nn.Module  # fused, on its device, in the dtype and memory format that it computes in
    example: Tensor  # (N, C, H, W), as it will be called
    dtype: torch.dtype  # that it computes in
    buckets: Buckets
    most_sizes: int  # image sizes that are made ready
    one_size: bool  # whether images of the example's size are all that is expected, as of crops
    folder: Path  # for files that are gone when the backend is ready

    def __post_init__(self) -> None:
        check_positive(self, "most_sizes")

    @property
    def device(self) -> torch.device:
        """Of images and network."""
        return self.example.device

    def empty(self, count: int, size: Size) -> Tensor:
        """Memory for images as the network wants them."""
        shape = (count, self.example.shape[1], *size)
        kind = {"dtype": self.dtype, "device": self.device, "memory_format": torch.channels_last}
        return torch.empty(shape, **kind)  # type: ignore[call-overload]
