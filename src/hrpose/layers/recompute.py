"""Gradient checkpointing that leaves batch-norm statistics as a plain step would."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


@contextlib.contextmanager
def statistics_held(module: nn.Module) -> Iterator[None]:
    """Within the block, batch norm in training normalises by the batch and keeps its running statistics.

    A recomputed forward pass would otherwise count each batch twice.
    """
    norms = [m for m in module.modules() if isinstance(m, _BatchNorm)]
    kept = [(m, m.momentum, m.num_batches_tracked) for m in norms]
    try:
        for m in norms:
            m.momentum, m.num_batches_tracked = 0.0, None
        yield
    finally:
        for m, momentum, count in kept:
            m.momentum, m.num_batches_tracked = momentum, count


def recompute(module: nn.Module, x: Any) -> Any:
    """module(x), whose inner activations are computed again in the backward pass instead of being kept.

    >>> x = torch.ones(2, 3, requires_grad=True)
    >>> recompute(nn.Linear(3, 1), x).sum().backward()
    >>> x.grad.shape
    torch.Size([2, 3])
    """
    if torch.compiler.is_compiling():  # traced once, statistics and all; takes no context
        return checkpoint(module, x, use_reentrant=False)
    contexts = lambda: (contextlib.nullcontext(), statistics_held(module))  # noqa: E731 - read at one glance
    return checkpoint(module, x, use_reentrant=False, context_fn=contexts)


class Steps(nn.Sequential):
    """Modules in a row, each of which can be recomputed in the backward pass to save memory."""

    grad_checkpointing = False

    def forward(self, x: Any) -> Any:
        """What the last module makes of it."""
        again = self.grad_checkpointing and torch.is_grad_enabled()
        for step in self:
            x = recompute(step, x) if again else step(x)
        return x
