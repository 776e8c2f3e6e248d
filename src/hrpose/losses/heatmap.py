"""Squared error between heatmaps: of all keypoints, of the hardest, or of discs with offsets."""

import torch
from torch import Tensor, nn

from hrpose.errors import ConfigError, ShapeError
from hrpose.types import Heatmaps, Scores


class HeatmapMSE(nn.Module):
    """Half the mean squared error, each keypoint by its weight.

    The mean runs over every pixel of every map, hidden keypoints and masked pixels included: hiding
    some makes the loss smaller, not the others heavier. Maps are compared in float32 at least, so that half
    precision does not overflow. No people give 0.

    Args:
        squared_weights: weights count squared, as in the reference code, which multiplies both maps by
            them before the difference; False counts them once.
    Source: Sun et al., CVPR 2019, "Training".

    >>> loss = HeatmapMSE()
    >>> loss(torch.ones(1, 2, 4, 4), torch.zeros(1, 2, 4, 4), torch.tensor([[1.0, 0.0]])).item()
    0.25
    """

    def __init__(self, *, squared_weights: bool = True) -> None:
        super().__init__()
        self.squared_weights = squared_weights

    def forward(
        self, maps: Heatmaps, targets: Heatmaps, weights: Scores | None = None, masks: Tensor | None = None
    ) -> Tensor:
        """Compare.

        Args:
            maps: (N, K, h, w), what the network gave.
            targets: (N, K, h, w).
            weights: (N, K); None counts all alike.
            masks: (N, h, w), 0 where nothing is to be learned.
        Returns: one number, in float32 or the maps' dtype if that is wider.
        Raises: ShapeError if the shapes do not agree.
        """
        error = squared_error(maps, targets, masks)
        if weights is not None:
            error = error * map_factor(weights, maps, squared=self.squared_weights)[:, :, None, None]
        return 0.5 * error.sum() / max(error.numel(), 1)


class HeatmapOHKM(nn.Module):
    """Half the mean squared error of each person's `topk` hardest keypoints (online hard keypoint mining).

    The sum is divided by `topk` even where fewer keypoints are visible, as in the reference code.

    Args:
        topk: keypoints that count for each person.
        squared_weights: as in `HeatmapMSE`.
    Raises: ConfigError if topk is below 1.
    Source: Chen et al., CVPR 2018, section 3.2.

    >>> loss = HeatmapOHKM(topk=1)
    >>> loss(torch.tensor([[[[1.0]], [[3.0]]]]), torch.zeros(1, 2, 1, 1)).item()
    4.5
    """

    def __init__(self, topk: int = 8, *, squared_weights: bool = True) -> None:
        super().__init__()
        if topk < 1:
            raise ConfigError(f"topk={topk}, but at least one keypoint has to count; give 1 or more")
        self.topk = topk
        self.squared_weights = squared_weights

    def forward(
        self, maps: Heatmaps, targets: Heatmaps, weights: Scores | None = None, masks: Tensor | None = None
    ) -> Tensor:
        """Compare: arguments and result as in `HeatmapMSE`.

        Raises: ShapeError if the shapes do not agree or there are fewer than `topk` keypoints.
        """
        if self.topk > maps.shape[1]:
            raise ShapeError(f"topk={self.topk} of {maps.shape[1]} keypoints; lower topk or use HeatmapMSE")
        each = 0.5 * squared_error(maps, targets, masks).mean((2, 3))
        if weights is not None:
            each = each * map_factor(weights, maps, squared=self.squared_weights)
        hardest = each.topk(self.topk, dim=1, sorted=False).values
        return hardest.sum() / (self.topk * max(len(maps), 1))


class OffsetMSE(nn.Module):
    """The loss for the maps of `UDPOffset`: `HeatmapMSE` of the discs and of the offsets within them.

    An offset counts as much as the target disc at its pixel: nothing outside, whatever was drawn there.
    Source: Huang et al., CVPR 2020, section 4.2.

    >>> loss = OffsetMSE()
    >>> loss(torch.ones(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)).item()
    0.5
    """

    def forward(
        self, maps: Heatmaps, targets: Heatmaps, weights: Scores | None = None, masks: Tensor | None = None
    ) -> Tensor:
        """Compare.

        Args:
            maps: (N, 3 K, h, w), the disc, x and y of each keypoint.
            targets: (N, 3 K, h, w).
            weights: (N, K); None counts all alike. They count squared.
            masks: as in `HeatmapMSE`.
        Raises: ShapeError if the shapes do not agree or three maps do not make a keypoint.
        """
        error = squared_error(maps, targets, masks)
        if maps.shape[1] % 3:
            raise ShapeError(f"{maps.shape[1]} maps, but a keypoint has three; give disc, x and y of each")
        disc, across, down = error[:, ::3], error[:, 1::3], error[:, 2::3]
        error = disc + (across + down) * targets[:, ::3].to(disc).square()
        if weights is not None:
            error = error * map_factor(weights, disc, squared=True)[:, :, None, None]
        return 0.5 * error.sum() / max(error.numel(), 1)


def squared_error(maps: Heatmaps, targets: Heatmaps, masks: Tensor | None) -> Tensor:
    """What each pixel is off, squared: (N, K, h, w), in float32 or wider; 0 where `masks` (N, h, w) is.

    Raises: ShapeError if maps, targets and masks do not fit each other.
    """
    if maps.dim() != 4 or maps.shape != targets.shape:
        raise ShapeError(
            f"maps {tuple(maps.shape)} and targets {tuple(targets.shape)}, but both must be (N, K, h, w); "
            "encode the targets with the codec of the model"
        )
    wide = torch.promote_types(maps.dtype, torch.float32)
    error = (maps.to(wide) - targets.to(wide)).square()
    if masks is None:
        return error
    needed = (maps.shape[0], *maps.shape[2:])
    if tuple(masks.shape) != needed:
        raise ShapeError(f"masks have the shape {tuple(masks.shape)}, but {needed} is needed; one an image")
    return error * masks[:, None].to(wide)


def map_factor(weights: Scores, maps: Heatmaps, *, squared: bool) -> Tensor:
    """What each map counts, (N, K).

    Raises: ShapeError unless there is one weight a map.
    """
    if weights.shape != maps.shape[:2]:
        raise ShapeError(
            f"weights have the shape {tuple(weights.shape)}, but {tuple(maps.shape[:2])} is needed; "
            "give one to each map"
        )
    weights = weights.to(torch.promote_types(maps.dtype, torch.float32))
    return weights.square() if squared else weights
