"""evaluate: perfect heatmaps give a perfect score, and the model comes back as it was."""

import math

import pytest
import torch
from torch import Tensor

from hrpose.errors import DataError
from hrpose.models import TopDown
from hrpose.train import evaluate
from hrpose.train.evaluate import detect, ground_truth
from hrpose.types import PoseMaps
from tests.train.conftest import MakeData, small_model


class Oracle(TopDown):
    """Answers with what it was told, one batch after the other."""

    def __init__(self, answers: list[Tensor]) -> None:
        super().__init__(small_model().config)
        self.answers = answers

    def forward(self, images: Tensor) -> PoseMaps:
        return PoseMaps((self.answers.pop(0),))


def test_perfect_heatmaps_give_a_perfect_score(make_data: MakeData) -> None:
    data = make_data()
    targets = torch.stack([data[i].heatmaps for i in range(len(data))])
    stats = evaluate(Oracle(list(targets.split(4))), data, batch_size=4, flip_test=False)
    assert stats["AP"] == pytest.approx(1.0, abs=0.02)
    assert stats["AR"] == pytest.approx(1.0, abs=0.02)


def test_the_flip_test_averages_with_the_mirrored_crops(make_data: MakeData) -> None:
    data = make_data()
    targets = torch.stack([data[i].heatmaps for i in range(len(data))])
    mirrored = targets[:, list(data.skeleton.mirror_index)].flip(3)
    assert evaluate(Oracle([targets, mirrored]), data)["AP"] == pytest.approx(1.0, abs=0.02)
    unswapped = targets.flip(3)  # left and right were not exchanged
    assert evaluate(Oracle([torch.zeros_like(targets), unswapped]), data)["AP"] < 0.5


def test_the_batch_size_does_not_matter(make_data: MakeData, model: TopDown) -> None:
    one, all_ = (list(detect(model, make_data(), batch_size=n)) for n in (1, 6))
    for a, b in zip(one, all_, strict=True):
        assert a["image_id"] == b["image_id"]
        assert torch.allclose(torch.tensor(a["keypoints"]), torch.tensor(b["keypoints"]), atol=1e-3)


def test_the_model_comes_back_in_the_mode_it_came_in(make_data: MakeData, model: TopDown) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for mode in (True, False):
        model.train(mode)
        evaluate(model, make_data())
        assert model.training is mode
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_points_come_in_pixels_of_the_image(make_data: MakeData) -> None:
    data = make_data(1)
    (found,) = detect(Oracle([data[0].heatmaps[None]]), data, flip_test=False)
    person = data.people[0]
    points = torch.tensor(found["keypoints"]).view(-1, 3)[:, :2]
    known = torch.from_numpy(person.visible) > 0
    away = (points - torch.from_numpy(person.points)).norm(dim=1)[known]
    assert away.median() < 0.5


def test_the_ground_truth_counts_ids_from_one(make_data: MakeData) -> None:
    truth = ground_truth(make_data())
    assert [entry["id"] for entry in truth["annotations"]] == [1, 2, 3, 4, 5, 6]
    assert truth["categories"] == [{"id": 1, "name": "coco"}]


def test_half_precision_gives_nearly_the_same_points(make_data: MakeData, model: TopDown) -> None:
    plain, half = (list(detect(model, make_data(), autocast=a)) for a in (None, torch.bfloat16))
    assert math.isclose(plain[0]["score"], half[0]["score"], rel_tol=0.1, abs_tol=0.05)


def test_without_people_there_is_nothing_to_evaluate(make_data: MakeData, model: TopDown) -> None:
    data = make_data()
    data.people = []
    with pytest.raises(DataError, match="the data to evaluate on is empty; give at least one person"):
        evaluate(model, data)


def test_augmented_data_are_refused(make_data: MakeData, model: TopDown) -> None:
    from hrpose.data.augment import TopDownAugment

    with pytest.raises(
        DataError, match="is augmented, which makes the score random; build it with augment=None"
    ):
        evaluate(model, make_data(augment=TopDownAugment()))
