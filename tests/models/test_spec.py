import re

import pytest

from hrpose.codecs import MSRA
from hrpose.errors import ConfigError
from hrpose.models import PoseSpec
from hrpose.skeletons import COCO

CODEC = MSRA(input_size=(256, 192))


def test_pictures_are_normalised_as_for_imagenet_unless_told_otherwise() -> None:
    spec = PoseSpec(skeleton=COCO, codec=CODEC)
    assert spec.mean == (0.485, 0.456, 0.406)
    assert spec.std == (0.229, 0.224, 0.225)


@pytest.mark.parametrize(
    ("mean", "std", "text"),
    [
        ((0.5,), (0.2, 0.2), "mean=(0.5,) and std=(0.2, 0.2) differ in length; give one of each a channel"),
        ((0.5,), (0.0,), "std=(0.0,), but pixels are divided by it; give positive figures"),
        ((), (), "mean and std are empty; give one of each a channel"),
    ],
)
def test_a_normalisation_that_cannot_be_done_is_refused(mean, std, text) -> None:
    with pytest.raises(ConfigError, match=re.escape(text)):
        PoseSpec(skeleton=COCO, codec=CODEC, mean=mean, std=std)
