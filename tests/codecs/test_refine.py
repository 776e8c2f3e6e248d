import numpy as np
import pytest
import torch

from hrpose.codecs import refine
from hrpose.codecs.peaks import find_peaks
from hrpose.codecs.refine import Found
from hrpose.codecs.runs import cut


def find_by_tag(
    heatmaps: torch.Tensor,
    tags: tuple[torch.Tensor, ...],
    maps: torch.Tensor,
    wanted: torch.Tensor,
    *,
    most: int = 30,
) -> Found:
    """Cut the maps, find their peaks, and then the best pixels."""
    runs, tagged = cut(heatmaps), [cut(tag, low=True) for tag in tags]
    return refine.find_by_tag(runs, tagged, maps, wanted, find_peaks(runs, tagged, most=most))


def everywhere(heatmap: torch.Tensor, tags: list[torch.Tensor], wanted: torch.Tensor) -> tuple[int, int]:
    """(y, x) of the first best pixel, by looking at all of them."""
    distance = torch.stack([tag - w for tag, w in zip(tags, wanted, strict=True)]).square().sum(0).sqrt()
    score = (heatmap - distance.round()).numpy()
    y, x = np.unravel_index(np.argmax(score), score.shape)
    return int(y), int(x)


@pytest.mark.parametrize("size", [(64, 128), (33, 70), (7, 9), (16, 15)])
@pytest.mark.parametrize("dims", [1, 3])
@pytest.mark.parametrize("levels", [1, 4, 1000])  # few levels make ties, one a flat map
def test_the_best_pixel_is_found_without_looking_everywhere(
    size: tuple[int, int], dims: int, levels: int
) -> None:
    torch.manual_seed(dims)
    heatmaps = (torch.rand(2, 3, *size) * levels).floor() / levels
    tags = tuple((torch.randn(2, 3 if d else 1, *size) * 4).round(decimals=1) for d in range(dims))
    maps, wanted = torch.arange(6).repeat(3), torch.randn(18, dims) * 6
    found = find_by_tag(heatmaps, tags, maps, wanted)
    for q, (which, wish) in enumerate(zip(maps.tolist(), wanted, strict=True)):
        image, keypoint = divmod(which, 3)
        planes = [tag[image, keypoint if tag.shape[1] == 3 else 0] for tag in tags]
        assert (int(found.y[q]), int(found.x[q])) == everywhere(heatmaps[image, keypoint], planes, wish)
        assert found.values[q] == heatmaps[image, keypoint, found.y[q], found.x[q]]


def test_double_precision_finds_the_same_pixels() -> None:
    torch.manual_seed(0)
    heatmaps, tags = torch.rand(1, 2, 40, 50), torch.randn(1, 2, 40, 50) * 3
    maps, wanted = torch.tensor([0, 1, 1]), torch.tensor([[0.2], [5.0], [-1.0]])
    single, double = (
        find_by_tag(heatmaps.to(dtype), (tags.to(dtype),), maps, wanted.to(dtype))
        for dtype in (torch.float32, torch.float64)
    )
    assert torch.equal(single.x, double.x)
    assert torch.equal(single.y, double.y)


def test_tiles_that_promise_as_much_are_read_from_the_first() -> None:
    heatmaps = torch.zeros(1, 1, 64, 64)
    tags = heatmaps - 0.0
    found = find_by_tag(heatmaps, (-tags,), torch.tensor([0]), torch.tensor([[9.0]]))
    assert (int(found.y), int(found.x)) == (0, 0)


@pytest.mark.parametrize("most", [0, 2, 40])
def test_the_peaks_known_before_change_nothing_but_the_time(most: int) -> None:
    torch.manual_seed(1)
    heatmaps, tags = torch.rand(1, 2, 40, 80), torch.randn(1, 2, 40, 80) * 9
    maps, wanted = torch.arange(2).repeat(9), torch.randn(18, 1) * 9
    found = find_by_tag(heatmaps, (tags,), maps, wanted, most=most)
    for q, (which, wish) in enumerate(zip(maps.tolist(), wanted, strict=True)):
        assert (int(found.y[q]), int(found.x[q])) == everywhere(heatmaps[0, which], [tags[0, which]], wish)


def test_many_wishes_and_many_hopes_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(2)
    heatmaps, tags = torch.rand(1, 1, 48, 128) * 0.1, torch.randn(1, 1, 48, 128)
    maps, wanted = torch.zeros(20, dtype=torch.long), torch.randn(20, 1) * 2
    whole = find_by_tag(heatmaps, (tags,), maps, wanted)
    monkeypatch.setattr(refine, "WISHES", 3)
    monkeypatch.setattr(refine, "LOOK", 5)
    parts = find_by_tag(heatmaps, (tags,), maps, wanted)
    assert all(torch.equal(one, other) for one, other in zip(whole, parts, strict=True))
