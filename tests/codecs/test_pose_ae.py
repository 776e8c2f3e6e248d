"""AEHourglass, its grouping and its multi-scale inference."""

import dataclasses
import math

import pytest
import torch

from hrpose.codecs.aggregate import Pass
from hrpose.codecs.pose_ae import AEHourglass, HourglassGrouping, coco_results
from hrpose.codecs.tags import Grouped, TagGrouping
from hrpose.errors import ConfigError, ShapeError
from hrpose.types import PoseMaps

CODEC = AEHourglass(input_size=64)
MIRROR = (0, 2, 1)


def two_people() -> tuple[torch.Tensor, torch.Tensor]:
    """Heatmaps and tags of two people with three keypoints each on maps of 16 x 16."""
    heatmaps, tags = torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 16)
    for k in range(3):
        heatmaps[0, k, 3 + 4 * k, 4], tags[0, k, 3 + 4 * k, 4] = 0.9, 0.0
        heatmaps[0, k, 3 + 4 * k, 12], tags[0, k, 3 + 4 * k, 12] = 0.8, 5.0
    return heatmaps, tags


def test_people_drawn_come_back() -> None:
    points = torch.tensor([[[[8.0, 8.0], [20.0, 30.0]], [[50.0, 12.0], [44.0, 60.0]]]])
    targets = CODEC.encode(points, torch.ones(1, 2, 2), (64, 64))
    tags = torch.zeros(1, 2, 16, 16)
    for person, value in enumerate((-3.0, 3.0)):
        for place in targets.tags[0][0, person].tolist():
            tags.view(-1)[place] = value
    maps = PoseMaps(targets.heatmaps, (tags,))
    found = CODEC.decode(CODEC.merge([Pass(maps)]))[0]
    pixels = CODEC.resized((64, 64)).to_image(found.points, (16, 16))
    assert found.points.shape == (2, 2, 2)
    assert (pixels - points[0]).abs().max() < 4
    assert found.tags[:, :, 0].tolist() == [[-3.0, -3.0], [3.0, 3.0]]


def test_tags_of_two_dimensions_are_as_far_apart_as_the_root_of_the_mean() -> None:
    heatmaps = torch.zeros(1, 2, 8, 8)
    heatmaps[0, 0, 2, 2] = heatmaps[0, 1, 5, 5] = 0.5
    apart = torch.zeros(1, 2, 8, 8)
    apart[0, 1, 5, 5] = 0.9
    tags = (apart, apart)
    assert len(HourglassGrouping().group(heatmaps, tags)[0].points) == 1  # 0.9 of 1
    assert len(TagGrouping().group(heatmaps, tags)[0].points) == 2  # 0.9 * sqrt(2)
    assert math.isclose(float(HourglassGrouping().group(heatmaps, tags)[0].tags[0, 1, 0]), 0.9, rel_tol=1e-6)


def test_a_keypoint_that_is_filled_in_scores_1_and_comes_after_the_person_score() -> None:
    heatmaps, tags = two_people()
    heatmaps[0, 2, 11, 4] = 0.05
    found = HourglassGrouping().group(heatmaps, (tags,))[0]
    assert found.scores[0].tolist() == [pytest.approx(0.9), pytest.approx(0.9), 1.0]
    assert found.person_scores[0] == pytest.approx(0.6)


@pytest.mark.parametrize(("mend", "y"), [(False, 11.25), (True, 11.75)])
def test_below_a_filled_keypoint_it_looks_no_further_than_the_last_keypoint(mend: bool, y: float) -> None:
    heatmaps, tags = two_people()
    heatmaps[0, 2, 11, 4], heatmaps[0, 2, 12, 4] = 0.05, 0.04  # higher below, but row 2 is read
    found = HourglassGrouping(mend_borders=mend).group(heatmaps, (tags,))[0]
    assert found.points[0, 2, 1] == y


@pytest.mark.parametrize(("mend", "x"), [(False, 13.25), (True, 13.75)])
def test_right_of_a_filled_keypoint_it_looks_no_further_than_the_last_row(mend: bool, x: float) -> None:
    heatmaps, tags = torch.zeros(1, 2, 8, 16), torch.zeros(1, 2, 8, 16)
    heatmaps[0, 0, 2, 13] = 0.9
    heatmaps[0, 1, 4, 13], heatmaps[0, 1, 4, 14] = 0.05, 0.04  # higher on the right, but column 7 is read
    found = HourglassGrouping(mend_borders=mend).group(heatmaps, (tags,))[0]
    assert found.points[0, 1, 0] == x


def test_an_image_is_fitted_to_a_square_by_its_long_side() -> None:
    there = CODEC.resized((100, 200))
    corners = torch.tensor([[[0.0, 8.0], [32.0, 16.0], [16.0, 4.0]]])
    assert there.size == (64, 64)
    assert there.to_image(corners, (32, 32)).tolist() == [[[0.0, 0.0], [200.0, 50.0], [100.0, -25.0]]]
    assert [CODEC.resized((100, 200), scale=s).size[0] for s in (0.5, 1, 1.5, 2)] == [64, 64, 128, 128]


