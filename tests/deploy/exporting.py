"""Networks to export: as small as can be, since torch takes seconds to trace what is larger."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from hrpose.backbones import HRNetConfig
from hrpose.codecs import MSRA, HigherHRNet, TagGrouping, TopDownCodec
from hrpose.models import (
    BottomUp,
    BottomUpConfig,
    BottomUpSpec,
    PoseSpec,
    TopDown,
    TopDownConfig,
)
from hrpose.skeletons import Skeleton
from hrpose.types import PoseMaps
from tests.deploy.networks import filled

TRUNK = HRNetConfig(width=4, stem_width=8, stage1_blocks=1, stage1_width=4, rounds=(1,), blocks=1, outputs=1)
SIZE = (64, 48)
FIVE = Skeleton.generic(5)


def topdown() -> TopDown:
    spec = PoseSpec(skeleton=FIVE, codec=MSRA(input_size=SIZE))
    return filled(TopDown(TopDownConfig(backbone=TRUNK, num_keypoints=5, spec=spec)))


def bottomup() -> BottomUp:
    codec = HigherHRNet(input_size=64, grouping=TagGrouping(max_people=4))
    spec = BottomUpSpec(skeleton=FIVE, codec=codec)
    config = BottomUpConfig(
        backbone=replace(TRUNK, stem_width=4),
        num_keypoints=5,
        deconv_channels=(4,),
        deconv_blocks=0,
        spec=spec,
    )
    return filled(BottomUp(config))


class OneConv(nn.Module):
    """The least that returns heatmaps; its weights are random."""

    def __init__(self, codec: TopDownCodec | None = None) -> None:
        super().__init__()
        maps = 5 * (codec.maps_per_keypoint if codec is not None else 1)
        with torch.random.fork_rng([]):
            torch.manual_seed(3)
            self.conv = nn.Conv2d(3, maps, 3, 4, 1)
        self.spec = None if codec is None else PoseSpec(skeleton=FIVE, codec=codec)
        self.eval()

    def forward(self, images: Tensor) -> PoseMaps:
        return PoseMaps((self.conv(images),))
