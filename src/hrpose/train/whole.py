"""Whole: the pictures of a data set as they are, for those who look at pictures without boxes."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from hrpose.data.bottomup import BottomUpDataset
from hrpose.data.instances import InstanceDataset

Pictures = BottomUpDataset | InstanceDataset


class Whole(Dataset[tuple[int, Tensor]]):
    """Rows and pictures, (3, H, W) bytes, those of one size after each other."""

    def __init__(self, data: Pictures) -> None:
        self.data = data
        self.order = sorted(range(len(data)), key=lambda row: data.pictures[row].size)

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, place: int) -> tuple[int, Tensor]:
        row = self.order[place]
        return row, torch.from_numpy(np.ascontiguousarray(self.data.read(row))).permute(2, 0, 1)


def names(data: Pictures, rows: Sequence[int]) -> str:
    """What some of the samples are called in the data set."""
    return "image ids " + ", ".join(str(data.pictures[row].image_id) for row in rows)
