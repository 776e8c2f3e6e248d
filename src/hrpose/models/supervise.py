"""Every map that a pose network returns is compared with its target."""

from torch import Tensor, nn

from hrpose.errors import ShapeError
from hrpose.types import Heatmaps, PoseMaps, PoseTargets


def supervise(maps: PoseMaps, targets: PoseTargets, criterion: nn.Module) -> dict[str, Tensor]:
    """One named term for each tensor of heatmaps; their sum is the loss.

    Args:
        criterion: called as criterion(heatmaps, target, weights, mask) -> scalar, for instance `HeatmapMSE`.
    Returns: {"heatmaps": loss}, or "heatmaps_0", "heatmaps_1" ... where the network returns several.
    Raises: ShapeError if the numbers of maps, targets and masks do not fit; the criterion checks their sizes.

    >>> import torch
    >>> from hrpose.losses.heatmap import HeatmapMSE
    >>> maps = PoseMaps((torch.zeros(2, 17, 16, 12),))
    >>> targets = PoseTargets((torch.ones(2, 17, 16, 12),))
    >>> supervise(maps, targets, HeatmapMSE())
    {'heatmaps': tensor(0.5000)}
    """
    names = ["heatmaps"] if len(maps.heatmaps) == 1 else [f"heatmaps_{k}" for k in range(len(maps.heatmaps))]
    wanted, masks = paired(maps.heatmaps, targets)
    rows = zip(names, maps.heatmaps, wanted, masks, strict=True)
    return {name: criterion(ours, theirs, targets.weights, mask) for name, ours, theirs, mask in rows}


def paired(
    heatmaps: tuple[Heatmaps, ...], targets: PoseTargets
) -> tuple[tuple[Heatmaps, ...], tuple[Tensor | None, ...]]:
    """A target and a mask (or None) for each tensor of heatmaps; one target alone serves all.

    Raises: ShapeError if targets are not one or as many as the heatmaps, or masks not as many as targets.
    """
    masks: tuple[Tensor | None, ...] = targets.masks or (None,) * len(targets.heatmaps)
    if len(masks) != len(targets.heatmaps):
        came = f"{len(masks)} masks came for {len(targets.heatmaps)} targets"
        raise ShapeError(f"{came}; give one mask a target, or none at all")
    if len(targets.heatmaps) == 1:
        return targets.heatmaps * len(heatmaps), masks * len(heatmaps)
    if len(targets.heatmaps) != len(heatmaps):
        came = f"{len(targets.heatmaps)} targets came for {len(heatmaps)} maps"
        raise ShapeError(f"{came}; give one target a map, or one that serves all maps of its size")
    return targets.heatmaps, masks
