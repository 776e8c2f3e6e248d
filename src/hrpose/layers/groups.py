"""Parameter groups whose learning rate shrinks from the last layer to the first."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from torch import nn

from hrpose.errors import ConfigError

Layer: TypeAlias = tuple[nn.Module, ...]  # modules that share a learning rate


def decayed_groups(
    layers: Sequence[Layer], *, lr: float, layer_decay: float = 1.0, weight_decay: float = 0.0
) -> list[dict[str, Any]]:
    """What a torch optimizer takes: two groups a layer, matrices with weight decay and vectors without.

    The last layer learns at `lr`, each one before it at `layer_decay` times the rate of the next.
    Frozen parameters are left out, and so are groups that hold none.

    Raises: ConfigError if layer_decay is not above 0 and at most 1.

    >>> groups = decayed_groups([(nn.Conv2d(3, 8, 3),), (nn.Linear(8, 2),)], lr=1.0, layer_decay=0.5)
    >>> [(g["lr"], len(g["params"])) for g in groups]
    [(0.5, 1), (0.5, 1), (1.0, 1), (1.0, 1)]
    """
    if not 0 < layer_decay <= 1:
        raise ConfigError(
            f"layer_decay={layer_decay}, but rates must shrink towards the input; give 0 < decay <= 1"
        )
    groups = []
    for before_last, layer in zip(range(len(layers) - 1, -1, -1), layers, strict=True):
        params = [p for module in layer for p in module.parameters() if p.requires_grad]
        rate = lr * layer_decay**before_last
        matrices = [p for p in params if p.ndim > 1]
        vectors = [p for p in params if p.ndim <= 1]  # biases, batch norm
        groups.append({"params": matrices, "lr": rate, "weight_decay": weight_decay})
        groups.append({"params": vectors, "lr": rate, "weight_decay": 0.0})
    return [g for g in groups if g["params"]]
