"""Trainer: one run, epoch by epoch: learn, measure, keep."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.amp.grad_scaler import GradScaler
from tqdm import tqdm

from hrpose.hub.pretrained import make_folder, save_pretrained
from hrpose.train.batches import Batch, Shuffled, epoch_seed
from hrpose.train.checkpoint import RunState, append_log, begin_log
from hrpose.train.compiled import compiled
from hrpose.train.config import FitConfig
from hrpose.train.evaluate import evaluate
from hrpose.train.feeding import feed
from hrpose.train.kinds import Learner, PoseData
from hrpose.train.optim import WeightMean, make_optimizer, rate_factor, set_rate
from hrpose.train.watch import LossWatch

CHECK_EVERY = 16  # batches; looking at the loss makes the device wait


@dataclass(frozen=True, kw_only=True)
class FitResult:
    """What came out of a run.

    history: one record an epoch: epoch, loss, lr, seconds, images_per_second, and COCO's figures where it
        was evaluated.
    best: folder with the weights of the highest AP, or PCKh (the lowest loss, without data to evaluate on).
    last: folder with the weights of the last epoch.
    """

    model: Learner
    history: list[dict[str, float]]
    best: Path
    last: Path
    best_epoch: int
    best_value: float

    @property
    def stats(self) -> dict[str, float]:
        """The record of the best epoch."""
        return self.history[self.best_epoch - 1]


class Trainer:
    """One run: the model, how it learns, and how far it has come.

    Args:
        model: learns in place, on `device`.
        output: the folder for weights, state and log.
    """

    def __init__(
        self,
        model: Learner,
        train_data: PoseData,
        val_data: PoseData | None,
        config: FitConfig,
        device: torch.device,
        output: Path,
        *,
        progress: bool = False,
    ) -> None:
        self.train_data, self.val_data, self.config, self.device = train_data, val_data, config, device
        self.output, self.progress = output, progress
        self.model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.model.set_grad_checkpointing(config.grad_checkpointing)
        self.loader, self.bring = feed(train_data, config, device)
        self.loss_of = compiled(self.loss, device) if config.compile else self.loss
        self.autocast = config.autocast_dtype(device)
        self.state = RunState(
            model=model,
            optimizer=make_optimizer(model, config),
            scaler=GradScaler(device.type, enabled=self.autocast == torch.float16),
            mean=WeightMean(model, config.ema) if config.ema else None,
        )

    @property
    def steps(self) -> int:
        """Optimizer steps in an epoch."""
        return -(-len(self.loader) // self.config.accumulate)

    @property
    def settings(self) -> dict[str, Any]:
        """What a run that is taken up again must agree in; how it is read or measured may change."""
        free = ("workers", "evaluate_every", "flip_test", "compile", "on_device")
        return {"people": len(self.train_data)} | {
            name: value for name, value in self.config.to_dict().items() if name not in free
        }

    def run(self, *, resume: bool) -> FitResult:
        """All epochs that are still to do."""
        make_folder(self.output)
        if resume:
            self.state.load(self.output, self.settings)
        done = self.state.progress
        begin_log(self.output, done.history)
        for epoch in range(done.epoch + 1, self.config.epochs + 1):
            record = {"epoch": epoch, **self.learn(epoch), **self.measure(epoch)}
            self.keep(record)
            self.say(record)
        return FitResult(
            model=self.state.model,  # type: ignore[arg-type]
            history=done.history,
            best=self.output / "best",
            last=self.output / "last",
            best_epoch=done.best_epoch or 1,
            best_value=done.best if done.best is not None else float("nan"),
        )

    def learn(self, epoch: int) -> dict[str, float]:
        """One epoch of training: the mean loss, the rate at its end, the time it took."""
        torch.manual_seed(epoch_seed(self.config.seed, epoch))
        self.train_data.set_epoch(epoch)
        sampler = self.loader.sampler
        if isinstance(sampler, Shuffled):
            sampler.epoch = epoch
        self.model.train()
        start, watch = time.perf_counter(), LossWatch(self.train_data, epoch)
        title = f"epoch {epoch}/{self.config.epochs}"
        with tqdm(self.loader, desc=title, disable=not self.progress, leave=False) as bar:
            for number, batch in enumerate(map(self.bring, bar)):
                watch.add(number, batch, self.step(number, epoch, batch))
                if number % CHECK_EVERY == 0:
                    bar.set_postfix(loss=f"{watch.check():.3g}")
        loss, seconds = watch.check(), time.perf_counter() - start
        rate = max(group["lr"] for group in self.state.optimizer.param_groups)
        return {"loss": loss, "lr": rate, "seconds": seconds, "images_per_second": watch.images / seconds}

    def step(self, number: int, epoch: int, batch: Batch) -> Tensor:
        """Learn from one batch; weights move after every `accumulate` batches and after the last."""
        group = number // self.config.accumulate
        left = len(self.loader) - group * self.config.accumulate
        loss = self.loss_of(batch.images, batch.targets)
        torch.autograd.backward(self.state.scaler.scale(loss / min(left, self.config.accumulate)))
        if (number + 1) % self.config.accumulate == 0 or number + 1 == len(self.loader):
            self.move((epoch - 1) * self.steps + group)
        return loss.detach()

    def loss(self, images: Tensor, targets: Any) -> Tensor:
        """All terms together."""
        with torch.autocast(self.device.type, dtype=self.autocast, enabled=self.autocast is not None):
            maps = self.model(images)
        return torch.stack(list(self.model.loss(maps, targets).values())).sum()

    def move(self, step: int) -> None:
        """One step of the optimizer."""
        optimizer, scaler = self.state.optimizer, self.state.scaler
        set_rate(optimizer, rate_factor(step, self.steps * self.config.epochs, self.config))
        if self.config.clip_grad is not None:
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_grad)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad(set_to_none=True)
        if self.state.mean is not None:
            self.state.mean.update(self.model)

    def measure(self, epoch: int) -> dict[str, float]:
        """COCO's figures after this epoch, if it is the turn of one."""
        due = epoch % self.config.evaluate_every == 0 or epoch == self.config.epochs
        if self.val_data is None or not due:
            return {}
        return evaluate(
            self.kept_model(),
            self.val_data,
            batch_size=2 * self.config.batch_size,
            flip_test=self.config.flip_test,
            autocast=self.autocast,
            workers=self.config.workers,
        )

    def kept_model(self) -> Learner:
        """What is measured and written: the mean of the weights where there is one, else the model."""
        return self.state.mean.model if self.state.mean else self.model  # type: ignore[return-value]

    def keep(self, record: dict[str, float]) -> None:
        """Write the weights, the log and the state; the state last, as it declares the epoch done."""
        done = self.state.progress
        done.epoch = int(record["epoch"])
        done.history.append(record)
        measured = record.get("AP", record.get("Mean"))  # the latter is PCKh
        value = measured if self.val_data is not None else -record["loss"]
        save_pretrained(self.kept_model(), self.output / "last")
        if value is not None and (done.best is None or value > done.best):
            done.best, done.best_epoch = value, done.epoch
            save_pretrained(self.kept_model(), self.output / "best")
        append_log(self.output, record)
        self.state.save(self.output, self.settings)

    def say(self, record: dict[str, float]) -> None:
        """One line an epoch above the progress bar."""
        if self.progress:
            shown = {name: record[name] for name in ("loss", "AP", "AP50", "AP75", "Mean") if name in record}
            text = "  ".join(f"{name} {value:.4g}" for name, value in shown.items())
            tqdm.write(f"epoch {record['epoch']}: {text}  ({record['seconds']:.0f} s)")
