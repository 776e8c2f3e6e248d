"""FitConfig: the settings of a training run, which checks itself and is written beside the weights."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import torch

from hrpose.errors import ConfigError, nearest

Optim: TypeAlias = Literal["adamw", "adam", "sgd"]
Schedule: TypeAlias = Literal["cosine", "step", "constant"]
Precision: TypeAlias = Literal["float32", "bfloat16", "float16"]
CHOICES: dict[str, tuple[str, ...]] = {
    "optimizer": get_args(Optim),
    "schedule": get_args(Schedule),
    "precision": get_args(Precision),
}


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """Everything that decides the course of a run, apart from the model and the data.

    >>> FitConfig(epochs=2, warmup=5).epochs
    2

    Raises: ConfigError for a setting without meaning.
    """

    epochs: int = 10
    batch_size: int = 32  # samples that the model sees at once
    accumulate: int = 1  # batches whose gradients are added up before a step
    lr: float = 1e-3  # of the head, after warm-up
    optimizer: Optim = "adamw"
    weight_decay: float = 0.01
    layer_decay: float = 1.0  # each layer learns at this multiple of the rate of the next one
    schedule: Schedule = "cosine"
    warmup: int = 0  # steps in which the rate rises from near 0
    milestones: tuple[float, ...] = (0.8, 0.95)  # "step": shares of the run after which the rate falls
    drop: float = 0.1  # "step": what is left of the rate; "cosine" ends at drop squared
    clip_grad: float | None = None  # largest norm of all gradients together
    amp: bool | None = None  # half precision where it is safe; None: on CUDA, not on a CPU
    precision: Precision | None = None  # of amp; None: the best of the device
    ema: float | None = None  # decay of a running mean of the weights, which is then evaluated and kept
    grad_checkpointing: bool = False  # less memory, about a third more time
    compile: bool = False  # network and loss by torch.compile: minutes before the first step, then faster
    on_device: bool = False  # crops are cut, and their targets drawn, on the device instead of the host
    evaluate_every: int = 1  # epochs
    flip_test: bool = True
    seed: int = 0
    workers: int = 0  # processes that read data; 0 reads in this one

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "accumulate", "evaluate_every"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)!r}; give at least 1, a whole number")
        for name in ("warmup", "workers", "weight_decay", "seed"):
            if not is_number(getattr(self, name)) or getattr(self, name) < 0:
                raise ConfigError(f"{name}={getattr(self, name)!r}; give 0 or more")
        self._check_shares()
        self._check_names()

    def _check_shares(self) -> None:
        if not is_number(self.lr) or self.lr <= 0:
            raise ConfigError(f"lr={self.lr!r}; a learning rate is above 0, mostly 1e-4 to 1e-2")
        if not 0 < self.drop <= 1:
            raise ConfigError(
                f"drop={self.drop}; it is the share of the rate that is left, above 0 and at most 1"
            )
        if self.ema is not None and not 0 < self.ema < 1:
            raise ConfigError(f"ema={self.ema}; a decay lies between 0 and 1, mostly 0.99 to 0.9999")
        if self.clip_grad is not None and self.clip_grad <= 0:
            raise ConfigError(f"clip_grad={self.clip_grad}; give a norm above 0, or None")
        shares = list(self.milestones) if isinstance(self.milestones, Sequence) else [0.0]
        if any(not 0 < share < 1 for share in shares) or sorted(shares) != shares:
            raise ConfigError(
                f"milestones={self.milestones!r}; give rising shares of the run, between 0 and 1"
            )

    def _check_names(self) -> None:
        if self.amp not in (None, True, False):
            raise ConfigError(f"amp={self.amp!r}; give True, False, or None to go by the device")
        for name, known in CHOICES.items():
            given = getattr(self, name)
            if given not in known and not (name == "precision" and given is None):
                raise ConfigError(f"{name}={given!r} is not known; {nearest(str(given), known)}")

    def autocast_dtype(self, device: torch.device) -> torch.dtype | None:
        """The dtype that convolutions run in on `device`; None leaves float32 alone."""
        wanted = device.type == "cuda" if self.amp is None else self.amp
        if not wanted or self.precision == "float32":
            return None
        if self.precision is not None:
            return torch.bfloat16 if self.precision == "bfloat16" else torch.float16
        good = device.type != "cuda" or torch.cuda.is_bf16_supported()
        return torch.bfloat16 if good else torch.float16

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for config files and logs."""
        return dataclasses.asdict(self)


def is_number(value: Any) -> bool:
    """Whether it is a number, and not a text that looks like one."""
    return isinstance(value, int | float)
