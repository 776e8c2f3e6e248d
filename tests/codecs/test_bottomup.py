import pytest
import torch

from hrpose.codecs.aggregate import Pass
from hrpose.codecs.bottomup import HigherHRNet
from hrpose.codecs.tags import TagGrouping
from hrpose.errors import ConfigError, ShapeError
from hrpose.types import PoseMaps, PoseTargets


def drawn(people: torch.Tensor, targets: PoseTargets, size: tuple[int, int]) -> PoseMaps:
    """Maps as a perfect network would give them: person p has the tag 5 p."""
    tags = torch.full((1, people.shape[2], *size), -50.0)
    for p, row in enumerate(targets.tags[0][0]):
        tags.view(-1)[row[row >= 0]] = 5.0 * p
    around = torch.nn.functional.max_pool2d(tags, 5, 1, 2)
    return PoseMaps(targets.heatmaps, (around,))


def test_people_come_back_from_their_targets() -> None:
    codec = HigherHRNet(input_size=128, grouping=TagGrouping(refine=False))
    people = torch.randint(10, 118, (1, 3, 5, 2), generator=torch.Generator().manual_seed(1)).float()
    visible = torch.ones(1, 3, 5)
    visible[0, 2, 3] = 0
    fed = codec.resized((128, 128))
    targets = codec.encode(people, visible, fed.size)
    merged = codec.merge([Pass(drawn(people, targets, (32, 32)))], size=fed.size)
    found = codec.decode(merged)[0]
    placed = fed.to_image(found.points, (merged.heatmaps.shape[2], merged.heatmaps.shape[3]))
    for person, seen in zip(people[0], visible[0], strict=True):
        off = torch.where(seen > 0, (placed - person).norm(dim=2), 0).amax(1)
        assert off.min() < 4  # half a pixel of the coarsest map, and as much for the peaks that overlap


def test_sizes_that_the_stride_does_not_divide_are_those_of_the_network() -> None:
    codec = HigherHRNet()
    targets = codec.encode(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2), (73, 90))
    assert [tuple(maps.shape[2:]) for maps in targets.heatmaps] == [(19, 23), (38, 46)]


def test_the_spread_can_follow_the_map_or_the_person() -> None:
    point, seen = torch.tensor([[[[64.0, 64.0]]]]), torch.ones(1, 1, 1)
    sums = [
        codec.encode(point, seen, (128, 128), person_sigma=spread).heatmaps[0].sum().item()
        for codec, spread in (
            (HigherHRNet(), None),
            (HigherHRNet(sigma=None), None),
            (HigherHRNet(), torch.tensor([[4.0]])),
        )
    ]
    assert sums[1] < sums[0] < sums[2]


def test_the_centre_is_dropped_before_or_after_grouping() -> None:
    heatmaps = torch.zeros(1, 3, 8, 8)
    heatmaps[0, :, 4, 4] = 0.9
    passes = [Pass(PoseMaps((heatmaps,), (torch.zeros(1, 3, 8, 8),)))]
    for ignored, score in ((True, 0.9), (False, 0.9)):
        codec = HigherHRNet(center=True, ignore_center=ignored, project=False)
        found = codec.decode(codec.merge(passes))[0]
        assert found.points.shape == (1, 2, 2)
        assert found.person_scores.item() == pytest.approx(score)


def test_the_mirror_of_the_centre_is_itself() -> None:
    given = PoseMaps((torch.rand(1, 3, 8, 8),), (torch.rand(1, 3, 8, 8),))
    codec = HigherHRNet(center=True, ignore_center=False, project=False)
    assert len(codec.merge([Pass(given, given)], mirror_index=(1, 0)).tags) == 2


def test_projecting_needs_a_size() -> None:
    with pytest.raises(ConfigError, match="project=True, but no size to project to came"):
        HigherHRNet().merge([Pass(PoseMaps((torch.zeros(1, 2, 4, 4),), (torch.zeros(1, 2, 4, 4),)))])


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"strides": ()}, r"strides=\(\); give one positive number a map"),
        ({"tag_strides": (0,)}, r"tag_strides=\(0,\); give one positive number"),
        ({"strides": (4, 3)}, r"strides=\(4, 3\), but finer maps double those of stride 4"),
        ({"input_size": 0}, "input_size=0, but it counts; give 1 or more"),
        ({"tag_dims": 0}, "tag_dims=0, but it counts"),
        ({"sigma": 0.0}, "sigma=0.0, but a Gaussian needs a width"),
    ],
)
def test_settings_without_a_meaning_are_refused(settings: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        HigherHRNet(**settings)  # type: ignore[arg-type]


def test_points_of_a_mirrored_input_are_mirrored_about_the_middle_of_each_map() -> None:
    codec = HigherHRNet(input_size=32)
    points, visible = torch.tensor([[[[4.0, 8.0]]]] * 2), torch.ones(2, 1, 1)
    maps = codec.encode(points, visible, (32, 32), mirrored=torch.tensor([False, True])).heatmaps
    assert [(m[0, 0] == 1).nonzero().tolist() for m in maps] == [[[2, 1]], [[4, 2]]]
    assert [(m[1, 0] == 1).nonzero().tolist() for m in maps] == [[[2, 8 - 1 - 1]], [[4, 16 - 1 - 2]]]
    with pytest.raises(ShapeError, match=r"mirrored has the shape \(1,\), but \(2\) is needed"):
        codec.encode(points, visible, (32, 32), mirrored=torch.tensor([False]))


def test_corners_of_unbiased_maps_lie_on_those_of_the_input() -> None:
    codec = HigherHRNet(input_size=32, unbiased=True, sigma=1.0)
    corner = torch.tensor([[[[31.0, 31.0]]]])
    for maps in codec.encode(corner, torch.ones(1, 1, 1), (32, 32)).heatmaps:
        assert maps[0, 0, -1, -1] == 1
