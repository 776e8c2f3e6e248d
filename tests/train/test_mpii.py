"""An hourglass learns from an MPII list, and is measured by PCKh."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from hrpose.codecs import Princeton
from hrpose.data.mpii import MPIIKeypoints
from hrpose.data.synthetic import write_coco
from hrpose.data.topdown import TopDownDataset
from hrpose.models import HourglassConfig, StackedHourglass
from hrpose.train import evaluate, fit
from hrpose.types import PoseMaps

TINY = HourglassConfig(stacks=2, stem=(4, 8), widths=(8, 8, 8))
CODEC = Princeton(input_size=(64, 64))
TABLE = ["Head", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle", "Mean", "Mean@0.1"]


@pytest.fixture
def data(tmp_path: Path) -> TopDownDataset:
    write_coco(tmp_path, 2, seed=3, size=(128, 128))
    points = np.random.default_rng(0).uniform(20, 100, (4, 16, 2))
    entries = [
        {"image": f"00000{k % 2}.png", "center": [64, 64], "scale": 0.6, "joints": one.tolist()}
        | {"joints_vis": [1] * 16}
        for k, one in enumerate(points)
    ]
    path = tmp_path / "list.json"
    path.write_text(json.dumps(entries))
    heads = [[[10, 10], [40, 50]]] * 4  # 30 pixels long, by MPII's measure
    return MPIIKeypoints.from_file(path, tmp_path / "images", heads=heads).crops(CODEC)


class Oracle(StackedHourglass):
    """Answers with the targets, moved by some pixels of the maps."""

    def __init__(self, data: TopDownDataset, moved: int) -> None:
        super().__init__(TINY)
        self.answers = [sample.heatmaps.roll(moved, 2) for sample in (data[k] for k in range(len(data)))]

    def forward(self, images: Tensor) -> PoseMaps:
        maps, self.answers = self.answers[: len(images)], self.answers[len(images) :]
        return PoseMaps((torch.stack(maps),))


def test_pckh_is_measured_where_heads_are_known(data: TopDownDataset) -> None:
    near = evaluate(Oracle(data, 0), data, batch_size=3, flip_test=False)
    assert list(near) == TABLE
    assert near["Mean"] == 100
    far = evaluate(Oracle(data, 3), data, batch_size=3, flip_test=False)  # 28 pixels, and half a head is 15
    assert far["Mean"] < 5


def test_training_keeps_the_weights_of_the_highest_pckh(data: TopDownDataset, tmp_path: Path) -> None:
    result = fit(StackedHourglass(TINY), data, data, output=tmp_path / "out", epochs=3, progress=False)
    assert result.best_value == max(record["Mean"] for record in result.history)
    assert result.stats["Mean"] == result.best_value
