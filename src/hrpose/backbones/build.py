"""From the settings of any backbone to the backbone: the one place that lists the kinds."""

from typing import Any, TypeAlias

from hrpose.backbones.base import Backbone
from hrpose.backbones.hrnet import HRNet, HRNetConfig
from hrpose.backbones.timm import TimmBackbone, TimmConfig
from hrpose.errors import ConfigError

BackboneConfig: TypeAlias = HRNetConfig | TimmConfig

BACKBONES: dict[type, type[HRNet] | type[TimmBackbone]] = {HRNetConfig: HRNet, TimmConfig: TimmBackbone}


def build_backbone(config: BackboneConfig) -> Backbone:
    """The backbone that `config` describes, without pretrained weights.

    >>> build_backbone(HRNetConfig(width=8, rounds=(1,))).feature_info.channels()
    [8, 16]

    Raises: ConfigError if `config` is not the settings of a backbone.
    """
    make: Any = BACKBONES.get(type(config))
    if make is None:
        known = ", ".join(c.__name__ for c in BACKBONES)
        raise ConfigError(f"backbone is a {type(config).__name__}, but settings were needed; give {known}")
    return make(config)
