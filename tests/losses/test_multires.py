import pytest
import torch

from hrpose.errors import ConfigError, ShapeError
from hrpose.losses.multires import MaskedMSE, MultiResolutionLoss
from hrpose.types import PoseMaps, PoseTargets

MAPS = PoseMaps((torch.ones(2, 3, 4, 4), torch.ones(2, 3, 8, 8)), (torch.zeros(2, 3, 4, 4),))
PLACES = torch.tensor([[[0, 1, -1], [2, 3, 4]]] * 2)
TARGETS = PoseTargets((torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 8, 8)), tags=(PLACES,))


def test_every_map_has_its_term() -> None:
    terms = MultiResolutionLoss(heatmap_factors=(1.0, 0.5), push_factors=(2.0,))(MAPS, TARGETS)
    assert {name: value.item() for name, value in terms.items()} == {
        "heatmaps_0": 1.0,
        "heatmaps_1": 0.5,
        "push_0": 1.0,
        "pull_0": 0.0,
    }


def test_masked_pixels_count_as_no_error() -> None:
    masks = (torch.zeros(2, 4, 4), torch.ones(2, 8, 8))
    masks[1][:, :4] = 0
    terms = MultiResolutionLoss()(MAPS, TARGETS._replace(masks=masks))
    assert (terms["heatmaps_0"].item(), terms["heatmaps_1"].item()) == (0, 0.5)


def test_weights_count_once() -> None:
    weights = torch.tensor([[0.5, 0.0, 1.0]])
    assert MaskedMSE()(torch.ones(1, 3, 2, 2), torch.zeros(1, 3, 2, 2), weights).item() == pytest.approx(0.5)


def test_half_precision_does_not_overflow() -> None:
    maps = torch.full((1, 1, 4, 4), 1000.0, dtype=torch.float16)
    assert MaskedMSE()(maps, torch.zeros(1, 1, 4, 4)).item() == 1e6


def test_masks_of_another_size_are_refused() -> None:
    masks = (torch.ones(2, 8, 8), torch.ones(2, 8, 8))
    with pytest.raises(ShapeError, match=r"masks have the shape \(2, 8, 8\), but \(2, 4, 4\) is needed"):
        MultiResolutionLoss()(MAPS, TARGETS._replace(masks=masks))


def test_counts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"2 heatmaps, 1 heatmap targets.*give one of each a map"):
        MultiResolutionLoss()(MAPS, TARGETS._replace(heatmaps=TARGETS.heatmaps[:1]))
    with pytest.raises(ShapeError, match="1 tag maps, 0 tag targets"):
        MultiResolutionLoss()(MAPS, TARGETS._replace(tags=()))
    with pytest.raises(ShapeError, match="1 masks do not fit together"):
        MultiResolutionLoss()(MAPS, TARGETS._replace(masks=(torch.ones(2, 4, 4),)))
    with pytest.raises(ConfigError, match="2 push_factors and 1 pull_factors"):
        MultiResolutionLoss(push_factors=(1.0, 1.0))
