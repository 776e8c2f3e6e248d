import re

import pytest
import torch

from hrpose.backbones import HRNET_CONFIGS, HRNetConfig
from hrpose.errors import ConfigError
from hrpose.models import Classifier, ClassifierConfig

TINY = ClassifierConfig(
    backbone=HRNetConfig(width=4, stem_width=8, stage1_blocks=1, stage1_width=4, rounds=(1,), blocks=1),
    num_classes=10,
    widths=(4, 8),
    hidden=16,
)
PUBLISHED = {
    "w18_small": 13_187_464,
    "w18_small_v2": 15_597_464,
    "w18": 21_299_004,
    "w30": 37_712_220,
    "w32": 41_232_680,
    "w40": 57_557_160,
    "w44": 67_064_984,
    "w48": 77_469_864,
    "w64": 128_059_944,
}


@pytest.mark.parametrize("name", HRNET_CONFIGS)
def test_parameter_counts_are_the_published_ones(name) -> None:
    with torch.device("meta"):
        model = Classifier(ClassifierConfig(backbone=HRNET_CONFIGS[name]))
    assert sum(p.numel() for p in model.parameters()) == PUBLISHED[name]


def test_logits_and_what_comes_before_them() -> None:
    model, x = Classifier(TINY).eval(), torch.randn(2, 3, 41, 33)
    assert model(x).shape == (2, 10)
    assert torch.equal(model(x), model.head.classifier(model.pre_logits(x)))


def test_features_are_those_of_timm() -> None:
    model, x = Classifier(TINY).eval(), torch.randn(1, 3, 64, 32)
    maps = model.features(x)
    assert [tuple(m.shape) for m in maps] == [(1, 8, 32, 16), (1, 16, 16, 8), (1, 32, 8, 4)]
    assert torch.equal(maps[0], model.backbone.stem[:3](x))


def test_weights_start_as_in_the_imagenet_code() -> None:
    torch.manual_seed(0)
    model = Classifier(TINY)
    weight = model.backbone.stem[3].weight.detach()  # 8 outputs of 3 x 3
    assert float(weight.std()) == pytest.approx((2 / (8 * 9)) ** 0.5, rel=0.1)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"num_classes": 0}, "num_classes=0, but at least 1 is needed; give a positive number"),
        ({"hidden": 0}, "hidden=0, but at least 1 is needed; give a positive number"),
        ({"widths": (4, 8)}, "widths=(4, 8), but there are 4 branches; give one for each"),
    ],
)
def test_settings_without_meaning_are_refused(settings, text) -> None:
    with pytest.raises(ConfigError, match=re.escape(text)):
        ClassifierConfig(**settings)
