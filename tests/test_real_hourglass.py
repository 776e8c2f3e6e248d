"""A real crowd, learned by heart by an hourglass with tags and found again without boxes."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from hrpose import BottomUpAugment, Predictor, evaluate, fit
from hrpose.codecs import AEHourglass, HourglassGrouping
from hrpose.codecs.tags import TagGrouping
from hrpose.data import CocoKeypoints
from hrpose.data.memory import BottomUpInMemory
from hrpose.losses import MultiResolutionLoss
from hrpose.models import HourglassConfig, StackedHourglass
from tests.data.made import real_folder

SMALL = HourglassConfig(
    num_keypoints=14, stacks=1, tags=14, unit="conv_bn", stem=(16, 24, 48), widths=(48, 48, 48, 48)
)
SURE = 0.2
STILL = BottomUpAugment(scale=(1, 1), rotation=0, translate=10, flip_probability=0)


def squares(source: Path, folder: Path) -> CocoKeypoints:
    """The photographs cut to squares round their people: without borders, which would not be learned."""
    content = json.loads((source / "test_crowdpose.json").read_text())
    for image in content["images"]:
        people = [each for each in content["annotations"] if each["image_id"] == image["id"]]
        left = cut(source, folder, image, [each["bbox"] for each in people])
        for each in people:
            each["bbox"][0] -= left
            each["keypoints"][::3] = [x - left for x in each["keypoints"][::3]]
    return CocoKeypoints.from_file(content, folder)


def cut(source: Path, folder: Path, image: dict[str, Any], boxes: list[list[float]]) -> int:
    """Store the square of a photograph; where it begins, in pixels."""
    side = min(image["width"], image["height"])
    middle = (min(box[0] for box in boxes) + max(box[0] + box[2] for box in boxes)) / 2
    left = round(min(max(middle - side / 2, 0), image["width"] - side))
    with Image.open(source / image["file_name"]) as picture:
        picture.crop((left, 0, left + side, side)).save(folder / f"{image['id']}.png")
    image.update(width=side, height=side, file_name=f"{image['id']}.png")
    return left


@pytest.mark.slow
def test_an_hourglass_learns_the_crowds_of_two_photographs_by_heart(tmp_path: Path) -> None:
    torch.manual_seed(0)
    data = squares(real_folder() / "crowdpose", tmp_path)
    model = StackedHourglass(SMALL)
    model.criterion = MultiResolutionLoss(heatmap_factors=(1.0,), push_factors=(0.01,), pull_factors=(0.01,))
    grouping = HourglassGrouping(joint_order=TagGrouping.joint_order_of(data.skeleton))
    codec = AEHourglass(input_size=192, sigma=1.5, grouping=grouping)
    views = BottomUpInMemory(data.whole_pictures() * 4, codec, data.skeleton, augment=STILL, seed=0)
    settings = {"batch_size": 2, "lr": 4e-3, "warmup": 20, "amp": True, "progress": False}
    fit(model, views, output=tmp_path, epochs=300, **settings)  # type: ignore[arg-type]
    stats = evaluate(model, data.pictures(codec), flip_test=False)
    assert stats["AP"] >= 0.9

    keep = Path(os.environ.get("HRPOSE_KEEP_PICTURES") or tmp_path)
    for path in {person.image_path for person in data.people}:
        found = Predictor(model)(path)
        sure = found[found.person_scores > SURE]  # a stray peak is a person too, with a score near 0
        assert len(sure) == 2
        sure.draw().save(keep / f"hourglass_{path.stem}.png")
