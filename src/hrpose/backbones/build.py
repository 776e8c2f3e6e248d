"""From the settings of any backbone to the backbone: the one place that lists the kinds."""

from typing import Any, Protocol, TypeAlias

from hrpose.backbones.features import FeatureInfo
from hrpose.backbones.hrnet import HRNet, HRNetConfig
from hrpose.backbones.timm import TimmBackbone, TimmConfig
from hrpose.errors import ConfigError
from hrpose.layers.groups import Layer

BackboneConfig: TypeAlias = HRNetConfig | TimmConfig


class Backbone(Protocol):
    """What models need of a backbone besides `backbone(images) -> Pyramid`."""

    @property
    def feature_info(self) -> FeatureInfo:
        """Channels and strides of the maps returned."""
        ...

    def layers(self) -> list[Layer]:
        """The network cut into layers, input first."""
        ...


BACKBONES: dict[type, type[HRNet] | type[TimmBackbone]] = {HRNetConfig: HRNet, TimmConfig: TimmBackbone}


def build_backbone(config: BackboneConfig) -> HRNet | TimmBackbone:
    """The backbone that `config` describes, without pretrained weights.

    >>> build_backbone(HRNetConfig(width=8, rounds=(1,))).feature_info.channels()
    [8, 16]

    Raises: ConfigError if `config` is not the settings of a backbone.
    """
    kind: Any = BACKBONES.get(type(config))
    if kind is None:
        known = ", ".join(c.__name__ for c in BACKBONES)
        raise ConfigError(
            f"backbone is a {type(config).__name__}, but settings were needed; give one of {known}"
        )
    return kind(config)
