"""What every backbone offers besides `backbone(images) -> Pyramid`."""

import abc
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from torch import Tensor, nn

from hrpose.errors import ConfigError, ShapeError, UnknownNameError, nearest
from hrpose.layers.groups import Layer, decayed_groups


@dataclass(frozen=True)
class Feature:
    """One map of the pyramid: its channels, and how many input pixels one of its pixels spans."""

    channels: int
    reduction: int
    name: str


class FeatureInfo(tuple[Feature, ...]):
    """One `Feature` for each map returned, finest first, read as in timm.

    >>> info = FeatureInfo([Feature(32, 4, "branch0"), Feature(64, 8, "branch1")])
    >>> info.channels(), info.reduction()
    ([32, 64], [4, 8])
    """

    __slots__ = ()

    def channels(self) -> list[int]:
        """Channels of each map."""
        return [feature.channels for feature in self]

    def reduction(self) -> list[int]:
        """Stride of each map."""
        return [feature.reduction for feature in self]

    def module_name(self) -> list[str]:
        """Name of each map."""
        return [feature.name for feature in self]


class Backbone(nn.Module, abc.ABC):
    """A network from images to a pyramid, cut into named parts that can be frozen.

    A backbone of your own gives `feature_info`, `parts`, `layers`, `set_grad_checkpointing` and `forward`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.frozen: tuple[str, ...] = ()

    @property
    @abc.abstractmethod
    def feature_info(self) -> FeatureInfo:
        """Channels and strides of the maps returned."""

    @abc.abstractmethod
    def parts(self) -> dict[str, nn.Module]:
        """What `freeze` can name, input first."""

    @abc.abstractmethod
    def layers(self) -> list[Layer]:
        """The network cut into layers, input first, for rates that differ by depth."""

    @abc.abstractmethod
    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Recompute activations in the backward pass instead of keeping them, to save memory."""

    def freeze(self, stages: str | Iterable[str]) -> None:
        """Keep these parts as they are: no gradients, and batch-norm statistics that stay through `.train()`.

        Each call states the whole: what is not named learns (again). `freeze(())` thaws all.

        Args:
            stages: the name of one part, or several.
        Raises: UnknownNameError for a part that this network lacks, ConfigError for what is no name; nothing
            is changed then.
        """
        parts = self.parts()
        named = part_names(stages)
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
        parts = self.parts() if self.frozen else {}
        for name in self.frozen:
            parts[name].eval()
        return self

    def parameter_groups(
        self, *, lr: float, layer_decay: float = 1.0, weight_decay: float = 0.0
    ) -> list[dict[str, Any]]:
        """Groups for a torch optimizer; see `decayed_groups`."""
        return decayed_groups(self.layers(), lr=lr, layer_decay=layer_decay, weight_decay=weight_decay)


def part_names(stages: str | Iterable[str]) -> tuple[str, ...]:
    """One name or several as a tuple. Raises: ConfigError for anything else."""
    several = (stages,) if isinstance(stages, str) or not isinstance(stages, Iterable) else tuple(stages)
    for name in several:
        if not isinstance(name, str):
            raise ConfigError(f"freeze takes names of parts, but {name!r} came; see backbone.parts()")
    return several


def check_images(images: Tensor, in_chans: int) -> None:
    """Raise ShapeError unless `images` is a batch of normalised pictures of `in_chans` channels."""
    if not isinstance(images, Tensor):
        fix = "normalise pictures and stack them, or let hrpose.Predictor do it"
        raise ShapeError(f"images are a {type(images).__name__}, but a tensor was needed; {fix}")
    if images.ndim != 4 or images.shape[1] != in_chans:
        came = f"images are {tuple(images.shape)}, but (N, {in_chans}, H, W) was needed"
        raise ShapeError(f"{came}; add the batch axis, put channels second, or build with another in_chans")
    if min(images.shape[2:]) < 1:
        raise ShapeError(
            f"images are {tuple(images.shape)}, without a pixel; give a height and width above 0"
        )
    if not images.is_floating_point():
        raise ShapeError(
            f"images are {images.dtype}, but floats were needed; scale to 0..1 and normalise them"
        )
