"""Layout: the memory of a program, and where in it each map lies."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from hrpose.deploy.native.library import Map
from hrpose.deploy.native.operations import Operation, Value
from hrpose.deploy.native.plan import places
from hrpose.deploy.native.weights import padded

PLAIN: Any = {"dtype": torch.float32, "device": "cpu"}  # whatever torch makes by default


class Layout:
    """Maps pixel by pixel, channels last and filled up to whole vectors."""

    def __init__(self, wave: dict[Operation, int], outputs: Sequence[Value], lanes: int) -> None:
        self.places, size = places(wave, outputs, lanes)
        self.memory = torch.zeros(size, **PLAIN)
        self.lanes = lanes

    def view(self, value: Value) -> Tensor:
        """The map as a tensor (N, C, H, W) on its memory."""
        if value.base is None:
            _, channels, height, width = value.shape
            pixel = padded(channels, self.lanes)
            strides = (height * width * pixel, 1, width * pixel, pixel)
            return self.memory.as_strided(value.shape, strides, self.places[value])
        step, row, column = value.grid
        some = slice(value.channel, value.channel + value.shape[1])
        return self.view(value.base)[:, some, row::step, column::step]

    def map(self, value: Value) -> Map:
        """The same for kernels.cpp, which computes whole vectors of channels."""
        own = self.foreign(self.view(value))
        own.channels = padded(value.shape[1], self.lanes)
        return own

    @staticmethod
    def foreign(maps: Tensor) -> Map:
        """A tensor (N, C, H, W), or (N, C), that lies elsewhere."""
        maps = maps[:, :, None, None] if maps.ndim == 2 else maps
        _, channels, height, width = maps.shape
        image, channel, row, pixel = maps.stride()
        return Map(maps.data_ptr(), height, width, channels, image, row, pixel, channel)
