"""Files with outlines -> views with masks."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hrpose.codecs import InstanceGrouping
from hrpose.data.coco_instances import CocoInstances
from hrpose.data.instances import InstanceDataset, stack_instances
from hrpose.data.masks import region_mask, run_lengths
from hrpose.data.pictures import BottomUpAugment
from hrpose.data.synthetic import write_coco
from hrpose.errors import ConfigError, DataError
from tests.data.made import save

SIZE = (48, 64)  # (height, width)
SQUARE = [[8, 8, 24, 8, 24, 24, 8, 24]]


def thing(number: int = 1, **fields: Any) -> dict[str, Any]:
    made = {"id": number, "image_id": 7, "category_id": 3, "segmentation": SQUARE, "area": 256} | fields
    return {key: value for key, value in made.items() if value is not None}


def content(*things: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "images": [
            {"id": 7, "file_name": "seven.png", "width": 64, "height": 48},
            {"id": 9, "file_name": "nine.png", "width": 40, "height": 32},
        ],
        "annotations": list(things),
        "categories": [{"id": 3, "name": "cat"}, {"id": 5, "name": "dog"}],
    } | fields


def read(folder: Path, *things: dict[str, Any], **settings: Any) -> CocoInstances:
    return CocoInstances.from_file(save(folder, content(*things)), folder, **settings)


def test_polygons_and_run_lengths_are_read_as_masks(tmp_path: Path) -> None:
    mask = np.random.default_rng(0).random(SIZE) > 0.7
    people = read(tmp_path, thing(1), thing(2, category_id=5, segmentation=run_lengths(mask)))
    first, second = people.whole_pictures
    np.testing.assert_array_equal(first.masks(), [region_mask(SQUARE, SIZE), mask])
    assert first.labels == [0, 1]
    assert second.masks().shape == (0, 32, 40)
    assert people.classes == ("cat", "dog")
    assert people.category_ids == (3, 5)


def test_chosen_categories_are_counted_in_the_order_given(tmp_path: Path) -> None:
    things = thing(1), thing(2, category_id=5)
    assert read(tmp_path, *things, categories=["dog", 3]).whole_pictures[0].labels == [1, 0]
    dogs = read(tmp_path, *things, categories=["dog"])
    assert dogs.whole_pictures[0].labels == [0]
    assert dogs.skipped.ids == {"other category": [1]}
    assert dogs.summary() == "1 things of 1 classes in 2 images; left out: 1 other category"


def test_annotations_without_an_outline_are_left_out_and_counted(tmp_path: Path) -> None:
    made = read(tmp_path, thing(1), thing(2, segmentation=None), thing(3, segmentation=[]))
    assert made.skipped.ids == {"no outline": [2, 3]}


def test_crowds_count_for_nothing_and_are_no_thing(tmp_path: Path) -> None:
    crowd = thing(2, iscrowd=1, segmentation=[[32, 0, 64, 0, 64, 48, 32, 48]])
    data = read(tmp_path, thing(1), crowd).pictures(48)
    sample = data[0]  # columns 8 to 56 of the picture
    assert len(sample.masks) == 1
    assert sample.counted[:, :6].all()
    assert not sample.counted[:, 6:].any()


def test_masks_lie_where_the_picture_shows_the_things(tmp_path: Path) -> None:
    made = read(tmp_path, thing())
    pixels = np.zeros((*SIZE, 3), np.uint8)
    pixels[region_mask(SQUARE, SIZE)] = 255
    from PIL import Image

    Image.fromarray(pixels).save(tmp_path / "seven.png")
    for augment in (None, BottomUpAugment(scale=(0.9, 1.4), flip_probability=1.0), BottomUpAugment()):
        data = made.pictures(64, stride=1, augment=augment, seed=4, mean=(0, 0, 0), std=(1, 1, 1))
        for epoch in range(4):
            data.set_epoch(epoch)
            sample = data[0]
            white = sample.image[0] > 0.5
            shared = (white & sample.masks[0]).sum() / (white | sample.masks[0]).sum().clamp(min=1)
            assert shared > 0.97 or not sample.masks[0].any()


def test_a_pixel_of_a_coarse_map_is_what_most_of_its_pixels_are(tmp_path: Path) -> None:
    made = read(tmp_path, thing(segmentation=[[11, 8, 25, 8, 25, 24, 11, 24]]))  # columns 11 to 24
    mask = made.pictures(48)[0].masks[0]  # of which the view shows 8 and on: 3 to 16
    assert mask.any(0).nonzero().flatten().tolist() == [1, 2, 3]
    assert mask.any(1).nonzero().flatten().tolist() == [2, 3, 4, 5]


def test_what_lies_outside_the_picture_does_not_count(tmp_path: Path) -> None:
    far = BottomUpAugment(scale=(2.0, 2.0), rotation=0, translate=0, flip_probability=0)
    sample = read(tmp_path, thing()).pictures(48, augment=far, seed=0)[0]
    assert not sample.counted[0].any()
    assert sample.counted[6].any()


def test_a_seed_and_an_epoch_decide_the_view(tmp_path: Path) -> None:
    made = read(tmp_path, thing())
    first, again = (made.pictures(32, augment=BottomUpAugment(), seed=5) for _ in range(2))
    assert torch.equal(first[0].image, again[0].image)
    again.set_epoch(1)
    assert not torch.equal(first[0].image, again[0].image)


def test_pictures_kept_in_memory_are_those_of_the_files(tmp_path: Path) -> None:
    made = read(tmp_path, thing(), thing(2, image_id=9))
    kept, plain = made.pictures(32, in_memory=True), made.pictures(32)
    (tmp_path / "nine.png").rename(tmp_path / "gone.png")
    assert torch.equal(kept[0].image, plain[0].image)
    assert torch.equal(kept[0].masks, plain[0].masks)
    assert kept[1].masks.shape == (1, 8, 8)


def test_a_batch_has_empty_masks_where_there_are_fewer_things(tmp_path: Path) -> None:
    data = read(tmp_path, thing(1), thing(2, category_id=5), thing(3, image_id=9)).pictures(32)
    batch = stack_instances([data[0], data[1]])
    assert batch.masks.shape == (2, 2, 8, 8)
    assert batch.masks[1, 0].any()
    assert not batch.masks[1, 1].any()
    assert batch.labels.tolist() == [[0, 1], [0, 0]]
    assert batch.targets.counted.shape == (2, 8, 8)


def test_synthetic_figures_are_read_with_the_masks_they_were_drawn_with(tmp_path: Path) -> None:
    file = write_coco(tmp_path, 2, seed=3, size=(64, 80), people=(2, 3), crowding=0.5)
    figures = CocoInstances.from_file(file, tmp_path / "images")
    assert figures.classes == ("person",)
    data = figures.pictures(64, grouping=InstanceGrouping(min_pixels=2))
    assert data.grouping.min_pixels == 2
    for sample in (data[0], data[1]):
        assert sample.image.shape == (3, 64, 64)
        assert sample.masks.sum(0).max() <= 1
        assert sample.counted.all()


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (content(thing(image_id=8)), "annotation 1: image 8 is not in the list of images; add or remove"),
        (content(thing(category_id=4)), "annotation 1: category 4 is not in the list of categories; add or"),
        (content(thing(segmentation=None)), "none of 1 annotations is left: 1 no outline"),
        (content(thing(), categories=[]), "the file lists no categories, or one without an id; number them"),
        (content(), 'the list "annotations" is empty; there is nothing to read'),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused(tmp_path: Path, made: dict[str, Any], text: str) -> None:
    with pytest.raises(DataError, match=text):
        CocoInstances.from_file(made, tmp_path)


def test_an_unknown_category_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no category 'cats'; did you mean cat"):
        read(tmp_path, thing(), categories=["cats"])


def test_an_outline_that_is_none_names_image_and_annotation(tmp_path: Path) -> None:
    data = read(tmp_path, thing(segmentation=[[1, 2]])).pictures(32)
    with pytest.raises(DataError, match="image 7, annotation 1: a polygon of 2 numbers encloses nothing"):
        data[0]


def test_a_picture_of_another_size_is_refused(tmp_path: Path) -> None:
    made = read(tmp_path, thing(image_id=9))
    (tmp_path / "seven.png").replace(tmp_path / "nine.png")
    with pytest.raises(DataError, match=r"nine.png is \(48, 64\), but annotated as \(32, 40\) .* outlines"):
        made.pictures(32)[1]


def test_sizes_and_lists_without_meaning_are_refused(tmp_path: Path) -> None:
    made = read(tmp_path, thing())
    with pytest.raises(ConfigError, match="input_size=30 and stride=4; give a size that the stride divides"):
        made.pictures(30)
    with pytest.raises(ConfigError, match="input_size=32 and stride=0; give a size"):
        made.pictures(32, stride=0)
    with pytest.raises(DataError, match="the list of pictures is empty; look at what the reader skipped"):
        InstanceDataset([], classes=("cat",), input_size=32)
