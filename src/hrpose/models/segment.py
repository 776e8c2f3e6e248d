"""Semantic segmentation with HRNetV2, without OCR."""

from dataclasses import dataclass, field

from torch import Tensor

from hrpose.backbones.build import BackboneConfig, build_backbone
from hrpose.backbones.hrnet import HRNetConfig
from hrpose.heads.concat import HRNetV2Head
from hrpose.layers.checks import check_kernel, check_positive, check_settings
from hrpose.models.base import Network
from hrpose.models.topdown import bn_momentum
from hrpose.types import Images


@dataclass(frozen=True, kw_only=True)
class SegmenterConfig:
    """The settings of a segmenter; the defaults are W32 for the 19 classes of Cityscapes.

    Raises: ConfigError if the settings contradict each other.
    """

    backbone: BackboneConfig = field(default_factory=lambda: HRNetConfig(upsample="bilinear"))
    num_classes: int = 19
    kernel: int = 1  # of the last convolution
    hidden: int | None = None  # channels before the last convolution; None: as many as all branches have
    align_corners: bool = False  # of the head; the exchange has its own, in `backbone`

    def __post_init__(self) -> None:
        check_positive(self, "num_classes", "hidden")
        check_kernel(self.kernel)


class Segmenter(Network):
    """Images (N, 3, H, W) -> logits (N, num_classes, H / 4, W / 4), before any resize to the image.

    >>> import torch
    >>> small = HRNetConfig(width=8, rounds=(1,), blocks=1, upsample="bilinear")
    >>> Segmenter(SegmenterConfig(backbone=small, num_classes=3))(torch.zeros(1, 3, 75, 101)).shape
    torch.Size([1, 3, 19, 26])
    """

    config: SegmenterConfig

    def __init__(self, config: SegmenterConfig) -> None:
        check_settings("Segmenter", config, SegmenterConfig)
        backbone = build_backbone(config.backbone)
        head = HRNetV2Head(
            backbone.feature_info.channels(),
            config.num_classes,
            kernel=config.kernel,
            hidden=config.hidden,
            align_corners=config.align_corners,
            bn_momentum=bn_momentum(config.backbone),
        )
        super().__init__(config, backbone, head)

    def forward(self, images: Images) -> Tensor:
        """Normalised images -> logits, no activation."""
        return self.head(self.backbone(images))
