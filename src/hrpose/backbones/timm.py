"""Any timm feature extractor as a backbone behind our heads. timm is imported only when one is made."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from hrpose.backbones.base import Backbone, Feature, FeatureInfo, check_images
from hrpose.errors import ConfigError, MissingExtraError, UnknownNameError, nearest
from hrpose.layers.checks import check_positive
from hrpose.layers.groups import Layer
from hrpose.types import Images, Pyramid


@dataclass(frozen=True, kw_only=True)
class TimmConfig:
    """Which timm network, and which of its maps.

    Raises: ConfigError if in_chans is below 1 or out_indices is empty.
    """

    name: str  # as in timm.list_models(), for instance "convnext_tiny" or "resnet50.a1_in1k"
    in_chans: int = 3
    out_indices: tuple[int, ...] | None = None  # as timm counts; None: all maps from stride 4 on

    def __post_init__(self) -> None:
        check_positive(self, "in_chans")
        if self.out_indices is not None and not self.out_indices:
            raise ConfigError(
                "out_indices is empty, but a head needs a map; give some, or None for stride 4 on"
            )


class TimmBackbone(Backbone):
    """A timm network as image -> pyramid, finest first.

    Args:
        config: the network and its maps, or just its name.
        pretrained: load the weights that timm has for it; this downloads.
    Raises: MissingExtraError without timm; UnknownNameError for a name that timm lacks; ConfigError where
        timm gives no such maps; ShapeError, when called, for anything but images.

    >>> TimmBackbone("test_resnet").feature_info.reduction()
    [4, 8, 16, 32]
    """

    def __init__(self, config: TimmConfig | str, *, pretrained: bool = False) -> None:
        super().__init__()
        self.config = TimmConfig(name=config) if isinstance(config, str) else config
        self.net: Any = make_extractor(self.config, pretrained=pretrained)
        self.channels_last = str(getattr(self.net, "output_fmt", "NCHW")).endswith("NHWC")
        info = self.net.feature_info
        rows = zip(info.channels(), info.reduction(), info.module_name(), strict=True)
        features = [Feature(*row) for row in rows]
        chosen = self.config.out_indices is not None
        self.kept = tuple(k for k, feature in enumerate(features) if chosen or feature.reduction >= 4)
        self.features = FeatureInfo(features[k] for k in self.kept)

    @property
    def feature_info(self) -> FeatureInfo:
        """Channels and strides of the maps returned."""
        return self.features

    def forward(self, images: Images) -> Pyramid:
        """(N, in_chans, H, W) -> the maps of `out_indices`."""
        check_images(images, self.config.in_chans)
        maps = self.net(images)
        # some transformers give (N, H, W, C)
        return [maps[k].permute(0, 3, 1, 2) if self.channels_last else maps[k] for k in self.kept]

    def parts(self) -> dict[str, nn.Module]:
        """The children of the timm network, by timm's names."""
        return dict(self.net.named_children())

    def layers(self) -> list[Layer]:
        """The children of the timm network, input first."""
        return [(child,) for child in self.net.children()]

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Passed on to timm, whose recomputation counts each batch twice in batch-norm statistics.

        Raises: ConfigError if this network cannot do it.
        """
        inner = getattr(self.net, "model", None)  # of the extractors that read maps off by hooks
        switches = [getattr(net, "set_grad_checkpointing", None) for net in (self.net, inner)]
        found = next((switch for switch in switches if switch is not None), None)
        if found is None:
            raise ConfigError(f"timm's {self.config.name} has no gradient checkpointing; train it without")
        found(enable)


def make_extractor(config: TimmConfig, *, pretrained: bool) -> Any:
    """The timm network with features_only, its refusals told as ours.

    Raises: MissingExtraError without timm; UnknownNameError for another name; ConfigError if timm refuses.
    """
    try:
        import timm
    except ImportError as error:
        raise MissingExtraError("TimmBackbone needs timm; run: python -m pip install timm") from error
    if not timm.is_model(config.name):
        raise UnknownNameError(f"timm has no {config.name!r}; {nearest(config.name, timm.list_models())}")
    chosen: dict[str, Any] = {} if config.out_indices is None else {"out_indices": config.out_indices}
    try:
        return timm.create_model(
            config.name, pretrained=pretrained, features_only=True, in_chans=config.in_chans, **chosen
        )
    except (RuntimeError, AttributeError, AssertionError, IndexError, ValueError) as error:
        wanted = "feature maps" if config.out_indices is None else f"maps {config.out_indices}"
        raise ConfigError(
            f"timm gives no {wanted} of {config.name!r} ({error}); give other out_indices"
        ) from error
