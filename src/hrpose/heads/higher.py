"""HigherHRNet's head: each deconvolution doubles the resolution, and every resolution has its maps."""

from collections.abc import Sequence

import torch
from torch import nn

from hrpose.errors import ConfigError
from hrpose.heads.tags import check_finest, count_tags, same_conv
from hrpose.layers.blocks import BasicBlock
from hrpose.layers.init import init_normal
from hrpose.types import PoseMaps, Pyramid

PADDINGS = {2: (0, 0), 3: (1, 1), 4: (1, 0)}  # kernel: padding, output padding, so that the size doubles


class DeconvModule(nn.Sequential):
    """Double the resolution by a transposed convolution, then refine by residual units.

    (N, in_channels, h, w) -> (N, channels, 2h, 2w).

    Args:
        kernel: of the transposed convolution, 2, 3 or 4.
        blocks: residual units after it.
    Raises: ConfigError for another kernel, and for a negative number of blocks.
    Source: Cheng et al., CVPR 2020, "Deconvolution Module".

    >>> DeconvModule(66, 32)(torch.zeros(1, 66, 5, 6)).shape
    torch.Size([1, 32, 10, 12])
    """

    def __init__(self, in_channels: int, channels: int, *, kernel: int = 4, blocks: int = 4) -> None:
        if kernel not in PADDINGS:
            raise ConfigError(f"kernel={kernel} does not double the size; give one of {sorted(PADDINGS)}")
        if blocks < 0:
            raise ConfigError(f"blocks={blocks}, but it counts residual units; give 0 or more")
        padding, beyond = PADDINGS[kernel]
        grow = nn.ConvTranspose2d(in_channels, channels, kernel, 2, padding, beyond, bias=False)
        units = (BasicBlock(channels, channels) for _ in range(blocks))
        super().__init__(nn.Sequential(grow, nn.BatchNorm2d(channels), nn.ReLU()), *units)
        init_normal(self)


class HigherHRNetHead(nn.Module):
    """Finest branch -> heatmaps at 1/4, 1/2 ... and tags where they are wanted.

    Args:
        in_channels: channels of branch 0; the other branches are not read.
        num_keypoints: heatmaps at each resolution.
        deconv_channels: of each DeconvModule, coarsest first; () leaves heatmaps at 1/4 alone.
        tags: whether each resolution, 1/4 first, has tags.
        joined: whether each DeconvModule is fed the maps of the resolution before, beside its features.
        deconv_kernels: of each DeconvModule; 4 for all if None.
        blocks: residual units of each DeconvModule.
        tag_dims, shared_tags, kernel: as in `AETagHead`.
    Raises: ConfigError unless tags has one entry more than deconv_channels, joined and deconv_kernels as
        many; ShapeError, when called, for other channels.
    Source: Cheng et al., CVPR 2020, "HigherHRNet".

    >>> maps = HigherHRNetHead(32, 17)([torch.zeros(1, 32, 16, 12)])
    >>> [tuple(y.shape) for y in maps.heatmaps], [tuple(y.shape) for y in maps.tags]
    ([(1, 17, 16, 12), (1, 17, 32, 24)], [(1, 17, 16, 12)])
    """

    def __init__(
        self,
        in_channels: int,
        num_keypoints: int,
        *,
        deconv_channels: Sequence[int] = (32,),
        tags: Sequence[bool] = (True, False),
        joined: Sequence[bool] = (True,),
        deconv_kernels: Sequence[int] | None = None,
        blocks: int = 4,
        tag_dims: int = 1,
        shared_tags: bool = False,
        kernel: int = 1,
    ) -> None:
        super().__init__()
        kernels = (4,) * len(deconv_channels) if deconv_kernels is None else tuple(deconv_kernels)
        check_levels(deconv_channels, tags=tags, joined=joined, deconv_kernels=kernels)
        self.num_keypoints = num_keypoints
        self.joined = tuple(joined)
        tag_maps = count_tags(num_keypoints, tag_dims=tag_dims, shared_tags=shared_tags)
        made = [num_keypoints + tag_maps * has for has in tags]  # maps at each resolution
        widths = (in_channels, *deconv_channels)
        fed = [width + maps * join for width, maps, join in zip(widths, made, joined, strict=False)]
        steps = zip(fed, deconv_channels, kernels, strict=True)
        self.outputs = nn.ModuleList(same_conv(a, b, kernel) for a, b in zip(widths, made, strict=True))
        self.deconvs = nn.ModuleList(DeconvModule(a, b, kernel=k, blocks=blocks) for a, b, k in steps)
        self.in_channels = in_channels
        init_normal(self)

    def forward(self, x: Pyramid) -> PoseMaps:
        """Pyramid -> heatmaps (N, K, 2**i * H / 4, 2**i * W / 4) and tags (N, T, ...), no activation."""
        features = check_finest(x, self.in_channels, "HigherHRNetHead")
        first, *others = self.outputs
        maps = [first(features)]
        for deconv, output, join in zip(self.deconvs, others, self.joined, strict=True):
            features = deconv(torch.cat((features, maps[-1]), 1) if join else features)
            maps.append(output(features))
        parts = [torch.tensor_split(level, [self.num_keypoints], 1) for level in maps]
        return PoseMaps(
            tuple(part[0] for part in parts), tuple(part[1] for part in parts if part[1].shape[1])
        )


def check_levels(
    deconv_channels: Sequence[int],
    *,
    tags: Sequence[bool],
    joined: Sequence[bool],
    deconv_kernels: Sequence[int],
) -> None:
    """Raise ConfigError unless these settings speak of the same number of resolutions."""
    steps = len(deconv_channels)
    if min(deconv_channels, default=1) < 1:
        raise ConfigError(
            f"deconv_channels={tuple(deconv_channels)}, but each needs 1 or more; give positive numbers"
        )
    for name, came, needed in (
        ("tags", tags, steps + 1),
        ("joined", joined, steps),
        ("deconv_kernels", deconv_kernels, steps),
    ):
        if len(came) != needed:
            made = f"deconv_channels={tuple(deconv_channels)} makes {steps + 1} resolutions"
            raise ConfigError(f"{name}={tuple(came)}, but {made}; give {needed}")
    if not any(tags):
        raise ConfigError(
            f"tags={tuple(tags)}, but people are put together by tags; set one to True at least"
        )
