"""Small networks of each kind, and their weights under foreign names."""

import dataclasses
from typing import Any

from torch import Tensor, nn

from hrpose.backbones.hrnet import HRNet, HRNetConfig
from hrpose.hub.convert import find_origin
from hrpose.models import (
    BottomUp,
    BottomUpConfig,
    Classifier,
    ClassifierConfig,
    HourglassConfig,
    Segmenter,
    SegmenterConfig,
    StackedHourglass,
    TopDown,
    TopDownConfig,
)

V1 = HRNetConfig(
    width=4, stem_width=8, stage1_width=4, stage1_blocks=4, rounds=(1, 2, 1), blocks=1, outputs=1
)
ALL = HRNetConfig(width=4, stem_width=8, stage1_width=4, stage1_blocks=4, rounds=(1, 2, 1), blocks=1)
V2 = HRNetConfig(
    width=4, stem_width=8, stage1_width=4, stage1_blocks=4, rounds=(1, 2, 1), blocks=1, upsample="bilinear"
)


def pose_v1(num_keypoints: int = 17) -> TopDown:
    return TopDown(TopDownConfig(backbone=V1, num_keypoints=num_keypoints))


def pose_v2(num_keypoints: int = 98, hidden: int | None = None) -> TopDown:
    return TopDown(TopDownConfig(backbone=V2, head="v2", num_keypoints=num_keypoints, hidden=hidden))


def classifier(num_classes: int = 10) -> Classifier:
    return Classifier(ClassifierConfig(backbone=ALL, num_classes=num_classes, widths=(2, 3, 4, 5), hidden=6))


def segmenter(num_classes: int = 19) -> Segmenter:
    return Segmenter(SegmenterConfig(backbone=V2, num_classes=num_classes))


def higher(num_keypoints: int = 17, **settings: Any) -> BottomUp:
    config = BottomUpConfig(backbone=V1, num_keypoints=num_keypoints, deconv_channels=(6,), deconv_blocks=2)
    return BottomUp(dataclasses.replace(config, **settings))


def tagged(num_keypoints: int = 17, **settings: Any) -> BottomUp:
    return BottomUp(BottomUpConfig(backbone=V1, head="ae", num_keypoints=num_keypoints, **settings))


HOURGLASSES = {  # what each code base builds, small: three stacks, two halvings
    "princeton_hourglass": HourglassConfig(num_keypoints=5, stacks=3, stem=(4, 6, 6, 8), widths=(8, 8, 8)),
    "bearpaw_hourglass": HourglassConfig(num_keypoints=5, stacks=3, stem=(4, 6, 8, 8), widths=(8, 8, 8)),
    "mmpose0_hourglass": HourglassConfig(
        num_keypoints=5, stacks=3, unit="basic", stem=(4, 8), widths=(8, 10, 12), depths=(2, 2, 3)
    ),
    "pose_ae": HourglassConfig(
        num_keypoints=5, stacks=3, tags=5, spare=10, unit="conv", stem=(4, 6, 6, 8), widths=(8, 10, 12)
    ),
    "mmpose0_hourglass_ae": HourglassConfig(
        num_keypoints=5, stacks=3, tags=5, unit="conv_bn", stem=(4, 6, 6, 8), widths=(8, 10, 12)
    ),
}
HOURGLASSES["mmpose1_hourglass"] = HOURGLASSES["mmpose0_hourglass"]
HOURGLASSES["hrpose_hourglass"] = HOURGLASSES["princeton_hourglass"]


def hourglass(origin: str = "princeton_hourglass", **settings: Any) -> StackedHourglass:
    return StackedHourglass(dataclasses.replace(HOURGLASSES[origin], **settings))


def trunk() -> HRNet:
    return HRNet(ALL)


def foreign(model: nn.Module, origin: str) -> dict[str, Tensor]:
    """The weights of a model as `origin` names them."""
    weights = dict(model.state_dict())
    if isinstance(model, HRNet):
        weights = {f"backbone.{name}": w for name, w in weights.items()}
    return find_origin(origin).export_weights(weights).weights
