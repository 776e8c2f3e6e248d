"""Tags at random pixels of instances."""

import pytest
import torch

from hrpose.errors import ConfigError, ShapeError, UnknownNameError
from hrpose.losses.instance import InstanceAELoss, InstanceLoss, sample_pixels


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def halves() -> torch.Tensor:
    """Masks (1, 3, 6, 8): the left half, the right half, nothing."""
    masks = torch.zeros(1, 3, 6, 8, dtype=torch.bool)
    masks[0, 0, :, :4] = masks[0, 1, :, 4:] = True
    return masks


def test_pixels_are_of_the_instance_and_none_comes_twice() -> None:
    masks = halves()
    places = sample_pixels(masks, 10, seeded())
    assert places.shape == (1, 3, 10)
    for k in (0, 1):
        assert masks[0, k].flatten()[places[0, k]].all()
        assert len(places[0, k].unique()) == 10
    assert (places[0, 2] == -1).all()


def test_an_instance_with_fewer_pixels_gives_all_that_it_has() -> None:
    masks = halves()
    masks[0, 2, 0, :2] = True
    places = sample_pixels(masks, 10, seeded())
    assert places[0, 2].sort().values.tolist() == [-1] * 8 + [0, 1]
    assert (sample_pixels(masks, None) >= 0).sum().item() == masks.sum().item()


def test_a_seed_draws_the_same_pixels_again_and_another_seed_others() -> None:
    masks = halves()
    first, again, other = (sample_pixels(masks, 5, seeded(seed)) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_every_pixel_is_drawn_equally_often() -> None:
    masks, generator = halves(), seeded()
    counts = torch.zeros(48)
    for _ in range(600):
        counts += torch.bincount(sample_pixels(masks, 6, generator)[0, 0], minlength=48)
    drawn = counts[masks[0, 0].flatten()] / 600
    assert (drawn - 6 / 24).abs().max() < 0.08
    assert counts.sum() == 3600


def test_all_pixels_give_the_formula_of_the_paper() -> None:
    masks, tags = halves(), torch.randn(1, 1, 6, 8, generator=seeded())
    push, pull = InstanceAELoss(None)(tags, masks)
    left, right = tags[0, 0, :, :4], tags[0, 0, :, 4:]
    spread = [(half - half.mean()).square().mean() for half in (left, right)]
    assert torch.allclose(pull, torch.stack(spread).mean())
    assert torch.allclose(push, 0.5 * torch.exp(-(left.mean() - right.mean()).square()))


def test_a_sample_is_the_loss_of_its_pixels() -> None:
    masks, tags = halves(), torch.randn(1, 2, 6, 8, generator=seeded())
    places = sample_pixels(masks, 4, seeded(7))
    only = torch.zeros_like(masks).flatten(2).scatter(2, places.clamp(min=0), True).view(masks.shape) & masks
    sampled = InstanceAELoss(4, tag_dims=2)(tags, masks, seeded(7))
    assert torch.allclose(torch.cat(sampled), torch.cat(InstanceAELoss(None, tag_dims=2)(tags, only)))


def test_gradients_reach_the_drawn_pixels_only() -> None:
    tags = torch.randn(1, 1, 6, 8, requires_grad=True)
    sum(InstanceAELoss(3)(tags, halves(), seeded())).sum().backward()
    drawn = sample_pixels(halves(), 3, seeded())
    assert set(tags.grad.flatten().nonzero().flatten().tolist()) == set(drawn[drawn >= 0].tolist())


def test_no_instances_give_zero_and_finite_gradients() -> None:
    for masks in (torch.zeros(2, 3, 4, 4), torch.zeros(2, 0, 4, 4)):
        tags = torch.randn(2, 1, 4, 4, requires_grad=True)
        push, pull = InstanceAELoss()(tags, masks.bool())
        (push.sum() + pull.sum()).backward()
        assert push.tolist() == pull.tolist() == [0.0, 0.0]
        assert tags.grad.isfinite().all()


def test_learning_pulls_pixels_together_and_pushes_instances_apart() -> None:
    masks, generator = halves(), seeded()
    maps = (0.1 * torch.randn(1, 2, 6, 8, generator=generator)).requires_grad_()
    optimizer, loss = torch.optim.Adam([maps], 0.1), InstanceLoss(8)
    for _ in range(80):
        optimizer.zero_grad()
        sum(loss(maps, masks, generator).values()).backward()
        optimizer.step()
    left, right = maps[0, 1, :, :4], maps[0, 1, :, 4:]
    assert (left.mean() - right.mean()).abs() > 1
    assert max(left.std(), right.std()) < 0.3
    assert (maps[0, 0] > 0).all()


def test_the_factors_count() -> None:
    maps, masks = torch.randn(1, 2, 6, 8), halves()
    plain, twice = InstanceLoss(None), InstanceLoss(None, push_factor=2, pull_factor=3)
    one, other = plain(maps, masks), twice(maps, masks)
    assert torch.allclose(other["push"], 2 * one["push"])
    assert torch.allclose(other["pull"], 3 * one["pull"])
    assert torch.equal(other["mask"], one["mask"])


def test_settings_and_maps_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"samples=0 leaves no tags to compare; give 1 or more, or None"):
        InstanceAELoss(0)
    with pytest.raises(ConfigError, match=r"samples=-1 leaves no tags to compare"):
        sample_pixels(halves(), -1)
    with pytest.raises(UnknownNameError, match=r"push='min' is not known"):
        InstanceLoss(push="min")
    with pytest.raises(
        ShapeError, match=r"masks are \(6, 8\), but \(N, M, h, w\) is needed; one mask an instance"
    ):
        sample_pixels(torch.ones(6, 8), 4)
    with pytest.raises(
        ShapeError,
        match=r"tags \(1, 1, 3, 4\) and masks \(1, 3, 6, 8\), but \(N, 1, h, w\) and \(N, M, h, w\) are",
    ):
        InstanceAELoss()(torch.zeros(1, 1, 3, 4), halves())
    with pytest.raises(ShapeError, match=r"resize the masks to the tag maps"):
        InstanceAELoss(tag_dims=2)(torch.zeros(1, 1, 6, 8), halves())
