import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from hrpose.codecs import MSRA
from hrpose.data.augment import TopDownAugment, check_mirror
from hrpose.data.coco import CocoKeypoints
from hrpose.data.people import Person
from hrpose.data.topdown import Sample, TopDownDataset, well_centred
from hrpose.errors import ConfigError, DataError, ImageError
from hrpose.skeletons import COCO, HAND_21, Skeleton
from hrpose.types import PoseTargets
from tests.data.made import content, person, save

CODEC = MSRA(input_size=(64, 48))
PUPPET = Skeleton(name="puppet", keypoints=("nose", "left", "right"), mirror=(("left", "right"),))
DOTS = ((20, 12), (30, 20), (14, 26))  # where nose, left and right are, in pixels
COLORS = ((255, 0, 0), (0, 255, 0), (0, 0, 255))


@pytest.fixture
def dotted(tmp_path: Path) -> list[Person]:
    """One person whose keypoints are a red, a green and a blue dot."""
    pixels = np.zeros((48, 64, 3), dtype=np.uint8)
    for (x, y), color in zip(DOTS, COLORS, strict=True):
        pixels[y - 1 : y + 2, x - 1 : x + 2] = color
    keypoints = [value for x, y in DOTS for value in (x, y, 2)]
    save(tmp_path, content(person()))
    Image.fromarray(pixels).save(tmp_path / "seven.png")
    made = content(person(keypoints=keypoints, bbox=[5, 5, 34, 30]))
    return CocoKeypoints.from_file(made, tmp_path, skeleton=PUPPET).people


def dataset(people: list[Person], **settings: Any) -> TopDownDataset:
    return TopDownDataset(people, CODEC, PUPPET, mean=(0, 0, 0), std=(1, 1, 1), **settings)


def test_an_item_is_a_crop_with_its_targets(dotted: list[Person]) -> None:
    item = dataset(dotted)[0]
    assert item.image.shape == (3, 64, 48)
    assert item.heatmaps.shape == (3, 16, 12)
    assert item.weights.tolist() == [1, 1, 1]
    assert item.center.tolist() == [5 + 33 / 2, 5 + 29 / 2]
    assert int(item.index) == 0


@pytest.mark.parametrize("flip", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_heatmaps_peak_where_the_keypoints_of_the_crop_are(
    dotted: list[Person], flip: float, seed: int
) -> None:
    augment = TopDownAugment(flip_probability=flip, half_body_probability=0)
    item = dataset(dotted, augment=augment, seed=seed)[0]
    order = PUPPET.mirror_index if flip else range(3)
    for keypoint, color in enumerate(order):  # in a mirrored crop the left hand is where the right dot is
        dot = item.image[color] > 0.5
        if not dot.any():
            continue
        y, x = (axis.float().mean() for axis in torch.nonzero(dot, as_tuple=True))
        row, column = divmod(int(item.heatmaps[keypoint].argmax()), 12)
        assert abs(column * 4 - x) <= 3
        assert abs(row * 4 - y) <= 3


def test_pixels_are_normalised(dotted: list[Person]) -> None:
    plain = dataset(dotted)[0].image
    normal = TopDownDataset(dotted, CODEC, PUPPET)[0].image
    assert torch.allclose(normal[0], (plain[0] - 0.485) / 0.229, atol=1e-6)


def test_items_collate_to_samples_and_differ_by_person(dotted: list[Person]) -> None:
    batch = next(iter(DataLoader(dataset(dotted * 3), batch_size=3)))
    assert isinstance(batch, Sample)
    assert batch.image.shape == (3, 3, 64, 48)
    assert batch.index.tolist() == [0, 1, 2]


def epoch(data: TopDownDataset, number: int, workers: int = 0) -> torch.Tensor:
    data.set_epoch(number)
    return torch.cat([batch.image for batch in DataLoader(data, batch_size=2, num_workers=workers)])


def test_random_numbers_depend_on_seed_epoch_and_index_alone(dotted: list[Person]) -> None:
    data = dataset(dotted * 4, augment=TopDownAugment(), seed=5)
    first = epoch(data, 0)
    assert torch.equal(first, epoch(data, 0))
    assert not torch.equal(first, epoch(data, 1))
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first, epoch(dataset(dotted * 4, augment=TopDownAugment(), seed=6), 0))


@pytest.mark.slow
def test_workers_draw_what_one_process_draws_and_hear_of_the_epoch(dotted: list[Person]) -> None:
    data = dataset(dotted * 4, augment=TopDownAugment(), seed=5)
    alone = [epoch(data, number) for number in (0, 1)]
    loader = DataLoader(data, batch_size=2, num_workers=2, persistent_workers=True)
    for number in (0, 1):
        data.set_epoch(number)
        assert torch.equal(torch.cat([batch.image for batch in loader]), alone[number])


def test_without_a_seed_random_numbers_come_from_pytorch(dotted: list[Person]) -> None:
    data = dataset(dotted, augment=TopDownAugment())
    torch.manual_seed(3)
    first, second = data[0].image, data[0].image
    torch.manual_seed(3)
    assert torch.equal(data[0].image, first)
    assert not torch.equal(first, second)


