"""All branches -> a logit for each class and a tag at every pixel, for instance segmentation."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hrpose.errors import ConfigError
from hrpose.heads.tags import same_conv
from hrpose.layers.checks import branch_channels, check_out_channels
from hrpose.layers.init import init_normal
from hrpose.layers.resize import ResizeTo, check_branches, concat_at_finest
from hrpose.types import InstanceMaps, Pyramid

TAG_STD = 0.1  # of the weights of the tags: tags that are all alike push nothing apart


class InstanceHead(nn.Module):
    """All branches, brought to the size of the finest, -> mask logits and tags.

    Args:
        in_channels: channels of each branch, finest first.
        num_classes: mask logits.
        tag_dims: numbers in a tag.
        hidden: channels before the last convolution; as many as come in if None.
        upsample: the maps are so many times finer than branch 0.
        coordinates: let the head see where in the picture a pixel lies, so that things that look alike can be
            told apart by their place.
        kernel: of the last convolution.
        align_corners: of the upsampling of branches, which is bilinear.
    Raises: ConfigError for counts below 1 and an even kernel; ShapeError, when called, for other branches.
    Source: Newell et al., NeurIPS 2017, "Instance Segmentation"; coordinates: Liu et al., NeurIPS 2018.

    >>> maps = InstanceHead((8, 16), 1, upsample=2)([torch.zeros(1, 8, 9, 7), torch.zeros(1, 16, 5, 4)])
    >>> maps.logits.shape, maps.tags.shape
    (torch.Size([1, 1, 18, 14]), torch.Size([1, 1, 18, 14]))
    """

    def __init__(
        self,
        in_channels: int | Sequence[int],
        num_classes: int,
        *,
        tag_dims: int = 1,
        hidden: int | None = None,
        upsample: int = 1,
        coordinates: bool = False,
        kernel: int = 1,
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        for count in (num_classes, tag_dims):
            check_out_channels(count)
        if upsample < 1:
            raise ConfigError(f"upsample={upsample}; give 1 for the size of branch 0, 2 for twice that")
        self.in_channels = branch_channels(in_channels)
        width = sum(self.in_channels) + 2 * coordinates
        hidden = hidden or sum(self.in_channels)
        self.num_classes, self.upsample, self.coordinates = num_classes, upsample, coordinates
        self.resize = ResizeTo("bilinear", align_corners=align_corners)
        self.mix = nn.Sequential(nn.Conv2d(width, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU())
        self.conv = same_conv(hidden, num_classes + tag_dims, kernel)
        init_normal(self)
        nn.init.normal_(self.conv.weight[num_classes:], std=TAG_STD)

    def forward(self, x: Pyramid) -> InstanceMaps:
        """Pyramid -> logits (N, C, h, w) and tags (N, T, h, w), no activation."""
        check_branches(x, self.in_channels, "InstanceHead")
        features = concat_at_finest(x, self.resize)
        if self.coordinates:
            features = torch.cat((features, places(features)), 1)
        maps = self.conv(self.mix(features))
        if self.upsample > 1:
            maps = F.interpolate(maps, scale_factor=self.upsample, mode="bilinear", align_corners=False)
        logits, tags = torch.tensor_split(maps, [self.num_classes], 1)
        return InstanceMaps(logits, tags)


def places(x: Tensor) -> Tensor:
    """Where each pixel lies, (N, 2, h, w): x and y, from -1 to 1 between the borders.

    >>> places(torch.zeros(1, 3, 1, 4))[0, 0].tolist()
    [[-0.75, -0.25, 0.25, 0.75]]
    """
    across, down = (
        (2 * torch.arange(size, device=x.device, dtype=x.dtype) + 1) / size - 1
        for size in (x.shape[3], x.shape[2])
    )
    both = torch.stack((across.expand(x.shape[2], -1), down[:, None].expand(-1, x.shape[3])))
    return both.expand(len(x), -1, -1, -1)
