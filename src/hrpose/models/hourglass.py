"""The stacked hourglass: one hourglass after another, each of which gives maps that the next one sees."""

import itertools
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hrpose.backbones.base import check_images
from hrpose.codecs.bottomup import HigherHRNet
from hrpose.codecs.pose_ae import AEHourglass
from hrpose.errors import ConfigError
from hrpose.layers.blocks import BasicBlock, conv_bn
from hrpose.layers.checks import check_positive
from hrpose.layers.groups import Layer
from hrpose.layers.hourglass import (
    UNITS,
    Hourglass,
    Skip,
    Unit,
    check_hourglass,
    conv_relu,
    halving_units,
    units,
)
from hrpose.layers.recompute import recompute
from hrpose.losses.hourglass import StackMSE
from hrpose.losses.multires import MultiResolutionLoss
from hrpose.models.base import Supervised
from hrpose.models.bottomup import BottomUpSpec
from hrpose.models.spec import PoseSpec, check_spec
from hrpose.models.supervise import paired
from hrpose.types import Images, PoseMaps, PoseTargets

TAG_FACTOR = 0.001  # what pull and push count for beside the heatmaps, as in the authors' code


@dataclass(frozen=True, kw_only=True)
class HourglassAESpec(BottomUpSpec):
    """As `BottomUpSpec`, for an hourglass with tags: its authors' codec, or HigherHRNet's."""

    codec: AEHourglass | HigherHRNet  # type: ignore[assignment]  # one more than in other bottom-up networks


@dataclass(frozen=True, kw_only=True)
class HourglassConfig:
    """The settings of a stacked hourglass; the defaults are the two stacks of the authors for MPII.

    Raises: ConfigError if the settings contradict each other; UnknownNameError for another unit.
    """

    num_keypoints: int = 16
    stacks: int = 2
    tags: int = 0  # tag maps; one a keypoint for associative embedding
    spare: int = 0  # maps after the tags that mean nothing, yet reach the next stack
    unit: Unit = "preact"  # what it is built from, see `Hourglass`
    stem: tuple[int, ...] = (64, 128, 128, 256)  # widths before the first hourglass, whose own is the last
    widths: tuple[int, ...] = (256, 256, 256, 256, 256)  # of an hourglass, outside first
    depths: tuple[int, ...] | None = None  # units in a row at each width; None: one
    skip: Skip = "add"
    in_chans: int = 3
    spec: PoseSpec | None = None

    def __post_init__(self) -> None:
        check_positive(self, "num_keypoints", "stacks", "in_chans")
        depths = (1,) * len(self.widths) if self.depths is None else self.depths
        check_hourglass(self.widths, depths, self.unit, self.skip)
        for name in ("tags", "spare"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name}={getattr(self, name)}, but it counts maps; give 0 or more")
        if len(self.stem) < 2 or min(self.stem) < 1:
            raise ConfigError(f"stem={self.stem}; give at least two positive numbers")
        if self.stem[-1] != self.widths[0]:
            made = f"the stem gives {self.stem[-1]} channels, but the hourglass takes {self.widths[0]}"
            raise ConfigError(f"{made}; end stem with widths[0]")
        if self.spec is not None:
            check_hourglass_spec(self.spec, self)

    @property
    def out_channels(self) -> int:
        """Maps that each stack gives."""
        return self.num_keypoints + self.tags + self.spare


_AE_WIDTHS = (256, 384, 512, 640, 768)
HOURGLASS_CONFIGS: dict[str, HourglassConfig] = {  # different networks that share one name
    "princeton": HourglassConfig(),
    "bearpaw": HourglassConfig(stem=(64, 128, 256, 256)),
    "hourglass52": HourglassConfig(
        num_keypoints=17,
        stacks=1,
        unit="basic",
        stem=(128, 256),
        widths=(256, 256, 384, 384, 384, 512),
        depths=(2, 2, 2, 2, 2, 4),
    ),
    "pose_ae": HourglassConfig(num_keypoints=17, stacks=4, tags=17, spare=34, unit="conv", widths=_AE_WIDTHS),
    "mmpose_ae": HourglassConfig(num_keypoints=17, stacks=4, tags=17, unit="conv_bn", widths=_AE_WIDTHS),
}


