"""Mask and tag maps -> instances: pixels whose tags are alike belong to one thing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from hrpose.codecs.checks import check_shape
from hrpose.errors import ConfigError, DataError, ShapeError
from hrpose.types import Size, Tags


class Instances(NamedTuple):
    """I instances of one image, the one with the most pixels of alike tags first, on the maps' device.

    masks: (I, h, w) bool, no pixel in two of them; of the size of the maps, or that of the image.
    scores: (I,), the mean chance of its class over the instance, 0..1.
    tags: (I, T), the middle of the instance's tags.
    labels: (I,), the class that its pixels show together.
    """

    masks: Tensor
    scores: Tensor
    tags: Tensor
    labels: Tensor


@dataclass(frozen=True, kw_only=True)
class InstanceGrouping:
    """How instances are read from the mask maps of classes and tag maps.

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
    def decode(self, logits: Tensor, tags: Tags, *, sizes: Sequence[Size] | None = None) -> list[Instances]:
        """Find the instances of each image.

        Args:
            logits: (N, C, h, w), one map a class, above 0 where a pixel rather shows one than not.
            tags: (N, T, h, w).
            sizes: of each image, (height, width), which the maps cover whole; the masks come in it. None
                leaves them in the size of the maps.
        Returns: one `Instances` an image, without rows where there is nothing.
        Raises: ShapeError for maps that do not belong together, or another number of sizes; DataError for
            NaN or infinity in the tags, or NaN in the logits.
        """
        check_shape("logits", logits, "N", "C", "h", "w")
        check_shape("tags", tags, len(logits), "T", *logits.shape[2:])
        if not torch.isfinite(tags).all() or torch.isnan(logits).any():
            raise DataError("logits or tags hold NaN or infinity; look for training that diverged")
        if sizes is not None and len(sizes) != len(logits):
            raise ShapeError(f"{len(sizes)} sizes came for {len(logits)} images; give one to each")
        wanted = [None] * len(logits) if sizes is None else sizes
        chances = logits.float().sigmoid()
        return [self._image(*maps) for maps in zip(chances, tags.float(), wanted, strict=True)]

    def _image(self, chances: Tensor, tags: Tensor, size: Size | None) -> Instances:
        """The instances of one image, given (C, h, w) and (T, h, w)."""
        best = chances.amax(0)
        shown = best > self.mask_threshold
        pixels = tags[:, shown].mT  # (P, T)
        middles = self._middles(pixels)  # (I, T)
        count = torch.arange(len(middles), device=shown.device)[:, None, None]
        masks = self._nearest(shown, pixels, middles) == count
        sizes = masks.sum((1, 2))
        of_class = torch.einsum("ihw,chw->ic", masks.float(), chances) / sizes[:, None].clamp(min=1)
        scores, labels = of_class.max(1)
        kept = sizes >= self.min_pixels
        found = Instances(masks[kept], scores[kept], middles[kept], labels[kept])
        return found if size is None else found._replace(masks=self._resized(found.masks, best, size))

    def _nearest(self, shown: Tensor, pixels: Tensor, middles: Tensor) -> Tensor:
        """Which of the middles each pixel shown is nearest to, (h, w); -1 where none is near."""
        labels = torch.full(shown.shape, -1, device=shown.device)
        if not len(middles):
            return labels
        distance, nearest = torch.cdist(pixels, middles).min(1)  # (P,)
        return labels.masked_scatter(shown, torch.where(distance <= self.tag_threshold, nearest, -1))

    def _resized(self, masks: Tensor, best: Tensor, size: Size) -> Tensor:
        """Masks (I, h, w) in the size of the image.

        Each instance's share of the mask map is resized, not its tags: between two tags lies a third.
        """
        largest = torch.zeros(size, device=best.device)
        owner = torch.full(size, -1, device=best.device)
        for number, mask in enumerate(masks):
            share = stretched(best * mask, size)
            owner = torch.where(share > largest, number, owner)
            largest = torch.maximum(share, largest)
        count = torch.arange(len(masks), device=best.device)[:, None, None]
        return (owner == count) & (stretched(best, size) > self.mask_threshold)

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


def stretched(chances: Tensor, size: Size) -> Tensor:
    """A map (h, w) in another size, bilinear; both cover the same image to its borders."""
    return F.interpolate(chances[None, None], size, mode="bilinear", align_corners=False)[0, 0]
