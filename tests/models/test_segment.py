import re
from dataclasses import replace

import pytest
import torch

from hrpose.backbones import HRNET_CONFIGS, HRNetConfig, TimmConfig
from hrpose.errors import ConfigError
from hrpose.models import Segmenter, SegmenterConfig

TINY = SegmenterConfig(
    backbone=HRNetConfig(
        width=4, stem_width=8, stage1_blocks=1, stage1_width=4, rounds=(1,), blocks=1, upsample="bilinear"
    ),
    num_classes=3,
)


@pytest.mark.parametrize(("name", "published"), [("w18", 9_641_119), ("w18_small", 1_540_819)])
def test_parameter_counts_are_the_published_ones(name, published) -> None:
    with torch.device("meta"):
        model = Segmenter(SegmenterConfig(backbone=replace(HRNET_CONFIGS[name], upsample="bilinear")))
    assert sum(p.numel() for p in model.parameters()) == published


def test_logits_have_a_quarter_of_the_size_rounded_up() -> None:
    assert Segmenter(TINY)(torch.randn(2, 3, 75, 101)).shape == (2, 3, 19, 26)


def test_align_corners_changes_the_logits() -> None:
    plain = Segmenter(TINY).eval()
    corners = Segmenter(replace(TINY, align_corners=True)).eval()
    for p in plain.parameters():
        torch.nn.init.normal_(p)
    corners.load_state_dict(plain.state_dict())
    x = torch.randn(1, 3, 64, 64)
    assert not torch.allclose(plain(x), corners(x))


def test_a_timm_network_can_stand_behind_the_head() -> None:
    model = Segmenter(replace(TINY, backbone=TimmConfig(name="test_resnet")))
    assert model(torch.randn(1, 3, 64, 64)).shape == (1, 3, 16, 16)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"num_classes": 0}, "num_classes=0, but at least 1 is needed; give a positive number"),
        ({"kernel": 4}, "kernel=4, but the maps must keep their size; give an odd number"),
    ],
)
def test_settings_without_meaning_are_refused(settings, text) -> None:
    with pytest.raises(ConfigError, match=re.escape(text)):
        SegmenterConfig(**settings)