class Stack(nn.Module):
    """One hourglass, what refines its features, and the maps read off them."""

    grad_checkpointing = False

    def __init__(self, config: HourglassConfig) -> None:
        super().__init__()
        width = config.widths[0]
        self.hourglass = Hourglass(config.widths, unit=config.unit, depths=config.depths, skip=config.skip)
        self.neck = make_neck(config.unit, width, config.depths[0] if config.depths else 1)
        self.predict = nn.Conv2d(width, config.out_channels, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, h, w) -> features (N, C, h, w) and maps (N, out_channels, h, w)."""
        again = self.grad_checkpointing and torch.is_grad_enabled()
        y = recompute(self.hourglass, x) if again else self.hourglass(x)
        features = self.neck(y)
        return features, self.predict(features)


class Link(nn.Module):
    """What the next stack starts from: the last one's input, maps and features, the latter two by 1x1."""

    def __init__(self, config: HourglassConfig) -> None:
        super().__init__()
        width = config.widths[0]
        self.maps = fit_width(config.unit, config.out_channels, width)
        self.features = fit_width(config.unit, width, width)

    def forward(self, x: Tensor, features: Tensor, maps: Tensor) -> Tensor:
        """All of one size -> (N, C, h, w)."""
        return x + self.maps(maps) + self.features(features)


class FeatureLink(nn.Module):
    """What the next stack of Hourglass-104 starts from: the last one's input and features, not its maps.

    Source: Law and Deng, ECCV 2018, "CornerNet", as in its code.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.kept = conv_bn(width, width, 1, relu=False)
        self.features = conv_bn(width, width, 1, relu=False)
        self.refine = BasicBlock(width, width)

    def forward(self, x: Tensor, features: Tensor, maps: Tensor) -> Tensor:
        """All of one size -> (N, C, h, w)."""
        return self.refine(F.relu(self.kept(x) + self.features(features)))


class StackedHourglass(Supervised):
    """Images (N, 3, H, W) -> PoseMaps with heatmaps, and tags if there are any, of every stack.

    Every map in PoseMaps is supervised, and so is every stack: the intermediate supervision of the paper.
    At inference the last stack is read. The maps have (H / 4, W / 4) pixels; heights and widths that are
    no multiples of 4 * 2 ** levels work too.

    Raises: ShapeError, when called, for anything but images, and for images too small to be halved.
    Source: Newell et al., ECCV 2016, and NeurIPS 2017 for the form with tags.

    >>> small = HourglassConfig(num_keypoints=5, stem=(8, 16), widths=(16, 16, 16))
    >>> [tuple(y.shape) for y in StackedHourglass(small)(torch.zeros(1, 3, 64, 48)).heatmaps]
    [(1, 5, 16, 12), (1, 5, 16, 12)]
    """

    config: HourglassConfig

    def __init__(self, config: HourglassConfig) -> None:
        super().__init__(config)
        self.criterion = make_criterion(config)
        self.stem = make_stem(config)
        self.stacks = nn.ModuleList(Stack(config) for _ in range(config.stacks))
        self.links = nn.ModuleList(make_link(config) for _ in range(config.stacks - 1))

    @property
    def finds_people(self) -> bool:
        """Whether there are tags, by which people are told apart in whole images."""
        return self.config.tags > 0

    def predictions(self, images: Images) -> tuple[Tensor, ...]:
        """All maps of each stack as they are, (N, out_channels, H / 4, W / 4): heatmaps, tags, spare ones."""
        check_images(images, self.config.in_chans)
        first, *others = self.stacks
        x = self.stem(images)
        features, maps = first(x)
        made = [maps]
        for link, stack in zip(self.links, others, strict=True):
            x = link(x, features, maps)
            features, maps = stack(x)
            made.append(maps)
        return tuple(made)

    def forward(self, images: Images) -> PoseMaps:
        """Normalised images -> the maps of all stacks, first to last."""
        made = self.predictions(images)
        keypoints, tags = self.config.num_keypoints, self.config.tags
        heatmaps = tuple(maps[:, :keypoints] for maps in made)
        return PoseMaps(
            heatmaps, tuple(maps[:, keypoints : keypoints + tags] for maps in made) if tags else ()
        )

    def loss(self, maps: PoseMaps, targets: PoseTargets) -> dict[str, Tensor]:
        """Named terms whose sum is the loss; targets of one stack serve all.

        Returns: "heatmaps_0" ... for each stack; with tags "push_0", "pull_0" ... too.
        """
        if not self.config.tags:
            return super().loss(maps, targets)
        heatmaps, masks = paired(maps.heatmaps, targets)
        tags = targets.tags * len(maps.tags) if len(targets.tags) == 1 else targets.tags
        used = tuple(mask for mask in masks if mask is not None)
        return self.criterion(maps, PoseTargets(heatmaps, targets.weights, used, tags))

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Recompute the activations of each hourglass in the backward pass, to save memory."""
        for module in self.modules():
            if isinstance(module, Stack):
                module.grad_checkpointing = enable

    def layers(self) -> list[Layer]:
        """The network cut into layers, input first: the stem, then each stack with the link before it."""
        return [(self.stem,), (self.stacks[0],), *zip(self.links, self.stacks[1:], strict=True)]


