"""Squared error of the hourglasses: a plain mean over pixels, images and stacks."""

from torch import Tensor, nn

from hrpose.errors import ConfigError
from hrpose.losses.multires import MaskedMSE
from hrpose.types import Heatmaps, Scores


class StackMSE(nn.Module):
    """The mean squared error, divided by the number of stacks: so the terms of all stacks sum to their mean.

    Unlike `HeatmapMSE` it is not halved.

    Args:
        stacks: terms that are summed; 1 leaves the mean squared error itself.
    Raises: ConfigError if stacks is below 1.
    Source: Newell et al., ECCV 2016, and the code of its authors.

    >>> import torch
    >>> StackMSE()(torch.full((1, 2, 4, 4), 2.0), torch.zeros(1, 2, 4, 4)).item()
    4.0
    """

    def __init__(self, stacks: int = 1) -> None:
        super().__init__()
        if stacks < 1:
            raise ConfigError(f"stacks={stacks}, but there is at least one; give 1 or more")
        self.stacks = stacks
        self.error = MaskedMSE()

    def forward(
        self, maps: Heatmaps, targets: Heatmaps, weights: Scores | None = None, masks: Tensor | None = None
    ) -> Tensor:
        """Compare: arguments as in `HeatmapMSE`, weights counting once.

        Raises: ShapeError if the shapes do not agree.
        """
        each = self.error(maps, targets, weights, masks)
        return each.sum() / (max(len(each), 1) * self.stacks)
