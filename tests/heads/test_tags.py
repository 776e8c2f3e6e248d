import pytest
import torch

from hrpose.errors import ConfigError, ShapeError
from hrpose.heads.tags import AETagHead


@pytest.mark.parametrize(("settings", "tags"), [({}, 5), ({"tag_dims": 2}, 10), ({"shared_tags": True}, 1)])
def test_heatmaps_and_tags_come_side_by_side(settings: dict[str, int], tags: int) -> None:
    maps = AETagHead(8, 5, kernel=3, **settings)([torch.zeros(2, 8, 6, 7), torch.zeros(2, 16, 3, 4)])
    assert [tuple(y.shape) for y in maps.heatmaps] == [(2, 5, 6, 7)]
    assert [tuple(y.shape) for y in maps.tags] == [(2, tags, 6, 7)]


def test_other_features_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"AETagHead got maps of \[4\] channels, but reads 8 from the first"):
        AETagHead(8, 5)([torch.zeros(1, 4, 6, 7)])
    with pytest.raises(ShapeError, match=r"AETagHead got maps of \[\] channels"):
        AETagHead(8, 5)([])


def test_settings_without_a_meaning_are_refused() -> None:
    with pytest.raises(ConfigError, match="num_keypoints=5, tag_dims=0; give 1 or more of each"):
        AETagHead(8, 5, tag_dims=0)
    with pytest.raises(ConfigError, match="kernel=2, but the maps must keep their size"):
        AETagHead(8, 5, kernel=2)
