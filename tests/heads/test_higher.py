import pytest
import torch

from hrpose.errors import ConfigError, ShapeError
from hrpose.heads.higher import DeconvModule, HigherHRNetHead

FEATURES = [torch.rand(2, 8, 5, 6)]


@pytest.mark.parametrize("kernel", [2, 3, 4])
def test_a_deconvolution_doubles_the_size(kernel: int) -> None:
    assert DeconvModule(3, 4, kernel=kernel, blocks=1)(torch.zeros(1, 3, 5, 7)).shape == (1, 4, 10, 14)


def test_every_resolution_has_heatmaps_and_tags_where_they_are_wanted() -> None:
    head = HigherHRNetHead(
        8, 3, deconv_channels=(6, 4), tags=(False, True, True), joined=(True, False), blocks=1, tag_dims=2
    )
    maps = head(FEATURES)
    assert [tuple(y.shape) for y in maps.heatmaps] == [(2, 3, 5, 6), (2, 3, 10, 12), (2, 3, 20, 24)]
    assert [tuple(y.shape) for y in maps.tags] == [(2, 6, 10, 12), (2, 6, 20, 24)]


def test_without_deconvolutions_the_maps_are_at_a_quarter() -> None:
    maps = HigherHRNetHead(8, 3, deconv_channels=(), tags=(True,), joined=(), shared_tags=True)(FEATURES)
    assert [tuple(y.shape) for part in maps for y in part] == [(2, 3, 5, 6), (2, 1, 5, 6)]


def hears(joined: bool) -> bool:
    """Whether the finer heatmaps depend on the coarser ones."""
    head = HigherHRNetHead(8, 3, deconv_channels=(4,), joined=(joined,), blocks=0).eval()
    before = head(FEATURES).heatmaps[1]
    with torch.no_grad():
        head.outputs[0].bias += 10.0  # type: ignore[operator, union-attr]
    return not torch.equal(before, head(FEATURES).heatmaps[1])


def test_the_finer_maps_hear_the_coarser_ones_where_they_are_joined() -> None:
    assert hears(joined=True)
    assert not hears(joined=False)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"tags": (True,)}, r"tags=\(True,\), but deconv_channels=\(32,\) makes 2 resolutions; give 2"),
        ({"joined": ()}, r"joined=\(\), but .* makes 2 resolutions; give 1"),
        ({"deconv_kernels": (4, 4)}, r"deconv_kernels=\(4, 4\), but .*; give 1"),
        ({"tags": (False, False)}, "people are put together by tags; set one to True at least"),
        ({"deconv_channels": (0,)}, r"deconv_channels=\(0,\), but each needs 1 or more"),
        ({"deconv_kernels": (5,)}, r"kernel=5 does not double the size; give one of \[2, 3, 4\]"),
        ({"blocks": -1}, "blocks=-1, but it counts residual units"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        HigherHRNetHead(8, 3, **settings)  # type: ignore[arg-type]


def test_other_features_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"HigherHRNetHead got maps of \[8\] channels, but reads 9"):
        HigherHRNetHead(9, 3, blocks=0)(FEATURES)
