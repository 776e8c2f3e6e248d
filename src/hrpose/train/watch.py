"""LossWatch: the losses of an epoch, and the alarm when one is no number."""

import math

import torch
from torch import Tensor

from hrpose.errors import TrainingError
from hrpose.train.batches import Batch
from hrpose.train.kinds import PoseData, kind_of

NAMED = 8  # samples of a batch that went wrong


class LossWatch:
    """The losses of an epoch, looked at now and then."""

    def __init__(self, data: PoseData, epoch: int) -> None:
        self.data = data
        self.epoch = epoch
        self.pending: list[tuple[int, list[int], Tensor]] = []  # of each batch: number, rows, loss
        self.total = 0.0
        self.images = 0

    def add(self, number: int, batch: Batch, loss: Tensor) -> None:
        """Note the loss of a batch."""
        self.pending.append((number, batch.rows, loss))

    def check(self) -> float:
        """The mean so far. Raises: TrainingError that names the batch if a loss is not finite."""
        losses = torch.stack([loss for _, _, loss in self.pending]).tolist() if self.pending else []
        for (number, rows, _), loss in zip(self.pending, losses, strict=True):
            if not math.isfinite(loss):
                raise TrainingError(self.complaint(number, rows, loss))
            self.total += loss * len(rows)
            self.images += len(rows)
        self.pending.clear()
        return self.total / max(1, self.images)

    def complaint(self, number: int, rows: list[int], loss: float) -> str:
        """Which batch went wrong, and what can be done."""
        some = kind_of(self.data).names(self.data, rows[:NAMED]) + (", ..." if len(rows) > NAMED else "")
        where = f"the loss is {loss} in epoch {self.epoch}, batch {number} ({some})"
        return f"{where}; look at these people, lower lr, add warmup or clip_grad, or set amp=False"
