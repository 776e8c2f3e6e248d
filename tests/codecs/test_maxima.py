import pytest
import torch

from hrpose.codecs.maxima import blur_maps, find_peaks, gaussian_kernel
from hrpose.errors import ConfigError, UnknownNameError


@pytest.mark.parametrize("size", [1, 3, 5, 7, 9, 11, 23])
def test_a_kernel_is_symmetric_and_sums_to_one(size: int) -> None:
    kernel = gaussian_kernel(size)
    assert len(kernel) == size
    torch.testing.assert_close(kernel, kernel.flip(0))
    torch.testing.assert_close(kernel.sum(), torch.tensor(1.0, dtype=torch.float64))


def test_small_kernels_are_tables_and_large_ones_a_formula() -> None:
    assert (gaussian_kernel(7) * 32).tolist() == [1, 3.5, 7, 9, 7, 3.5, 1]
    ratio = gaussian_kernel(11)[5] / gaussian_kernel(11)[4]
    torch.testing.assert_close(ratio, torch.tensor(1 / 8, dtype=torch.float64).exp())  # sigma 2


def test_a_blur_spreads_a_pixel_into_the_kernel() -> None:
    maps = torch.zeros(1, 1, 9, 11, dtype=torch.float64)
    maps[0, 0, 4, 5] = 1
    kernel = gaussian_kernel(5)
    blurred = blur_maps(maps, 5, keep_peak=False)
    torch.testing.assert_close(blurred[0, 0, 2:7, 3:8], kernel[:, None] * kernel)
    assert blur_maps(maps, 5).max() == 1


@pytest.mark.parametrize("kernel", [3, 11, 23])
def test_a_mirrored_border_keeps_a_flat_map_flat(kernel: int) -> None:
    maps = torch.ones(1, 2, 4, 7)  # narrower than the kernel: the mirror is looked into more than once
    torch.testing.assert_close(blur_maps(maps, kernel, border="mirror"), maps)
    assert blur_maps(maps, kernel, keep_peak=False)[..., 0, 0].max() < 1


def test_a_mirror_does_not_repeat_the_border_pixel() -> None:
    maps = torch.tensor([[[[0.0, 1.0, 0.0, 0.0]]]])
    blurred = blur_maps(maps, 3, border="mirror", keep_peak=False)
    assert blurred.tolist() == [[[[0.5, 0.5, 0.25, 0.0]]]]


def test_peaks_know_whether_they_were_found() -> None:
    maps = torch.zeros(1, 3, 4, 5)
    maps[0, 0, 2, 3], maps[0, 1] = 0.7, float("nan")
    peaks = find_peaks(maps)
    assert (peaks.x.tolist(), peaks.y.tolist()) == ([[3, 0, 0]], [[2, 0, 0]])
    assert peaks.found.tolist() == [[True, False, False]]
    assert peaks.finite.tolist() == [[True, False, True]]


def test_what_cannot_be_blurred_is_named() -> None:
    maps = torch.zeros(1, 1, 4, 4)
    for kernel in (0, 4, -3):
        with pytest.raises(ConfigError, match=f"kernel={kernel} has no middle; give an odd number of pixels"):
            blur_maps(maps, kernel)
    with pytest.raises(UnknownNameError, match="no border is called 'reflect'"):
        blur_maps(maps, 3, border="reflect")
