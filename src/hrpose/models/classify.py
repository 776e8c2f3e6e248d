"""Image classification: what HRNets are pretrained on."""

from dataclasses import dataclass, field

from torch import Tensor

from hrpose.backbones.hrnet import HRNet, HRNetConfig
from hrpose.errors import ConfigError
from hrpose.heads.classify import ClassificationHead
from hrpose.layers.checks import check_positive, check_settings
from hrpose.layers.init import init_kaiming
from hrpose.models.base import Network
from hrpose.types import Images, Pyramid


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig:
    """The settings of a classifier; the defaults are W32 for ImageNet.

    Raises: ConfigError if the settings contradict each other.
    """

    backbone: HRNetConfig = field(default_factory=HRNetConfig)
    num_classes: int = 1000
    widths: tuple[int, ...] = (32, 64, 128, 256)  # of the bottleneck on each branch, times 4 come out
    hidden: int = 2048  # channels that are pooled

    def __post_init__(self) -> None:
        check_positive(self, "num_classes", "hidden")
        branches = len(self.backbone.out_channels)
        if len(self.widths) != branches:
            raise ConfigError(f"widths={self.widths}, but there are {branches} branches; give one for each")


class Classifier(Network):
    """Images (N, 3, H, W) -> logits (N, num_classes).

    >>> import torch
    >>> small = HRNetConfig(width=8, rounds=(1,), blocks=1)
    >>> model = Classifier(ClassifierConfig(backbone=small, num_classes=10, widths=(4, 8), hidden=32))
    >>> model(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 10])
    """

    config: ClassifierConfig
    backbone: HRNet
    head: ClassificationHead

    def __init__(self, config: ClassifierConfig) -> None:
        check_settings("Classifier", config, ClassifierConfig)
        backbone = HRNet(config.backbone)
        init_kaiming(backbone)
        channels = backbone.feature_info.channels()
        head = ClassificationHead(channels, config.num_classes, widths=config.widths, hidden=config.hidden)
        super().__init__(config, backbone, head)

    def forward(self, images: Images) -> Tensor:
        """Normalised images -> logits (N, num_classes)."""
        return self.head(self.backbone(images))

    def pre_logits(self, images: Images) -> Tensor:
        """Normalised images -> (N, hidden): what the last layer classifies, to compare images by."""
        return self.head.pre_logits(self.backbone(images))

    def features(self, images: Images) -> Pyramid:
        """The five maps of timm's features_only: half of the stem at stride 2, then each branch, widened."""
        halved, pyramid = self.backbone.with_half(images)
        return [halved, *self.head.increased(pyramid)]
