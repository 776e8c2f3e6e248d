"""Associative embedding for instance segmentation: tags at random pixels of each instance."""

from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hrpose.errors import ConfigError, ShapeError
from hrpose.losses.tags import AELoss, PushKind, TagTerms
from hrpose.types import InstanceMaps, InstanceTargets, Tags

# (N, M, h, w), True on the pixels of each instance; none of them: no instance
InstanceMasks: TypeAlias = Tensor

ABSENT = -1


def sample_pixels(
    masks: InstanceMasks, samples: int | None, generator: torch.Generator | None = None
) -> Tensor:
    """Random pixels of each instance, none of them twice.

    The numbers are drawn on the generator's device, so that a generator on the CPU gives the same pixels for
    masks on any device.

    Args:
        masks: (N, M, h, w).
        samples: pixels of each instance; one with fewer gives all that it has. None takes all of all.
        generator: of the random numbers; None: torch's own on the CPU.
    Returns: (N, M, S), the places y * w + x; -1 where an instance has no more.
    Raises: ConfigError if samples is below 1; ShapeError for other shapes.

    >>> masks = torch.tensor([[[[1, 0, 1]], [[0, 0, 0]]]]).bool()
    >>> sample_pixels(masks, None).sort().values.tolist()
    [[[0, 2], [-1, -1]]]
    """
    check_samples(samples)
    if masks.dim() != 4:
        raise ShapeError(f"masks are {tuple(masks.shape)}, but (N, M, h, w) is needed; one mask an instance")
    inside = masks.flatten(2) > 0  # (N, M, h w)
    most = int(inside.sum(2).max()) if inside.numel() else 0
    count = most if samples is None else min(samples, most)
    device = torch.device("cpu") if generator is None else generator.device
    draw = torch.rand(inside.shape, generator=generator, device=device).to(inside.device)
    order, places = torch.where(inside, draw, -1.0).topk(count, 2)
    return torch.where(order >= 0, places, ABSENT)


def check_samples(samples: int | None) -> None:
    """Raise ConfigError unless so many pixels can be drawn."""
    if samples is not None and samples < 1:
        raise ConfigError(
            f"samples={samples} leaves no tags to compare; give 1 or more, or None for all pixels"
        )


class InstanceAELoss(nn.Module):
    """`AELoss` on the tags at random pixels of instances instead of people's keypoints.

    The pixels of an instance are pulled to the mean of those drawn, the means of instances are pushed apart.

    Args:
        samples: pixels drawn of each instance in each step; None takes all.
        push, tag_dims: see `AELoss`.
    Raises: ConfigError if samples is below 1; as `AELoss`.
    Source: Newell et al., NeurIPS 2017, "Instance Segmentation".

    >>> tags = torch.tensor([[[[0.0, 2.0, 5.0, 5.0]]]])
    >>> masks = torch.tensor([[[[1, 1, 0, 0]], [[0, 0, 1, 1]]]]).bool()
    >>> push, pull = InstanceAELoss(push="max")(tags, masks)
    >>> push.item(), pull.item()
    (0.0, 0.5)
    """

    def __init__(self, samples: int | None = 64, *, push: PushKind = "exp", tag_dims: int = 1) -> None:
        super().__init__()
        check_samples(samples)
        self.samples = samples
        self.terms = AELoss(push, tag_dims=tag_dims)

    def forward(self, tags: Tags, masks: InstanceMasks, generator: torch.Generator | None = None) -> TagTerms:
        """Compare.

        Args:
            tags: (N, tag_dims, h, w).
            masks: (N, M, h, w); an empty mask is no instance, so M may be padded.
            generator: of the pixels drawn; one with a fixed seed draws the same ones again.
        Returns: push and pull of each image, (N,).
        Raises: ShapeError if the shapes do not agree.
        """
        needed = (len(tags), self.terms.tag_dims, *masks.shape[2:])
        if masks.dim() != 4 or tuple(tags.shape) != needed or len(masks) != len(tags):
            came = f"tags {tuple(tags.shape)} and masks {tuple(masks.shape)}"
            fit = f"(N, {self.terms.tag_dims}, h, w) and (N, M, h, w)"
            raise ShapeError(f"{came}, but {fit} are needed; resize the masks to the tag maps")
        return self.terms(tags, sample_pixels(masks, self.samples, generator))


