"""Pictures in, instances out."""

import pytest
import torch
from PIL import Image

from hrpose.backbones import HRNetConfig
from hrpose.codecs import InstanceGrouping
from hrpose.errors import ConfigError, ImageError
from hrpose.models import InstanceConfig, InstanceSegmenter, InstanceSpec, Segmenter, SegmenterConfig
from hrpose.predict.instances import InstancePredictor, WholeInstances, fed_size, stretching, with_mirrored
from hrpose.types import InstanceMaps

SMALL = HRNetConfig(
    width=4, stem_width=8, stage1_blocks=1, stage1_width=4, rounds=(1,), blocks=1, upsample="bilinear"
)
SPEC = InstanceSpec(classes=("cat",), input_size=64, grouping=InstanceGrouping(min_pixels=3))
WHOLE = WholeInstances(grouping=SPEC.grouping, input_size=64)


def colours(pixels: torch.Tensor) -> InstanceMaps:
    """What a perfect network would give: red pixels show things, and blue tells these apart."""
    small = torch.nn.functional.avg_pool2d(pixels.float(), 4)
    return InstanceMaps((small[:, :1] - 128) / 10, small[:, 2:] / 25)


def scene(height: int, width: int) -> torch.Tensor:
    """Two things side by side on black, (3, H, W)."""
    picture = torch.zeros(3, height, width, dtype=torch.uint8)
    picture[0, height // 4 : -height // 4, width // 8 : -width // 4] = 255
    picture[2, :, width // 2 :] = 255
    return picture


@pytest.mark.parametrize("flip_test", [False, True])
def test_instances_come_in_the_size_of_each_picture(flip_test: bool) -> None:
    whole = WholeInstances(grouping=SPEC.grouping, input_size=64, flip_test=flip_test)
    pictures = [scene(64, 96), scene(50, 70), scene(96, 64), scene(64, 96)]
    asked: list[int] = []

    def run(pixels: torch.Tensor) -> InstanceMaps:
        asked.append(len(pixels))
        return colours(pixels)

    for picture, found in zip(pictures, whole.find(run, pictures), strict=True):
        assert found.masks.shape == (2, *picture.shape[1:])
        red, blue = picture[0] > 0, picture[2] > 0
        for mask, wanted in zip(found.masks, (red & ~blue, red & blue), strict=True):
            assert (mask & wanted).sum() / (mask | wanted).sum() > 0.75
    assert sorted(asked) == ([1, 1, 3, 3] if flip_test else [1, 3])  # three are fed in 64 x 96


def test_the_short_side_is_brought_to_the_size_in_steps() -> None:
    assert fed_size((480, 640), 512) == (512, 672)
    assert fed_size((20, 200), 64) == (64, 640)
    assert fed_size((100, 100), 20) == (32, 32)


def test_a_picture_is_stretched_from_border_to_border() -> None:
    matrix = stretching((10, 20), (20, 80))[0]
    corners = torch.tensor([[-0.5, -0.5, 1.0], [19.5, 9.5, 1.0]])
    assert (corners @ matrix.T).tolist() == [[-0.5, -0.5], [79.5, 19.5]]


def test_tags_of_mirror_and_picture_are_as_far_apart_as_they_were() -> None:
    maps = InstanceMaps(torch.randn(1, 1, 3, 4), torch.randn(1, 2, 3, 4))
    both = with_mirrored(maps, InstanceMaps(*(part.flip(3) for part in maps)))
    torch.testing.assert_close(both.logits, maps.logits)
    apart, before = (
        both.tags[0, :, 0, 0] - both.tags[0, :, 2, 1],
        maps.tags[0, :, 0, 0] - maps.tags[0, :, 2, 1],
    )
    torch.testing.assert_close(apart.norm(), before.norm())


def test_one_picture_gives_instances_and_several_a_list() -> None:
    model = InstanceSegmenter(InstanceConfig(backbone=SMALL, spec=SPEC))
    predictor = InstancePredictor(model, batch_size=2)
    assert predictor(Image.new("RGB", (40, 30))).masks.shape[1:] == (30, 40)
    found = predictor([torch.zeros(3, 30, 40)] * 3)
    assert len(found) == 3
    assert model.training  # as it was
    with pytest.raises(ImageError, match="there is no image file"):
        predictor("gone.png")


def test_a_model_that_does_not_say_how_instances_come_out_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"Segmenter does not say how instances come out \(no InstanceSpec\)"
    ):
        InstancePredictor(Segmenter(SegmenterConfig(backbone=SMALL)))
    with pytest.raises(ConfigError, match=r"train it by fit, or give spec=InstanceSpec"):
        InstancePredictor(InstanceSegmenter(InstanceConfig(backbone=SMALL)))
    with pytest.raises(ConfigError, match="batch_size=0; give 1 or more"):
        InstancePredictor(InstanceSegmenter(InstanceConfig(backbone=SMALL)), spec=SPEC, batch_size=0)
