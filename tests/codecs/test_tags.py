import dataclasses

import pytest
import torch

from hrpose.codecs.tags import Grouped, TagGrouping
from hrpose.errors import ConfigError, DataError, UnknownNameError
from hrpose.skeletons import COCO

PLAIN = TagGrouping(adjust=False, refine=False)


def scene(people: list[dict[int, tuple[int, int]]], keypoints: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Heatmaps and tags (1, K, 32, 64) of people given as keypoint: (x, y); tags lie four apart."""
    heatmaps, tags = torch.zeros(1, keypoints, 32, 64), torch.full((1, keypoints, 32, 64), -50.0)
    for p, person in enumerate(people):
        for k, (x, y) in person.items():
            heatmaps[0, k, y, x] = 0.9 - 0.01 * p
            tags[0, k, y, x] = 4.0 * p
    return heatmaps, tags


TWO = [{0: (4, 5), 1: (10, 6), 2: (16, 7)}, {0: (40, 5), 1: (46, 6), 2: (52, 7)}]


def points(person: int, grouped: Grouped) -> list[list[float]]:
    return grouped.points[person].tolist()


def test_peaks_with_like_tags_make_a_person() -> None:
    heatmaps, tags = scene(TWO)
    found = PLAIN.group(heatmaps, (tags,))[0]
    assert points(0, found) == [[4, 5], [10, 6], [16, 7]]
    assert points(1, found) == [[40, 5], [46, 6], [52, 7]]
    assert found.person_scores.tolist() == pytest.approx([0.9, 0.89])
    assert found.tags[1].flatten().tolist() == [4.0, 4.0, 4.0]


def test_nobody_gives_no_rows() -> None:
    empty = torch.zeros(2, 3, 8, 8)
    for grouping in (PLAIN, TagGrouping()):
        for found in grouping.group(empty, (empty, empty)):
            assert [tuple(part.shape) for part in found] == [(0, 3, 2), (0, 3), (0, 3, 2), (0,)]


def test_an_empty_batch_gives_no_images() -> None:
    assert TagGrouping().group(torch.zeros(0, 3, 8, 8), (torch.zeros(0, 3, 8, 8),)) == []


def test_images_of_a_batch_do_not_see_each_other() -> None:
    parts = [scene(TWO), scene([]), scene(TWO[1:])]
    heatmaps, tags = (torch.cat([part[i] for part in parts]) for i in range(2))
    together = TagGrouping().group(heatmaps, (tags,))
    for (maps, tag), found in zip(parts, together, strict=True):
        alone = TagGrouping().group(maps, (tag,))[0]
        assert all(torch.equal(a, b) for a, b in zip(alone, found, strict=True))


def test_a_missing_keypoint_is_filled_in_where_its_tag_is_right() -> None:
    heatmaps, tags = scene([{0: (4, 5), 1: (10, 6)}])
    heatmaps[0, 2, 20, 30], tags[0, 2, 20, 30] = 0.05, 0.2  # below the threshold
    heatmaps[0, 2, 25, 50], tags[0, 2, 25, 50] = 0.08, 30.0
    found = TagGrouping().group(heatmaps, (tags,))[0]
    assert points(0, found)[2] == [30.25, 20.25]
    assert found.scores[0, 2].item() == pytest.approx(0.05)
    assert found.person_scores[0].item() == pytest.approx(0.6)  # before it was filled in
    assert found.tags[0, 2].item() == 0.0


def test_a_keypoint_that_is_nowhere_stays_missing() -> None:
    heatmaps, tags = scene([{0: (4, 5), 1: (10, 6)}])
    found = TagGrouping().group(heatmaps, (tags,))[0]
    assert points(0, found)[2] == [0, 0]
    assert found.scores[0, 2] == 0


def test_more_people_than_the_limit_still_start_anew_unless_told_to_stop() -> None:
    crowd = [{k: (4 + 8 * p, 4 + 6 * k) for k in range(3)} for p in range(4)]
    heatmaps, tags = scene(crowd)
    few = dataclasses.replace(PLAIN, max_people=2)
    found = few.group(heatmaps, (tags,))[0]
    assert len(found.points) == 2  # two peaks a keypoint are read
    tags[0, 1] += 100  # the second keypoint fits nobody
    assert len(few.group(heatmaps, (tags,))[0].points) > 2
    assert len(dataclasses.replace(few, ignore_too_much=True).group(heatmaps, (tags,))[0].points) == 2


def test_equal_scores_find_the_same_people() -> None:
    heatmaps, tags = scene(TWO)
    heatmaps = (heatmaps > 0).float() * 0.5
    found = PLAIN.group(heatmaps, (tags,))[0]
    rows = sorted(found.points.tolist())
    assert rows == [[[4, 5], [10, 6], [16, 7]], [[40, 5], [46, 6], [52, 7]]]


@pytest.mark.parametrize("assignment", ["munkres", "scipy"])
def test_either_assignment_tells_people_apart(assignment: str) -> None:
    heatmaps, tags = scene(TWO)
    found = dataclasses.replace(PLAIN, assignment=assignment).group(heatmaps, (tags,))[0]
    assert points(1, found) == [[40, 5], [46, 6], [52, 7]]


def test_half_precision_finds_the_same_places() -> None:
    heatmaps, tags = scene(TWO)
    found = PLAIN.group(heatmaps.half(), (tags.half(),))[0]
    assert torch.equal(found.points, PLAIN.group(heatmaps, (tags,))[0].points)


def test_tags_shared_by_all_keypoints_are_read_for_each() -> None:
    heatmaps, tags = scene(TWO)
    shared = tags.amax(1, keepdim=True)
    found = TagGrouping().group(heatmaps, (shared,))[0]
    assert torch.equal(found.points, TagGrouping().group(heatmaps, (tags,))[0].points)


def test_maps_that_are_not_finite_are_refused() -> None:
    heatmaps, tags = scene(TWO)
    tags[0, 0, 0, 0] = torch.inf
    with pytest.raises(DataError, match="tag map 0 holds NaN or infinity"):
        TagGrouping().group(heatmaps, (tags,))


def test_a_joint_order_of_another_skeleton_is_refused() -> None:
    heatmaps, tags = scene(TWO)
    grouping = TagGrouping(joint_order=TagGrouping.joint_order_of(COCO))
    with pytest.raises(ConfigError, match=r"is not an order of 3 keypoints; list each of 0 to 2 once"):
        grouping.group(heatmaps, (tags,))


def test_the_centre_comes_first() -> None:
    assert TagGrouping.joint_order_of(COCO, center=True)[:3] == (17, 0, 1)


def test_a_peak_with_the_very_first_tag_of_someone_who_just_gained_another_takes_their_place() -> None:
    heatmaps, tags = scene([{0: (4, 5)}, {1: (10, 6)}, {1: (40, 6)}], keypoints=2)
    tags[0, 0, 5, 4], tags[0, 1, 6, 10], tags[0, 1, 6, 40] = 0.0, 0.2, 0.0
    found = PLAIN.group(heatmaps, (tags,))[0]
    assert points(0, found) == [
        [4, 5],
        [40, 6],
    ]  # of two that fit, the higher peak gained, then the other began


def test_the_joint_order_decides_who_comes_first() -> None:
    heatmaps, tags = scene([{0: (4, 5), 2: (16, 7)}, {1: (46, 6), 2: (52, 7)}])
    found = dataclasses.replace(PLAIN, joint_order=(1, 0, 2)).group(heatmaps, (tags,))[0]
    assert found.scores[0, 0] == 0
    assert points(0, found)[1] == [46, 6]


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"joint_order": (0, 1, 1)},
            r"joint_order=\(0, 1, 1\) has a keypoint twice or below 0; list each once",
        ),
        ({"joint_order": (-1, 0)}, "has a keypoint twice or below 0"),
        ({"nms_kernel": 4}, "nms_kernel=4 has no middle pixel; give an odd number"),
        ({"max_people": 0}, "max_people=0, but somebody must fit in; give 1 or more"),
        ({"detection_threshold": -0.1}, "detection_threshold=-0.1 is not a threshold; give 0 or more"),
        ({"tag_threshold": float("nan")}, "tag_threshold=nan is not a threshold"),
    ],
)
def test_settings_without_a_meaning_are_refused(settings: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        TagGrouping(**settings)  # type: ignore[arg-type]


def test_an_unknown_assignment_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="no assignment is called 'greedy'"):
        TagGrouping(assignment="greedy")  # type: ignore[arg-type]
