"""Roofline: how fast the device multiplies and copies, and the least time that leaves for a network."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from hrpose.deploy.counting import Cost
from hrpose.deploy.timing import Call, Timing

MATMUL, CONV, COPY = "matmul", "convolution", "copy"  # the names that the probes go by


@dataclass(frozen=True, kw_only=True)
class Probe:
    """Tasks that a device does as fast as it does anything: a large product, convolution and copy.

    The bytes lie far above what processors keep in their caches, the matrices are large enough to keep all
    units of a graphics processor busy. The convolution is there because PyTorch leaves it to another library
    than products, on some processors one that is twice as fast.
    """

    side: int  # of the square matrices that are multiplied
    bytes: int  # of the tensor that is copied
    dtype: torch.dtype = torch.float32

    @property
    def operations(self) -> int:
        """Of the product."""
        return 2 * self.side**3

    @property
    def channels(self) -> int:
        """Of the convolution, in and out."""
        return min(max(1, self.side // 4), 1024)

    @property
    def extent(self) -> int:
        """Pixels of the maps of the convolution, on each side."""
        return min(max(1, self.side // 16), 128)

    @property
    def moved(self) -> int:
        """Bytes read and written by the copy."""
        return 2 * self.bytes

    def calls(self, device: torch.device) -> dict[str, Call]:
        """The tasks, to be timed together with what they are compared with."""
        a, b = (torch.randn(self.side, self.side, device=device).to(self.dtype) for _ in range(2))
        product = torch.empty_like(a)
        source = torch.zeros(self.bytes // 4, device=device)
        target = torch.empty_like(source)
        maps = torch.randn(1, self.channels, self.extent, self.extent, device=device).to(self.dtype)
        kernel = torch.randn(self.channels, self.channels, 3, 3, device=device).to(self.dtype)
        maps, kernel = (each.to(memory_format=torch.channels_last) for each in (maps, kernel))
        return {
            MATMUL: lambda: torch.mm(a, b, out=product),
            CONV: lambda: F.conv2d(maps, kernel, padding=1),
            COPY: lambda: target.copy_(source),
        }

    def roofline(self, timed: Mapping[str, Timing]) -> "Roofline":
        """What the fastest of the timed calls show."""
        convolved = 2 * 9 * (self.channels * self.extent) ** 2
        rates = (self.operations / timed[MATMUL].fastest, convolved / timed[CONV].fastest)
        return Roofline(operations=max(rates), bandwidth=self.moved / timed[COPY].fastest)


@dataclass(frozen=True, kw_only=True)
class Roofline:
    """The two limits of a device: what it was seen to reach in a large product and a large copy.

    >>> limits = Roofline(operations=1e12, bandwidth=1e11)
    >>> small = Cost(operations=2_000_000_000, moved=500_000_000, weights=0)
    >>> limits.by_operations(small), limits.by_bytes(small), limits.reached(small, 0.02)
    (0.002, 0.005, 0.25)
    """

    operations: float  # a second
    bandwidth: float  # bytes a second

    def by_operations(self, cost: Cost) -> float:
        """Seconds that the operations take at least."""
        return cost.operations / self.operations

    def by_bytes(self, cost: Cost) -> float:
        """Seconds that moving the bytes takes at least; less, where maps stay in a cache."""
        return cost.moved / self.bandwidth

    def limit(self, cost: Cost) -> float:
        """Seconds that both leave."""
        return max(self.by_operations(cost), self.by_bytes(cost))

    def reached(self, cost: Cost, seconds: float) -> float:
        """The share of the limit that a measured time reaches, 1 at best."""
        return self.limit(cost) / seconds


def probe_for(device: torch.device, dtype: torch.dtype = torch.float32) -> Probe:
    """Tasks of the right size: tens of milliseconds on a processor, less on an accelerator."""
    if device.type == "cpu":
        return Probe(side=1024, bytes=2**26, dtype=dtype)
    return Probe(side=8192, bytes=2**30, dtype=dtype)
