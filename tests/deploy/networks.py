"""One small network of each kind, with weights and statistics that are not those of a fresh one."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from hrpose.backbones import HRNet, HRNetConfig, TimmConfig
from hrpose.heads import HRNetV2pHead
from hrpose.models import (
    BottomUp,
    BottomUpConfig,
    Classifier,
    ClassifierConfig,
    HourglassConfig,
    InstanceConfig,
    InstanceSegmenter,
    Segmenter,
    SegmenterConfig,
    StackedHourglass,
    TopDown,
    TopDownConfig,
)
from tests.parity.fill import fill

M = TypeVar("M", bound=nn.Module)

TINY = HRNetConfig(width=4, stem_width=8, stage1_blocks=1, stage1_width=4, rounds=(1, 1, 2), blocks=1)
V1 = replace(TINY, outputs=1)
HOURGLASS = HourglassConfig(num_keypoints=5, stem=(8, 16), widths=(16, 16, 16))
HIGHER = BottomUpConfig(backbone=V1, num_keypoints=5, deconv_channels=(8,), deconv_blocks=1)

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "topdown v1": partial(TopDown, TopDownConfig(backbone=V1, num_keypoints=5)),
    "topdown v2": partial(TopDown, TopDownConfig(backbone=TINY, head="v2", num_keypoints=5)),
    "topdown v2 aligned": partial(
        TopDown, TopDownConfig(backbone=TINY, head="v2", num_keypoints=5, align_corners=True)
    ),
    "higherhrnet": partial(BottomUp, HIGHER),
    "higherhrnet kernels": partial(
        BottomUp,
        replace(
            HIGHER, deconv_channels=(8, 8), deconv_kernels=(2, 3), tags=(True,) * 3, joined=(False, True)
        ),
    ),
    "ae": partial(BottomUp, replace(HIGHER, head="ae")),
    "classifier": partial(
        Classifier, ClassifierConfig(backbone=TINY, num_classes=7, widths=(4,) * 4, hidden=16)
    ),
    "segmenter": partial(
        Segmenter, SegmenterConfig(backbone=replace(TINY, upsample="bilinear"), num_classes=3)
    ),
    "instances": partial(InstanceSegmenter, InstanceConfig(backbone=TINY, upsample=2, coordinates=True)),
    "backbone": partial(HRNet, TINY),
    "backbone of two outputs": partial(HRNet, replace(TINY, outputs=2)),
    "backbone of three outputs": partial(HRNet, replace(TINY, outputs=3), out_indices=(0, 2)),
    "backbone of five branches": partial(HRNet, replace(TINY, rounds=(1, 1, 1, 1))),
    "bilinear": partial(HRNet, replace(TINY, upsample="bilinear")),
    "aligned": partial(HRNet, replace(TINY, upsample="bilinear", align_corners=True)),
    "attention": partial(HRNet, replace(TINY, attention="se")),
    "drop path": partial(HRNet, replace(TINY, drop_path=0.2)),
    "bottlenecks": partial(HRNet, replace(TINY, block="bottleneck", stage1_block="basic")),
    "pyramid": lambda: nn.Sequential(HRNet(TINY), HRNetV2pHead(TINY.channels, 8, levels=3)),
    "hourglass": partial(StackedHourglass, HOURGLASS),
    "hourglass of basic blocks": partial(StackedHourglass, replace(HOURGLASS, unit="basic")),
    "hourglass ae": partial(StackedHourglass, replace(HOURGLASS, unit="conv", tags=5, skip="concat")),
    "hourglass with norms": partial(StackedHourglass, replace(HOURGLASS, unit="conv_bn")),
    "timm": partial(
        TopDown, TopDownConfig(backbone=TimmConfig(name="test_resnet", out_indices=(1,)), num_keypoints=5)
    ),
}


def filled(model: M) -> M:
    """The model in evaluation, its weights and statistics made from their names."""
    state = model.state_dict()
    model.load_state_dict({k: torch.from_numpy(fill(k, v.shape)) if v.ndim else v for k, v in state.items()})
    return model.eval()


def network(name: str) -> nn.Module:
    """The network called `name`, in evaluation, with numbers in it."""
    return filled(NETWORKS[name]())


def flat(made: Any) -> list[Tensor]:
    """All tensors of an output."""
    if isinstance(made, Tensor):
        return [made]
    return [tensor for part in made for tensor in flat(part)] if isinstance(made, Iterable) else []


def furthest(came: Any, wanted: Any) -> float:
    """The greatest difference of two outputs, as a share of the greatest number in each map."""
    pairs = list(zip(flat(came), flat(wanted), strict=True))
    assert pairs
    assert all(a.shape == b.shape for a, b in pairs)
    return max(float((a - b).abs().max() / b.abs().max()) for a, b in pairs)
