"""AEHourglass: the codec of the hourglass with associative embedding, from its own code's rules."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hrpose.codecs.aggregate import Merged, Pass, resize
from hrpose.codecs.crowd import check_people, draw_people, mirror_in, tag_places
from hrpose.codecs.geometry import PIXEL_STD, flip_back
from hrpose.codecs.refine import Found
from hrpose.codecs.scales import ROUND_TO, Resized
from hrpose.codecs.tags import Grouped, TagGrouping
from hrpose.errors import ConfigError
from hrpose.types import Heatmaps, PoseTargets, Size, Tags

BROKEN = 10.0  # heatmaps that reach higher, image and mirror summed, are left out
TAG_REACH = 0.5  # tags are read at scales nearer to 1 than this


@dataclass(frozen=True, kw_only=True)
class HourglassGrouping(TagGrouping):
    """`TagGrouping` by the rules of the AE hourglass.

    Tags of several dimensions are as far apart as the root of their *mean* squared difference. A keypoint
    that is filled in scores 1, whatever its heatmap says, and is nudged with the reference code's slip, see
    `slipped_nudge`.

    Source: Newell et al., NeurIPS 2017, and the code of its authors.

    >>> heatmaps, tags = torch.zeros(1, 2, 8, 8), torch.zeros(1, 2, 8, 8)
    >>> heatmaps[0, 0, 2, 3], heatmaps[0, 1, 5, 4] = 0.5, 0.05  # the second is too low for a peak
    >>> HourglassGrouping().group(heatmaps, (tags,))[0].scores.tolist()
    [[0.5, 1.0]]
    """

    ignore_too_much: bool = True
    nms_kernel: int = 3
    mend_borders: bool = False  # nudge a keypoint that is filled in as any other

    def compared(self, tags: NDArray[np.float32]) -> NDArray[np.float32]:
        """The tags (P, T) whose Euclidean distance decides who belongs to whom."""
        return tags / np.float32(math.sqrt(tags.shape[1]))

    def found(self, heatmaps: Heatmaps, maps: Tensor, best: Found) -> Tensor:
        """x, y, score of Q missing keypoints of `maps`, (Q, 3); those with a score above 0 are filled in."""
        found = super().found(heatmaps, maps, best)
        if not self.mend_borders:
            found[:, :2] = torch.stack((best.x, best.y), 1) + 0.5 + slipped_nudge(heatmaps, maps, best)
        found[:, 2] = (best.values > 0).to(found)
        return found


def slipped_nudge(heatmaps: Heatmaps, maps: Tensor, best: Found) -> Tensor:
    """`quarter_nudge` with the reference code's slip, (Q, 2) as (x, y).

    The code takes each axis of its maps, keypoint, row and column, for the one after it. So the neighbour to
    the right is looked for no further than the column that has the number of the last row, and the one below
    no further than the row that has the number of the last keypoint.
    """
    flat, (keypoints, height, width) = heatmaps.flatten(0, 1), heatmaps.shape[1:]
    last_x, last_y = min(height, width) - 1, min(keypoints, height) - 1
    right = flat[maps, best.y, (best.x + 1).clamp(max=last_x)]
    left = flat[maps, best.y, (best.x - 1).clamp(min=0)]
    below = flat[maps, (best.y + 1).clamp(max=last_y), best.x]
    above = flat[maps, (best.y - 1).clamp(min=0), best.x]
    return torch.stack((right > left, below > above), 1).to(heatmaps.dtype) * 0.5 - 0.25


@dataclass(frozen=True, kw_only=True)
class AEHourglass:
    """Whole images in, people out, as the hourglass with associative embedding was trained and tested.

    The long side of an image is fitted to a square. Heatmaps of all scales are averaged and cut at 1; tags
    are read at scale 1 (and any other nearer to it than 0.5), each mirror and scale adding a dimension.

    Raises: ConfigError for settings without a meaning.
    Source: Newell et al., NeurIPS 2017, and the code of its authors.

    >>> codec = AEHourglass(input_size=64)
    >>> people = torch.tensor([[[[20.0, 30.0], [41.0, 10.0]]]])
    >>> targets = codec.encode(people, torch.ones(1, 1, 2), (64, 64))
    >>> tuple(targets.heatmaps[0].shape), targets.tags[0].tolist()
    ((1, 2, 16, 16), [[[117, 298]]])
    """

    name: ClassVar[str] = "ae_hourglass"
    fit: ClassVar[Literal["short", "long"]] = "long"  # the side of an image that becomes `input_size` long
    maps_per_keypoint: ClassVar[int] = 1
    center: ClassVar[bool] = False
    unbiased: ClassVar[bool] = False

    input_size: int = 512  # pixels of the square's side at scale 1
    stride: int = 4  # input pixels to a pixel of the maps
    sigma: float | None = None  # of the Gaussians, heatmap pixels; None: height of the maps / 64
    grouping: HourglassGrouping = field(default_factory=HourglassGrouping)

    def __post_init__(self) -> None:
        for name in ("input_size", "stride"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)}, but it counts pixels; give 1 or more")
        if self.sigma is not None and not self.sigma > 0:
            raise ConfigError(f"sigma={self.sigma}, but a Gaussian needs a width; give it, or None")

    def resized(self, image_size: Size, *, scale: float = 1.0, smallest: float = 1.0) -> Resized:
        """The square in which an image (height, width) is fed to the network, and the way back.

        Its side is a multiple of 64 at every scale; `smallest` of all scales plays no part in it.

        Raises: ConfigError for sizes and scales that are not above 0.

        >>> AEHourglass().resized((480, 640), scale=2).size
        (1024, 1024)
        """
        height, width = image_size
        if min(height, width) < 1 or not min(scale, smallest) > 0:
            came = f"image_size={image_size}, scale={scale}, smallest={smallest}"
            raise ConfigError(f"{came}: none of them can be 0 or less; give positive ones")
        side = int((scale * self.input_size + ROUND_TO - 1) // ROUND_TO * ROUND_TO)
        box = max(height, width) / PIXEL_STD
        return Resized(size=(side, side), center=(width / 2, height / 2), scale=(box, box))

    def encode(
        self,
        points: Tensor,
        visible: Tensor,
        size: Size,
        *,
        person_sigma: Tensor | None = None,
        mirrored: Tensor | None = None,
    ) -> PoseTargets:
        """Make the targets, which serve every stack.

        Args:
            points: (N, M, K, 2) in pixels of the network's input; any M, rows without a visible keypoint
                are nobody.
            visible: (N, M, K), 0 where nobody marked the keypoint.
            size: of the network's input, (height, width).
            person_sigma: (N, M) heatmap pixels, in place of `sigma`.
            mirrored: (N,), True where the input is mirrored; `points` are those before, left and right
                renamed.
        Returns: PoseTargets with one tensor of heatmaps and one of the places of the tags, see `tag_places`.
        Raises: ShapeError for other shapes; DataError for a sigma that is not above 0.
        """
        check_people(points, visible)
        there = -(-size[0] // self.stride), -(-size[1] // self.stride)
        points = mirror_in(points / self.stride, mirrored, there[1])
        sigma = there[0] / 64 if self.sigma is None else self.sigma
        spread = sigma if person_sigma is None else person_sigma
        heatmaps = draw_people(points, visible, there, spread, cut_corners=True)
        return PoseTargets(heatmaps=(heatmaps,), tags=(tag_places(points, visible, there),))

    def merge(
        self, passes: Sequence[Pass], *, mirror_index: Sequence[int] = (), size: Size | None = None
    ) -> Merged:
        """Average the heatmaps of the last stack over scales and mirrors, and collect the tags.

        All maps take the size of the first pass, so give the largest scale first. A pass whose heatmaps
        reach above 10 (image and mirror summed) is left out of the sum, yet counts in the mean, as in the
        reference code; if that leaves no heatmaps or no tags, the result is empty maps, and nobody is found.

        Args:
            passes: one an image scale, each of the same images.
            mirror_index: the keypoint that takes each keypoint's place in a mirror; for mirrored passes.
            size: takes no part; people are put together on the maps of the network.
        Raises: ConfigError if no pass has tags at a scale near 1; ShapeError if maps do not fit mirror_index.
        """
        if not any(one.maps.tags and abs(one.scale - 1) < TAG_REACH for one in passes):
            came = f"scales {[one.scale for one in passes]} have no tags to read"
            raise ConfigError(f"{came}, which come from scales near 1; add scale 1, and tags to the network")
        total: Heatmaps | None = None
        tags: list[Tags] = []
        for one in passes:
            heatmaps, read = _last_maps(one, mirror_index)
            if heatmaps.max() > BROKEN:
                continue
            total = heatmaps if total is None else total + resize(heatmaps, (total.shape[2], total.shape[3]))
            if abs(one.scale - 1) < TAG_REACH:
                tags += [resize(tag, (total.shape[2], total.shape[3])) for tag in read]
        if total is None or not tags:
            nothing = torch.zeros_like(passes[0].maps.heatmaps[-1])
            return Merged(nothing, (nothing,))
        views = 1 if passes[0].mirrored is None else 2
        return Merged((total / len(passes) / views).clamp(max=1), tuple(tags))

    @torch.no_grad()
    def decode(self, merged: Merged) -> list[Grouped]:
        """Put the people of each image together; see `TagGrouping.group`."""
        return self.grouping.group(merged.heatmaps, merged.tags)


def _last_maps(one: Pass, mirror_index: Sequence[int]) -> tuple[Heatmaps, list[Tags]]:
    """Heatmaps of the last stack, those of the mirror image added to them, and the tags of both."""
    heatmaps, tags = one.maps.heatmaps[-1], list(one.maps.tags[-1:])
    if one.mirrored is None:
        return heatmaps, tags
    back = [flip_back(tag, mirror_index) for tag in one.mirrored.tags[-1:]]
    return heatmaps + flip_back(one.mirrored.heatmaps[-1], mirror_index), tags + back


def coco_results(people: Grouped, image_id: int, *, category_id: int = 1) -> list[dict[str, Any]]:
    """People as entries of a COCO results file, missing keypoints standing at the mean of the others.

    Every keypoint is marked visible, and the score is the mean over all keypoints, those filled in included.

    >>> points, scores = torch.tensor([[[1.0, 2.0], [0.0, 0.0]]]), torch.tensor([[0.5, 0.0]])
    >>> coco_results(Grouped(points, scores, points[:, :, :1], scores[:, 0]), 7)[0]["keypoints"]
    [1.0, 2.0, 1, 1.0, 2.0, 1]
    """
    results = []
    for points, scores in zip(people.points, people.scores, strict=True):
        there = scores > 0
        if there.any():
            placed = torch.where(there[:, None], points, points[there].mean(0))
            keypoints = [value for x, y in placed.tolist() for value in (x, y, 1)]
            entry = {"image_id": image_id, "category_id": category_id, "keypoints": keypoints}
            results.append({**entry, "score": scores.mean().item()})
    return results
