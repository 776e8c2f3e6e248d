"""The squared error of the hourglasses."""

import pytest
import torch

from hrpose.errors import ConfigError, ShapeError
from hrpose.losses import HeatmapMSE, StackMSE


def test_it_is_twice_the_halved_error() -> None:
    maps, targets = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 4, 5)
    assert torch.allclose(StackMSE()(maps, targets), 2 * HeatmapMSE()(maps, targets))


def test_the_terms_of_all_stacks_sum_to_their_mean() -> None:
    stacks, target = torch.randn(3, 2, 4, 5, 5), torch.randn(2, 4, 5, 5)
    terms = [StackMSE(3)(maps, target) for maps in stacks]
    assert torch.allclose(sum(terms), (stacks - target).square().mean())


def test_masked_pixels_count_as_zeros() -> None:
    maps, masks = torch.ones(1, 2, 2, 2), torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    assert StackMSE()(maps, torch.zeros_like(maps), masks=masks).item() == 0.25


def test_weights_count_once() -> None:
    maps, weights = torch.ones(2, 2, 2, 2), torch.tensor([[0.5, 0.0], [1.0, 1.0]])
    assert StackMSE()(maps, torch.zeros_like(maps), weights).item() == (0.25 + 1) / 2


def test_no_images_give_zero() -> None:
    nothing = torch.zeros(0, 3, 4, 4)
    assert StackMSE(2)(nothing, nothing).item() == 0


def test_wrong_shapes_and_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"stacks=0, but there is at least one; give 1 or more"):
        StackMSE(0)
    with pytest.raises(ShapeError, match=r"encode the targets with the codec of the model"):
        StackMSE()(torch.zeros(1, 2, 4, 4), torch.zeros(1, 3, 4, 4))
