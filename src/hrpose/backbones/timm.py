"""Any timm feature extractor as a backbone behind our heads. timm is imported only when one is made."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from torch import nn

from hrpose.backbones.features import Feature, FeatureInfo, check_images
from hrpose.errors import ConfigError, MissingExtraError, UnknownNameError, nearest
from hrpose.layers.checks import check_positive
from hrpose.layers.groups import Layer, decayed_groups
from hrpose.types import Images, Pyramid


@dataclass(frozen=True, kw_only=True)
class TimmConfig:
    """Which timm network, and which of its maps.

    Raises: ConfigError if in_chans is below 1 or out_indices is empty.
    """

    name: str  # as in timm.list_models(), for instance "convnext_tiny" or "resnet50.a1_in1k"
    in_chans: int = 3
    out_indices: tuple[int, ...] | None = None  # as timm counts; None: from stride 4 on

    def __post_init__(self) -> None:
        check_positive(self, "in_chans")
        if self.out_indices is not None and not self.out_indices:
            raise ConfigError(
                "out_indices is empty, but a head needs a map; give some, or None for all from stride 4"
            )


class TimmBackbone(nn.Module):
    """A timm network as image -> pyramid, finest first.

    Args:
        config: the network and its maps, or just its name.
        pretrained: load the weights that timm has for it; this downloads.
    Raises: MissingExtraError without timm; UnknownNameError for a name that timm lacks; ConfigError for
        a network that gives no feature maps.

    >>> backbone = TimmBackbone("test_resnet")  # doctest: +SKIP
    >>> backbone.feature_info.reduction()  # doctest: +SKIP
    [4, 8, 16, 32]
    """

    def __init__(self, config: TimmConfig | str, *, pretrained: bool = False) -> None:
        super().__init__()
        self.config = TimmConfig(name=config) if isinstance(config, str) else config
        self.net: Any = make_net(self.config, pretrained=pretrained)
        self.channels_last = str(getattr(self.net, "output_fmt", "NCHW")).endswith("NHWC")
        self.frozen: tuple[str, ...] = ()

    @property
    def feature_info(self) -> FeatureInfo:
        """Channels and strides of the maps returned."""
        info = self.net.feature_info
        rows = zip(info.channels(), info.reduction(), info.module_name(), strict=True)
        return FeatureInfo(Feature(*row) for row in rows)

    def forward(self, images: Images) -> Pyramid:
        """(N, in_chans, H, W) -> the maps of `out_indices`."""
        check_images(images, self.config.in_chans)
        maps = self.net(images)
        return [m.permute(0, 3, 1, 2) for m in maps] if self.channels_last else list(maps)

    def freeze(self, stages: Iterable[str]) -> None:
        """Keep these children of the timm network as they are, statistics included; see `HRNet.freeze`."""
        parts = dict(self.net.named_children())
        named = tuple(stages)
        for name in named:
            if name not in parts:
                raise UnknownNameError(f"there is no part {name!r} to freeze; {nearest(name, parts)}")
        self.frozen = named
        for name, part in parts.items():
            part.requires_grad_(name not in named)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """As for any module, but frozen parts stay in evaluation."""
        super().train(mode)
        for name in self.frozen:
            self.net.get_submodule(name).eval()
        return self

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Passed on to timm.

        Raises: ConfigError if this network cannot do it.
        """
        switch = getattr(self.net, "set_grad_checkpointing", None)
        if switch is None:
            raise ConfigError(f"timm's {self.config.name} has no gradient checkpointing; train it without")
        switch(enable)

    def layers(self) -> list[Layer]:
        """The children of the timm network, input first."""
        return [(child,) for child in self.net.children()]

    def parameter_groups(
        self, *, lr: float, layer_decay: float = 1.0, weight_decay: float = 0.0
    ) -> list[dict[str, Any]]:
        """Groups for a torch optimizer; see `decayed_groups`."""
        return decayed_groups(self.layers(), lr=lr, layer_decay=layer_decay, weight_decay=weight_decay)


def make_net(config: TimmConfig, *, pretrained: bool) -> Any:
    """The timm network, as a feature extractor."""
    try:
        import timm
    except ImportError as error:
        raise MissingExtraError("TimmBackbone needs timm; run: python -m pip install timm") from error
    if not timm.is_model(config.name):
        raise UnknownNameError(f"timm has no {config.name!r}; {nearest(config.name, timm.list_models())}")
    indices = config.out_indices
    if indices is None:
        strides = extractor(config, pretrained=False, out_indices=None).feature_info.reduction()
        indices = tuple(k for k, stride in enumerate(strides) if stride >= 4)
    return extractor(config, pretrained=pretrained, out_indices=indices)


def extractor(config: TimmConfig, *, pretrained: bool, out_indices: tuple[int, ...] | None) -> Any:
    """timm.create_model with features_only, its refusal told as ours."""
    import timm

    chosen: dict[str, Any] = {} if out_indices is None else {"out_indices": out_indices}
    try:
        return timm.create_model(
            config.name, pretrained=pretrained, features_only=True, in_chans=config.in_chans, **chosen
        )
    except (RuntimeError, AttributeError, AssertionError, IndexError) as error:
        raise ConfigError(f"timm gives no such feature maps of {config.name}: {error}") from error
