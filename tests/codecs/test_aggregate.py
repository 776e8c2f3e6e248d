import pytest
import torch

from hrpose.codecs.aggregate import Pass, merge_passes, resize
from hrpose.errors import ConfigError, ShapeError
from hrpose.types import PoseMaps

MIRROR = (0, 2, 1)


def maps(size: int, *, tags: int = 3, seed: int = 0) -> PoseMaps:
    torch.manual_seed(seed)
    low, high = torch.rand(2, 3, size, size), torch.rand(2, 3, 2 * size, 2 * size)
    return PoseMaps((low, high), (torch.rand(2, tags, size, size),))


def test_resolutions_are_averaged_at_the_finest() -> None:
    given = maps(8)
    merged = merge_passes([Pass(given)])
    torch.testing.assert_close(merged.heatmaps, (resize(given.heatmaps[0], (16, 16)) + given.heatmaps[1]) / 2)
    torch.testing.assert_close(merged.tags[0], resize(given.tags[0], (16, 16)))


def test_a_mirror_averages_heatmaps_and_adds_tags() -> None:
    given = maps(8)
    back = [0, 2, 1]
    mirrored = PoseMaps(*(tuple(m.flip(3)[:, back] for m in part) for part in given))
    plain, flipped = merge_passes([Pass(given)]), merge_passes([Pass(given, mirrored)], mirror_index=MIRROR)
    torch.testing.assert_close(flipped.heatmaps, plain.heatmaps)
    assert len(flipped.tags) == 2
    torch.testing.assert_close(flipped.tags[1], flipped.tags[0])


def test_shared_tags_are_mirrored_without_renaming() -> None:
    given = maps(8, tags=1)
    mirrored = PoseMaps(given.heatmaps, tuple(tag.flip(3) for tag in given.tags))
    merged = merge_passes([Pass(given, mirrored)], mirror_index=MIRROR)
    torch.testing.assert_close(merged.tags[1], merged.tags[0])


def test_scales_are_averaged_and_tags_come_from_scale_one() -> None:
    half, whole = maps(4), maps(8, seed=1)
    merged = merge_passes([Pass(half, scale=0.5), Pass(whole)])
    one = merge_passes([Pass(whole)])
    other = resize(merge_passes([Pass(half)]).heatmaps, (16, 16))
    torch.testing.assert_close(merged.heatmaps, (one.heatmaps + other) / 2)
    torch.testing.assert_close(merged.tags[0], one.tags[0])


def test_the_result_has_the_size_asked_for() -> None:
    merged = merge_passes([Pass(maps(8))], size=(24, 30))
    assert merged.heatmaps.shape == merged.tags[0].shape == (2, 3, 24, 30)


def test_the_last_keypoint_is_left_out_on_request() -> None:
    merged = merge_passes([Pass(maps(8))], drop_last=True)
    assert merged.heatmaps.shape[1] == merged.tags[0].shape[1] == 2
    assert merge_passes([Pass(maps(8, tags=1))], drop_last=True).tags[0].shape[1] == 1


def test_only_the_maps_chosen_are_read() -> None:
    given = maps(8)
    assert torch.equal(merge_passes([Pass(given)], heatmap_maps=(1,)).heatmaps, given.heatmaps[1])


def test_tags_of_several_dimensions_are_taken_apart() -> None:
    given = maps(8, tags=6)
    merged = merge_passes([Pass(given)], tag_dims=2)
    torch.testing.assert_close(merged.tags[1], resize(given.tags[0][:, 3:], (16, 16)))


def test_passes_that_cannot_be_merged_are_refused() -> None:
    given = maps(8)
    with pytest.raises(ConfigError, match="there is no pass to merge"):
        merge_passes([])
    with pytest.raises(ConfigError, match="there are no heatmaps to read"):
        merge_passes([Pass(PoseMaps((), given.tags))])
    with pytest.raises(ConfigError, match=r"scales \[0.5, 2\] have no tags to read.*add that scale"):
        merge_passes([Pass(given, scale=0.5), Pass(given, scale=2)])
    with pytest.raises(ConfigError, match=r"tag_maps=\(1,\), but there are 1; give numbers below that"):
        merge_passes([Pass(given)], tag_maps=(1,))
    with pytest.raises(ShapeError, match="tag maps have 3 channels, which 2 dimensions do not divide"):
        merge_passes([Pass(given)], tag_dims=2)
    with pytest.raises(ShapeError, match="heatmaps has the shape"):
        merge_passes([Pass(given, given)], mirror_index=(0, 1))
