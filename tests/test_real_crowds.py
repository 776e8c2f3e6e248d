"""Real crowds, learned by heart and found again without boxes."""

import os
from pathlib import Path

import pytest
import torch

from hrpose import (
    BottomUp,
    BottomUpAugment,
    BottomUpConfig,
    HigherHRNet,
    HRNetConfig,
    Predictor,
    evaluate,
    fit,
)
from hrpose.data import CocoKeypoints
from hrpose.data.memory import BottomUpInMemory
from hrpose.losses import MultiResolutionLoss
from tests.data.made import real_folder

SMALL = HRNetConfig(
    widths=(32, 48, 80),
    stem_width=24,
    stage1_block="basic",
    stage1_blocks=1,
    stage1_width=32,
    rounds=(1, 2),
    blocks=1,
    outputs=1,
)


@pytest.mark.slow
def test_a_model_learns_the_crowds_of_two_photographs_by_heart(tmp_path: Path) -> None:
    torch.manual_seed(0)
    folder = real_folder() / "crowdpose"
    data = CocoKeypoints.from_file(folder / "test_crowdpose.json", folder)
    config = BottomUpConfig(backbone=SMALL, num_keypoints=14, deconv_channels=(24,), deconv_blocks=1)
    model = BottomUp(config)
    model.criterion = MultiResolutionLoss(push_factors=(0.01,), pull_factors=(0.01,))
    moved = BottomUpAugment(scale=(1, 1), rotation=0, translate=50, flip_probability=0)
    codec = HigherHRNet(input_size=192, sigma=1.5)
    views = BottomUpInMemory(data.whole_pictures(), codec, data.skeleton, augment=moved, seed=0)
    settings = {"batch_size": 2, "lr": 4e-3, "warmup": 20, "amp": True, "progress": False}
    fit(model, views, output=tmp_path, epochs=360, **settings)  # type: ignore[arg-type]
    stats = evaluate(model, data.pictures(codec), flip_test=False)
    assert stats["AP"] >= 0.9
    assert "APhard" in stats

    drawn = Predictor(model)(data.people[0].image_path).draw()
    drawn.save(Path(os.environ.get("HRPOSE_KEEP_PICTURES") or tmp_path) / "crowd_by_heart.png")
