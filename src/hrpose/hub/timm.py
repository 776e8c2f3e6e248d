"""Our backbones in timm's registry, so that code that builds its encoders by timm's names can have them."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from hrpose.backbones.hrnet import HRNET_CONFIGS, HRNet
from hrpose.errors import ConfigError, MissingExtraError
from hrpose.hub.registry import create_backbone, create_model

PREFIX = "hrpose_"
# what timm passes on to every model, and what means nothing for these
IGNORED = ("pretrained_cfg_overlay", "cache_dir", "scriptable", "exportable", "no_jit")


def register_timm() -> list[str]:
    """Make our architectures known to timm as hrpose_hrnet_w32, hrpose_hrnetv2_w18 ...; returns the names.

    timm.create_model("hrpose_hrnet_w32", features_only=True) then gives the five maps that timm's own HRNets
    have, from stride 2 on. A card's tag loads its weights, as in
    timm.create_model("hrpose_hrnet_w32.ms_in1k", pretrained=True, features_only=True). Without features_only
    it is a classifier. Calling this again changes nothing.

    Raises: MissingExtraError without timm.
    """
    try:
        from timm.models import is_model, register_model
    except ImportError as e:
        raise MissingExtraError("register_timm needs timm; run: python -m pip install timm") from e
    names = [f"{family}_{size}" for family in ("hrnet", "hrnetv2") for size in HRNET_CONFIGS]
    for name in names:
        if not is_model(PREFIX + name):
            make = entry_point(name)
            globals()[make.__name__] = make  # timm looks an entry point up in its module
            register_model(make)
    return [PREFIX + name for name in names]


def entry_point(name: str) -> Callable[..., nn.Module]:
    """The function that timm calls for one architecture."""

    def make(
        pretrained: bool = False,
        pretrained_cfg: Any = None,
        features_only: bool = False,
        in_chans: int = 3,
        out_indices: Sequence[int] | None = None,
        num_classes: int = 1000,
        **others: Any,
    ) -> nn.Module:
        refuse(others)
        tag = pretrained_cfg if isinstance(pretrained_cfg, str) else ""
        weights = f"{name}.{tag}" if tag else name
        if features_only:
            trunk = create_backbone(weights, pretrained=pretrained, in_chans=in_chans)
            return TimmFeatures(trunk, out_indices)
        size = name.partition("_")[2]
        source = weights if pretrained else False
        return create_model(
            f"hrnet_{size}_cls", pretrained=source, in_chans=in_chans, num_classes=num_classes
        )

    make.__name__ = make.__qualname__ = PREFIX + name
    return make


def refuse(others: dict[str, Any]) -> None:
    """Raise ConfigError for what timm passes on and we cannot do; None asks for nothing."""
    asked = [name for name, value in others.items() if value is not None and name not in IGNORED]
    if asked:
        raise ConfigError(
            f"the hrpose backbones in timm do not take {', '.join(sorted(asked))}; leave it out"
        )


class TimmFeatures(nn.Module):
    """An HRNet as timm's feature extractors are: half of the stem at stride 2, then the branches.

    >>> trunk = create_backbone("hrnet_w18_small")
    >>> TimmFeatures(trunk, (0, 1)).feature_info.reduction()
    [2, 4]
    """

    def __init__(self, trunk: HRNet, out_indices: Sequence[int] | None = None) -> None:
        super().__init__()
        from timm.models import FeatureInfo

        self.trunk = trunk
        stem = {"num_chs": trunk.config.stem_width, "reduction": 2, "module": "stem"}
        branches = [
            {"num_chs": f.channels, "reduction": f.reduction, "module": f.name} for f in trunk.feature_info
        ]
        made = len(branches) + 1
        self.out_indices = tuple(i % made for i in (range(made) if out_indices is None else out_indices))
        self.feature_info = FeatureInfo([stem, *branches], self.out_indices)

    def forward(self, images: Tensor) -> list[Tensor]:
        """(N, in_chans, H, W) -> the maps of `out_indices`."""
        half, pyramid = self.trunk.with_half(images)
        maps = [half, *pyramid]
        return [maps[i] for i in self.out_indices]

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Recompute activations in the backward pass, to save memory."""
        self.trunk.set_grad_checkpointing(enable)
