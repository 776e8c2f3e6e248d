"""What a backbone says about the maps it returns."""

from dataclasses import dataclass

from torch import Tensor

from hrpose.errors import ShapeError


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


def check_images(images: Tensor, in_chans: int) -> None:
    """Raise ShapeError unless `images` is a batch of normalised pictures of `in_chans` channels."""
    if images.ndim != 4 or images.shape[1] != in_chans:
        came = tuple(images.shape)
        raise ShapeError(
            f"images are {came}, but (N, {in_chans}, H, W) was needed; add the batch axis or set in_chans"
        )
    if not images.is_floating_point():
        raise ShapeError(
            f"images are {images.dtype}, but floats were needed; scale to 0..1 and normalise them first"
        )
