"""The maps of a crowd that nobody photographed: for timing what follows a bottom-up network."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from hrpose.codecs.aggregate import Pass
from hrpose.codecs.bottomup import HigherHRNet
from hrpose.codecs.tags import Grouped
from hrpose.errors import ConfigError
from hrpose.models.bottomup import BottomUpSpec
from hrpose.types import PoseMaps, Size

APART = 3.0  # from one person's tag to the next one's; people closer than 1 are taken for one
UNEVEN = 0.05  # the share by which peaks are lower than 1; equal ones would leave open which goes first
SPREAD = 0.1  # of the tags of one person; equal ones would leave the assignment undecided
HIDDEN = 0.1  # the share of keypoints that nobody sees, and that refinement looks for
NOISE = 0.03  # heatmap values where nobody is, as where a network is sure


def finding_people(
    spec: Any, people: int, *, size: Size, device: torch.device | None = None
) -> Callable[[object], list[Grouped]]:
    """What follows the network: from maps to people, on drawn maps whatever the network gave.

    Random weights find nobody, and putting nobody together takes no time; the maps of a crowd do.

    Args:
        spec: of a HigherHRNet.
        people: in the image.
        size: of the image, (height, width).
        device: of the maps.
    Raises: ConfigError for another kind of network, or less than one person.
    """
    if not isinstance(spec, BottomUpSpec) or not isinstance(spec.codec, HigherHRNet):
        came = "people are put together by a HigherHRNet with a codec"
        raise ConfigError(f"{came}; choose such a model by a name with a tag, or leave --people out")
    if people < 1:
        raise ConfigError(f"people={people}; give at least 1")
    codec = spec.codec
    keypoints = spec.skeleton.num_keypoints + int(codec.center)
    maps = crowd_maps(codec, keypoints, people, size=size)
    drawn = PoseMaps(*(tuple(each.to(device) for each in part) for part in maps))
    return lambda _: codec.decode(codec.merge([Pass(drawn)], size=size))


def crowd_maps(codec: HigherHRNet, keypoints: int, people: int, *, size: Size, seed: int = 0) -> PoseMaps:
    """What a network would give for one image of a crowd, (1, K, h, w) and (1, K or K * T, h, w) each.

    >>> maps = crowd_maps(HigherHRNet(), 17, 2, size=(64, 64))
    >>> [tuple(each.shape) for each in (*maps.heatmaps, *maps.tags)]
    [(1, 17, 16, 16), (1, 17, 32, 32), (1, 17, 16, 16)]
    """
    draw = torch.Generator().manual_seed(seed)
    points = _people(keypoints, people, size, draw)
    visible = (torch.rand(1, people, keypoints, generator=draw) > HIDDEN).float()
    targets = codec.encode(points, visible, size)
    floor = [torch.rand(each.shape, generator=draw) * NOISE for each in targets.heatmaps]
    heights = [1 - torch.rand(each.shape, generator=draw) * UNEVEN for each in targets.heatmaps]
    drawn = zip(targets.heatmaps, heights, floor, strict=True)
    heatmaps = tuple(torch.maximum(each * height, low) for each, height, low in drawn)
    shared = 1 if codec.shared_tags else keypoints
    tags = [
        _nearest(points / stride, codec.map_size(size, stride))[:, :shared] for stride in codec.tag_strides
    ]
    wide = [APART * each.repeat(1, codec.tag_dims, 1, 1) for each in tags]
    return PoseMaps(heatmaps, tuple(each + torch.randn(each.shape, generator=draw) * SPREAD for each in wide))


def _people(keypoints: int, people: int, size: Size, draw: torch.Generator) -> Tensor:
    """Points (1, M, K, 2), those of one person within a dozen pixels or so, all inside the image."""
    extent = torch.tensor((size[1], size[0]))
    middles = torch.rand(people, 1, 2, generator=draw) * extent
    points = middles + torch.randn(people, keypoints, 2, generator=draw) * 12
    return torch.minimum(points.clamp(min=0), extent - 1)[None]


def _nearest(points: Tensor, size: Size) -> Tensor:
    """The number, from 1, of the person whose keypoint lies nearest to each pixel: (1, K, h, w)."""
    y, x = torch.meshgrid(*(torch.arange(float(side)) for side in size), indexing="ij")
    here = torch.stack((x, y), -1).view(1, -1, 2)  # (1, h * w, 2)
    distances = torch.cdist(here.expand(points.shape[2], -1, -1), points[0].transpose(0, 1))  # (K, h * w, M)
    return (distances.argmin(2) + 1.0).view(1, -1, *size)
