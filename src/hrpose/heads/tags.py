"""Heatmaps and associative-embedding tags, side by side, from one convolution."""

import torch
from torch import Tensor, nn

from hrpose.errors import ConfigError, ShapeError
from hrpose.layers.checks import check_kernel
from hrpose.layers.init import init_normal
from hrpose.layers.resize import check_pyramid
from hrpose.types import PoseMaps, Pyramid


class AETagHead(nn.Module):
    """Finest branch -> heatmaps and tags at its size, by one convolution.

    Tags of several dimensions come dimension by dimension: channel d * K + k is dimension d of keypoint k.

    Args:
        in_channels: channels of branch 0; the other branches are not read.
        num_keypoints: heatmaps.
        tag_dims: numbers in a tag; 1 in all published weights.
        shared_tags: one tag for all keypoints of a pixel, not one for each.
        kernel: of the convolution; 1 in all published weights.
    Raises: ConfigError for counts below 1 and an even kernel; ShapeError, when called, for other channels.
    Source: Newell et al., NeurIPS 2017.

    >>> maps = AETagHead(32, 17)([torch.zeros(1, 32, 16, 12)])
    >>> maps.heatmaps[0].shape, maps.tags[0].shape
    (torch.Size([1, 17, 16, 12]), torch.Size([1, 17, 16, 12]))
    """

    def __init__(
        self,
        in_channels: int,
        num_keypoints: int,
        *,
        tag_dims: int = 1,
        shared_tags: bool = False,
        kernel: int = 1,
    ) -> None:
        super().__init__()
        self.num_keypoints = num_keypoints
        tags = count_tags(num_keypoints, tag_dims=tag_dims, shared_tags=shared_tags)
        self.conv = same_conv(in_channels, num_keypoints + tags, kernel)
        init_normal(self)

    def forward(self, x: Pyramid) -> PoseMaps:
        """Pyramid -> heatmaps (N, K, H / 4, W / 4) and tags (N, T, H / 4, W / 4), no activation."""
        check_finest(x, self.conv.in_channels, "AETagHead")
        heatmaps, tags = torch.tensor_split(self.conv(x[0]), [self.num_keypoints], 1)
        return PoseMaps((heatmaps,), (tags,))


def count_tags(num_keypoints: int, *, tag_dims: int, shared_tags: bool) -> int:
    """Channels of a tag map.

    >>> count_tags(17, tag_dims=2, shared_tags=False), count_tags(17, tag_dims=2, shared_tags=True)
    (34, 2)

    Raises: ConfigError for a number below 1.
    """
    if min(num_keypoints, tag_dims) < 1:
        raise ConfigError(f"num_keypoints={num_keypoints}, tag_dims={tag_dims}; give 1 or more of each")
    return tag_dims if shared_tags else tag_dims * num_keypoints


def same_conv(in_channels: int, out_channels: int, kernel: int) -> nn.Conv2d:
    """A convolution with bias that keeps the size."""
    check_kernel(kernel)
    return nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)


def check_finest(x: Pyramid, channels: int, who: str) -> Tensor:
    """The finest map, or ShapeError if it has other channels."""
    check_pyramid(x, who)
    if not x or x[0].shape[1] != channels:
        came = f"maps of {[y.shape[1] for y in x]} channels"
        raise ShapeError(
            f"{who} got {came}, but reads {channels} from the first; give it the backbone it is for"
        )
    return x[0]
