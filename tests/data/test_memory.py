"""TopDownInMemory gives what TopDownDataset gives, without reading a picture twice."""

from pathlib import Path

import pytest
import torch

from hrpose.codecs import DARK
from hrpose.data.augment import TopDownAugment
from hrpose.data.coco import CocoKeypoints
from hrpose.data.memory import TopDownInMemory
from hrpose.data.synthetic import write_coco
from hrpose.data.topdown import TopDownDataset
from hrpose.errors import ConfigError

CODEC = DARK(input_size=(64, 48), sigma=1.0, kernel=3)


@pytest.fixture(scope="module")
def annotated(tmp_path_factory: pytest.TempPathFactory) -> CocoKeypoints:
    folder = tmp_path_factory.mktemp("memory")
    return CocoKeypoints.from_file(write_coco(folder, 3, seed=30, size=(96, 96)), folder / "images")


def test_without_mirroring_it_equals_the_data_set_on_disk(annotated: CocoKeypoints) -> None:
    settings = {"augment": TopDownAugment(), "seed": 3}
    disk = TopDownDataset(annotated.people, CODEC, annotated.skeleton, **settings)  # type: ignore[arg-type]
    memory = TopDownInMemory(
        annotated.people, CODEC, annotated.skeleton, flip_probability=0, **settings  # type: ignore[arg-type]
    )  # fmt: skip
    for index in range(len(disk)):
        for ours, theirs in zip(memory[index], disk[index], strict=True):
            torch.testing.assert_close(ours, theirs)


def test_mirroring_turns_picture_points_and_names_around(annotated: CocoKeypoints) -> None:
    plain, turned = (
        TopDownInMemory(annotated.people, CODEC, annotated.skeleton, flip_probability=p) for p in (0, 1)
    )
    for a, b in zip((plain[i] for i in range(3)), (turned[i] for i in range(3)), strict=True):
        torch.testing.assert_close(b.image, a.image.flip(2))
        order = list(annotated.skeleton.mirror_index)
        torch.testing.assert_close(b.heatmaps, a.heatmaps[order].flip(2), atol=1e-5, rtol=0)
        assert torch.equal(b.weights, a.weights[order])


def test_mirroring_follows_from_seed_and_epoch(annotated: CocoKeypoints) -> None:
    data = TopDownInMemory(annotated.people, CODEC, annotated.skeleton, seed=5)

    def looks(epoch: int) -> torch.Tensor:
        data.set_epoch(epoch)
        return torch.stack([data[i].image for i in range(len(data))])

    first = looks(1)
    assert any(not torch.equal(looks(epoch), first) for epoch in range(2, 6))
    assert torch.equal(looks(1), first)


def test_copies_of_a_person_are_augmented_differently(annotated: CocoKeypoints) -> None:
    data = TopDownInMemory(
        annotated.people, CODEC, annotated.skeleton, augment=TopDownAugment(), copies=2, flip_probability=0
    )
    assert len(data) == 2 * len(annotated.people)
    assert not torch.equal(data[0].image, data[1].image)
    assert data.people[0] is data.people[1]


def test_pictures_are_read_once(annotated: CocoKeypoints, tmp_path: Path) -> None:
    copy = CocoKeypoints.from_file(write_coco(tmp_path, 1, seed=31, size=(96, 96)), tmp_path / "images")
    data = TopDownInMemory(copy.people, CODEC, copy.skeleton)
    for path in (tmp_path / "images").iterdir():
        path.unlink()
    assert data[0].image.shape == (3, 64, 48)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"copies": 0}, "copies=0; give at least 1"),
        ({"flip_probability": 2.0}, "flip_probability=2.0; a probab"),
    ],
)
def test_wrong_settings_are_refused(annotated: CocoKeypoints, settings: dict[str, float], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        TopDownInMemory(annotated.people, CODEC, annotated.skeleton, **settings)  # type: ignore[arg-type]
