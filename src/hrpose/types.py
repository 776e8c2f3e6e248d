"""The letters and aliases for shapes, and the tuples that networks and losses exchange.

N images, K keypoints, M people, T tag channels, H x W pixels of the input, h x w of a heatmap.
Branch 0 is the finest. Sizes are (height, width), points are (x, y), pixel centres at whole numbers.
"""

from typing import Annotated, NamedTuple, TypeAlias

from torch import Tensor

Images: TypeAlias = Annotated[Tensor, "N 3 H W", "normalised"]
Heatmaps: TypeAlias = Annotated[Tensor, "N K h w", "the peak marks the keypoint"]
Tags: TypeAlias = Annotated[Tensor, "N T h w", "associative-embedding tags"]
Pyramid: TypeAlias = list[Tensor]  # branch b: (N, C_b, H / 4 / 2**b, W / 4 / 2**b)
Points: TypeAlias = Annotated[Tensor, "N K 2", "(x, y), pixels, pixel centres at whole numbers"]
Scores: TypeAlias = Annotated[Tensor, "N K"]
Boxes: TypeAlias = Annotated[Tensor, "M 4", "(x, y, width, height) unless a name says xyxy"]
Matrices: TypeAlias = Annotated[Tensor, "M 2 3", "affine map of (x, y, 1)"]
Size: TypeAlias = tuple[int, int]  # (height, width)

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # RGB of 0..1; what the published networks were trained with
IMAGENET_STD = (0.229, 0.224, 0.225)


class PoseMaps(NamedTuple):
    """What a pose network returns; every map in it is supervised.

    That one rule is at once the multi-resolution supervision of HigherHRNet and the intermediate
    supervision of the stacked hourglass. Which maps are read at inference is the codec's business.
    """

    heatmaps: tuple[Heatmaps, ...]
    tags: tuple[Tags, ...] = ()


class PoseTargets(NamedTuple):
    """What the maps are compared with: one target a map, and what counts.

    heatmaps: (N, K, h, w), one for each entry of `PoseMaps.heatmaps` (one alone serves maps of its size).
    weights: (N, K), 0 where a keypoint is not to be learned; None counts all.
    masks: (N, h, w), one a target, 0 where nothing is to be learned; empty counts all.
    tags: (N, M, K), one for each entry of `PoseMaps.tags`: where in the flattened tag maps of an image the
        tag of each keypoint of M people is read; -1 where there is none.
    """

    heatmaps: tuple[Heatmaps, ...]
    weights: Scores | None = None
    masks: tuple[Tensor, ...] = ()
    tags: tuple[Tensor, ...] = ()


class InstanceMaps(NamedTuple):
    """What an instance segmenter returns.

    logits: (N, C, h, w), one map a class, above 0 where a pixel rather shows one than not.
    tags: (N, T, h, w), alike on the pixels of one instance.
    """

    logits: Tensor
    tags: Tags


class InstanceTargets(NamedTuple):
    """What the maps of an instance segmenter are compared with.

    masks: (N, M, h, w), True on the pixels of each instance; one without any is nobody.
    labels: (N, M), the class of each; None: there is one class.
    counted: (N, h, w), False where nothing is to be learned; None counts all.
    """

    masks: Tensor
    labels: Tensor | None = None
    counted: Tensor | None = None
