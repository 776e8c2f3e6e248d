"""HRNet: branches of different resolution run side by side and exchange what they see."""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from torch import Tensor, nn

from hrpose.backbones.base import Backbone, Feature, FeatureInfo, check_images
from hrpose.errors import ConfigError, UnknownNameError, nearest
from hrpose.layers.blocks import ATTENTIONS, BLOCKS, Attention, conv_bn
from hrpose.layers.checks import check_counts, check_positive, check_rate, check_settings
from hrpose.layers.exchange import ExchangeUnit, HRModule, Transition
from hrpose.layers.groups import Layer
from hrpose.layers.init import init_normal, set_bn_momentum
from hrpose.layers.recompute import Steps
from hrpose.layers.resize import ResizeTo, Upsample
from hrpose.types import Images, Pyramid

BlockKind: TypeAlias = Literal["basic", "bottleneck"]


@dataclass(frozen=True, kw_only=True)
class HRNetConfig:
    """The settings of an HRNet; the defaults are W32 with nearest upsampling and all branches.

    >>> HRNetConfig(width=18).channels
    (18, 36, 72, 144)

    Raises: ConfigError if the settings contradict each other; UnknownNameError for a block or an
        attention layer that does not exist.
    Source: Sun et al., CVPR 2019 (V1: outputs=1); Wang et al., PAMI 2020 (V2: all branches).
    """

    width: int = 32  # branch b is width * 2**b wide; published: 16 (w18_small), 18, 30, 32, 40, 44, 48, 64
    widths: tuple[int, ...] | None = None  # any other widths, one a branch, in place of `width`
    in_chans: int = 3
    stem_width: int = 64
    stage1_block: BlockKind = "bottleneck"
    stage1_blocks: int = 4
    stage1_width: int = 64  # a bottleneck gives out four times as many channels
    rounds: tuple[int, ...] = (1, 4, 3)  # [branches -> exchange] in stages 2, 3, 4
    block: BlockKind = "basic"
    blocks: int = 4  # residual units of each branch in each round
    outputs: int | None = None  # branches that the last exchange makes, finest first; None: all. V1 pose: 1
    upsample: Upsample = "nearest"
    align_corners: bool = False
    attention: Attention | None = None  # in every residual unit
    drop_path: float = 0.0  # chance in the last residual unit; rises linearly from 0 in the first
    bn_momentum: float = 0.1  # 0.01 in the face code and the older segmentation code

    def __post_init__(self) -> None:
        self._check_counts()
        self._check_choices()
        ResizeTo(self.upsample, align_corners=self.align_corners)  # checks the two

    def _check_counts(self) -> None:
        check_positive(self, "width", "in_chans", "stem_width", "stage1_blocks", "stage1_width", "blocks")
        check_counts("rounds", self.rounds, needed="each stage needs one; give one number from 1 up a stage")
        branches = len(self.rounds) + 1
        made = f"rounds={self.rounds} makes {branches} branches"
        if self.widths is not None:
            needed = f"{made}; give one width from 1 up for each"
            check_counts("widths", self.widths, needed=needed)
            if len(self.widths) != branches:
                raise ConfigError(f"widths={self.widths}, but {needed}")
        if self.outputs is not None and not 1 <= self.outputs <= branches:
            raise ConfigError(f"outputs={self.outputs}, but {made}; give outputs from 1 to {branches}")

    def _check_choices(self) -> None:
        for name, known in (("stage1_block", BLOCKS), ("block", BLOCKS), ("attention", ATTENTIONS)):
            came = getattr(self, name)
            if came not in known and not (name == "attention" and came is None):
                raise UnknownNameError(f"{name}={came!r} is not known; {nearest(str(came), known)}")
        check_rate("drop_path", self.drop_path)
        if not 0 < self.bn_momentum <= 1:
            raise ConfigError(
                f"bn_momentum={self.bn_momentum}, but it is a share; give one above 0, at most 1"
            )

    @property
    def planes(self) -> tuple[int, ...]:
        """Width of each branch as its residual units take it."""
        return self.widths or tuple(self.width * 2**b for b in range(len(self.rounds) + 1))

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of each branch, finest first, whether it is handed out or not."""
        return tuple(p * BLOCKS[self.block].expansion for p in self.planes)

    @property
    def out_channels(self) -> tuple[int, ...]:
        """Channels of the branches handed out."""
        return self.channels[: self.outputs]


HRNET_CONFIGS: dict[str, HRNetConfig] = {
    "w18_small": HRNetConfig(width=16, stage1_blocks=1, stage1_width=32, rounds=(1, 1, 1), blocks=2),
    "w18_small_v2": HRNetConfig(width=18, stage1_blocks=2, rounds=(1, 3, 2), blocks=2),
    **{f"w{width}": HRNetConfig(width=width) for width in (18, 30, 32, 40, 44, 48, 64)},
}


class HRStage(nn.Module):
    """Transition -> rounds of HRModule (branches -> exchange)."""

    def __init__(self, transition: Transition, rounds: Sequence[HRModule]) -> None:
        super().__init__()
        self.transition = transition
        self.rounds = Steps(*rounds)

    def forward(self, x: Pyramid) -> Pyramid:
        """The branches so far -> one branch more."""
        return self.rounds(self.transition(x))


class HRNet(Backbone):
    """Image -> pyramid: stem, stage1 (one branch), then stages that each add a coarser branch.

    Any input size works; branch b is ceil(H / 4 / 2**b) high and as wide accordingly.

    Args:
        config: widths, depths and the exchange.
        out_indices: branches to return, 0 the finest; all that config.outputs makes if None.
    Raises: ConfigError for an index of no branch, or for what is no HRNetConfig; ShapeError, when called, for
        anything but images.
    Source: Sun et al., CVPR 2019; Wang et al., PAMI 2020. Weights start as in the pose code.

    >>> import torch
    >>> tiny = HRNetConfig(width=8, stem_width=16, stage1_blocks=1, stage1_width=8, rounds=(1, 1), blocks=1)
    >>> [tuple(y.shape) for y in HRNet(tiny)(torch.zeros(1, 3, 64, 48))]
    [(1, 8, 16, 12), (1, 16, 8, 6), (1, 32, 4, 3)]
    """

    def __init__(self, config: HRNetConfig, *, out_indices: Sequence[int] | None = None) -> None:
        super().__init__()
        check_settings("HRNet", config, HRNetConfig)
        self.config = config
        self.out_indices = check_indices(out_indices, len(config.out_channels))
        self.stem = make_stem(config)
        rates = drop_rates(config)
        self.stage1 = make_stage1(config, rates)
        channels: tuple[int, ...] = (config.stage1_width * BLOCKS[config.stage1_block].expansion,)
        for s, rounds in enumerate(config.rounds, start=2):
            self.add_module(f"stage{s}", make_stage(config, s, channels, rounds, rates))
            channels = config.channels[:s]
        init_normal(self)
        set_bn_momentum(self, config.bn_momentum)

    @property
    def feature_info(self) -> FeatureInfo:
        """Channels and strides of the maps returned."""
        made = self.config.out_channels
        return FeatureInfo(Feature(made[b], 4 * 2**b, f"branch{b}") for b in self.out_indices)

    def forward(self, images: Images) -> Pyramid:
        """(N, in_chans, H, W) -> the branches of `out_indices`."""
        check_images(images, self.config.in_chans)
        return self.after_stem(self.stem(images))

    def with_half(self, images: Images) -> tuple[Tensor, Pyramid]:
        """What `forward` returns, and before it the map at stride 2, (N, stem_width, H / 2, W / 2)."""
        check_images(images, self.config.in_chans)
        half = self.stem[:3](images)
        return half, self.after_stem(self.stem[3:](half))

    def after_stem(self, x: Tensor) -> Pyramid:
        """What `forward` returns, from the output of the stem (N, stem_width, H / 4, W / 4) on."""
        x = self.stage1(x)
        pyramid: Pyramid = functools.reduce(lambda x, stage: stage(x), self.stages(), [x])
        return [pyramid[b] for b in self.out_indices]

    def stages(self) -> list[HRStage]:
        """The stages with more than one branch: stage2, stage3 ..."""
        return [m for m in self.children() if isinstance(m, HRStage)]

    def parts(self) -> dict[str, nn.Module]:
        """stem, stage1, stage2 ..."""
        return dict(self.named_children())

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Recompute the activations of stage 1 units and of rounds in the backward pass, to save memory."""
        for module in self.modules():
            if isinstance(module, Steps):
                module.grad_checkpointing = enable

    def layers(self) -> list[Layer]:
        """The network cut into layers, input first, for rates that differ by depth."""
        later = [
            (stage.transition, module) if k == 0 else (module,)
            for stage in self.stages()
            for k, module in enumerate(stage.rounds)
        ]
        return [(self.stem,), (self.stage1,), *later]


