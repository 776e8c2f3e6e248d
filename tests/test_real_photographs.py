"""Real people: read, learned by heart, found again and drawn: what such a library has to be able to do."""

import os
from pathlib import Path

import pytest
import torch

from hrpose import DARK, CocoKeypoints, HRNetConfig, Predictor, TopDown, TopDownConfig, evaluate, fit

DATA = Path(os.environ.get("HRPOSE_DATA", Path(__file__).parents[2] / "shared" / "data")) / "coco_tiny"
SMALL = HRNetConfig(
    width=24, stem_width=32, stage1_block="basic", stage1_blocks=1, stage1_width=32, rounds=(1, 1), blocks=1
)


@pytest.mark.slow
@pytest.mark.skipif(
    not DATA.is_dir(), reason="the photographs are not part of the repository; see HRPOSE_DATA"
)
def test_a_model_learns_the_people_of_four_photographs_by_heart(tmp_path: Path) -> None:
    torch.manual_seed(0)
    data = CocoKeypoints.from_file(DATA / "coco/test_coco.json", DATA / "coco")
    crops = data.crops(DARK(input_size=(128, 96), kernel=5))
    model = TopDown(TopDownConfig(backbone=SMALL, num_keypoints=17))
    fit(
        model,
        crops,
        output=tmp_path,
        epochs=150,
        batch_size=12,
        lr=3e-3,
        warmup=10,
        evaluate_every=150,
        progress=False,
    )
    stats = evaluate(model, crops, flip_test=False)
    assert len(data.people) == 12
    assert stats["AP"] >= 0.9

    picture = data.people[0].image_path
    boxes = [person.box for person in data.people if person.image_path == picture]
    drawn = Predictor(model)(picture, boxes, box_format="xywh").draw()
    keep = os.environ.get("HRPOSE_KEEP_PICTURES")
    drawn.save(Path(keep or tmp_path) / "by_heart.png")
