"""Mask and tag maps -> instances: pixels whose tags are alike belong to one thing."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from hrpose.codecs.checks import check_shape
from hrpose.errors import ConfigError, DataError
from hrpose.types import Tags


class Instances(NamedTuple):
    """I instances of one image, the one with the most pixels of alike tags first, on the maps' device.

    masks: (I, h, w) bool, no pixel in two of them. scores: (I,), the mean of the mask map over the
    instance, 0..1. tags: (I, T), the middle of the instance's tags.
    """

    masks: Tensor
    scores: Tensor
    tags: Tensor


@dataclass(frozen=True, kw_only=True)
class InstanceGrouping:
    """How instances are read from a mask map and tag maps.

    The tag with the most pixels near it starts an instance and takes these; then the next of those that
    are left, until too few remain. In the end each pixel goes to the nearest of the tags found. So a thing
    whose middle is hidden stays one thing.

    Raises: ConfigError for settings without a meaning.
    Source: Newell et al., NeurIPS 2017, "Instance Segmentation".

    >>> logits, tags = torch.full((1, 1, 2, 4), 9.0), torch.tensor([[[[0.1, 0.0, 5.0, 5.1]] * 2]])
    >>> logits[..., 3] = -9.0
    >>> InstanceGrouping(min_pixels=2).decode(logits, tags)[0].masks.int().tolist()
    [[[1, 1, 0, 0], [1, 1, 0, 0]], [[0, 0, 1, 0], [0, 0, 1, 0]]]
    """

    mask_threshold: float = 0.5  # probability above which a pixel shows anything
    tag_threshold: float = 0.5  # distance of tags up to which pixels are near each other
    min_pixels: int = 8  # smaller instances are left out
    max_instances: int = 100
    candidates: int = 512  # pixels, evenly spaced, whose tags can start an instance

    def __post_init__(self) -> None:
        if not 0 <= self.mask_threshold < 1:
            raise ConfigError(f"mask_threshold={self.mask_threshold} is no probability; give 0 to below 1")
        if not self.tag_threshold > 0:
            raise ConfigError(
                f"tag_threshold={self.tag_threshold} lets no tags be near; give a number above 0"
            )
        for name in ("min_pixels", "max_instances", "candidates"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)}, but it counts; give 1 or more")

    @torch.no_grad()
    def decode(self, logits: Tensor, tags: Tags) -> list[Instances]:
        """Find the instances of each image.

        Args:
            logits: (N, 1, h, w), above 0 where there is rather something than nothing.
            tags: (N, T, h, w).
        Returns: one `Instances` an image, without rows where there is nothing.
        Raises: ShapeError for maps that do not belong together; DataError for NaN or infinity in the tags, or
            NaN in the logits.
        """
        check_shape("logits", logits, "N", 1, "h", "w")
        check_shape("tags", tags, len(logits), "T", *logits.shape[2:])
        if not torch.isfinite(tags).all() or torch.isnan(logits).any():
            raise DataError("logits or tags hold NaN or infinity; look for training that diverged")
        return [self._image(*maps) for maps in zip(logits[:, 0].float().sigmoid(), tags.float(), strict=True)]

    def _image(self, chances: Tensor, tags: Tensor) -> Instances:
        """The instances of one image, given (h, w) and (T, h, w)."""
        shown = chances > self.mask_threshold
        pixels = tags[:, shown].mT  # (P, T)
        middles = self._middles(pixels)  # (I, T)
        if not len(middles):
            return Instances(shown.new_zeros(0, *shown.shape), chances.new_zeros(0), middles)
        distance, nearest = torch.cdist(pixels, middles).min(1)  # (P,)
        nearest = torch.where(distance <= self.tag_threshold, nearest, -1)
        labels = torch.full(shown.shape, -1, device=shown.device).masked_scatter(shown, nearest)
        masks = labels == torch.arange(len(middles), device=shown.device)[:, None, None]
        sizes = masks.sum((1, 2))
        kept = sizes >= self.min_pixels
        scores = (chances * masks).sum((1, 2)) / sizes.clamp(min=1)
        return Instances(masks[kept], scores[kept], middles[kept])

    def _middles(self, pixels: Tensor) -> Tensor:
        """The tags round which most pixels lie, (I, T)."""
        if not len(pixels):
            return pixels
        step = -(-len(pixels) // self.candidates)
        near = (torch.cdist(pixels[::step], pixels) <= self.tag_threshold).float()  # (C, P)
        left = pixels.new_ones(len(pixels))
        middles: list[Tensor] = []
        while len(middles) < self.max_instances:
            counts = near @ left
            best = int(counts.argmax())
            if counts[best] < self.min_pixels:
                break
            members = near[best] * left
            middles.append(members @ pixels / members.sum())
            taken = torch.cdist(middles[-1][None], pixels)[0] <= self.tag_threshold
            left = left * ~taken * (1 - members)
        return torch.stack(middles) if middles else pixels[:0]
