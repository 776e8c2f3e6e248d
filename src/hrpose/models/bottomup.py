"""Bottom-up pose: a whole image in; heatmaps at several resolutions, and tags that tell people apart, out."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from torch import Tensor, nn

from hrpose.backbones.build import BackboneConfig, build_backbone
from hrpose.backbones.hrnet import HRNetConfig
from hrpose.codecs.bottomup import HigherHRNet
from hrpose.errors import ConfigError
from hrpose.heads.higher import HigherHRNetHead, check_levels
from hrpose.heads.tags import AETagHead
from hrpose.layers.checks import check_kernel, check_positive, check_settings
from hrpose.layers.init import set_bn_momentum
from hrpose.losses.multires import MultiResolutionLoss
from hrpose.models.base import Network, Supervised
from hrpose.models.spec import PoseSpec, check_spec
from hrpose.models.topdown import bn_momentum
from hrpose.types import Images, PoseMaps, PoseTargets

BottomUpHead: TypeAlias = Literal["higher", "ae"]


@dataclass(frozen=True, kw_only=True)
class BottomUpSpec(PoseSpec):
    """As `PoseSpec`, with a codec that reads many people from a whole image."""

    codec: HigherHRNet  # type: ignore[assignment]  # a codec of another family, read by another predictor


@dataclass(frozen=True, kw_only=True)
class BottomUpConfig:
    """The settings of a bottom-up network; the defaults are HigherHRNet W32 for COCO.

    Bottom-up HRNet with associative embedding is head="ae".

    Raises: ConfigError if the settings contradict each other.
    """

    backbone: BackboneConfig = field(default_factory=lambda: HRNetConfig(outputs=1))
    head: BottomUpHead = "higher"
    num_keypoints: int = 17  # heatmaps at each resolution, the centre of people too where it has one
    tag_dims: int = 1  # numbers in a tag
    shared_tags: bool = False  # one tag for all keypoints of a pixel
    kernel: int = 1  # of the last convolution at each resolution
    deconv_channels: tuple[int, ...] = (32,)  # higher: of each DeconvModule; each doubles the resolution
    deconv_kernels: tuple[int, ...] | None = None  # higher: of their transposed convolutions; None: 4 for all
    deconv_blocks: int = 4  # higher: residual units in each
    tags: tuple[bool, ...] = (True, False)  # higher: whether each resolution, 1/4 first, has tags
    joined: tuple[bool, ...] = (True,)  # higher: whether each DeconvModule sees the maps before it
    spec: BottomUpSpec | None = None

    def __post_init__(self) -> None:
        if self.head not in ("higher", "ae"):
            raise ConfigError(f"head={self.head!r} is not known; give 'higher' or 'ae'")
        check_positive(self, "num_keypoints", "tag_dims")
        check_kernel(self.kernel)
        kernels = (4,) * len(self.deconv_channels) if self.deconv_kernels is None else self.deconv_kernels
        check_levels(self.deconv_channels, tags=self.tags, joined=self.joined, deconv_kernels=kernels)
        if isinstance(self.backbone, HRNetConfig):
            check_one_map(len(self.backbone.out_channels))
        if self.spec is not None:
            check_bottomup_spec(self.spec, self)

    @property
    def resolutions(self) -> int:
        """How many the heatmaps come at."""
        return len(self.tags) if self.head == "higher" else 1

    @property
    def tag_maps(self) -> int:
        """How many resolutions have tags."""
        return sum(self.tags) if self.head == "higher" else 1


class BottomUp(Network, Supervised):
    """Images (N, 3, H, W) -> PoseMaps with heatmaps of each resolution and tags.

    `criterion` is the loss that `loss` takes; its factors are those of the reference code.

    Raises: ConfigError if the backbone returns more than one map.
    Source: Cheng et al., CVPR 2020; head="ae": Newell et al., NeurIPS 2017.

    >>> import torch
    >>> small = HRNetConfig(width=8, rounds=(1,), blocks=1, outputs=1)
    >>> config = BottomUpConfig(backbone=small, num_keypoints=5, deconv_channels=(8,), deconv_blocks=1)
    >>> maps = BottomUp(config)(torch.zeros(1, 3, 64, 96))
    >>> [tuple(y.shape) for y in (*maps.heatmaps, *maps.tags)]
    [(1, 5, 16, 24), (1, 5, 32, 48), (1, 5, 16, 24)]
    """

    config: BottomUpConfig
    criterion: MultiResolutionLoss

    def __init__(self, config: BottomUpConfig) -> None:
        check_settings("BottomUp", config, BottomUpConfig)
        backbone = build_backbone(config.backbone)
        channels = backbone.feature_info.channels()
        check_one_map(len(channels))
        head = make_head(config, channels[0])
        set_bn_momentum(head, bn_momentum(config.backbone))
        super().__init__(config, backbone, head)
        self.criterion = MultiResolutionLoss(
            heatmap_factors=(1.0,) * config.resolutions,
            push_factors=(0.001,) * config.tag_maps,
            pull_factors=(0.001,) * config.tag_maps,
            tag_dims=config.tag_dims,
        )

    @property
    def finds_people(self) -> bool:
        """Its tags tell people apart in whole images."""
        return True

    def forward(self, images: Images) -> PoseMaps:
        """Normalised images -> heatmaps and tags, no activation."""
        return self.head(self.backbone(images))

    def loss(self, maps: PoseMaps, targets: PoseTargets) -> dict[str, Tensor]:
        """Named terms whose sum is the loss; see `MultiResolutionLoss`."""
        return self.criterion(maps, targets)


def make_head(config: BottomUpConfig, channels: int) -> nn.Module:
    """The head for a backbone that returns one map of these channels."""
    if config.head == "ae":
        return AETagHead(
            channels,
            config.num_keypoints,
            tag_dims=config.tag_dims,
            shared_tags=config.shared_tags,
            kernel=config.kernel,
        )
    return HigherHRNetHead(
        channels,
        config.num_keypoints,
        deconv_channels=config.deconv_channels,
        tags=config.tags,
        joined=config.joined,
        deconv_kernels=config.deconv_kernels,
        blocks=config.deconv_blocks,
        tag_dims=config.tag_dims,
        shared_tags=config.shared_tags,
        kernel=config.kernel,
    )


def check_one_map(maps: int) -> None:
    """Raise ConfigError unless the backbone makes just what the head reads."""
    if maps != 1:
        fix = "HRNetConfig(outputs=1) or TimmConfig(out_indices=(k,))"
        raise ConfigError(f"a bottom-up head reads one map, but the backbone makes {maps}; give {fix}")


def check_bottomup_spec(spec: BottomUpSpec, config: BottomUpConfig) -> None:
    """Raise ConfigError unless codec, skeleton and figures fit what the network gives."""
    centers = int(spec.codec.center)
    check_spec(
        spec,
        num_keypoints=config.num_keypoints - centers,
        maps_per_keypoint=1,
        in_chans=config.backbone.in_chans,
    )
    for name, ours, theirs in (
        ("strides", len(spec.codec.strides), config.resolutions),
        ("tag_strides", len(spec.codec.tag_strides), config.tag_maps),
        ("tag_dims", spec.codec.tag_dims, config.tag_dims),
        ("shared_tags", spec.codec.shared_tags, config.shared_tags),
    ):
        if ours != theirs:
            raise ConfigError(
                f"the codec speaks of {ours} {name}, but the network makes {theirs}; make them equal"
            )
    spec.codec.grouping.order(config.num_keypoints - int(spec.codec.center and spec.codec.ignore_center))
