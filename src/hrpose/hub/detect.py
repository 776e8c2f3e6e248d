"""Build the right model from weights alone: read its settings off names and shapes, then load strictly."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from hrpose.backbones.hrnet import HRNET_CONFIGS, HRNetConfig
from hrpose.errors import WeightsError
from hrpose.hub.convert import NATIVE, find_origin, identify
from hrpose.hub.convert.engine import Converted, Origin
from hrpose.hub.guess import AnyCodec, Wishes, guess_bottomup_spec, guess_hourglass_spec, guess_spec
from hrpose.hub.infer import infer_config
from hrpose.hub.infer_hourglass import refuse_trunk_wishes
from hrpose.hub.load import load_weights, unknown_origin
from hrpose.hub.read import Checkpoint, WeightsSource, read_weights
from hrpose.hub.report import by_reason, refuse_other_settings, some
from hrpose.layers.resize import Upsample
from hrpose.models.bottomup import BottomUpConfig
from hrpose.models.classify import ClassifierConfig
from hrpose.models.families import build, config_from_dict
from hrpose.models.hourglass import HourglassConfig
from hrpose.models.segment import SegmenterConfig
from hrpose.models.spec import PoseSpec
from hrpose.models.topdown import TopDownConfig
from hrpose.skeletons import Skeleton, as_skeleton


def from_checkpoint(
    source: WeightsSource,
    *,
    origin: str | None = None,
    upsample: Upsample | None = None,
    align_corners: bool | None = None,
    bn_momentum: float | None = None,
    skeleton: Skeleton | str | None = None,
    codec: AnyCodec | None = None,
) -> Any:  # the weights decide which model it is
    """The model that fits the weights, with the weights in it.

    Origin, architecture, widths, depths, head and number of keypoints are read off names and shapes.
    What they cannot tell follows from the origin and can be given.

    Args:
        source: see `read_weights`.
        origin: its name, where the names of the weights do not tell.
        upsample: "nearest" or "bilinear"; by default as in the origin's code.
        align_corners: of bilinear upsampling; True for most published segmentation weights, else False.
        bn_momentum: for training on; 0.01 for faces, else 0.1.
        skeleton: the names of the keypoints, or a skeleton's name; by default guessed from their number.
        codec: how maps become points; by default that of the origin, for its usual input size.
    Returns: TopDown, BottomUp, StackedHourglass, Classifier, Segmenter, or HRNet for a trunk alone, in
        evaluation mode.
    Raises: WeightsError, also for weights of no known origin; ConfigError for wishes that do not fit them.

    >>> from hrpose.models import TopDown
    >>> tiny = HRNetConfig(width=8, rounds=(1,), blocks=1, outputs=1)
    >>> from_checkpoint(TopDown(TopDownConfig(backbone=tiny, num_keypoints=5))).config.num_keypoints
    5
    """
    wishes = Wishes(
        upsample=upsample,
        align_corners=align_corners,
        bn_momentum=bn_momentum,
        skeleton=as_skeleton(skeleton),
        codec=codec,
    )
    read = read_weights(source)
    model = build(find_config(read, origin, wishes))
    refuse_other_settings(load_weights(model, read, origin=origin))
    return model.eval()


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a checkpoint holds, as far as it can be told without its author."""

    source: str
    origin: str
    config: Any
    num_params: int
    peeled: tuple[str, ...] = ()
    dropped: Mapping[str, str]
    unexpected: tuple[str, ...] = ()
    stubs: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [self.source, f"  origin: {self.origin}", f"  model: {summary(self.config)}"]
        lines += [f"  parameters: {self.num_params:,}"]
        lines += [f"  peeled: {' '.join(self.peeled)}"] if self.peeled else []
        lines += [f"  dropped: {line}" for line in by_reason(self.dropped)]
        lines += [f"  unexpected: {some(self.unexpected)}"] if self.unexpected else []
        lines += [f"  in the pickle, not run: {some(self.stubs)}"] if self.stubs else []
        return "\n".join(lines)


