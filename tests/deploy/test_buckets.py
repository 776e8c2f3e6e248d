import pytest
import torch
from torch import Tensor

from hrpose.deploy.buckets import Buckets, ByShape, filled_up, first_of
from hrpose.deploy.results import Runner
from hrpose.errors import ConfigError
from hrpose.types import PoseMaps, Size


@pytest.mark.parametrize("count", range(1, 200))
@pytest.mark.parametrize("waste", [0.0, 0.25, 1.0])
def test_a_plan_runs_every_image_once_and_fills_no_bucket_up_too_far(count: int, waste: float) -> None:
    buckets = Buckets(sizes=(1, 2, 4, 8, 16, 32, 64), waste=waste)
    parts = buckets.plan(count)
    assert [image for part in parts for image in range(part.start, part.stop)] == list(range(count))
    for part in parts:
        assert part.bucket in buckets.sizes
        assert 0 <= part.bucket - (part.stop - part.start) <= waste * part.bucket


def test_filling_up_saves_starts_and_splitting_saves_computing() -> None:
    sizes = (1, 2, 4, 8)
    assert [part.bucket for part in Buckets(sizes=sizes, waste=1.0).plan(13)] == [8, 8]
    assert [part.bucket for part in Buckets(sizes=sizes, waste=0.25).plan(13)] == [8, 4, 1]
    assert [part.bucket for part in Buckets(sizes=sizes, waste=0.25).plan(7)] == [8]
    assert Buckets().plan(0) == []


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"sizes": ()}, r"buckets=\(\), but batch sizes are needed; give some, such as \(1, 8, 32\)"),
        ({"sizes": (1, 0)}, r"buckets=\(1, 0\), but batch sizes are needed"),
        ({"sizes": (2, 4)}, r"buckets=\(2, 4\), but sizes must rise from 1; give some, such as \(1, 8, 32\)"),
        ({"sizes": (1, 8, 4)}, r"buckets=\(1, 8, 4\), but sizes must rise from 1"),
        ({"waste": 1.5}, r"waste=1.5, but it is a share of a bucket; give one from 0 to 1"),
    ],
)
def test_buckets_without_a_meaning_are_refused(settings: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        Buckets(**settings)  # type: ignore[arg-type]


class Prepared:
    """Doubles images, and remembers what it was asked to be ready for and which batches it ran."""

    def __init__(self) -> None:
        self.wanted: list[tuple[int, Size]] = []
        self.others: list[tuple[int, ...]] = []

    def __call__(self, count: int, size: Size) -> Runner:
        self.wanted.append((count, size))

        def run(images: Tensor) -> PoseMaps:
            fed = filled_up(images, torch.full((count, 3, *size), 7.0))
            assert not fed[len(images) :].any()
            made: PoseMaps = first_of(PoseMaps((fed * 2,)), len(images))
            return made

        return run

    def otherwise(self, images: Tensor) -> PoseMaps:
        self.others.append(tuple(images.shape))
        return PoseMaps((images * 2,))


@pytest.mark.parametrize("count", [1, 2, 3, 5, 9])
def test_any_batch_comes_out_as_it_went_in(count: int) -> None:
    made = Prepared()
    run = ByShape(made, made.otherwise, Buckets(sizes=(1, 4)), most_sizes=1)
    images = torch.randn(count, 3, 4, 6)
    result = run(images)
    assert isinstance(result, PoseMaps)
    assert torch.equal(result.heatmaps[0], images * 2)
    assert made.others == []


def test_each_bucket_of_each_size_is_made_ready_once() -> None:
    made = Prepared()
    run = ByShape(made, made.otherwise, Buckets(sizes=(1, 4)), most_sizes=2)
    for count in (4, 1, 5, 4):
        run(torch.zeros(count, 3, 4, 6))
    assert made.wanted == [(4, (4, 6)), (1, (4, 6))]


def test_beyond_the_most_sizes_images_go_another_way_and_nothing_is_made_ready() -> None:
    made = Prepared()
    run = ByShape(made, made.otherwise, Buckets(sizes=(1, 4)), most_sizes=2)
    for side in (4, 5, 6, 7, 4, 5):
        result = run(torch.ones(2, 3, side, 6))
        assert isinstance(result, PoseMaps)
        assert result.heatmaps[0].shape == (2, 3, side, 6)
    assert run.sizes == [(4, 6), (5, 6)]
    assert made.others == [(2, 3, 6, 6), (2, 3, 7, 6)]
