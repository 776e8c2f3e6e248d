import pytest
import torch
import torch.nn.functional as F

from hrpose.codecs import peaks as found
from hrpose.codecs.peaks import Peaks, check_finite, check_shapes, quarter_nudge
from hrpose.codecs.runs import cut
from hrpose.errors import DataError, ShapeError


def find_peaks(heatmaps: torch.Tensor, tags: tuple[torch.Tensor, ...], **settings: float) -> Peaks:
    """Cut the maps, and find their peaks."""
    return found.find_peaks(cut(heatmaps), [cut(tag) for tag in tags], **settings)  # type: ignore[arg-type]


def dense(heatmaps: torch.Tensor, threshold: float, kernel: int) -> torch.Tensor:
    """Every peak as (map, y, x), by a max-pool over all pixels."""
    top = F.max_pool2d(heatmaps, kernel, 1, kernel // 2) == heatmaps
    return (top & (heatmaps > threshold)).flatten(0, 1).nonzero()


def as_set(peaks: Peaks) -> set[tuple[int, ...]]:
    return {tuple(row) for row in torch.stack((peaks.maps, peaks.y, peaks.x), 1).tolist()}


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.97])  # almost all, half and few of the pixels are above
@pytest.mark.parametrize("size", [(13, 18), (9, 70), (8, 128)])
def test_the_peaks_are_those_of_a_max_pool(size: tuple[int, int], kernel: int, threshold: float) -> None:
    torch.manual_seed(0)
    heatmaps = (torch.rand(2, 3, *size) * 16).round() / 16  # flat tops included
    peaks = find_peaks(heatmaps, (heatmaps,), threshold=threshold, kernel=kernel, most=1000)
    assert as_set(peaks) == {tuple(row) for row in dense(heatmaps, threshold, kernel).tolist()}
    assert torch.equal(peaks.values, heatmaps.flatten(0, 1)[peaks.maps, peaks.y, peaks.x])


def test_a_peak_at_the_border_does_not_see_the_next_row_or_map() -> None:
    heatmaps = torch.zeros(1, 2, 8, 64)
    heatmaps[0, 0, 3, 63], heatmaps[0, 0, 4, 0] = 0.5, 0.9
    heatmaps[0, 0, 7, 60], heatmaps[0, 1, 0, 60] = 0.5, 0.9
    peaks = find_peaks(heatmaps, (heatmaps,))
    assert as_set(peaks) == {(0, 3, 63), (0, 4, 0), (0, 7, 60), (1, 0, 60)}


def test_the_highest_peaks_of_each_map_are_kept_from_high_to_low() -> None:
    heatmaps = torch.zeros(1, 2, 16, 64)
    heatmaps[0, 0, 8, 4::8] = torch.tensor([0.3, 0.9, 0.2, 0.5, 0.4, 0.6, 0.8, 0.7])
    heatmaps[0, 1, 8, 30] = 0.2
    peaks = find_peaks(heatmaps, (heatmaps,), most=3)
    assert peaks.maps.tolist() == [0, 0, 0, 1]
    assert peaks.values.tolist() == pytest.approx([0.9, 0.8, 0.7, 0.2])


def test_the_threshold_itself_is_no_peak() -> None:
    heatmaps = torch.full((1, 1, 8, 8), 0.25)
    assert len(find_peaks(heatmaps, (heatmaps,), threshold=0.25).values) == 0


def test_tags_are_read_below_the_peaks_dimension_by_dimension() -> None:
    heatmaps = torch.zeros(2, 2, 8, 8)
    heatmaps[1, 1, 2, 3] = 1.0
    own, shared = torch.rand(2, 2, 8, 8), torch.rand(2, 1, 8, 8)
    peaks = find_peaks(heatmaps, (own, shared))
    assert peaks.tags.tolist() == [[own[1, 1, 2, 3].item(), shared[1, 0, 2, 3].item()]]


def test_the_nudge_goes_to_the_higher_neighbour_and_down_if_they_are_equal() -> None:
    heatmaps = torch.zeros(1, 1, 3, 3)
    heatmaps[0, 0, 1, 2] = 0.5
    middle = torch.tensor([1])
    assert quarter_nudge(heatmaps, torch.tensor([0]), middle, middle).tolist() == [[0.25, -0.25]]


def test_maps_without_a_peak_give_none() -> None:
    heatmaps = torch.zeros(1, 17, 8, 8)
    peaks = find_peaks(heatmaps, (heatmaps, heatmaps)).to_host()
    assert peaks.points.shape == (0, 2)
    assert peaks.tags.shape == (0, 2)


@pytest.mark.parametrize("low", [False, True])
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_map_that_is_not_finite_is_refused(bad: float, low: bool) -> None:
    broken, good = torch.zeros(1, 2, 4, 70), cut(torch.zeros(1, 2, 4, 70), low=low)
    broken[0, 1, 2, 66] = bad
    runs = cut(broken, low=low)
    with pytest.raises(DataError, match=r"heatmaps hold NaN or infinity.*look for half precision"):
        check_finite(runs, [good])
    with pytest.raises(DataError, match="tag map 1 holds NaN or infinity"):
        check_finite(good, [good, runs])


@pytest.mark.parametrize("low", [False, True])
def test_finite_maps_whose_sum_overflows_are_accepted(low: bool) -> None:
    check_finite(
        cut(torch.full((1, 1, 4, 4), 3e38), low=low), [cut(torch.full((1, 1, 4, 128), 3e38), low=low)]
    )


def test_maps_that_do_not_belong_together_are_refused() -> None:
    heatmaps = torch.zeros(1, 2, 4, 4)
    with pytest.raises(ShapeError, match=r"tag map 0 is \(1, 2, 8, 8\), but the heatmaps are \(1, 2, 4, 4\)"):
        check_shapes(heatmaps, (torch.zeros(1, 2, 8, 8),))
    with pytest.raises(ShapeError, match=r"there are no tag maps.*give one at least"):
        check_shapes(heatmaps, ())
    with pytest.raises(ShapeError, match=r"heatmaps are \(2, 4, 4\).*\(N, K, h, w\) of floats"):
        check_shapes(heatmaps[0], (heatmaps,))
    with pytest.raises(ShapeError, match=r"heatmaps are .*int64"):
        check_shapes(heatmaps.long(), (heatmaps,))