def check_indices(indices: Sequence[int] | None, branches: int) -> tuple[int, ...]:
    """The branches to return, all of them if None.

    Raises: ConfigError for an index of no branch, or for what is no list of them.
    """
    wanted = tuple(range(branches)) if indices is None else indices
    listed = isinstance(wanted, Sequence) and not isinstance(wanted, str)
    if not listed or not wanted or not all(isinstance(b, int) and 0 <= b < branches for b in wanted):
        raise ConfigError(
            f"out_indices={wanted!r}, but there are {branches} branches; give some of 0 to {branches - 1}"
        )
    return tuple(wanted)


def make_stem(config: HRNetConfig) -> nn.Sequential:
    """Two convolutions of stride 2: one pixel for each 4 x 4 of the image."""
    first = conv_bn(config.in_chans, config.stem_width, 3, stride=2)
    second = conv_bn(config.stem_width, config.stem_width, 3, stride=2)
    return nn.Sequential(*first, *second)


def drop_rates(config: HRNetConfig) -> Iterator[float]:
    """The drop-path rate of each residual unit in the order of depth."""
    depth = config.stage1_blocks + sum(config.rounds) * config.blocks
    return (config.drop_path * k / max(1, depth - 1) for k in range(depth))


def make_units(
    config: HRNetConfig, kind: BlockKind, in_channels: int, channels: int, rates: Sequence[float]
) -> list[nn.Module]:
    """Residual units in a row, one for each rate."""
    unit = BLOCKS[kind]
    inputs = [in_channels, *[channels * unit.expansion] * (len(rates) - 1)]
    return [
        unit(c, channels, attention=config.attention, drop_path=rate)
        for c, rate in zip(inputs, rates, strict=True)
    ]


def make_stage1(config: HRNetConfig, rates: Iterator[float]) -> Steps:
    """Residual units at the resolution of the stem."""
    taken = [next(rates) for _ in range(config.stage1_blocks)]
    return Steps(*make_units(config, config.stage1_block, config.stem_width, config.stage1_width, taken))


def make_stage(
    config: HRNetConfig, branches: int, in_channels: Sequence[int], rounds: int, rates: Iterator[float]
) -> HRStage:
    """Stage s, which has s branches; only the last exchange of the last stage may leave some out."""
    channels = config.channels[:branches]
    is_last_stage = branches == len(config.channels)
    outputs = [branches] * (rounds - 1) + [config.outputs or branches if is_last_stage else branches]
    modules = []
    for made in outputs:
        taken = [next(rates) for _ in range(config.blocks)]
        rows = [
            make_units(config, config.block, c, p, taken)
            for c, p in zip(channels, config.planes, strict=False)
        ]
        exchange = ExchangeUnit(channels, made, upsample=config.upsample, align_corners=config.align_corners)
        modules.append(HRModule([nn.Sequential(*row) for row in rows], exchange))
    return HRStage(Transition(in_channels, channels), modules)