def test_scales_and_mirrors_are_averaged_at_the_size_of_the_first_and_cut_at_1() -> None:
    low, high = torch.full((1, 3, 8, 8), 0.2), torch.full((1, 3, 16, 16), 0.6)
    tags, coarse = torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 8, 8)
    passes = [
        Pass(PoseMaps((high,), (tags,)), PoseMaps((high,), (tags,)), 2.0),
        Pass(PoseMaps((low,), (coarse + 1,)), PoseMaps((low,), (coarse + 2,)), 1.0),
    ]
    merged = CODEC.merge(passes, mirror_index=MIRROR)
    assert torch.allclose(merged.heatmaps, torch.full((1, 3, 16, 16), 0.4))
    assert [float(tag.mean()) for tag in merged.tags] == [1.0, 2.0]
    assert CODEC.merge([Pass(PoseMaps((high * 3,), (tags,)))]).heatmaps.max() == 1


def test_mirrored_maps_are_turned_back_keypoints_and_all() -> None:
    maps, mirrored = torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    maps[0, 1, 1, 0], mirrored[0, 2, 1, 3] = 1.0, 1.0
    merged = CODEC.merge(
        [Pass(PoseMaps((maps,), (maps,)), PoseMaps((mirrored,), (mirrored,)))], mirror_index=MIRROR
    )
    assert merged.heatmaps[0, 1, 1, 0] == 1
    assert merged.tags[1][0, 1, 1, 0] == 1


def test_only_the_last_stack_is_read() -> None:
    heatmaps, tags = two_people()
    merged = CODEC.merge([Pass(PoseMaps((heatmaps + 9, heatmaps), (tags + 9, tags)))])
    assert torch.equal(merged.heatmaps, heatmaps)
    assert torch.equal(merged.tags[0], tags)


def test_a_pass_that_reaches_above_10_is_left_out_but_counts_in_the_mean() -> None:
    heatmaps, tags = two_people()
    good, broken = Pass(PoseMaps((heatmaps,), (tags,))), Pass(PoseMaps((heatmaps + 11,), (tags,)), scale=2.0)
    merged = CODEC.merge([broken, good])
    assert torch.allclose(merged.heatmaps, heatmaps / 2)


def test_nobody_is_found_where_nothing_is_left() -> None:
    heatmaps, tags = two_people()
    merged = CODEC.merge([Pass(PoseMaps((heatmaps + 11,), (tags,)))])
    assert CODEC.decode(merged)[0].points.shape == (0, 3, 2)


def test_scales_within_a_half_of_1_have_tags_and_one_half_has_none() -> None:
    heatmaps, tags = two_people()
    maps = PoseMaps((heatmaps,), (tags,))
    assert len(CODEC.merge([Pass(maps, None, s) for s in (1.25, 1.0, 0.5)]).tags) == 2
    with pytest.raises(
        ConfigError, match=r"scales \[2\.0, 0\.5\] have no tags to read, which come from scales near 1"
    ):
        CODEC.merge([Pass(maps, None, s) for s in (2.0, 0.5)])


def test_people_become_entries_of_a_results_file() -> None:
    points = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]], [[0.0, 0.0]] * 3])
    scores = torch.tensor([[0.5, 1.0, 0.0], [0.0, 0.0, 0.0]])
    (entry,) = coco_results(Grouped(points, scores, points[..., :1], scores[:, 0]), 7)
    assert entry == {
        "image_id": 7,
        "category_id": 1,
        "keypoints": [1.0, 2.0, 1, 3.0, 4.0, 1, 2.0, 3.0, 1],
        "score": 0.5,
    }


def test_sigma_follows_the_height_of_the_maps_unless_it_is_given() -> None:
    points, visible = torch.tensor([[[[130.0, 130.0]]]]), torch.ones(1, 1, 1)
    own = AEHourglass(input_size=256).encode(points, visible, (256, 256)).heatmaps[0]
    wide = dataclasses.replace(AEHourglass(input_size=256), sigma=2.0).encode(points, visible, (256, 256))
    assert (own > 0).sum() < (wide.heatmaps[0] > 0).sum()
    assert math.isclose(float(own[0, 0, 32, 33]), math.exp(-0.5), rel_tol=1e-6)


def test_settings_without_a_meaning_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"input_size=0, but it counts pixels; give 1 or more"):
        AEHourglass(input_size=0)
    with pytest.raises(ConfigError, match=r"stride=0, but it counts pixels"):
        AEHourglass(stride=0)
    with pytest.raises(ConfigError, match=r"sigma=-1\.0, but a Gaussian needs a width; give it, or None"):
        AEHourglass(sigma=-1.0)
    with pytest.raises(
        ConfigError, match=r"image_size=\(0, 5\), scale=1\.0, smallest=1\.0: none of them can be 0"
    ):
        CODEC.resized((0, 5))
    with pytest.raises(ShapeError, match=r"visible has the shape \(1, 1\), but \(1, 2, 3\) is needed"):
        CODEC.encode(torch.zeros(1, 2, 3, 2), torch.zeros(1, 1), (64, 64))
