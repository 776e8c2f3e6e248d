"""The optimizer, the course of the learning rate, and the running mean of the weights."""

import bisect
import copy
import math

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from hrpose.models.base import Model
from hrpose.train.config import FitConfig

FUSES = ("cpu", "cuda", "mps", "xpu")  # devices that change all weights in one kernel


def make_optimizer(model: nn.Module, config: FitConfig) -> Optimizer:
    """The optimizer that `config` names, with the model's own parameter groups where it has them.

    It is fused where the device of the weights can do that.
    """
    groups = parameter_groups(model, config)
    fused = all(weight.device.type in FUSES for weight in model.parameters())
    if config.optimizer == "sgd":
        return SGD(groups, lr=config.lr, momentum=0.9, nesterov=True, fused=fused)
    if config.optimizer == "adam":
        return Adam(groups, lr=config.lr, fused=fused)
    return AdamW(groups, lr=config.lr, fused=fused)


def lay_out_like_weights(optimizer: Optimizer) -> None:
    """Give what is kept for each weight that weight's memory layout, which fused kernels rely on."""
    for weight, slots in optimizer.state.items():
        for name, value in slots.items():
            if isinstance(value, Tensor) and value.shape == weight.shape:
                slots[name] = torch.empty_like(weight).copy_(value)


def parameter_groups(model: nn.Module, config: FitConfig) -> list[dict[str, object]]:
    """Groups by layer, matrices apart from vectors; of another module, one group of what learns."""
    if isinstance(model, Model):
        return model.parameter_groups(
            lr=config.lr, layer_decay=config.layer_decay, weight_decay=config.weight_decay
        )
    learning = [p for p in model.parameters() if p.requires_grad]
    return [{"params": learning, "lr": config.lr, "weight_decay": config.weight_decay}]


def rate_factor(step: int, total: int, config: FitConfig) -> float:
    """What the learning rate is multiplied by in `step` of `total` steps.

    >>> config = FitConfig(warmup=4)
    >>> [round(rate_factor(s, 100, config), 3) for s in (0, 3, 99)]
    [0.25, 1.0, 0.01]
    """
    if step < config.warmup:
        return (step + 1) / config.warmup
    if config.schedule == "constant":
        return 1.0
    if config.schedule == "step":
        return config.drop ** bisect.bisect_right(config.milestones, step / max(1, total))
    done = (step - config.warmup) / max(1, total - 1 - config.warmup)
    end = config.drop**2
    return end + (1 - end) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def set_rate(optimizer: Optimizer, factor: float) -> None:
    """Put every group at `factor` of the rate that it started with."""
    for group in optimizer.param_groups:
        group.setdefault("initial_lr", group["lr"])
        group["lr"] = group["initial_lr"] * factor


class WeightMean:
    """An exponential moving average of all parameters and buffers (EMA).

    In the first steps it follows closely, as the first weights are worth nothing.

    >>> model = nn.Linear(1, 1)
    >>> mean = WeightMean(model, decay=0.9)
    >>> mean.update(model)
    >>> torch.equal(mean.model.weight, model.weight)
    True
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take in the weights of `model` after a step."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        ours, theirs = self.model.state_dict(), model.state_dict()
        floats = [name for name, value in ours.items() if value.is_floating_point()]
        mean: list[Tensor] = [ours[name] for name in floats]
        torch._foreach_lerp_(mean, [theirs[name] for name in floats], 1 - decay)
        for name in ours.keys() - set(floats):  # counters
            ours[name].copy_(theirs[name])
