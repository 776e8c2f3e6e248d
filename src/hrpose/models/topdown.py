"""Top-down pose: the crop of one person in, a heatmap for each of the keypoints out."""

from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from torch import nn

from hrpose.backbones.build import BackboneConfig, build_backbone
from hrpose.backbones.hrnet import HRNetConfig
from hrpose.codecs.topdown import TopDownCodec
from hrpose.codecs.udp import UDPOffset
from hrpose.errors import ConfigError
from hrpose.heads.concat import HRNetV2Head
from hrpose.heads.heatmap import HRNetV1Head
from hrpose.layers.checks import check_kernel, check_positive, check_settings
from hrpose.losses.heatmap import OffsetMSE
from hrpose.models.base import PoseNetwork
from hrpose.models.spec import PoseSpec, check_spec
from hrpose.types import Images, PoseMaps

HeadKind: TypeAlias = Literal["v1", "v2"]


@dataclass(frozen=True, kw_only=True)
class TopDownConfig:
    """The settings of a top-down network; the defaults are the V1 pose net W32 for COCO.

    Head "v1" reads the finest branch alone, so an HRNet that leaves `outputs` open is built with outputs=1.

    >>> TopDownConfig(backbone=HRNetConfig(width=18)).backbone.outputs
    1

    Raises: ConfigError if the settings contradict each other.
    """

    backbone: BackboneConfig = field(default_factory=HRNetConfig)
    head: HeadKind = "v1"
    num_keypoints: int = 17
    maps_per_keypoint: int = 1  # 3 where a heatmap comes with the offsets in x and y (UDP)
    kernel: int = 1  # of the last convolution
    hidden: int | None = None  # v2: channels before the last convolution; None: as many as all branches have
    align_corners: bool = False  # v2: of the upsampling before the branches are put side by side
    spec: PoseSpec | None = None

    def __post_init__(self) -> None:
        if self.head not in ("v1", "v2"):
            raise ConfigError(f"head={self.head!r} is not known; give 'v1' or 'v2'")
        check_positive(self, "num_keypoints", "maps_per_keypoint", "hidden")
        check_kernel(self.kernel)
        if self.head == "v1" and (self.hidden is not None or self.align_corners):
            raise ConfigError("hidden and align_corners are settings of head='v2'; leave them out for 'v1'")
        if self.head == "v1" and isinstance(self.backbone, HRNetConfig):
            if self.backbone.outputs is None:
                object.__setattr__(self, "backbone", replace(self.backbone, outputs=1))
            check_one_map(len(self.backbone.out_channels))
        if self.spec is not None:
            if not isinstance(self.spec.codec, TopDownCodec):
                came = f"spec has a {type(self.spec.codec).__name__}"
                raise ConfigError(f"{came}, which reads whole pictures; give a codec for crops, such as MSRA")
            check_spec(
                self.spec,
                num_keypoints=self.num_keypoints,
                maps_per_keypoint=self.maps_per_keypoint,
                in_chans=self.backbone.in_chans,
            )

    @property
    def out_channels(self) -> int:
        """Channels of the heatmaps."""
        return self.num_keypoints * self.maps_per_keypoint


class TopDown(PoseNetwork):
    """Crops (N, 3, H, W) -> PoseMaps with one tensor of heatmaps, (N, K, H / 4, W / 4).

    It is learned by `HeatmapMSE`, or by `OffsetMSE` where three maps make a keypoint.

    Raises: ConfigError if the backbone returns more than head "v1" reads.

    >>> import torch
    >>> small = HRNetConfig(width=8, rounds=(1,), blocks=1, outputs=1)
    >>> model = TopDown(TopDownConfig(backbone=small, num_keypoints=5))
    >>> model(torch.zeros(1, 3, 64, 48)).heatmaps[0].shape
    torch.Size([1, 5, 16, 12])
    """

    config: TopDownConfig

    def __init__(self, config: TopDownConfig) -> None:
        check_settings("TopDown", config, TopDownConfig)
        backbone = build_backbone(config.backbone)
        super().__init__(config, backbone, make_head(config, backbone.feature_info.channels()))
        if config.maps_per_keypoint == UDPOffset.maps_per_keypoint:
            self.criterion = OffsetMSE()

    def forward(self, images: Images) -> PoseMaps:
        """Normalised crops -> heatmaps, no activation."""
        return PoseMaps(heatmaps=(self.head(self.backbone(images)),))


def make_head(config: TopDownConfig, channels: list[int]) -> nn.Module:
    """The head for a backbone that returns maps of these channels."""
    if config.head == "v2":
        return HRNetV2Head(
            channels,
            config.out_channels,
            kernel=config.kernel,
            hidden=config.hidden,
            align_corners=config.align_corners,
            bn_momentum=bn_momentum(config.backbone),
        )
    check_one_map(len(channels))
    return HRNetV1Head(channels, config.out_channels, kernel=config.kernel)


def check_one_map(maps: int) -> None:
    """Raise ConfigError unless the backbone makes just what head "v1" reads."""
    if maps != 1:
        fix = "HRNetConfig(outputs=1), TimmConfig(out_indices=(k,)) or head='v2'"
        raise ConfigError(f"head='v1' reads one map, but the backbone makes {maps}; give {fix}")


def bn_momentum(backbone: BackboneConfig) -> float:
    """The momentum that the head shares with its backbone."""
    return backbone.bn_momentum if isinstance(backbone, HRNetConfig) else 0.1
