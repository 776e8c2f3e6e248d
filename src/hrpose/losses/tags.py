"""Associative embedding: the tags of a person are pulled together, those of people pushed apart."""

from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from hrpose.errors import ConfigError, ShapeError, UnknownNameError, nearest
from hrpose.types import Tags

PushKind: TypeAlias = Literal["exp", "max"]
PUSHES = ("exp", "max")


class TagTerms(NamedTuple):
    """How near the tags of people are to each other, and how far those of one are from equal; each (N,)."""

    push: Tensor
    pull: Tensor


class AELoss(nn.Module):
    """Pull and push on the tags at people's keypoints, all images and people at once.

    Pull is the mean over people of the mean squared distance of a person's tags from their mean. Push is half
    the mean over pairs of people of exp(-d^2) ("exp") or max(0, margin - |d|) ("max") between the mean tags;
    tags of several dimensions are compared by the sum over the dimensions. One person pushes nobody, and
    an image without people gives 0, both with finite gradients. Tags are compared in float32 at least.

    "exp" hardly pushes tags that are nearly equal, and a short course may not lead out of there; "max" does.

    Args:
        push: "exp" or "max".
        tag_dims: numbers in a tag.
        margin: the distance from which "max" no longer pushes; 1 in the reference code. Grouping may round
            distances to whole numbers (`TagGrouping.use_scores`), which a larger margin makes finer.
    Raises: UnknownNameError for another push; ConfigError if tag_dims is below 1, or margin not above 0.
    Source: Newell et al., NeurIPS 2017, section 3.2; as in the code of Cheng et al., CVPR 2020.

    >>> tags = torch.tensor([0.0, 2.0, 5.0, 5.0]).view(1, 1, 1, 4)  # two people with two keypoints each
    >>> push, pull = AELoss("max")(tags, torch.tensor([[[0, 1], [2, 3]]]))
    >>> push.item(), pull.item()
    (0.0, 0.5)
    """

    def __init__(self, push: PushKind = "exp", *, tag_dims: int = 1, margin: float = 1.0) -> None:
        super().__init__()
        if push not in PUSHES:
            raise UnknownNameError(f"push={push!r} is not known; {nearest(str(push), PUSHES)}")
        if tag_dims < 1:
            raise ConfigError(f"tag_dims={tag_dims}, but a tag is a number at least; give 1 or more")
        if not margin > 0:
            raise ConfigError(f"margin={margin}, but people are pushed apart to it; give a distance above 0")
        self.push = push
        self.tag_dims = tag_dims
        self.margin = margin

    def forward(self, tags: Tags, places: Tensor) -> TagTerms:
        """Compare.

        Args:
            tags: (N, T, h, w), the channels of one dimension after those of the other.
            places: (N, M, K), where in the flattened maps of one dimension each keypoint's tag is; below 0
                where there is none. M may differ from batch to batch.
        Raises: ShapeError for other shapes, and for places outside the maps.
        """
        there = (places >= 0)[..., None]  # (N, M, K, 1)
        read = self._read(tags, places)  # (N, M, K, D)
        count = there.sum(2)  # (N, M, 1)
        mean = (read * there).sum(2) / count.clamp(min=1)  # (N, M, D)
        spread = ((read - mean[:, :, None]).square() * there).sum(2) / count.clamp(min=1)
        present = count[:, :, 0] > 0  # (N, M)
        people = present.sum(1)  # (N,)
        pull = (spread.mean(2) * present).sum(1) / people.clamp(min=1)
        return TagTerms(self._push(mean, present, people), pull)

    def _read(self, tags: Tags, places: Tensor) -> Tensor:
        """(N, M, K, D)."""
        if tags.dim() != 4 or places.dim() != 3 or len(tags) != len(places) or tags.shape[1] % self.tag_dims:
            raise ShapeError(
                f"tags {tuple(tags.shape)} and places {tuple(places.shape)}, but (N, T, h, w) with T a "
                f"multiple of tag_dims={self.tag_dims}, and (N, M, K) are needed; make places by the codec"
            )
        flat = tags.reshape(len(tags), self.tag_dims, -1)  # (N, D, T / D * h * w)
        if places.numel() and int(places.max()) >= flat.shape[2]:
            came = f"place {int(places.max())} lies outside the {flat.shape[2]} tags of an image"
            raise ShapeError(
                f"{came}; make places for maps of this size, and with shared_tags as the head has it"
            )
        wide = torch.promote_types(tags.dtype, torch.float32)
        index = places.clamp(min=0).flatten(1)[:, None].expand(-1, self.tag_dims, -1)
        return flat.gather(2, index).to(wide).view(len(tags), self.tag_dims, *places.shape[1:]).movedim(1, -1)

    def _push(self, mean: Tensor, present: Tensor, people: Tensor) -> Tensor:
        """(N,)."""
        apart = mean[:, :, None] - mean[:, None]  # (N, M, M, D)
        if self.push == "exp":
            near = torch.exp(-apart.square().sum(3))
        else:
            near = (self.margin - apart.abs().sum(3)).clamp(min=0)
        others = ~torch.eye(mean.shape[1], dtype=torch.bool, device=mean.device)
        pairs = present[:, :, None] & present[:, None] & others
        return 0.5 * (near * pairs).sum((1, 2)) / (people * (people - 1)).clamp(min=1)
