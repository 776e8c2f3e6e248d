"""Bottom-up models learn and are measured by the same calls as top-down ones."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from hrpose.backbones.hrnet import HRNetConfig
from hrpose.codecs import AEHourglass, HigherHRNet
from hrpose.codecs.tags import TagGrouping
from hrpose.data.bottomup import BottomUpDataset
from hrpose.data.coco import CocoKeypoints
from hrpose.data.pictures import BottomUpAugment
from hrpose.data.synthetic import write_coco
from hrpose.errors import ConfigError, DataError, TrainingError
from hrpose.models import BottomUp, BottomUpConfig, HourglassAESpec, HourglassConfig, StackedHourglass
from hrpose.models.bottomup import BottomUpSpec
from hrpose.train import evaluate, fit
from hrpose.train.evaluate import detect, ground_truth
from hrpose.types import PoseMaps
from tests.train.conftest import MakeData, small_model

CODEC = HigherHRNet(input_size=128, sigma=1.0)
SMALL = BottomUpConfig(
    backbone=HRNetConfig(
        widths=(8, 8),
        stem_width=8,
        stage1_block="basic",
        stage1_blocks=1,
        stage1_width=8,
        rounds=(1,),
        blocks=1,
        outputs=1,
    ),
    deconv_channels=(8,),
    deconv_blocks=1,
)


@pytest.fixture(scope="module")
def crowds(tmp_path_factory: pytest.TempPathFactory) -> CocoKeypoints:
    folder = tmp_path_factory.mktemp("crowds")
    drawn = write_coco(folder, 4, seed=21, size=(128, 128), people=(2, 4), crowding=0.2, heights=(0.5, 0.8))
    return CocoKeypoints.from_file(drawn, folder / "images")


@pytest.fixture
def model() -> BottomUp:
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return BottomUp(SMALL)


class Oracle(BottomUp):
    """Answers with the targets of the pictures in the order they are asked for; each person has a tag."""

    def __init__(self, data: BottomUpDataset, *, mirrored: bool = False) -> None:
        super().__init__(SMALL)
        order = sorted(range(len(data)), key=lambda row: data.pictures[row].size)
        self.answers = [perfect(data, row) for row in order]
        self.mirrored = mirrored
        self.mirror_index = list(data.skeleton.mirror_index)

    def forward(self, images: Tensor) -> PoseMaps:
        given = [self.answers[n] for n in range(len(images))]
        if self.mirrored:
            given = [tuple(each[self.mirror_index].flip(2) for each in maps) for maps in given]
        else:
            self.answers = self.answers[len(images) :]
        low, high, tags = (torch.stack(maps) for maps in zip(*given, strict=True))
        return PoseMaps((low, high), (tags,))


def perfect(data: BottomUpDataset, row: int) -> tuple[Tensor, ...]:
    """Heatmaps of both resolutions and tags of a picture."""
    sample = data[row]
    tags = torch.zeros(17, 32, 32)
    for person, places in enumerate(sample.places[0], start=1):
        tags.view(-1)[places[places >= 0]] = 4.0 * person
    return *sample.heatmaps, torch.nn.functional.max_pool2d(tags, 5, 1, 2)


def test_perfect_maps_give_a_nearly_perfect_score(crowds: CocoKeypoints) -> None:
    data = crowds.pictures(CODEC)
    stats = evaluate(Oracle(data), data, flip_test=False)
    assert stats["AP"] > 0.8  # tags of people who overlap are wrong where they meet
    assert stats["AP50"] > 0.95


def test_people_come_in_pixels_of_the_image(crowds: CocoKeypoints) -> None:
    data = crowds.pictures(CODEC)
    found = list(detect(Oracle(data), data, flip_test=False, batch_size=2))
    first = [entry for entry in found if entry["image_id"] == 1]
    person = next(person for person in crowds.people if person.image_id == 1)
    seen = torch.from_numpy(person.visible) > 0
    away = [
        (torch.tensor(entry["keypoints"]).view(-1, 3)[:, :2] - torch.from_numpy(person.points)).norm(dim=1)
        for entry in first
    ]
    assert min(each[seen].median() for each in away) < 1.5


def test_fit_learns_evaluates_keeps_and_goes_on(
    crowds: CocoKeypoints, model: BottomUp, tmp_path: Path
) -> None:
    views = crowds.pictures(CODEC, augment=BottomUpAugment(), seed=1)
    whole = crowds.pictures(CODEC)
    settings = {"batch_size": 2, "lr": 3e-3, "progress": False, "flip_test": False}
    one = fit(model, views, whole, output=tmp_path, epochs=2, **settings)  # type: ignore[arg-type]
    assert one.history[1]["loss"] < one.history[0]["loss"]
    assert {"AP", "AP50", "AR"} <= one.history[-1].keys()
    assert isinstance(model.spec, BottomUpSpec)
    assert model.spec.codec == CODEC
    with pytest.raises(TrainingError, match="is of a run with epochs=2, but this one has 3"):
        fit(model, views, whole, output=tmp_path, epochs=3, **settings)  # type: ignore[arg-type]
    again = fit(model, views, whole, output=tmp_path, epochs=2, **settings)  # type: ignore[arg-type]
    assert again.history == one.history


def test_stored_weights_bring_their_spec_along(
    crowds: CocoKeypoints, model: BottomUp, tmp_path: Path
) -> None:
    from hrpose.hub import from_pretrained
    from hrpose.predict import Predictor

    grouping = TagGrouping(detection_threshold=0.0)
    codec = HigherHRNet(input_size=128, sigma=1.0, grouping=grouping)
    result = fit(model, crowds.pictures(codec), output=tmp_path, epochs=1, batch_size=4, progress=False)
    stored = from_pretrained(result.last)
    picture = crowds.people[0].image_path
    assert stored.spec == model.spec  # type: ignore[union-attr]
    image = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(stored.eval()(image), model.eval()(image), atol=1e-4, rtol=1e-4)
    assert len(Predictor(stored)(picture)) > 0


def test_half_precision_learns_too(crowds: CocoKeypoints, model: BottomUp, tmp_path: Path) -> None:
    views = crowds.pictures(CODEC, augment=BottomUpAugment(), seed=1)
    result = fit(model, views, output=tmp_path, epochs=1, batch_size=4, amp=True, progress=False)
    assert result.history[0]["loss"] > 0


def test_an_hourglass_with_tags_learns_by_its_own_codec(crowds: CocoKeypoints, tmp_path: Path) -> None:
    config = HourglassConfig(num_keypoints=17, tags=17, stem=(8, 8), widths=(8, 8, 8))
    model = StackedHourglass(config)
    views = crowds.pictures(AEHourglass(input_size=64), augment=BottomUpAugment(), seed=1)
    fit(model, views, crowds.pictures(AEHourglass(input_size=64)), output=tmp_path, epochs=1, progress=False)
    assert isinstance(model.spec, HourglassAESpec)


def test_the_mean_of_mirror_and_picture_is_read(crowds: CocoKeypoints) -> None:
    data = crowds.pictures(CODEC)
    asked: list[int] = []

    class Counting(Oracle):
        def forward(self, images: Tensor) -> PoseMaps:
            asked.append(len(images))
            self.mirrored = len(asked) % 2 == 1  # the mirror comes first
            return super().forward(images)

    assert evaluate(Counting(data), data, batch_size=4)["AP50"] > 0.9
    assert asked == [4, 4]


def test_crowdpose_gets_its_classes(crowds: CocoKeypoints) -> None:
    data = crowds.pictures(CODEC)
    images = [{**image, "crowdIndex": 0.1} for image in crowds.images.values()]
    marked = CocoKeypoints.from_file({**crowds.content, "images": images}, crowds.image_folder)
    stats = evaluate(Oracle(data), marked.pictures(CODEC), flip_test=False)
    assert stats["APeasy"] > 0.5
    assert stats["APmedium"] == stats["APhard"] == -1


def test_the_ground_truth_holds_crowds_and_empty_pictures(crowds: CocoKeypoints) -> None:
    crowd = {"id": 900, "image_id": 1, "category_id": 1, "iscrowd": 1, "bbox": [0, 0, 9, 9], "area": 81}
    content = {
        **crowds.content,
        "images": [*crowds.content["images"], {"id": 77, "file_name": "x.png", "width": 9, "height": 9}],
        "annotations": [*crowds.content["annotations"], crowd],
    }
    truth = ground_truth(CocoKeypoints.from_file(content, crowds.image_folder).pictures(CODEC))
    assert 77 in [image["id"] for image in truth["images"]]
    assert [entry["iscrowd"] for entry in truth["annotations"]].count(1) == 1


def test_crops_are_not_for_bottom_up_models_nor_pictures_for_top_down_ones(
    crowds: CocoKeypoints, make_data: MakeData, model: BottomUp
) -> None:
    with pytest.raises(
        ConfigError, match="holds TopDownDataset, but BottomUp is bottom-up; make the data by"
    ):
        evaluate(model, make_data())
    with pytest.raises(
        ConfigError, match=r"BottomUpDataset, but TopDown is top-down; make the data by crops\(codec\) of a"
    ):
        evaluate(small_model(), crowds.pictures(CODEC))


def test_scales_are_for_pictures(make_data: MakeData) -> None:
    with pytest.raises(ConfigError, match="but people in boxes are looked at in one size; leave it out"):
        evaluate(small_model(), make_data(), scales=(0.5, 1.0))


def test_other_data_are_refused(model: BottomUp) -> None:
    with pytest.raises(DataError, match=r"a list is no pose data; give what crops\(...\) or pictures\(...\)"):
        evaluate(model, [])  # type: ignore[arg-type]


def test_an_empty_data_set_and_one_without_anybody_are_refused(
    crowds: CocoKeypoints, model: BottomUp
) -> None:
    data = crowds.pictures(CODEC)
    nobody = list(data.pictures)
    data.pictures = []
    with pytest.raises(DataError, match="is empty; give at least one picture with labelled keypoints"):
        evaluate(model, data)
    import dataclasses

    data.pictures = [dataclasses.replace(nobody[0], people=())]
    with pytest.raises(DataError, match="nobody is annotated in the data to evaluate on; give pictures with"):
        evaluate(model, data)


def test_views_may_be_smaller_than_the_pictures_that_are_read(
    crowds: CocoKeypoints, model: BottomUp, tmp_path: Path
) -> None:
    model.spec = BottomUpSpec(skeleton=crowds.skeleton, codec=CODEC)
    small = crowds.pictures(replace(CODEC, input_size=64), augment=BottomUpAugment(scale=(0.4, 0.6)), seed=0)
    fit(model, small, crowds.pictures(CODEC), output=tmp_path, epochs=1, batch_size=4, progress=False)
    assert model.spec.codec == CODEC
    other = crowds.pictures(replace(CODEC, input_size=64, sigma=2.0))
    with pytest.raises(
        ConfigError, match=r"by HigherHRNet\(sigma=2.0\), but the model's spec says \w+\(sigma=1.0\)"
    ):
        fit(model, other, output=tmp_path / "other", epochs=1)


def test_another_count_of_keypoints_is_refused_the_centre_left_out(crowds: CocoKeypoints) -> None:
    centred = HigherHRNet(input_size=128, center=True)
    with pytest.raises(ConfigError, match=r"has the 17 keypoints of 'coco', but the model 16; .*points=18"):
        evaluate(BottomUp(SMALL), crowds.pictures(centred))


def test_a_loss_that_is_no_number_names_the_pictures(
    crowds: CocoKeypoints, model: BottomUp, tmp_path: Path
) -> None:
    torch.nn.init.constant_(next(model.head.parameters()), float("nan"))
    with pytest.raises(TrainingError, match=r"\(image ids \d+, \d+, \d+, \d+\); look at these"):
        fit(model, crowds.pictures(CODEC), output=tmp_path, epochs=1, batch_size=4, progress=False)
