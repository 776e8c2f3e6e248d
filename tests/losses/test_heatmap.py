import pytest
import torch
from torch import Tensor, nn

from hrpose.errors import ConfigError, ShapeError
from hrpose.losses import HeatmapMSE, HeatmapOHKM, OffsetMSE

LOSSES = [HeatmapMSE(), HeatmapMSE(squared_weights=False), HeatmapOHKM(2), OffsetMSE()]
every = pytest.mark.parametrize("loss", LOSSES, ids=["mse", "mse once", "ohkm", "offset"])


def maps_and_targets(people: int = 2, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    maps, targets = torch.rand(2, people, 6, 4, 3, dtype=torch.float64, generator=generator).to(dtype)
    return maps, targets


def weights_of(loss: nn.Module, people: int = 2) -> Tensor:
    keypoints = 2 if isinstance(loss, OffsetMSE) else 6
    return torch.linspace(0, 1, people * keypoints, dtype=torch.float64).view(people, keypoints)


@every
def test_gradients_are_right(loss: nn.Module) -> None:
    maps, targets = maps_and_targets()
    masks = (torch.arange(24).view(2, 4, 3) % 3 > 0).double()
    assert torch.autograd.gradcheck(
        lambda x: loss(x, targets, weights_of(loss), masks), maps.requires_grad_()
    )


@every
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_neither_overflows_nor_loses_the_gradient(loss: nn.Module, dtype: torch.dtype) -> None:
    maps = torch.full((2, 6, 64, 48), 300.0, dtype=dtype, requires_grad=True)
    value = loss(maps, torch.ones(2, 6, 64, 48), weights_of(loss))
    value.backward()
    assert value.dtype == torch.float32
    assert value > 1000
    assert torch.isfinite(value)
    assert torch.isfinite(maps.grad).all()


@every
def test_no_people_give_zero_and_a_gradient(loss: nn.Module) -> None:
    maps = torch.zeros(0, 6, 4, 3, requires_grad=True)
    value = loss(maps, torch.zeros(0, 6, 4, 3), torch.zeros(weights_of(loss, 0).shape))
    value.backward()
    assert value.item() == 0


@every
def test_weights_of_one_are_no_weights(loss: nn.Module) -> None:
    maps, targets = maps_and_targets()
    torch.testing.assert_close(loss(maps, targets, torch.ones_like(weights_of(loss))), loss(maps, targets))


@every
def test_masked_pixels_teach_nothing_but_stay_in_the_mean(loss: nn.Module) -> None:
    maps, targets = maps_and_targets()
    masks = torch.ones(2, 4, 3)
    masks[:, 0] = 0
    spoilt = maps.clone()
    spoilt[:, :, 0] = 99
    torch.testing.assert_close(loss(spoilt, targets, None, masks), loss(maps, targets, None, masks))
    assert loss(maps, targets, None, masks) < loss(maps, targets)


def test_weights_count_squared_unless_told_otherwise() -> None:
    maps, targets = maps_and_targets()
    half = torch.full((2, 6), 0.5)
    full = HeatmapMSE()(maps, targets)
    torch.testing.assert_close(HeatmapMSE()(maps, targets, half), full / 4)
    torch.testing.assert_close(HeatmapMSE(squared_weights=False)(maps, targets, half), full / 2)


def test_the_mean_runs_over_hidden_keypoints_too() -> None:
    maps, targets = maps_and_targets()
    first = torch.zeros(2, 6)
    first[:, 0] = 1
    expected = 0.5 * (maps[:, :1] - targets[:, :1]).square().mean() / 6
    torch.testing.assert_close(HeatmapMSE()(maps, targets, first), expected)


def test_the_hardest_keypoints_of_each_person_count() -> None:
    maps, targets = maps_and_targets()
    each = 0.5 * (maps - targets).square().mean((2, 3))
    expected = each.sort(dim=1, descending=True).values[:, :2].sum(1).mean() / 2
    torch.testing.assert_close(HeatmapOHKM(2)(maps, targets), expected)


def test_the_sum_is_divided_by_topk_even_where_fewer_are_visible() -> None:
    maps, targets = maps_and_targets(1)
    first = torch.zeros(1, 6)
    first[:, 0] = 1
    expected = 0.5 * (maps[:, 0] - targets[:, 0]).square().mean() / 4
    torch.testing.assert_close(HeatmapOHKM(4)(maps, targets, first), expected)


def test_offsets_count_within_the_disc_of_the_target() -> None:
    maps, targets = maps_and_targets()
    targets[:, ::3] = 0
    targets[:, ::3, 1, 1] = 1
    spoilt = maps.clone()
    spoilt[:, 1, 0, 0] = 99
    torch.testing.assert_close(OffsetMSE()(spoilt, targets), OffsetMSE()(maps, targets))
    spoilt[:, 1, 1, 1] = 99
    assert OffsetMSE()(spoilt, targets) > OffsetMSE()(maps, targets)


@every
def test_shapes_that_do_not_agree_are_named(loss: nn.Module) -> None:
    maps, targets = maps_and_targets()
    with pytest.raises(ShapeError, match=r"maps \(2, 6, 4, 3\) and targets \(2, 6, 4\), but both must be"):
        loss(maps, targets[..., 0])
    with pytest.raises(ShapeError, match=r"maps \(2, 6, 4, 3\) and targets \(1, 6, 4, 3\)"):
        loss(maps, targets[:1])
    with pytest.raises(
        ShapeError, match=r"weights have the shape \(2, 7\), but \(2, \d\) is needed; give one"
    ):
        loss(maps, targets, torch.ones(2, 7))
    with pytest.raises(
        ShapeError, match=r"masks have the shape \(4, 3\), but \(2, 4, 3\) is needed; one an image"
    ):
        loss(maps, targets, None, torch.ones(4, 3))


def test_settings_without_meaning_are_refused() -> None:
    maps, targets = maps_and_targets()
    with pytest.raises(ConfigError, match="topk=0, but at least one keypoint has to count; give 1 or more"):
        HeatmapOHKM(0)
    with pytest.raises(ShapeError, match="topk=8 of 6 keypoints; lower topk or use HeatmapMSE"):
        HeatmapOHKM()(maps, targets)
    with pytest.raises(ShapeError, match="4 maps, but a keypoint has three; give disc, x and y of each"):
        OffsetMSE()(maps[:, :4], targets[:, :4])
