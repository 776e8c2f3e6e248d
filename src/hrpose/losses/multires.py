"""The loss of bottom-up networks: heatmaps at every resolution, and tags."""

from collections.abc import Sequence

from torch import Tensor, nn

from hrpose.errors import ConfigError, ShapeError
from hrpose.losses.heatmap import map_factor, squared_error
from hrpose.losses.tags import AELoss, PushKind
from hrpose.types import Heatmaps, PoseMaps, PoseTargets, Scores


class MaskedMSE(nn.Module):
    """The mean squared error of each image, masked pixels counting as 0 in the mean.

    Source: Cheng et al., CVPR 2020, as in its code; not halved, unlike `HeatmapMSE`.

    >>> import torch
    >>> MaskedMSE()(torch.ones(2, 3, 4, 4), torch.zeros(2, 3, 4, 4)).tolist()
    [1.0, 1.0]
    """

    def forward(
        self, maps: Heatmaps, targets: Heatmaps, weights: Scores | None = None, masks: Tensor | None = None
    ) -> Tensor:
        """Compare: arguments as in `HeatmapMSE`, weights counting once; (N,).

        Raises: ShapeError if the shapes do not agree.
        """
        error = squared_error(maps, targets, masks)
        if weights is not None:
            error = error * map_factor(weights, maps, squared=False)[:, :, None, None]
        return error.mean((1, 2, 3))


class MultiResolutionLoss(nn.Module):
    """Heatmaps of every resolution and tags of every tag map, each by its factor, as a mean over images.

    A factor of 0 leaves a map out. The reference trainer leaves out the tags of a resolution whose
    heatmaps are not learned.

    Args:
        heatmap_factors: one a resolution.
        push_factors, pull_factors: one a tag map.
        push, tag_dims, margin: see `AELoss`.
    Raises: ConfigError if the factors of push and pull differ in number.
    Source: Cheng et al., CVPR 2020, as in its code.
    """

    def __init__(
        self,
        *,
        heatmap_factors: Sequence[float] = (1.0, 1.0),
        push_factors: Sequence[float] = (0.001,),
        pull_factors: Sequence[float] = (0.001,),
        push: PushKind = "exp",
        tag_dims: int = 1,
        margin: float = 1.0,
    ) -> None:
        super().__init__()
        if len(push_factors) != len(pull_factors):
            came = f"{len(push_factors)} push_factors and {len(pull_factors)} pull_factors"
            raise ConfigError(f"{came}, but every tag map has both; give one of each a tag map")
        self.heatmap_factors = tuple(heatmap_factors)
        self.push_factors = tuple(push_factors)
        self.pull_factors = tuple(pull_factors)
        self.heatmaps = MaskedMSE()
        self.tags = AELoss(push, tag_dims=tag_dims, margin=margin)

    def forward(self, maps: PoseMaps, targets: PoseTargets) -> dict[str, Tensor]:
        """Name each term; their sum is the loss.

        Returns: "heatmaps_0", "heatmaps_1" ... for each resolution, "push_0", "pull_0" ... for each tag map.
        Raises: ShapeError if maps, targets and factors differ in number or size.
        """
        self._check(maps, targets)
        masks = targets.masks or (None,) * len(maps.heatmaps)
        terms = {}
        for k, (ours, theirs, mask) in enumerate(zip(maps.heatmaps, targets.heatmaps, masks, strict=True)):
            error = self.heatmaps(ours, theirs, targets.weights, mask)
            terms[f"heatmaps_{k}"] = error.mean() * self.heatmap_factors[k]
        for k, (tags, places) in enumerate(zip(maps.tags, targets.tags, strict=True)):
            push, pull = self.tags(tags, places)
            terms[f"push_{k}"] = push.mean() * self.push_factors[k]
            terms[f"pull_{k}"] = pull.mean() * self.pull_factors[k]
        return terms

    def _check(self, maps: PoseMaps, targets: PoseTargets) -> None:
        counts = {
            "heatmaps": len(maps.heatmaps),
            "heatmap targets": len(targets.heatmaps),
            "heatmap_factors": len(self.heatmap_factors),
            "tag maps": len(maps.tags),
            "tag targets": len(targets.tags),
            "push_factors": len(self.push_factors),
        }
        uneven = len(set(list(counts.values())[:3])) > 1 or len(set(list(counts.values())[3:])) > 1
        if targets.masks:
            counts["masks"] = len(targets.masks)
            uneven |= len(targets.masks) != len(targets.heatmaps)
        if uneven:
            came = ", ".join(f"{count} {name}" for name, count in counts.items())
            raise ShapeError(f"{came} do not fit together; give one of each a map, masks for all or for none")
