"""Branches side by side: those of an HRModule never wait for each other, so each takes its own stream."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn

from hrpose.layers.exchange import HRModule
from hrpose.types import Pyramid


class Lanes(Protocol):
    """Where jobs that do not wait for each other run."""

    def run(self, jobs: Sequence[Callable[[], Tensor]]) -> list[Tensor]:
        """The result of each job, ready to be read by what comes after."""


class Streams:
    """CUDA streams: the first job stays on the current one, each of the others gets one of its own.

    A CUDA graph that is captured from the current stream takes the side streams in as parallel arms.
    What the jobs read must be kept until `run` returns, as memory is given back to the stream it came from.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.side: list[torch.cuda.Stream] = []

    def run(self, jobs: Sequence[Callable[[], Tensor]]) -> list[Tensor]:
        """Start all jobs, the coarse and short ones first, and let the current stream wait for them."""
        here = torch.cuda.current_stream(self.device)
        while len(self.side) < len(jobs) - 1:
            self.side.append(torch.cuda.Stream(self.device))  # type: ignore[no-untyped-call]
        aside = []
        for stream, job in zip(self.side, jobs[1:], strict=False):
            stream.wait_stream(here)
            with torch.cuda.stream(stream):
                aside.append(job())
        first = jobs[0]()
        for stream in self.side[: len(aside)]:
            here.wait_stream(stream)
        return [first, *aside]


class SideBySide(nn.Module):
    """An HRModule whose branches run in lanes."""

    def __init__(self, module: HRModule, lanes: Lanes) -> None:
        super().__init__()
        self.branches, self.exchange, self.lanes = module.branches, module.exchange, lanes

    def forward(self, x: Pyramid) -> Pyramid:
        """One map a branch -> one map an output of the exchange."""
        jobs = [partial(branch, x_b) for branch, x_b in zip(self.branches, x, strict=True)]
        made: Pyramid = self.exchange(self.lanes.run(jobs))
        return made


def side_by_side(network: nn.Module, lanes: Lanes) -> nn.Module:
    """The network, changed in place: the branches of each of its HRModules run in lanes."""
    for part in list(network.modules()):
        for name, child in part.named_children():
            if isinstance(child, HRModule):
                setattr(part, name, SideBySide(child, lanes))
    return network
