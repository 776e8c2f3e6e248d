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
    create_model,
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


@pytest.mark.slow
def test_the_bundled_crowd_weights_learn_the_people_of_four_photographs_by_heart(tmp_path: Path) -> None:
    torch.manual_seed(0)
    folder = real_folder() / "coco"
    data = CocoKeypoints.from_file(folder / "test_coco.json", folder)
    codec = HigherHRNet(input_size=256, tag_dims=2)
    model = create_model("higherhrnet_tiny.synthetic_384", pretrained=True, codec=codec)
    model.criterion = MultiResolutionLoss(
        heatmap_factors=(5.0, 10.0),
        push_factors=(0.01,),
        pull_factors=(0.01,),
        push="max",
        tag_dims=2,
        margin=3.0,
    )
    # moved so far that the squares that are learned from show each photograph to its ends
    moved = BottomUpAugment(scale=(1, 1), rotation=0, translate=64, flip_probability=0)
    views = BottomUpInMemory(data.whole_pictures(), codec, data.skeleton, augment=moved, seed=0)
    # all photographs a batch: its mean and variance are those that are kept
    settings = {"batch_size": 4, "lr": 4e-3, "warmup": 20, "amp": True, "progress": False}
    fit(model, views, output=tmp_path, epochs=450, **settings)  # type: ignore[arg-type]
    stats = evaluate(model, data.pictures(codec), flip_test=False)
    assert stats["AP"] >= 0.9

    keep = Path(os.environ.get("HRPOSE_KEEP_PICTURES") or tmp_path)
    for path in {person.image_path for person in data.people}:
        found = Predictor(model)(path)
        found[found.person_scores > 0.3].draw().save(keep / f"coco_by_heart_{path.stem}.png")
