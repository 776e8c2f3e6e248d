import pytest
import torch

from hrpose.codecs.scales import resized
from hrpose.errors import ConfigError, ShapeError


@pytest.mark.parametrize("image_size", [(480, 640), (640, 480), (333, 500), (64, 64), (2, 900)])
@pytest.mark.parametrize("unbiased", [False, True])
def test_points_come_back_from_where_they_went(image_size: tuple[int, int], unbiased: bool) -> None:
    fed = resized(image_size, 512, unbiased=unbiased)
    points = torch.rand(3, 17, 2, dtype=torch.float64) * 60
    there = fed.matrix()[0]
    sent = points @ there[:, :2].T + there[:, 2]
    torch.testing.assert_close(fed.to_image(sent, fed.size), points)


def test_the_short_side_is_fitted_and_both_are_multiples_of_64() -> None:
    assert resized((480, 640), 512).size == (512, 704)
    assert resized((640, 480), 512).size == (704, 512)


def test_scales_are_multiples_of_the_smallest() -> None:
    sizes = [resized((333, 500), 512, scale=s, smallest=0.5).size for s in (0.5, 1, 2)]
    assert sizes == [(256, 384), (512, 768), (1024, 1536)]


def test_maps_of_another_size_lead_to_the_same_points() -> None:
    fed = resized((480, 640), 512)
    at_full, at_half = (
        fed.to_image(torch.tensor([[[x, 50.0 * x / 100]]]), size)
        for x, size in ((100.0, fed.size), (50.0, (fed.size[0] // 2, fed.size[1] // 2)))
    )
    torch.testing.assert_close(at_full, at_half)


def test_sizes_of_nothing_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"image_size=\(0, 5\).*give positive ones"):
        resized((0, 5), 512)
    with pytest.raises(ConfigError, match="scale=0"):
        resized((5, 5), 512, scale=0)


def test_points_of_another_shape_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"points are \(17, 2\), but \(P, K, 2\) is needed"):
        resized((5, 5), 64).to_image(torch.zeros(17, 2), (16, 16))
