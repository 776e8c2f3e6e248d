"""Whole pictures with the targets of everybody in them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from hrpose.codecs import AEHourglass, HigherHRNet
from hrpose.data.bottomup import BottomUpDataset, PersonSigma, stack
from hrpose.data.coco import CocoKeypoints
from hrpose.data.memory import BottomUpInMemory
from hrpose.data.pictures import BottomUpAugment
from hrpose.errors import ConfigError, DataError
from hrpose.skeletons import Skeleton
from tests.data.made import content, person, real_folder, save

CODEC = HigherHRNet(input_size=48)
NOBODY = [0] * 9
STILL = BottomUpAugment(scale=(1, 1), rotation=0, translate=0, flip_probability=0, flip_without_pairs=True)
TURNED = BottomUpAugment(scale=(1, 1), rotation=0, translate=0, flip_probability=1)


def read(folder: Path, *people: dict[str, Any], **fields: Any) -> CocoKeypoints:
    return CocoKeypoints.from_file(save(folder, content(*people, **fields)), folder)


def test_a_view_shows_the_middle_square_of_the_picture(tmp_path: Path) -> None:
    sample = read(tmp_path, person()).pictures(CODEC, mean=(0, 0, 0), std=(1, 1, 1))[0]
    with Image.open(tmp_path / "seven.png") as picture:
        middle = torch.from_numpy(np.array(picture))[:, 8:56].permute(2, 0, 1) / 255
    torch.testing.assert_close(sample.image, middle)
    assert [tuple(maps.shape) for maps in sample.heatmaps] == [(3, 12, 12), (3, 24, 24)]
    assert [tuple(mask.shape) for mask in sample.masks] == [(12, 12), (24, 24)]
    assert (sample.heatmaps[1][0] == 1).nonzero().tolist() == [[5, 3]]  # (15 - 8) / 2, 10 / 2
    assert sample.places[0].tolist() == [[2 * 12 + 1, 144 + 5 * 12 + 4, -1]]


def test_a_mirrored_view_mirrors_picture_masks_and_every_map_by_itself(tmp_path: Path) -> None:
    data = read(tmp_path, person())
    plain, turned = (data.pictures(CODEC, augment=augment, seed=0)[0] for augment in (STILL, TURNED))
    torch.testing.assert_close(turned.image, plain.image.flip(2))
    order = [0, 2, 1]  # the hands
    for ours, theirs in zip(turned.heatmaps, plain.heatmaps, strict=True):
        ours_at, theirs_at = ((maps == 1).nonzero() for maps in (ours[order].flip(2), theirs))
        assert (ours_at - theirs_at).abs().max() <= 1  # a pixel is cut toward the other side


def test_crowds_and_people_without_keypoints_count_for_nothing(tmp_path: Path) -> None:
    square = {"segmentation": [[20, 8, 36, 8, 36, 24, 20, 24]]}
    crowd = person(2, iscrowd=1, keypoints=NOBODY, **square)
    unmarked = person(3, keypoints=NOBODY, segmentation=[[40, 32, 52, 32, 52, 44, 40, 44]])
    marked = person(1, segmentation=[[0, 0, 64, 0, 64, 48, 0, 48]])
    data = read(tmp_path, marked, crowd, unmarked).pictures(CODEC)
    low, high = data[0].masks
    assert (high[4:12, 6:14] == 0).all()
    assert (high[16:22, 16:22] == 0).all()
    assert high.mean() == 1 - (64 + 36) / 576
    assert low.mean() == 1 - (16 + 9) / 144
    assert [person.annotation_id for person in data.pictures[0].learned] == [1, 3]
    assert data[0].places[0][1].tolist() == [-1, -1, -1]


def test_what_lies_outside_the_picture_counts_for_nothing(tmp_path: Path) -> None:
    wide = BottomUpAugment(
        scale=(1, 1), rotation=0, translate=0, flip_probability=0, fit="long", flip_without_pairs=True
    )
    mask = read(tmp_path, person()).pictures(HigherHRNet(input_size=64), augment=wide)[0].masks[0]
    assert mask[:2].sum() == mask[14:].sum() == 0
    assert mask[2:14].all()


def test_a_batch_pads_people_with_nobody(tmp_path: Path) -> None:
    made = content(person(1), person(2), person(3, image_id=8))
    made["images"].append({**made["images"][0], "id": 8, "file_name": "eight.png"})
    made["images"].append({**made["images"][0], "id": 9, "file_name": "nine.png"})
    data = CocoKeypoints.from_file(save(tmp_path, made), tmp_path)
    whole = data.pictures(CODEC)
    (batch,) = DataLoader(whole, batch_size=3, collate_fn=stack)
    assert [tuple(places.shape) for places in batch.places] == [(3, 2, 3)]
    assert batch.places[0][1, 1].tolist() == [-1, -1, -1]
    assert (batch.places[0][2] == -1).all()
    assert batch.targets.masks[1].shape == (3, 24, 24)
    for row in range(3):
        for ours, alone in zip(batch.heatmaps, whole[row].heatmaps, strict=True):
            torch.testing.assert_close(ours[row], alone)
    assert len(data.pictures(CODEC, skip_empty=True)) == 2


def test_random_views_follow_from_seed_epoch_and_index(tmp_path: Path) -> None:
    data = read(tmp_path, person())
    first, again, other = (data.pictures(CODEC, augment=BottomUpAugment(), seed=s) for s in (1, 1, 2))
    assert first.view(0) == again.view(0) != other.view(0)
    again.set_epoch(1)
    assert first.view(0) != again.view(0)
    unseeded = data.pictures(CODEC, augment=BottomUpAugment())
    torch.manual_seed(5)
    drawn = unseeded.view(0)
    torch.manual_seed(5)
    assert unseeded.view(0) == drawn != unseeded.view(0)


def test_the_centre_is_the_last_map_and_keeps_its_place_in_a_mirror(tmp_path: Path) -> None:
    centred = HigherHRNet(input_size=48, center=True)
    data = read(tmp_path, person()).pictures(centred, augment=TURNED, seed=0)
    points, visible, _ = data.joints(0)
    assert points[0, -1].tolist() == [20.0, 15.0]  # (15 + 25) / 2, (10 + 20) / 2
    assert visible[0].tolist() == [1, 1, 0, 1]
    assert len(data[0].heatmaps[0]) == 4
    assert data[0].heatmaps[1][3].max() == 1


def test_own_sigmas_follow_the_size_of_people_and_of_the_view(tmp_path: Path) -> None:
    own = PersonSigma(sigma=2.0, size=60.0)
    assert own.of((0, 0, 10, 30)) == 1.0
    assert PersonSigma(sigma=2.0, size=60.0, whole=True).of((0, 0, 10, 30)) == 2.0
    zoomed = BottomUpAugment(
        scale=(0.5, 0.5), rotation=0, translate=0, flip_probability=0, flip_without_pairs=True
    )
    data = read(tmp_path, person(), person(2, keypoints=NOBODY, bbox=[0, 0, 0, 0]))
    narrow, wide = (
        data.pictures(CODEC, augment=augment, person_sigma=own)[0].heatmaps[1][1].sum()
        for augment in (STILL, zoomed)
    )
    assert wide > 2 * narrow


def test_the_codec_of_the_hourglass_draws_its_own_targets(tmp_path: Path) -> None:
    sample = read(tmp_path, person()).pictures(AEHourglass(input_size=64), augment=TURNED, seed=0)[0]
    assert [tuple(maps.shape) for maps in sample.heatmaps] == [(3, 16, 16)]
    assert sample.masks[0].shape == (16, 16)


def test_views_for_the_hourglass_hold_the_whole_picture_as_it_is_looked_at_later(tmp_path: Path) -> None:
    data = read(tmp_path, person())
    codec = AEHourglass(input_size=64)
    later = codec.resized((48, 64)).matrix()
    for augment in (None, STILL):
        torch.testing.assert_close(data.pictures(codec, augment=augment).view(0).matrix((64, 64)), later)
    tight = BottomUpAugment(scale=(1, 1), rotation=0, translate=0, flip_probability=0, fit="short")
    assert data.pictures(codec, augment=tight).view(0).side == data.pictures(CODEC).view(0).side == 48


def test_pictures_in_memory_are_those_on_disk(tmp_path: Path) -> None:
    data = read(tmp_path, person())
    settings: dict[str, Any] = {"augment": BottomUpAugment(), "seed": 3}
    disk = data.pictures(CODEC, **settings)
    memory = BottomUpInMemory(data.whole_pictures(), CODEC, data.skeleton, **settings)
    (tmp_path / "seven.png").rename(tmp_path / "gone.png")
    kept = memory[0]
    (tmp_path / "gone.png").rename(tmp_path / "seven.png")
    torch.testing.assert_close(kept.image, disk[0].image)
    torch.testing.assert_close(kept.heatmaps, disk[0].heatmaps)


def test_the_real_crowds_of_crowdpose_are_read() -> None:
    folder = real_folder() / "crowdpose"
    data = CocoKeypoints.from_file(folder / "test_crowdpose.json", folder)
    whole = data.pictures(HigherHRNet(input_size=128))
    assert [len(picture.people) for picture in whole.pictures] == [3, 2]
    assert all(picture.crowd_index is not None for picture in whole.pictures)
    assert whole[0].masks[0].all()  # CrowdPose outlines nobody
    assert whole[0].heatmaps[0].shape == (14, 32, 32)


def test_a_picture_of_another_size_than_annotated_is_an_error(tmp_path: Path) -> None:
    data = read(tmp_path, person()).pictures(CODEC)
    Image.new("RGB", (32, 24)).save(tmp_path / "seven.png")
    with pytest.raises(
        DataError, match=r"is \(24, 32\), but annotated as \(48, 64\) \(height, width\); keyp"
    ):
        data[0]


def test_an_outline_of_another_image_is_an_error(tmp_path: Path) -> None:
    crowd = person(2, iscrowd=1, keypoints=NOBODY, segmentation={"counts": [6], "size": [2, 3]})
    with pytest.raises(DataError, match=r"image 7: run lengths of an image of \(2, 3\)"):
        read(tmp_path, person(), crowd).pictures(CODEC)[0]


def test_a_data_set_without_pictures_is_an_error() -> None:
    with pytest.raises(DataError, match="the list of pictures is empty; look at what the reader skipped"):
        BottomUpDataset([], CODEC, Skeleton.generic(3))


def test_people_of_another_skeleton_are_an_error(tmp_path: Path) -> None:
    pictures = read(tmp_path, person()).whole_pictures()
    with pytest.raises(DataError, match="annotation 1 has 3 keypoints, and skeleton 'generic_4' has 4"):
        BottomUpDataset(pictures, CODEC, Skeleton.generic(4))


def test_mirroring_needs_to_know_left_from_right(tmp_path: Path) -> None:
    pictures = read(tmp_path, person()).whole_pictures()
    with pytest.raises(ConfigError, match="skeleton 'generic_3' names no mirror pairs"):
        BottomUpDataset(pictures, CODEC, Skeleton.generic(3), augment=BottomUpAugment())


@pytest.mark.parametrize("name", ["sigma", "size"])
def test_an_own_sigma_has_a_width(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}=0; give a number of pixels above 0"):
        PersonSigma(**{name: 0})