def make_stem(config: HourglassConfig) -> nn.Sequential:
    """A 7x7 convolution of stride 2, then units; the first of them is followed by a pooling, or strides."""
    first, second, *later = config.stem
    entry = convolution(config.unit, config.in_chans, first, 7, stride=2)
    if config.unit == "basic":
        halved: list[nn.Module] = [halving_units("basic", first, second, 1)]
    else:
        halved = [units(config.unit, first, second, 1), nn.MaxPool2d(2)]
    rest = [units(config.unit, a, b, 1) for a, b in itertools.pairwise((second, *later))]
    return nn.Sequential(entry, *halved, *rest)


def make_neck(unit: Unit, width: int, depth: int) -> nn.Sequential:
    """What stands between an hourglass and its maps; residual units as many as in a row at that width."""
    if unit == "preact":
        return nn.Sequential(*units(unit, width, width, depth), convolution(unit, width, width, 1))
    if unit == "basic":
        return nn.Sequential(convolution(unit, width, width, 3))
    return nn.Sequential(UNITS[unit](width, width), UNITS[unit](width, width))


def make_link(config: HourglassConfig) -> nn.Module:
    """What leads from one stack to the next; in the network of basic blocks that is another way."""
    return FeatureLink(config.widths[0]) if config.unit == "basic" else Link(config)


def fit_width(unit: Unit, in_channels: int, width: int) -> nn.Module:
    """A 1x1 convolution back to the width of the hourglass, with batch norm where all others have it."""
    if unit == "conv_bn":
        return conv_bn(in_channels, width, 1, relu=False)
    return nn.Conv2d(in_channels, width, 1)


def convolution(
    unit: Unit, in_channels: int, channels: int, kernel: int, *, stride: int = 1
) -> nn.Sequential:
    """Convolution and ReLU with the bias and the batch norm that go with `unit`."""
    bias, norm = unit in ("preact", "conv"), unit != "conv"
    return conv_relu(in_channels, channels, kernel, stride=stride, bias=bias, norm=norm)


def make_criterion(config: HourglassConfig) -> nn.Module:
    """The mean over the stacks of the squared error and, with tags, of push and pull."""
    if not config.tags:
        return StackMSE(config.stacks)
    share = 1 / config.stacks
    factors = (TAG_FACTOR * share,) * config.stacks
    return MultiResolutionLoss(
        heatmap_factors=(share,) * config.stacks, push_factors=factors, pull_factors=factors
    )


def check_hourglass_spec(spec: PoseSpec, config: HourglassConfig) -> None:
    """Raise ConfigError unless codec, skeleton and figures fit what the network gives."""
    check_spec(spec, num_keypoints=config.num_keypoints, maps_per_keypoint=1, in_chans=config.in_chans)
    if isinstance(spec, HourglassAESpec) != bool(config.tags):
        needed = "PoseSpec with a top-down codec"
        if config.tags:
            needed = "HourglassAESpec, whose codec reads tags"
        raise ConfigError(f"tags={config.tags}, but spec is a {type(spec).__name__}; give a {needed}")
