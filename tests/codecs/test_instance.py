"""Mask and tag maps to instances."""

import pytest
import torch

from hrpose.codecs.instance import InstanceGrouping
from hrpose.errors import ConfigError, DataError, ShapeError

GROUPING = InstanceGrouping(min_pixels=4)


def scene(*things: tuple[slice, slice, float]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits, tags and labels of things painted one over the other on 24 x 32 pixels."""
    labels, tags = torch.zeros(24, 32, dtype=torch.int64), torch.zeros(24, 32)
    for k, (rows, columns, tag) in enumerate(things, start=1):
        labels[rows, columns], tags[rows, columns] = k, tag
    logits = torch.where(labels > 0, 4.0, -4.0)
    return logits[None, None], tags[None, None], labels


def test_overlapping_things_come_apart_by_their_tags() -> None:
    logits, tags, labels = scene((slice(2, 20), slice(2, 16), 1.0), (slice(8, 22), slice(10, 30), 4.0))
    generator = torch.Generator().manual_seed(0)
    found = GROUPING.decode(logits, tags + 0.1 * torch.randn(tags.shape, generator=generator))[0]
    assert torch.equal(found.masks[0], labels == 2)  # the largest first
    assert torch.equal(found.masks[1], labels == 1)
    assert torch.allclose(found.tags[:, 0], torch.tensor([4.0, 1.0]), atol=0.05)
    assert torch.allclose(found.scores, torch.tensor(4.0).sigmoid().expand(2))


def test_parts_that_something_divides_stay_one_thing() -> None:
    logits, tags, labels = scene((slice(10, 14), slice(0, 32), 2.0), (slice(0, 24), slice(14, 18), -2.0))
    found = GROUPING.decode(logits, tags)[0]
    assert {tuple(mask.flatten().tolist()) for mask in found.masks} == {
        tuple((labels == k).flatten().tolist()) for k in (1, 2)
    }


def test_several_dimensions_are_compared_together() -> None:
    logits, tags, labels = scene((slice(0, 12), slice(0, 32), 0.0), (slice(12, 24), slice(0, 32), 0.4))
    both = torch.cat((tags, tags), 1)
    assert len(GROUPING.decode(logits, tags)[0].masks) == 1  # 0.4 apart
    found = GROUPING.decode(logits, both)[0]  # 0.4 * sqrt(2) apart
    assert len(found.masks) == 2
    assert found.tags.shape == (2, 2)
    assert int(found.masks.sum()) == int((labels > 0).sum())


def test_no_pixel_is_in_two_instances_and_hidden_ones_are_in_none() -> None:
    generator = torch.Generator().manual_seed(1)
    logits, tags = (
        torch.randn(2, 1, 20, 20, generator=generator),
        torch.randn(2, 1, 20, 20, generator=generator),
    )
    for image, found in enumerate(GROUPING.decode(logits, tags)):
        assert found.masks.sum(0).max() <= 1
        assert not (found.masks.any(0) & (logits[image, 0] <= 0)).any()
        assert (found.masks.sum((1, 2)) >= 4).all()


def test_small_things_and_too_many_are_left_out() -> None:
    logits, tags, _ = scene((slice(0, 1), slice(0, 3), 1.0), (slice(5, 9), slice(5, 9), 5.0))
    assert len(GROUPING.decode(logits, tags)[0].masks) == 1
    logits, tags, _ = scene(*((slice(4 * k, 4 * k + 3), slice(0, 9), 3.0 * k) for k in range(5)))
    assert len(GROUPING.decode(logits, tags)[0].masks) == 5
    assert len(InstanceGrouping(min_pixels=4, max_instances=3).decode(logits, tags)[0].masks) == 3


def test_an_instance_is_of_the_class_that_its_pixels_show_together() -> None:
    logits, tags, labels = scene((slice(2, 20), slice(2, 16), 1.0), (slice(8, 22), slice(10, 30), 4.0))
    both = torch.cat((torch.where(labels == 1, logits, -4.0), torch.where(labels == 2, logits, -4.0)), 1)
    both[0, :, 3:6, 3:6] = both[0, :, 3:6, 3:6].flip(0)  # some pixels of the second are of the wrong class
    found = GROUPING.decode(both, tags)[0]
    assert found.labels.tolist() == [1, 0]
    assert torch.equal(found.masks.any(0), labels > 0)
    assert 0.9 < found.scores[1] < found.scores[0]


def test_masks_come_in_the_size_of_each_image() -> None:
    logits, tags, labels = scene((slice(2, 20), slice(2, 16), 1.0), (slice(8, 22), slice(10, 30), 4.0))
    one, two = GROUPING.decode(
        logits.repeat(2, 1, 1, 1), tags.repeat(2, 1, 1, 1), sizes=[(24, 32), (96, 100)]
    )
    assert torch.equal(one.masks[0], labels == 2)
    assert two.masks.shape == (2, 96, 100)
    wanted = torch.nn.functional.interpolate((labels == 2)[None, None].float(), (96, 100))[0, 0] > 0
    shared = (two.masks[0] & wanted).sum() / (two.masks[0] | wanted).sum()
    assert shared > 0.95


def test_resizing_puts_no_third_thing_between_two() -> None:
    things = [
        (slice(0, 24), slice(0, 10), 0.0),
        (slice(0, 24), slice(10, 20), 4.0),
        (slice(0, 24), slice(22, 32), 2.0),
    ]
    found = GROUPING.decode(*scene(*things)[:2], sizes=[(96, 128)])[0]
    third = int((found.tags[:, 0] - 2).abs().argmin())
    assert not found.masks[third][:, :80].any()  # tags of 2 lie between those of 0 and 4
    assert found.masks.sum(0).max() == 1
    assert found.masks.sum() > 0.95 * 96 * 128 * 30 / 32


def test_an_image_without_things_is_resized_to_no_masks() -> None:
    found = GROUPING.decode(torch.full((1, 1, 6, 7), -5.0), torch.zeros(1, 2, 6, 7), sizes=[(24, 28)])[0]
    assert found.masks.shape == (0, 24, 28)


def test_an_empty_image_has_no_instances() -> None:
    found = GROUPING.decode(torch.full((1, 1, 6, 7), -5.0), torch.zeros(1, 2, 6, 7))[0]
    assert found.masks.shape == (0, 6, 7)
    assert found.scores.shape == (0,)
    assert found.tags.shape == (0, 2)


def test_no_images_give_no_lists() -> None:
    assert GROUPING.decode(torch.zeros(0, 1, 4, 4), torch.zeros(0, 1, 4, 4)) == []


def test_half_precision_is_read_in_float32() -> None:
    logits, tags, labels = scene((slice(2, 20), slice(2, 16), 1.0))
    found = GROUPING.decode(logits.half(), tags.half())[0]
    assert torch.equal(found.masks[0], labels == 1)


def test_few_candidates_are_enough_for_large_things() -> None:
    logits, tags, labels = scene((slice(0, 12), slice(0, 32), 0.0), (slice(12, 24), slice(0, 32), 4.0))
    found = InstanceGrouping(candidates=8).decode(logits, tags)[0]
    assert torch.equal(found.masks.sum(0) > 0, labels > 0)
    assert len(found.masks) == 2


def test_settings_and_maps_without_a_meaning_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"mask_threshold=1\.0 is no probability; give 0 to below 1"):
        InstanceGrouping(mask_threshold=1.0)
    with pytest.raises(ConfigError, match=r"tag_threshold=0 lets no tags be near; give a number above 0"):
        InstanceGrouping(tag_threshold=0)
    with pytest.raises(ConfigError, match=r"min_pixels=0, but it counts; give 1 or more"):
        InstanceGrouping(min_pixels=0)
    with pytest.raises(ShapeError, match=r"logits has the shape \(2, 4, 4\), but \(N, C, h, w\) is needed"):
        GROUPING.decode(torch.zeros(2, 4, 4), torch.zeros(1, 1, 4, 4))
    with pytest.raises(ShapeError, match=r"1 sizes came for 2 images; give one to each"):
        GROUPING.decode(torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 4), sizes=[(8, 8)])
    with pytest.raises(ShapeError, match=r"tags has the shape \(1, 1, 4, 5\), but \(1, T, 4, 4\) is needed"):
        GROUPING.decode(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 5))
    with pytest.raises(DataError, match=r"hold NaN or infinity; look for training that diverged"):
        GROUPING.decode(torch.zeros(1, 1, 4, 4), torch.full((1, 1, 4, 4), torch.nan))
