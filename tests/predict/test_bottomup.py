"""People in whole pictures, without boxes: red and blue dots whose colour says whose they are."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hrpose.codecs import MSRA, HigherHRNet
from hrpose.errors import ConfigError, ShapeError
from hrpose.models.bottomup import BottomUpSpec
from hrpose.models.spec import PoseSpec
from hrpose.predict import Predictor
from hrpose.predict.whole import WholePictures
from hrpose.skeletons import Skeleton
from hrpose.types import PoseMaps

PAIR = Skeleton(name="pair", keypoints=("left_dot", "right_dot"), mirror=(("left_dot", "right_dot"),))
SPEC = BottomUpSpec(
    skeleton=PAIR, codec=HigherHRNet(input_size=128), mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)
)
PLACES = {"first": ((20, 30), (40, 50)), "second": ((90, 40), (110, 70))}


class Dots(nn.Module):
    """Red is the left dot, blue the right one, and green, in tenths, tells who it is."""

    def __init__(self, spec: BottomUpSpec | PoseSpec | None = SPEC) -> None:
        super().__init__()
        self.spec = spec
        self.batches: list[tuple[int, ...]] = []
        self.normal = nn.BatchNorm2d(1)  # something that has a mode

    def forward(self, images: Tensor) -> PoseMaps:
        assert not self.training
        self.batches.append(tuple(images.shape))
        low, high = (F.avg_pool2d(images[:, [0, 2]], stride) for stride in (4, 2))
        tags = F.avg_pool2d(images[:, 1:2] * (images[:, [0, 2]] > 0), 4) * 50
        return PoseMaps((low, high), (tags,))


def picture(*names: str, size: tuple[int, int] = (128, 160)) -> np.ndarray:
    """Some of PLACES: dots of 12 pixels in radius, brightest in the middle."""
    image = np.zeros((*size, 3), np.uint8)
    rows, columns = np.mgrid[: size[0], : size[1]]
    for name in names:
        for channel, (x, y) in zip((0, 2), PLACES[name], strict=True):
            away = np.hypot(columns - x, rows - y)
            image[..., channel] = np.maximum(image[..., channel], 255 * np.clip(1 - away / 12, 0, 1))
            image[..., 1][away < 12] = 250 if name == "first" else 25
    return image


def middles(people: np.ndarray) -> list[list[list[int]]]:
    """Points to the nearest ten pixels, left person first."""
    return sorted(np.round(people / 10).astype(int).tolist())


def test_everybody_is_found_without_boxes() -> None:
    people = Predictor(Dots())(picture("first", "second"))
    assert len(people) == 2
    order = np.argsort(people.keypoints[:, 0, 0])
    wanted = np.array([PLACES["first"], PLACES["second"]])
    assert np.abs(people.keypoints[order] - wanted).max() < 3
    assert people.tags is not None
    assert people.tags.shape == (2, 2, 1)
    assert people.tags[order][0].min() > people.tags[order][1].max()
    x, y, width, height = people.boxes[order][0]
    assert abs(np.array([x, y, x + width, y + height]) - [20, 30, 40, 50]).max() < 3
    assert (people.person_scores > 0.5).all()


def test_pictures_of_several_sizes_come_back_in_order_and_share_batches() -> None:
    model = Dots()
    images = [
        picture("first"),
        picture("second", size=(160, 128)),
        picture(),
        picture("first", "second"),
    ]
    found = Predictor(model)(images)
    assert [len(people) for people in found] == [1, 1, 0, 2]
    assert sorted(model.batches) == [(1, 3, 192, 128), (3, 3, 128, 192)]
    for people, image in zip(found, images, strict=True):
        alone = Predictor(Dots())(image)
        np.testing.assert_allclose(people.keypoints, alone.keypoints, atol=1e-4)
        assert people.image is not None
        assert people.image.shape == image.shape
    assert found[2].tags is not None
    assert found[2].tags.shape == (0, 2, 1)


def test_a_batch_size_bounds_the_pictures_at_a_time() -> None:
    model = Dots()
    Predictor(model, batch_size=2)([picture("first")] * 5)
    assert [shape[0] for shape in model.batches] == [2, 2, 1]


def test_flip_and_scales_find_the_same_people_with_more_tags() -> None:
    model = Dots()

    class Mirrored(Dots):
        """Sees left as right in a mirror, as a network does that has learned what left is."""

        def forward(self, images: Tensor) -> PoseMaps:
            maps = model(images)
            if images[..., : images.shape[3] // 2].sum() > images[..., images.shape[3] // 2 :].sum():
                return maps
            return PoseMaps(
                tuple(each.flip(1) for each in maps.heatmaps), tuple(each.flip(1) for each in maps.tags)
            )

    model.eval()
    plain = Predictor(Mirrored())(picture("first"))
    more = Predictor(Mirrored(), flip_test=True, scales=(0.5, 1, 2))(picture("first"))
    assert len(plain) == len(more) == 1
    assert np.abs(plain.keypoints - more.keypoints).max() < 4
    assert more.tags is not None
    assert more.tags.shape == (1, 2, 2)
    assert {shape[2] for shape in model.batches} == {128, 64, 256}


def test_a_single_picture_gives_one_people_and_an_empty_list_none() -> None:
    assert len(Predictor(Dots())([])) == 0
    assert len(Predictor(Dots())(picture())) == 0


def test_boxes_are_refused() -> None:
    with pytest.raises(
        ConfigError,
        match="boxes came, but this Dots is bottom-up and finds people by itself; leave boxes out",
    ):
        Predictor(Dots())(picture(), [[0, 0, 10, 10]])


@pytest.mark.parametrize(
    ("scales", "text"),
    [
        ((), r"scales=\(\); give sizes above 0, such as \(0.5, 1, 2\)"),
        ((0.0, 1.0), r"scales=\(0.0, 1.0\); give sizes above 0"),
        ((0.5, 2.0), r"scales=\(0.5, 2.0\), but tags are read at scale 1 alone; add 1"),
    ],
)
def test_scales_without_meaning_are_refused(scales: tuple[float, ...], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        WholePictures(codec=SPEC.codec, mirror_index=(1, 0), scales=scales)


def test_a_top_down_model_looks_at_one_scale() -> None:
    spec = PoseSpec(skeleton=PAIR, codec=MSRA(input_size=(64, 48)))
    with pytest.raises(ConfigError, match="a top-down model cuts every box to one size; leave it out"):
        Predictor(Dots(spec), scales=(0.5, 1))


def test_a_model_without_tags_is_refused() -> None:
    class NoTags(Dots):
        def forward(self, images: Tensor) -> PoseMaps:
            return super().forward(images)._replace(tags=())

    with pytest.raises(ConfigError, match="gave no tags, by which people are told apart"):
        Predictor(NoTags())(picture("first"))


def test_a_skeleton_of_another_count_is_refused() -> None:
    spec = BottomUpSpec(skeleton=Skeleton.generic(3), codec=SPEC.codec)
    with pytest.raises(ShapeError, match="the model gives 2 keypoints, and skeleton 'generic_3' has 3"):
        Predictor(Dots(spec))(picture("first"))


def test_half_precision_finds_the_same_people() -> None:
    class Half(Dots):
        def __init__(self) -> None:
            super().__init__()
            self.normal = self.normal.bfloat16()

        def forward(self, images: Tensor) -> PoseMaps:
            assert images.dtype == torch.bfloat16
            return super().forward(images)

    people = Predictor(Half())(picture("first", "second"))
    assert middles(people.keypoints) == [[[2, 3], [4, 5]], [[9, 4], [11, 7]]]
