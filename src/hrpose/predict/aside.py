"""Aside: work on a CUDA stream beside the network's, so that host and device wait for each other seldom."""

import contextlib
import itertools
from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


def one_ahead(items: Iterator[T], device: torch.device) -> Iterator[T]:
    """The items; on CUDA the next one is made, which only starts it, before each is handed out.

    So the device goes on with the next one while the host is at work on this one.
    """
    ahead = 1 if device.type == "cuda" else 0
    waiting: deque[T] = deque()
    for item in items:
        waiting.append(item)
        if len(waiting) > ahead:
            yield waiting.popleft()
    yield from waiting


class Aside:
    """A stream for what is made before a network runs, or read after it; on other devices all goes in order.

    A copy to or from the host waits for what was started on its own stream alone, not for a network that
    runs on another one.

    Args:
        device: that the network runs on.
    """

    def __init__(self, device: torch.device) -> None:
        self.stream: torch.cuda.Stream | None = None
        if device.type == "cuda":
            self.stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def make(self, make: Callable[[], Tensor]) -> Tensor:
        """What `make` returns; it waits for nothing, and what is started next waits for it."""
        if self.stream is None:
            return make()
        with torch.cuda.stream(self.stream):
            made = make()
        here = torch.cuda.current_stream(self.stream.device)
        here.wait_stream(self.stream)
        made.record_stream(here)  # its memory is not given away before the network has read it
        return made

    def read(self, since: torch.cuda.Event | None, read: Callable[[], T]) -> T:
        """What `read` returns; it waits for what was started before `since`, and for nothing later."""
        if self.stream is None or since is None:
            return read()
        with torch.cuda.stream(self.stream):
            since.wait(self.stream)
            return read()

    def mark(self) -> torch.cuda.Event | None:
        """Where the current stream is now, for `read`."""
        if self.stream is None:
            return None
        return torch.cuda.current_stream(self.stream.device).record_event()

    def each(self, items: Iterator[T]) -> Iterator[T]:
        """The items, made aside, for what is made aside of them."""
        while True:
            with contextlib.nullcontext() if self.stream is None else torch.cuda.stream(self.stream):
                made = list(itertools.islice(items, 1))
            if not made:
                return
            yield made[0]

    def next_of(self, batches: Iterator[Tensor]) -> Tensor | None:
        """The next of the tensors that an iterator makes, as `make`; None after the last."""
        made = list(itertools.islice(self.each(batches), 1))
        return self.make(lambda: made[0]) if made else None
