import pytest
import torch

from hrpose.codecs import MSRA, UDP, Face
from hrpose.errors import UnknownNameError


@pytest.mark.parametrize("codec", [MSRA, UDP, Face])
def test_near_the_border_the_exact_window_keeps_a_gaussian_in_its_place(codec: type[MSRA]) -> None:
    points = torch.tensor([[[2.0, 30.0], [30.0, 3.0], [3.0, 2.0]]])  # heatmap pixels; sigma 1.5 reaches 4.5
    original, exact = (
        codec(input_size=(256, 256), sigma=1.5, window=window) for window in ("original", "exact")
    )
    (moved, _), (kept, weights) = (c.targets(points, torch.ones(1, 3)) for c in (original, exact))
    peaks = [divmod(place, 64)[::-1] for place in kept[0].flatten(1).argmax(1).tolist()]
    assert peaks == [(2, 30), (30, 3), (3, 2)]
    assert [divmod(p, 64)[::-1] for p in moved[0].flatten(1).argmax(1).tolist()] == [(3, 30), (30, 4), (4, 3)]
    assert weights.tolist() == [[1, 1, 1]]


def test_udp_reads_what_the_exact_window_drew_at_the_border() -> None:
    codec = UDP(input_size=(256, 256), sigma=1.5, kernel=3, window="exact")
    points = torch.tensor([[[9.3, 120.0], [120.0, 14.2], [128.0, 128.0]]])  # crop pixels
    found, _ = codec.decode(codec.encode(points, torch.ones(1, 3))[0])
    torch.testing.assert_close(codec.to_crop(found), points, atol=0.1, rtol=0)


@pytest.mark.parametrize("codec", [MSRA, UDP, Face])
@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.0])
def test_both_windows_are_one_where_three_sigmas_are_whole(codec: type[MSRA], sigma: float) -> None:
    points = torch.rand(1, 50, 2, generator=torch.Generator().manual_seed(0)) * 80 - 8
    original, exact = (codec(input_size=(256, 256), sigma=sigma, window=w) for w in ("original", "exact"))
    assert torch.equal(
        original.targets(points, torch.ones(1, 50))[0], exact.targets(points, torch.ones(1, 50))[0]
    )


@pytest.mark.parametrize("codec", [MSRA, UDP, Face])
def test_another_window_is_answered_with_the_nearest(codec: type[MSRA]) -> None:
    with pytest.raises(UnknownNameError, match=r"no window of \w+ is called 'exakt'; did you mean exact"):
        codec(input_size=(64, 64), window="exakt")
