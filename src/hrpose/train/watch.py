"""LossWatch: the losses of an epoch, and the alarm when one is no number."""

import math

import torch
from torch import Tensor

from hrpose.errors import TrainingError
from hrpose.train.batches import Batch
from hrpose.train.kinds import PoseData, kind_of


class LossWatch:
    """The losses of an epoch, looked at now and then."""

    def __init__(self, data: PoseData, epoch: int) -> None:
        self.data = data
        self.epoch = epoch
        self.pending: list[tuple[int, list[int], Tensor]] = []
        self.total = 0.0
        self.images = 0

    def add(self, number: int, batch: Batch, loss: Tensor) -> None:
        """Note the loss of a batch."""
        self.pending.append((number, batch.rows, loss))

    def check(self) -> float:
        """The mean so far. Raises: TrainingError that names the batch if a loss is not finite."""
        losses = torch.stack([loss for _, _, loss in self.pending]).tolist() if self.pending else []
        for (number, index, _), loss in zip(self.pending, losses, strict=True):
            if not math.isfinite(loss):
                raise TrainingError(self.complaint(number, index, loss))
            self.total += loss * len(index)
            self.images += len(index)
        self.pending.clear()
        return self.total / max(1, self.images)

    def complaint(self, number: int, index: list[int], loss: float) -> str:
        """Which batch went wrong, and what can be done."""
        some = kind_of(self.data).names(self.data, index[:8]) + (", ..." if len(index) > 8 else "")
        where = f"the loss is {loss} in epoch {self.epoch}, batch {number} ({some})"
        return f"{where}; look at these people, lower lr, add warmup or clip_grad, or set amp=False"
