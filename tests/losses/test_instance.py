"""Tags at random pixels of instances."""

import pytest
import torch
import torch.nn.functional as F

from hrpose.errors import ConfigError, ShapeError, UnknownNameError
from hrpose.losses.instance import InstanceAELoss, InstanceLoss, sample_pixels
from hrpose.types import InstanceMaps, InstanceTargets


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def halves() -> torch.Tensor:
    """Masks (1, 3, 6, 8): the left half, the right half, nothing."""
    masks = torch.zeros(1, 3, 6, 8, dtype=torch.bool)
    masks[0, 0, :, :4] = masks[0, 1, :, 4:] = True
    return masks


def random_maps(classes: int = 1) -> InstanceMaps:
    return InstanceMaps(torch.randn(1, classes, 6, 8), torch.randn(1, 1, 6, 8))


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
        parts = InstanceMaps(maps[:, :1], maps[:, 1:])
        sum(loss(parts, InstanceTargets(masks), generator).values()).backward()
        optimizer.step()
    left, right = maps[0, 1, :, :4], maps[0, 1, :, 4:]
    assert (left.mean() - right.mean()).abs() > 1
    assert max(left.std(), right.std()) < 0.3
    assert (maps[0, 0] > 0).all()


def test_the_factors_count() -> None:
    maps, targets = random_maps(), InstanceTargets(halves())
    plain, twice = InstanceLoss(None), InstanceLoss(None, push_factor=2, pull_factor=3)
    one, other = plain(maps, targets), twice(maps, targets)
    assert torch.allclose(other["push"], 2 * one["push"])
    assert torch.allclose(other["pull"], 3 * one["pull"])
    assert torch.equal(other["masks"], one["masks"])


def test_each_class_learns_where_its_things_are() -> None:
    maps, labels = random_maps(classes=3), torch.tensor([[2, 0, 0]])
    loss = InstanceLoss(None)(maps, InstanceTargets(halves(), labels))["masks"]
    shown = torch.zeros(1, 3, 6, 8)
    shown[0, 2, :, :4] = shown[0, 0, :, 4:] = 1
    assert torch.allclose(loss, F.binary_cross_entropy_with_logits(maps.logits, shown))


def test_what_does_not_count_gives_no_gradient() -> None:
    logits, tags = (map.requires_grad_() for map in random_maps())
    counted = torch.ones(1, 6, 8, dtype=torch.bool)
    counted[0, :, 2:6] = False
    targets = InstanceTargets(halves(), None, counted)
    sum(InstanceLoss(None)(InstanceMaps(logits, tags), targets).values()).backward()
    for map in (logits, tags):
        assert (map.grad[..., 2:6] == 0).all()
        assert (map.grad[..., [0, 1, 6, 7]] != 0).all()


def test_nothing_that_counts_gives_zero_and_finite_gradients() -> None:
    maps = InstanceMaps(*(map.requires_grad_() for map in random_maps()))
    terms = InstanceLoss()(maps, InstanceTargets(halves(), None, torch.zeros(1, 6, 8)))
    sum(terms.values()).backward()
    assert [term.item() for term in terms.values()] == [0, 0, 0]
    assert maps.tags.grad.isfinite().all()


def test_half_precision_is_compared_in_float32() -> None:
    maps, targets = random_maps(), InstanceTargets(halves())
    terms = InstanceLoss(None)(InstanceMaps(*(map.bfloat16() for map in maps)), targets)
    for name, term in InstanceLoss(None)(maps, targets).items():
        assert terms[name].dtype == torch.float32
        assert torch.allclose(terms[name], term, atol=0.02)


def test_labels_and_sizes_that_do_not_fit_are_refused() -> None:
    loss, masks = InstanceLoss(), halves()
    with pytest.raises(ShapeError, match=r"labels are None, but there are 2 classes; give \(N, M\), from 0"):
        loss(random_maps(classes=2), InstanceTargets(masks))
    with pytest.raises(ShapeError, match=r"labels are \(1, 2\) and masks \(1, 3, 6, 8\); give a label to"):
        loss(random_maps(), InstanceTargets(masks, torch.zeros(1, 2, dtype=torch.int64)))
    with pytest.raises(ShapeError, match=r"labels go from 0 to 2, but there are 2 classes; count them from"):
        loss(random_maps(classes=2), InstanceTargets(masks, torch.tensor([[0, 1, 2]])))
    wide = InstanceMaps(torch.zeros(1, 1, 3, 4), torch.zeros(1, 1, 6, 8))
    with pytest.raises(ShapeError, match=r"logits \(1, 1, 3, 4\) and masks of classes .* differ; resize the"):
        loss(wide, InstanceTargets(masks))


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
