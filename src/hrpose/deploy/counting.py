"""Cost: the operations that a network needs for a batch, and the bytes that it cannot avoid to move."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

_HEAVY = ("aten.convolution", "aten.mm", "aten.addmm", "aten.bmm", "aten.baddbmm")


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one call of a network costs at least."""

    operations: int  # multiplications and additions, each counted as one
    moved: int  # bytes that convolutions and matrix products read and write, weights included
    weights: int  # bytes of the parameters

    def scaled(self, itemsize: int) -> "Cost":
        """The same network in numbers of `itemsize` bytes instead of 4.

        >>> Cost(operations=8, moved=400, weights=40).scaled(2)
        Cost(operations=8, moved=200, weights=20)
        """
        moved, weights = (size * itemsize // 4 for size in (self.moved, self.weights))
        return Cost(operations=self.operations, moved=moved, weights=weights)


def count_cost(model: nn.Module, images: Tensor) -> Cost:
    """Run the model once and count.

    Norms, activations and sums are taken as part of the convolutions they follow, as in a network that is
    fused without loss; each map is then written once and read once by each convolution that needs it.

    >>> conv = nn.Conv2d(1, 2, 1, bias=False)
    >>> count_cost(conv, torch.zeros(1, 1, 4, 4))
    Cost(operations=64, moved=200, weights=8)
    """
    traffic = _Traffic()
    with torch.no_grad(), FlopCounterMode(display=False) as counter, traffic:
        model(images)
    weights = sum(_size(weight) for weight in model.parameters())
    return Cost(operations=counter.get_total_flops(), moved=traffic.moved, weights=weights)


class _Traffic(TorchDispatchMode):  # type: ignore[no-untyped-call]  # so PyTorch leaves it
    """Adds up the bytes that go in and out of the heavy operations."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.moved = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if str(func.overloadpacket) in _HEAVY:
            leaves = tree_leaves((args, kwargs, out))
            self.moved += sum(_size(leaf) for leaf in leaves if isinstance(leaf, Tensor))
        return out


def _size(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