def test_hidden_and_unknown_keypoints_weigh_as_in_the_original(dotted: list[Person], tmp_path: Path) -> None:
    made = content(person(keypoints=[20, 12, 1, 30, 20, 2, 0, 0, 0]))
    people = CocoKeypoints.from_file(made, dotted[0].image_path.parent, skeleton=PUPPET).people
    assert dataset(people)[0].weights.tolist() == [1, 1, 0]
    assert dataset(people, keypoint_weights=(1.5, 1.2, 1.2))[0].weights.tolist() == pytest.approx(
        [1.5, 1.2, 0]
    )


def test_people_far_from_the_middle_of_their_crop_are_not_well_centred() -> None:
    corner = [11, 6, 2, 12, 7, 2, 11, 8, 2]
    middle = [20, 18, 2, 18, 22, 2, 22, 20, 2]
    people = CocoKeypoints.from_file(
        content(person(1, keypoints=corner), person(2, keypoints=middle)), "."
    ).people
    assert [found.annotation_id for found in well_centred(people, CODEC)] == [2]


def test_what_makes_no_data_set_is_refused(dotted: list[Person]) -> None:
    with pytest.raises(DataError, match="the list of people is empty; look at what the reader skipped"):
        dataset([])
    with pytest.raises(
        DataError, match=re.escape("annotation 1 has 3 keypoints, and skeleton 'coco' has 17")
    ):
        TopDownDataset(dotted, CODEC, COCO)
    with pytest.raises(ConfigError, match="1 keypoint_weights for 3 keypoints; give one for each"):
        dataset(dotted, keypoint_weights=[1.0])
    with pytest.raises(ConfigError, match=r"codec='msra' is no TopDownCodec; give one, such as MSRA\("):
        TopDownDataset(dotted, "msra", PUPPET)  # type: ignore[arg-type]
    with pytest.raises(
        ConfigError, match=r"augment=True is no TopDownAugment; give .* TopDownAugment\(\), or"
    ):
        dataset(dotted, augment=True)


@pytest.mark.parametrize("figures", [{"mean": (0.5,)}, {"std": (0.2, 0.2)}, {"std": (1, 1, 0)}])
def test_figures_that_normalise_no_picture_are_refused(dotted: list[Person], figures: Any) -> None:
    (name,) = figures
    text = re.escape(
        f"{name}={figures[name]}; give three figures, for red, green and blue, those of std above"
    )
    with pytest.raises(ConfigError, match=text):
        TopDownDataset(dotted, CODEC, PUPPET, **figures)


def test_a_reader_makes_its_data_set_by_itself(dotted: list[Person]) -> None:
    data = CocoKeypoints.from_file(content(person()), dotted[0].image_path.parent, skeleton=PUPPET)
    crops = data.crops(
        CODEC, augment=TopDownAugment(), seed=5, mean=(0, 0, 0), std=(1, 1, 1), keypoint_weights=(1, 2, 3)
    )
    assert (crops.people, crops.codec, crops.skeleton) == (data.people, CODEC, PUPPET)
    same = dataset(data.people, augment=TopDownAugment(), seed=5, keypoint_weights=(1, 2, 3))
    assert all(torch.equal(a, b) for a, b in zip(crops[0], same[0], strict=True))


def test_a_reader_in_place_of_its_people_is_refused(dotted: list[Person]) -> None:
    data = CocoKeypoints.from_file(content(person()), dotted[0].image_path.parent)
    text = r"people is a CocoKeypoints, .* call its method crops\(codec\), or give its \.people"
    with pytest.raises(DataError, match=text):
        TopDownDataset(data, CODEC, PUPPET)  # type: ignore[arg-type]


def test_a_batch_knows_its_targets(dotted: list[Person]) -> None:
    batch = next(iter(DataLoader(dataset(dotted * 2), batch_size=2)))
    assert isinstance(batch.targets, PoseTargets)
    assert torch.equal(batch.targets.heatmaps[0], batch.heatmaps)
    assert torch.equal(batch.targets.weights, batch.weights)


def test_what_has_no_mirror_pairs_is_not_mirrored_unasked(dotted: list[Person]) -> None:
    nameless = Skeleton.generic(3)
    text = re.escape(
        "flip_probability=0.5, but skeleton 'generic_3' names no mirror pairs, so left would be learned as "
        "right; give skeleton= with its pairs, flip_probability=0, or flip_without_pairs=True if it has none"
    )
    with pytest.raises(ConfigError, match=text):
        TopDownDataset(dotted, CODEC, nameless, augment=TopDownAugment())
    for harmless in ({"flip_probability": 0.0}, {"flip_without_pairs": True}):
        TopDownDataset(dotted, CODEC, nameless, augment=TopDownAugment(**harmless))
    TopDownDataset(dotted, CODEC, nameless)  # not augmented


def test_published_skeletons_without_pairs_are_mirrored() -> None:
    check_mirror(HAND_21, 0.5)
    check_mirror(Skeleton.generic(1), 0.5)


def test_a_picture_that_is_gone_is_named(dotted: list[Person]) -> None:
    dotted[0].image_path.unlink()
    with pytest.raises(ImageError, match=r"there is no image file .*seven\.png"):
        dataset(dotted)[0]
