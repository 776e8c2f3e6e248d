"""From settings to a network, and from settings to the JSON of config.json and back."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from torch import nn

from hrpose.backbones.build import BACKBONES
from hrpose.backbones.hrnet import HRNetConfig
from hrpose.backbones.timm import TimmConfig
from hrpose.codecs import CODECS
from hrpose.codecs.bottomup import HigherHRNet
from hrpose.codecs.instance import InstanceGrouping
from hrpose.codecs.pose_ae import AEHourglass, HourglassGrouping
from hrpose.codecs.tags import TagGrouping
from hrpose.errors import ConfigError, nearest
from hrpose.models.bottomup import BottomUp, BottomUpConfig, BottomUpSpec
from hrpose.models.classify import Classifier, ClassifierConfig
from hrpose.models.hourglass import HourglassAESpec, HourglassConfig, StackedHourglass
from hrpose.models.instances import InstanceConfig, InstanceSegmenter, InstanceSpec
from hrpose.models.segment import Segmenter, SegmenterConfig
from hrpose.models.spec import PoseSpec
from hrpose.models.topdown import TopDown, TopDownConfig
from hrpose.skeletons import Skeleton

FAMILIES: dict[type, Any] = {  # settings, and what they build; a new family adds its line here and below
    **BACKBONES,
    TopDownConfig: TopDown,
    BottomUpConfig: BottomUp,
    ClassifierConfig: Classifier,
    SegmenterConfig: Segmenter,
    HourglassConfig: StackedHourglass,
    InstanceConfig: InstanceSegmenter,
}

KINDS: dict[str, type] = {  # how config.json names what it holds
    "topdown": TopDownConfig,
    "bottomup": BottomUpConfig,
    "classifier": ClassifierConfig,
    "segmenter": SegmenterConfig,
    "hourglass": HourglassConfig,
    "hourglass_ae_spec": HourglassAESpec,
    "hourglass_grouping": HourglassGrouping,
    "instances": InstanceConfig,
    "instance_spec": InstanceSpec,
    "instance_grouping": InstanceGrouping,
    "hrnet": HRNetConfig,
    "timm": TimmConfig,
    "pose_spec": PoseSpec,
    "bottomup_spec": BottomUpSpec,
    "tag_grouping": TagGrouping,
    "skeleton": Skeleton,
    f"codec.{AEHourglass.name}": AEHourglass,
    **{f"codec.{name}": codec for name, codec in CODECS.items()},
    f"codec.{HigherHRNet.name}": HigherHRNet,
}


def build(config: Any) -> nn.Module:
    """The network that `config` describes, without pretrained weights.

    >>> type(build(SegmenterConfig(backbone=HRNetConfig(width=8, rounds=(1,))))).__name__
    'Segmenter'

    Raises: ConfigError if `config` is not the settings of a network.
    """
    make = FAMILIES.get(type(config))
    if make is None:
        known = ", ".join(kind.__name__ for kind in FAMILIES)
        raise ConfigError(
            f"config is a {type(config).__name__}, but settings were needed; give one of {known}"
        )
    return make(config)


def config_to_dict(config: Any) -> dict[str, Any]:
    """Settings as plain JSON values; "kind" names the class, nested settings nest.

    Every field is written, so that a later default changes no stored model.

    >>> config_to_dict(TimmConfig(name="resnet18", out_indices=(1, 2)))
    {'kind': 'timm', 'name': 'resnet18', 'in_chans': 3, 'out_indices': [1, 2]}

    Raises: ConfigError if `config`, or anything in it, is not one of KINDS.
    """
    kinds = {cls: kind for kind, cls in KINDS.items()}
    if type(config) not in kinds:
        raise ConfigError(f"{type(config).__name__} cannot be stored; give settings of {', '.join(KINDS)}")
    values = {f.name: to_plain(getattr(config, f.name)) for f in dataclasses.fields(config) if f.init}
    return {"kind": kinds[type(config)], **values}


def config_from_dict(stored: Mapping[str, Any]) -> Any:
    """The settings that `config_to_dict` wrote; fields left out take their defaults.

    >>> config_from_dict({"kind": "hrnet", "width": 18, "rounds": [1, 1]}).channels
    (18, 36, 72)

    Raises: ConfigError for an unknown kind or key, for a key that is needed and missing, and for values
        that the settings refuse.
    """
    kind = stored.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ConfigError(f"kind={kind!r} is not known; {nearest(str(kind), KINDS)}")
    fields = {f.name: f for f in dataclasses.fields(KINDS[kind]) if f.init}
    given = {name: value for name, value in stored.items() if name != "kind"}
    for name in given:
        if name not in fields:
            raise ConfigError(f"{kind} has no setting {name!r}; {nearest(name, fields)}")
    lacking = [name for name, f in fields.items() if is_needed(f) and name not in given]
    if lacking:
        raise ConfigError(f"{kind} lacks {', '.join(lacking)}; add it to the stored settings")
    values = {name: from_plain(value) for name, value in given.items()}
    try:
        return KINDS[kind](**values)
    except (TypeError, AttributeError) as e:  # a word where a number stands, a number where settings stand
        raise ConfigError(f"{kind} has a setting of the wrong type ({e}); correct the stored settings") from e


def is_needed(field: "dataclasses.Field[Any]") -> bool:
    """Whether a field has no default."""
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def to_plain(value: Any) -> Any:
    """Tuples as lists, settings as dicts; the rest is JSON already."""
    if isinstance(value, tuple | list):
        return [to_plain(v) for v in value]
    return config_to_dict(value) if dataclasses.is_dataclass(value) else value


def from_plain(value: Any) -> Any:
    """Lists as tuples, dicts as settings."""
    if isinstance(value, list):
        return tuple(from_plain(v) for v in value)
    return config_from_dict(value) if isinstance(value, Mapping) else value