def describe(source: WeightsSource, *, origin: str | None = None) -> Description:
    """What `hrpose show FILE` prints: origin, model, parameters, and what is dropped.

    Raises: as `from_checkpoint`.
    """
    read = read_weights(source)
    known, converted = convert(read, origin)
    config = find_config(read, origin, Wishes())
    with torch.device("meta"):
        count = sum(p.numel() for p in build(config).parameters())
    return Description(
        source=read.source,
        origin=known.title,
        config=config,
        num_params=count,
        peeled=read.peeled,
        dropped={**read.dropped, **converted.dropped},
        unexpected=converted.unclaimed,
        stubs=read.stubs,
    )


def summary(config: Any) -> str:
    """One line on the settings of a model.

    >>> summary(TopDownConfig())
    'TopDown hrnet_w32, head v1, 17 keypoints'
    """
    if isinstance(config, HourglassConfig):
        return f"StackedHourglass of {config.unit} units, {config.stacks} stacks, {points(config)}"
    trunk = getattr(config, "backbone", config)
    name = next(
        (f"hrnet_{n}" for n, c in HRNET_CONFIGS.items() if alike(c, trunk)), "HRNet of other widths or depths"
    )
    if isinstance(config, TopDownConfig):
        return f"TopDown {name}, head {config.head}, {points(config)}"
    if isinstance(config, BottomUpConfig):
        return f"BottomUp {name}, head {config.head}, {config.resolutions} resolutions, {points(config)}"
    if isinstance(config, ClassifierConfig | SegmenterConfig):
        return f"{type(config).__name__.removesuffix('Config')} {name}, {config.num_classes} classes"
    return name


def points(config: Any) -> str:
    """What a pose network finds, and how."""
    spec = f", {config.spec.skeleton.name}, codec {config.spec.codec.name}" if config.spec else ""
    return f"{config.num_keypoints} keypoints{spec}"


def alike(a: HRNetConfig, b: Any) -> bool:
    """Whether two trunks have the same widths and depths."""
    names = ("channels", "rounds", "blocks", "stage1_blocks", "stage1_width", "attention")
    return isinstance(b, HRNetConfig) and all(getattr(a, n) == getattr(b, n) for n in names)


def convert(read: Checkpoint, origin: str | None) -> tuple[Origin, Converted]:
    """The origin of the weights, and the weights under our names.

    Raises: WeightsError if no origin knows them.
    """
    known = find_origin(origin) if origin else identify(read.weights)
    if known is None and read.config is not None:
        known = NATIVE
    if known is None:
        raise unknown_origin(read)
    return known, known.import_weights(read.weights)


def find_config(read: Checkpoint, origin: str | None, wishes: Wishes) -> Any:
    """The settings of the model that the weights belong to.

    Raises: WeightsError if they lack what tells its shape.
    """
    if read.config is not None:
        return granted(config_from_dict(read.config), wishes)
    known, converted = convert(read, origin)
    try:
        return infer_config(converted.weights, known, wishes)
    except KeyError as e:
        raise WeightsError(f"{read.source} ({known.title}) lacks {e.args[0]}; the file is not whole") from e


def granted(config: Any, wishes: Wishes) -> Any:
    """Settings that came with the weights, but for what the caller states."""
    stated = {name: getattr(wishes, name) for name in ("upsample", "align_corners", "bn_momentum")}
    given = {name: value for name, value in stated.items() if value is not None}
    if isinstance(config, HourglassConfig):
        refuse_trunk_wishes(wishes)
    if isinstance(config, HRNetConfig):
        return dataclasses.replace(config, **given)
    if given:
        config = dataclasses.replace(config, backbone=dataclasses.replace(config.backbone, **given))
    if "align_corners" in given and hasattr(config, "align_corners"):
        config = dataclasses.replace(config, align_corners=given["align_corners"])
    if wishes.skeleton is None and wishes.codec is None:
        return config
    usual = config.spec or usual_spec(config, wishes)
    spec = dataclasses.replace(
        usual, skeleton=wishes.skeleton or usual.skeleton, codec=wishes.codec or usual.codec
    )
    return dataclasses.replace(config, spec=spec)


def usual_spec(config: Any, wishes: Wishes) -> PoseSpec:
    """Names, codec and normalisation for settings that came without."""
    if isinstance(config, HourglassConfig):
        return guess_hourglass_spec(config, NATIVE.name, wishes)
    if isinstance(config, BottomUpConfig):
        return guess_bottomup_spec(config, wishes)
    return guess_spec(config.num_keypoints, config.backbone.in_chans, NATIVE, wishes, v1=True)
