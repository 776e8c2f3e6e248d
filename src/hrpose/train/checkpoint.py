"""What a run leaves in its folder: weights to use, the state to go on from, and the log."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer

from hrpose.errors import TrainingError
from hrpose.train.optim import WeightMean, lay_out_like_weights

STATE = "state.safetensors"
LOG = "log.jsonl"


@dataclass
class Progress:
    """How far a run has come, and what it has seen so far: one record an epoch."""

    epoch: int = 0  # epochs that are finished
    history: list[dict[str, float]] = field(default_factory=list)
    best: float | None = None
    best_epoch: int | None = None


@dataclass
class RunState:
    """Everything that a killed run needs to go on as if nothing had happened."""

    model: nn.Module
    optimizer: Optimizer
    scaler: GradScaler
    mean: WeightMean | None
    progress: Progress = field(default_factory=Progress)

    def save(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """Write one file, whole or not at all."""
        packed = self.optimizer.state_dict()
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        if self.mean is not None:
            tensors |= {f"mean.{k}": v for k, v in self.mean.model.state_dict().items()}
        for number, slots in packed["state"].items():
            tensors |= {f"optimizer.{number}.{k}": v for k, v in slots.items() if isinstance(v, Tensor)}
        about = {
            "progress": vars(self.progress),
            "groups": packed["param_groups"],
            "scaler": self.scaler.state_dict(),
            "updates": self.mean.updates if self.mean else 0,
            "settings": dict(settings),
        }
        write_tensors(folder / STATE, tensors, about)

    def load(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """Take up the state in `folder`, if there is one.

        Raises: TrainingError if it belongs to another run, or the file is damaged.
        """
        path = folder / STATE
        if not path.is_file():
            return
        tensors, about = read_tensors(path)
        check_same_run(path, about["settings"], settings)
        load_part(path, self.model, tensors, "model.")
        if self.mean is not None:
            load_part(path, self.mean.model, tensors, "mean.")
            self.mean.updates = about["updates"]
        slots: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            part, _, rest = name.partition(".")
            if part == "optimizer":
                number, _, slot = rest.partition(".")
                slots.setdefault(int(number), {})[slot] = value
        self.optimizer.load_state_dict({"state": slots, "param_groups": about["groups"]})
        lay_out_like_weights(self.optimizer)
        self.scaler.load_state_dict(about["scaler"])
        self.progress = Progress(**about["progress"])


def check_same_run(path: Path, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    """Raise TrainingError unless the settings of two runs agree."""
    for name in sorted(theirs.keys() | ours.keys()):
        stored, given = theirs.get(name), json.loads(json.dumps(ours.get(name)))
        if stored != given:
            differs = f"{path} is of a run with {name}={stored!r}, but this one has {given!r}"
            raise TrainingError(f"{differs}; give the same settings, another output, or resume=False")


def load_part(path: Path, module: nn.Module, tensors: Mapping[str, Tensor], prefix: str) -> None:
    """Load the tensors behind `prefix` into `module`. Raises: TrainingError if they are of another one."""
    part = {name.removeprefix(prefix): v for name, v in tensors.items() if name.startswith(prefix)}
    stored, needed = ({name: tuple(v.shape) for name, v in d.items()} for d in (part, module.state_dict()))
    for name in sorted(stored.keys() | needed.keys()):
        if stored.get(name) != needed.get(name):
            differs = f"{name} has the shape {stored.get(name)} there and {needed.get(name)} here"
            raise TrainingError(f"{path} is of another model: {differs}; give another output folder")
    module.load_state_dict(part)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """A safetensors file with JSON in its header; it replaces an older one in one step."""
    whole = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        save_file(whole, beside, metadata={"format": "pt", "hrpose": json.dumps(about)})
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `write_tensors` wrote. Raises: TrainingError if the file is damaged."""
    try:
        with safe_open(path, framework="pt") as opened:
            about = json.loads(opened.metadata()["hrpose"])
            return {name: opened.get_tensor(name) for name in opened.keys()}, about  # noqa: SIM118 - no mapping
    except (SafetensorError, KeyError, TypeError) as error:
        raise TrainingError(f"{path} cannot be read ({error}); delete it to begin again") from error


def begin_log(folder: Path, history: Iterable[Mapping[str, Any]]) -> None:
    """A log of the epochs that count: one that a kill cut off from its state is done again."""
    (folder / LOG).unlink(missing_ok=True)
    for record in history:
        append_log(folder, record)


def append_log(folder: Path, record: Mapping[str, Any]) -> None:
    """One more line of JSON in the log."""
    with (folder / LOG).open("a", encoding="utf-8") as log:
        log.write(json.dumps(record) + "\n")
