"""Instance segmentation by associative embedding: masks of classes, and tags that tell their things apart."""

import dataclasses
from dataclasses import dataclass, field

import torch
from torch import Tensor

from hrpose.backbones.build import BackboneConfig, build_backbone
from hrpose.backbones.hrnet import HRNetConfig
from hrpose.codecs.instance import InstanceGrouping
from hrpose.errors import ConfigError
from hrpose.heads.instances import InstanceHead
from hrpose.layers.checks import check_kernel, check_positive, check_settings
from hrpose.layers.init import set_bn_momentum
from hrpose.losses.instance import InstanceLoss
from hrpose.models.base import Network
from hrpose.models.topdown import bn_momentum
from hrpose.types import IMAGENET_MEAN, IMAGENET_STD, Images, InstanceMaps, InstanceTargets


@dataclass(frozen=True, kw_only=True)
class InstanceSpec:
    """What a segmenter cannot tell of itself: the names of its classes, how pictures go in, things come out.

    Pixels of 0..1, RGB, become (pixel - mean) / std.

    Raises: ConfigError unless mean and std have one figure a channel, those of std positive, and the size is
        above 0.
    """

    classes: tuple[str, ...]
    input_size: int  # pixels of the short side of a picture as it is fed
    grouping: InstanceGrouping = field(default_factory=InstanceGrouping)
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD

    def __post_init__(self) -> None:
        check_positive(self, "input_size")
        if not self.mean or len(self.mean) != len(self.std) or min(self.std) <= 0:
            came = f"mean={self.mean} and std={self.std}"
            raise ConfigError(f"{came}; give one figure of each a channel, those of std above 0")


@dataclass(frozen=True, kw_only=True)
class InstanceConfig:
    """The settings of an instance segmenter.

    Raises: ConfigError if the settings contradict each other.
    """

    backbone: BackboneConfig = field(default_factory=lambda: HRNetConfig(upsample="bilinear"))
    num_classes: int = 1
    tag_dims: int = 1  # numbers in a tag
    hidden: int | None = None  # channels before the last convolution; None: as many as all branches have
    upsample: int = 1  # 1: maps at 1/4, the finest of the backbone; 2 at 1/2, 4 at the size of the picture
    coordinates: bool = False  # the head sees where in the picture a pixel lies
    kernel: int = 1  # of the last convolution
    align_corners: bool = False  # of the head; the exchange has its own, in `backbone`
    spec: InstanceSpec | None = None

    def __post_init__(self) -> None:
        check_positive(self, "num_classes", "tag_dims", "hidden", "upsample")
        check_kernel(self.kernel)
        if self.spec is not None:
            check_instance_spec(self.spec, self)


class InstanceSegmenter(Network):
    """Images (N, 3, H, W) -> InstanceMaps: logits of each class and tags, at 1/4 or finer.

    `criterion` is the loss that `loss` takes; another number of sampled pixels is set by another one.

    Source: Newell et al., NeurIPS 2017, "Instance Segmentation".

    >>> small = HRNetConfig(width=8, rounds=(1,), blocks=1, upsample="bilinear")
    >>> maps = InstanceSegmenter(InstanceConfig(backbone=small, tag_dims=2))(torch.zeros(1, 3, 64, 96))
    >>> maps.logits.shape, maps.tags.shape
    (torch.Size([1, 1, 16, 24]), torch.Size([1, 2, 16, 24]))
    """

    config: InstanceConfig
    criterion: InstanceLoss

    def __init__(self, config: InstanceConfig) -> None:
        check_settings("InstanceSegmenter", config, InstanceConfig)
        backbone = build_backbone(config.backbone)
        head = InstanceHead(
            backbone.feature_info.channels(),
            config.num_classes,
            tag_dims=config.tag_dims,
            hidden=config.hidden,
            upsample=config.upsample,
            coordinates=config.coordinates,
            kernel=config.kernel,
            align_corners=config.align_corners,
        )
        set_bn_momentum(head, bn_momentum(config.backbone))
        super().__init__(config, backbone, head)
        self.criterion = InstanceLoss(tag_dims=config.tag_dims)

    @property
    def spec(self) -> InstanceSpec | None:
        """Classes, sizes and normalisation, where known; setting it changes the config."""
        return self.config.spec

    @spec.setter
    def spec(self, spec: InstanceSpec | None) -> None:
        self.config = dataclasses.replace(self.config, spec=spec)

    @property
    def stride(self) -> int:
        """Pixels of the input for one of the maps."""
        return max(1, self.backbone.feature_info.reduction()[0] // self.config.upsample)

    def forward(self, images: Images) -> InstanceMaps:
        """Normalised images -> logits and tags, no activation."""
        return self.head(self.backbone(images))

    def loss(
        self, maps: InstanceMaps, targets: InstanceTargets, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Named terms whose sum is the loss; see `InstanceLoss`.

        Args:
            generator: of the pixels drawn; None takes torch's own, which `torch.manual_seed` sets.
        """
        return self.criterion(maps, targets, generator)


def check_instance_spec(spec: InstanceSpec, config: InstanceConfig) -> None:
    """Raise ConfigError unless `spec` speaks of as many classes and channels as the network has."""
    if len(spec.classes) != config.num_classes:
        came = f"the spec names {len(spec.classes)} classes, but num_classes={config.num_classes}"
        raise ConfigError(f"{came}; give the same number in both")
    if len(spec.mean) != config.backbone.in_chans:
        came = f"mean and std have {len(spec.mean)} figures, but in_chans={config.backbone.in_chans}"
        raise ConfigError(f"{came}; give one figure a channel")