class InstanceLoss(nn.Module):
    """What an instance segmenter learns by: where there is anything, and which pixels belong together.

    Args:
        samples, push, tag_dims: see `InstanceAELoss`.
        push_factor, pull_factor: what tags count for beside the masks.
    Raises: as `InstanceAELoss`.

    >>> maps = InstanceMaps(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4))
    >>> sorted(InstanceLoss()(maps, InstanceTargets(torch.ones(1, 3, 4, 4).bool())))
    ['masks', 'pull', 'push']
    """

    def __init__(
        self,
        samples: int | None = 64,
        *,
        push: PushKind = "exp",
        tag_dims: int = 1,
        push_factor: float = 1.0,
        pull_factor: float = 1.0,
    ) -> None:
        super().__init__()
        self.tags = InstanceAELoss(samples, push=push, tag_dims=tag_dims)
        self.push_factor = push_factor
        self.pull_factor = pull_factor

    def forward(
        self, maps: InstanceMaps, targets: InstanceTargets, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Name each term; their sum is the loss.

        Args:
            generator: of the pixels drawn; see `InstanceAELoss`.
        Raises: ShapeError if the shapes do not agree, a label names no class, or labels are needed.
        """
        masks, labels, counted = targets
        inside = masks > 0
        learned = inside if counted is None else inside & (counted > 0)[:, None]
        push, pull = self.tags(maps.tags, learned, generator)
        return {
            "masks": mask_loss(maps.logits, class_masks(inside, labels, maps.logits.shape[1]), counted),
            "push": push.mean() * self.push_factor,
            "pull": pull.mean() * self.pull_factor,
        }


def class_masks(masks: InstanceMasks, labels: Tensor | None, classes: int) -> Tensor:
    """The pixels of each class, (N, C, h, w).

    >>> masks = torch.tensor([[[[1, 0]], [[0, 1]], [[0, 1]]]]).bool()
    >>> class_masks(masks, torch.tensor([[2, 0, 0]]), 3).int().tolist()
    [[[[0, 1]], [[0, 0]], [[1, 0]]]]

    Args:
        labels: (N, M), from 0; None if there is one class.
    Raises: ShapeError for other labels, and for none where there are several classes.
    """
    if labels is None:
        if classes > 1:
            raise ShapeError(f"labels are None, but there are {classes} classes; give (N, M), from 0")
        return masks.any(1, keepdim=True)
    if labels.shape != masks.shape[:2]:
        came = f"labels are {tuple(labels.shape)} and masks {tuple(masks.shape)}"
        raise ShapeError(f"{came}; give a label to each mask, (N, M)")
    if labels.numel() and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise ShapeError(
            f"labels go from {int(labels.min())} to {int(labels.max())}, but there are {classes} classes; "
            "count them from 0, or make the network with more"
        )
    of = F.one_hot(labels, classes).to(torch.float32)  # (N, M, C)
    return torch.einsum("nmhw,nmc->nchw", masks.to(torch.float32), of) > 0


def mask_loss(logits: Tensor, shown: Tensor, counted: Tensor | None) -> Tensor:
    """The binary cross-entropy of each class at the pixels that count, in float32 at least.

    Args:
        logits, shown: (N, C, h, w).
        counted: (N, h, w); None counts all.
    Raises: ShapeError unless logits and masks have one size.
    """
    if logits.shape != shown.shape:
        came = f"logits {tuple(logits.shape)} and masks of classes {tuple(shown.shape)}"
        raise ShapeError(f"{came} differ; resize the masks to the maps")
    wide = torch.promote_types(logits.dtype, torch.float32)
    losses = F.binary_cross_entropy_with_logits(logits.to(wide), shown.to(wide), reduction="none")
    if counted is None:
        return losses.mean()
    weights = (counted > 0)[:, None].expand_as(losses)
    return (losses * weights).sum() / weights.sum().clamp(min=1)
