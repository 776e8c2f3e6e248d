"""How pictures go into a pose model, and how points come out."""

from dataclasses import dataclass

from hrpose.codecs.topdown import TopDownCodec
from hrpose.errors import ConfigError
from hrpose.skeletons import Skeleton
from hrpose.types import IMAGENET_MEAN, IMAGENET_STD


@dataclass(frozen=True, kw_only=True)
class PoseSpec:
    """What a network cannot tell of itself: the names of its keypoints, its codec, its normalisation.

    Pixels of 0..1, RGB, become (pixel - mean) / std; the published networks use the ImageNet figures.

    Raises: ConfigError unless mean and std have one figure a channel, those of std positive.
    """

    skeleton: Skeleton
    codec: TopDownCodec
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.std):
            raise ConfigError(
                f"mean={self.mean} and std={self.std} differ in length; give one of each a channel"
            )
        if not self.mean:
            raise ConfigError("mean and std are empty; give one of each a channel")
        if min(self.std) <= 0:
            raise ConfigError(f"std={self.std}, but pixels are divided by it; give positive figures")


def check_spec(spec: PoseSpec, *, num_keypoints: int, maps_per_keypoint: int, in_chans: int) -> None:
    """Raise ConfigError unless `spec` speaks of as many keypoints, maps and channels as the network has."""
    named = spec.skeleton.num_keypoints
    if named != num_keypoints:
        came = f"skeleton {spec.skeleton.name!r} names {named} keypoints, but num_keypoints={num_keypoints}"
        raise ConfigError(f"{came}; give the same number in both")
    read = spec.codec.maps_per_keypoint
    if read != maps_per_keypoint:
        came = f"codec {spec.codec.name!r} reads {read} maps a keypoint"
        raise ConfigError(
            f"{came}, but maps_per_keypoint={maps_per_keypoint}; give the same number, or another codec"
        )
    if len(spec.mean) != in_chans:
        came = f"mean and std have {len(spec.mean)} figures, but in_chans={in_chans}"
        raise ConfigError(f"{came}; give one figure a channel")
