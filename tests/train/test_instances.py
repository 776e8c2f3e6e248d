"""Instance segmenters learn and are measured by the same calls as pose networks."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from hrpose.codecs import HigherHRNet, InstanceGrouping
from hrpose.data.coco import CocoKeypoints
from hrpose.data.coco_instances import CocoInstances
from hrpose.data.instances import InstanceDataset
from hrpose.data.masks import run_lengths
from hrpose.data.pictures import BottomUpAugment
from hrpose.data.synthetic import write_coco
from hrpose.errors import ConfigError, DataError, TrainingError
from hrpose.losses import InstanceLoss
from hrpose.models import InstanceConfig, InstanceSegmenter, InstanceSpec
from hrpose.train import evaluate, fit
from hrpose.train.evaluate import detect, ground_truth
from hrpose.types import InstanceMaps
from tests.train.conftest import SMALL, small_model

TINY = InstanceConfig(backbone=replace(SMALL, outputs=2, upsample="bilinear"))
SETTINGS: dict[str, Any] = {"batch_size": 2, "lr": 3e-3, "progress": False, "flip_test": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("overlapping")
    write_coco(folder, 4, seed=21, size=(96, 96), people=(2, 3), crowding=0.4, heights=(0.7, 1.0))
    return folder


@pytest.fixture(scope="module")
def figures(folder: Path) -> CocoInstances:
    return CocoInstances.from_file(folder / "annotations.json", folder / "images")


@pytest.fixture
def model() -> InstanceSegmenter:
    return new_model()


def new_model(seed: int = 0, **settings: Any) -> InstanceSegmenter:
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return InstanceSegmenter(replace(TINY, **settings))


class Oracle(InstanceSegmenter):
    """Answers with the masks of the pictures in the order they are asked for; each thing has a tag."""

    def __init__(self, data: InstanceDataset) -> None:
        super().__init__(replace(TINY, num_classes=len(data.classes)))
        self.answers = [perfect(data, row) for row in range(len(data))]

    def forward(self, images: Tensor) -> InstanceMaps:
        given, self.answers = self.answers[: len(images)], self.answers[len(images) :]
        return InstanceMaps(*(torch.stack(maps) for maps in zip(*given, strict=True)))


def perfect(data: InstanceDataset, row: int) -> tuple[Tensor, Tensor]:
    """Logits and tags of a picture."""
    sample, tags = data[row], torch.zeros(1, 24, 24)
    logits = torch.full((len(data.classes), 24, 24), -5.0)
    for number, (mask, label) in enumerate(zip(sample.masks, sample.labels, strict=True), start=1):
        tags[0, mask], logits[label, mask] = 3.0 * number, 5.0
    return logits, tags


def test_perfect_maps_find_everybody(figures: CocoInstances) -> None:
    data = figures.pictures(96, grouping=InstanceGrouping(min_pixels=1))
    stats = evaluate(Oracle(data), data, flip_test=False, batch_size=3)
    assert stats["AP50"] > 0.95
    assert stats["AP"] > 0.5  # limbs are thinner than a pixel of the maps
    assert list(stats)[:3] == ["AP", "AP50", "AP75"]


def test_classes_are_told_apart(figures: CocoInstances, folder: Path) -> None:
    import json

    content = json.loads((folder / "annotations.json").read_text())
    content["categories"] = [{"id": 4, "name": "odd"}, {"id": 9, "name": "even"}]
    for entry in content["annotations"]:
        entry["category_id"] = 4 if entry["id"] % 2 else 9
    data = CocoInstances.from_file(content, folder / "images").pictures(96)
    assert evaluate(Oracle(data), data, flip_test=False)["AP50"] > 0.9
    other = CocoInstances.from_file(content, folder / "images", categories=["even", "odd"]).pictures(96)
    assert evaluate(Oracle(data), other, flip_test=False)["AP50"] < 0.1


def test_results_hold_masks_of_the_pictures_size(figures: CocoInstances) -> None:
    data = figures.pictures(96)
    found = list(detect(Oracle(data), data, flip_test=False))
    assert {entry["image_id"] for entry in found} == {1, 2, 3, 4}
    assert all(entry["segmentation"]["size"] == [96, 96] for entry in found)


def test_fit_learns_evaluates_keeps_and_goes_on(
    figures: CocoInstances, model: InstanceSegmenter, tmp_path: Path
) -> None:
    views, whole = figures.pictures(64, in_memory=True), figures.pictures(64)
    one = fit(model, views, whole, output=tmp_path, epochs=5, evaluate_every=5, **SETTINGS)
    assert one.history[-1]["loss"] < one.history[0]["loss"]
    assert {"AP", "AP50", "AR"} <= one.history[-1].keys()
    assert model.spec == InstanceSpec(classes=("person",), input_size=64)
    again = fit(model, views, whole, output=tmp_path, epochs=5, evaluate_every=5, **SETTINGS)
    assert again.history == one.history


def test_a_seed_draws_the_same_pixels_again_also_after_a_kill(figures: CocoInstances, tmp_path: Path) -> None:
    def run(name: str, seed: int, *, killed: bool = False) -> Tensor:
        model = new_model()
        model.criterion = InstanceLoss(samples=4)
        views = figures.pictures(64, augment=BottomUpAugment(), seed=1)
        if killed:
            broken = new_model()
            broken.criterion = InstanceLoss(samples=4)
            views.set_epoch = stop_at(2, views.set_epoch)  # type: ignore[method-assign]
            with pytest.raises(KeyboardInterrupt):
                fit(broken, views, output=tmp_path / name, epochs=2, seed=seed, **SETTINGS)
            views = figures.pictures(64, augment=BottomUpAugment(), seed=1)
        fit(model, views, output=tmp_path / name, epochs=2, seed=seed, **SETTINGS)
        return model.head.conv.weight.detach()

    whole = run("whole", 0)
    assert torch.equal(run("again", 0), whole)
    assert torch.equal(run("killed", 0, killed=True), whole)
    assert not torch.equal(run("other", 1), whole)


def stop_at(epoch: int, then: Any) -> Any:
    def set_epoch(number: int) -> None:
        if number == epoch:
            raise KeyboardInterrupt
        then(number)

    return set_epoch


def test_half_precision_and_the_flip_test_work_too(
    figures: CocoInstances, model: InstanceSegmenter, tmp_path: Path
) -> None:
    views = figures.pictures(64, augment=BottomUpAugment(), seed=1)
    result = fit(model, views, output=tmp_path, epochs=1, batch_size=4, amp=True, progress=False)
    assert result.history[0]["loss"] > 0
    assert "AP" in evaluate(model, figures.pictures(64), flip_test=True)


def test_the_ground_truth_holds_crowds_and_empty_pictures(figures: CocoInstances) -> None:
    first, *rest = figures.whole_pictures
    crowd = replace(first.things[0], iscrowd=True, area=None)
    data = figures.pictures(96)
    data.pictures = [replace(first, things=(crowd,)), *(replace(one, things=()) for one in rest)]
    truth = ground_truth(data)
    assert [entry["iscrowd"] for entry in truth["annotations"]] == [1]
    assert len(truth["images"]) == 4
    data.pictures = rest[:1]
    data.pictures[0] = replace(rest[0], things=())
    with pytest.raises(DataError, match="nothing is outlined in the data to evaluate on; give pictures with"):
        ground_truth(data)


def test_data_of_another_kind_are_refused(
    figures: CocoInstances, folder: Path, model: InstanceSegmenter
) -> None:
    people = CocoKeypoints.from_file(folder / "annotations.json", folder / "images")
    with pytest.raises(
        ConfigError, match=r"is an instance segmenter; make the data by CocoInstances.pictures"
    ):
        evaluate(model, people.pictures(HigherHRNet(input_size=64)))
    with pytest.raises(
        ConfigError, match=r"holds InstanceDataset, but TopDown is top-down; make the data by"
    ):
        evaluate(small_model(), figures.pictures(64))


def test_data_that_do_not_fit_the_model_are_refused(
    figures: CocoInstances, model: InstanceSegmenter, tmp_path: Path
) -> None:
    with pytest.raises(
        ConfigError, match="has 1 classes, but the model 3; create the model with num_classes=1"
    ):
        evaluate(new_model(num_classes=3), figures.pictures(64))
    with pytest.raises(
        ConfigError, match="has masks at 1/2, but the model's maps are at 1/4; make the data wi"
    ):
        evaluate(model, figures.pictures(64, stride=2))
    model.spec = InstanceSpec(classes=("person",), input_size=96)
    with pytest.raises(
        ConfigError, match="has input_size=64, but the model's spec says 96; make the data as"
    ):
        fit(model, figures.pictures(64), output=tmp_path, **SETTINGS)


def test_scales_and_augmented_data_are_refused(figures: CocoInstances, model: InstanceSegmenter) -> None:
    with pytest.raises(ConfigError, match="but instances are looked at in one size; leave it out"):
        evaluate(model, figures.pictures(64), scales=(0.5, 1.0))
    with pytest.raises(DataError, match="which makes the score random; build it with augment=None"):
        evaluate(model, figures.pictures(64, augment=BottomUpAugment()))
    empty = figures.pictures(64)
    empty.pictures = []
    with pytest.raises(DataError, match="is empty; give at least one picture with outlined things"):
        evaluate(model, empty)


def test_a_loss_that_is_no_number_names_the_pictures(
    figures: CocoInstances, model: InstanceSegmenter, tmp_path: Path
) -> None:
    torch.nn.init.constant_(model.head.conv.weight, float("nan"))
    with pytest.raises(TrainingError, match=r"\(image ids \d+, \d+, \d+, \d+\); look at these"):
        fit(model, figures.pictures(64), output=tmp_path, epochs=1, batch_size=4, progress=False)


def test_a_mask_without_pixels_is_nobody_to_learn(folder: Path, model: InstanceSegmenter) -> None:
    import json

    content = json.loads((folder / "annotations.json").read_text())
    nothing = run_lengths(torch.zeros(96, 96, dtype=torch.bool).numpy())
    content["annotations"] = [{**entry, "segmentation": nothing} for entry in content["annotations"]]
    data = CocoInstances.from_file(content, folder / "images").pictures(64)
    batch = data[0].targets
    terms = model.loss(model(torch.randn(1, 3, 64, 64)), type(batch)(*(part[None] for part in batch)))
    assert terms["pull"] == terms["push"] == 0
    assert terms["masks"].isfinite()
