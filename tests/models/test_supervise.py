import pytest
import torch

from hrpose.errors import ShapeError
from hrpose.losses.heatmap import HeatmapMSE
from hrpose.models.supervise import supervise
from hrpose.types import PoseMaps, PoseTargets

MSE = HeatmapMSE()


def maps(*sides: int) -> tuple[torch.Tensor, ...]:
    return tuple(torch.zeros(2, 3, n, n) for n in sides)


def ones(*sides: int) -> tuple[torch.Tensor, ...]:
    return tuple(torch.ones(2, 3, n, n) for n in sides)


def test_every_map_is_supervised_by_its_own_target() -> None:
    terms = supervise(
        PoseMaps(maps(4, 8)), PoseTargets((torch.ones(2, 3, 4, 4), torch.full((2, 3, 8, 8), 2.0))), MSE
    )
    assert {name: t.item() for name, t in terms.items()} == {"heatmaps_0": 0.5, "heatmaps_1": 2.0}


def test_one_target_serves_all_maps_of_its_size() -> None:
    terms = supervise(PoseMaps(maps(4, 4, 4)), PoseTargets(ones(4)), MSE)
    assert [t.item() for t in terms.values()] == [0.5, 0.5, 0.5]


def test_weights_and_masks_reach_the_criterion() -> None:
    mask = torch.ones(2, 4, 4)
    mask[:, :2] = 0
    weights = torch.tensor([[1.0, 0.0, 0.0]] * 2)
    terms = supervise(PoseMaps(maps(4)), PoseTargets(ones(4), weights, (mask,)), MSE)
    assert terms["heatmaps"].item() == pytest.approx(0.5 / 3 / 2)


def test_gradients_reach_every_map() -> None:
    made = tuple(m.requires_grad_() for m in maps(4, 8))
    sum(supervise(PoseMaps(made), PoseTargets(ones(4, 8)), MSE).values()).backward()
    assert all(m.grad.abs().sum() > 0 for m in made)


def test_another_number_of_targets_is_refused() -> None:
    text = "2 targets came for 3 maps; give one target a map, or one that serves all maps of its size"
    with pytest.raises(ShapeError, match=text):
        supervise(PoseMaps(maps(4, 4, 4)), PoseTargets(ones(4, 4)), MSE)


def test_another_number_of_masks_is_refused() -> None:
    text = "2 masks came for 1 targets; give one mask a target, or none at all"
    with pytest.raises(ShapeError, match=text):
        supervise(PoseMaps(maps(4)), PoseTargets(ones(4), None, (torch.ones(2, 4, 4),) * 2), MSE)


def test_a_target_of_another_size_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(2, 3, 4, 4\).*\(2, 3, 8, 8\)"):
        supervise(PoseMaps(maps(4)), PoseTargets(ones(8)), MSE)
