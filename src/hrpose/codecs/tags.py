"""Heatmaps and tags -> people: peaks whose tags are alike belong to one person.

The peaks are found on the device of the maps and cross to the host in one small copy, where people are
put together keypoint by keypoint. What a person still misses is then looked for on the device again.
"""

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hrpose.codecs.assignment import METHODS, Assignment
from hrpose.codecs.checks import choose
from hrpose.codecs.grouping import gather
from hrpose.codecs.peaks import HostPeaks, Peaks, check_finite, check_shapes, find_peaks
from hrpose.codecs.refine import Found, find_by_tag
from hrpose.codecs.runs import Runs, cut
from hrpose.errors import ConfigError
from hrpose.skeletons import Skeleton
from hrpose.types import Heatmaps, Tags

Table = NDArray[np.float32]  # (P, K, 3 + T): x, y, score, tags of all people of one image


class Grouped(NamedTuple):
    """P people of one image, in the order they were found, on the host.

    points: (P, K, 2) in heatmap pixels. Where a peak was adjusted or a keypoint filled in, pixel p covers
        p to p + 1, so its middle is p + 0.5; elsewhere it is p. 0 where a keypoint is missing.
    scores: (P, K) heatmap values, 0 where missing.
    tags: (P, K, T), 0 where missing or filled in.
    person_scores: (P,) the mean of `scores` over all K keypoints, before any was filled in.
    """

    points: Tensor
    scores: Tensor
    tags: Tensor
    person_scores: Tensor


@dataclass(frozen=True, kw_only=True)
class TagGrouping:
    """How people are put together from heatmaps and tags; the defaults are those of HigherHRNet.

    Raises: ConfigError for settings without a meaning; UnknownNameError for an unknown assignment.
    Source: Newell et al., NeurIPS 2017; Cheng et al., CVPR 2020, as in its code.

    >>> heatmaps, tags = torch.zeros(1, 2, 8, 8), torch.zeros(1, 2, 8, 8)
    >>> heatmaps[0, 0, 2, 3] = heatmaps[0, 1, 5, 4] = 0.5
    >>> person = TagGrouping().group(heatmaps, (tags,))[0]
    >>> person.points.tolist(), person.person_scores.tolist()
    ([[[3.25, 2.25], [4.25, 5.25]]], [0.5])
    """

    joint_order: tuple[int, ...] = ()  # in which keypoints are visited; empty: as listed
    detection_threshold: float = 0.1  # heatmap value that a peak must exceed
    tag_threshold: float = 1.0  # distance of tags below which a peak joins a person
    max_people: int = 30  # peaks read from a heatmap, and people that can still gain keypoints
    use_scores: bool = True  # round the distances and let the higher peak go first
    ignore_too_much: bool = False  # pass over all later keypoints once there are max_people people
    nms_kernel: int = 5  # pixels; a peak has none higher in that square round it
    adjust: bool = True  # move peaks a quarter pixel toward the higher neighbour, and to pixel middles
    refine: bool = True  # fill in missing keypoints
    assignment: Assignment = "munkres"  # how ties are broken; with "scipy" a crowd comes out otherwise

    def __post_init__(self) -> None:
        choose("assignment", self.assignment, METHODS)
        if len(set(self.joint_order)) < len(self.joint_order) or min(self.joint_order, default=0) < 0:
            raise ConfigError(
                f"joint_order={self.joint_order} has a keypoint twice or below 0; list each once"
            )
        if self.nms_kernel < 1 or self.nms_kernel % 2 == 0:
            raise ConfigError(
                f"nms_kernel={self.nms_kernel} has no middle pixel; give an odd number, such as 5"
            )
        if self.max_people < 1:
            raise ConfigError(f"max_people={self.max_people}, but somebody must fit in; give 1 or more")
        for name in ("detection_threshold", "tag_threshold"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name}={getattr(self, name)} is not a threshold; give 0 or more")

    @staticmethod
    def joint_order_of(skeleton: Skeleton, *, center: bool = False) -> tuple[int, ...]:
        """The order for `joint_order` that a skeleton asks for; the centre keypoint, the last, comes first.

        >>> from hrpose.skeletons import COCO
        >>> TagGrouping.joint_order_of(COCO)
        (0, 1, 2, 3, 4, 5, 6, 11, 12, 7, 8, 9, 10, 13, 14, 15, 16)
        """
        order = tuple(skeleton.index(name) for name in skeleton.grouping_order or skeleton.keypoints)
        return (skeleton.num_keypoints, *order) if center else order

    def order(self, keypoints: int) -> tuple[int, ...]:
        """The order in which the heatmaps of that many keypoints are visited.

        Raises: ConfigError if `joint_order` is of another skeleton.
        """
        order = self.joint_order or tuple(range(keypoints))
        if sorted(order) != list(range(keypoints)):
            raise ConfigError(
                f"joint_order={order} is not an order of {keypoints} keypoints; "
                f"list each of 0 to {keypoints - 1} once, or leave it empty"
            )
        return order

    def peaks(self, heatmaps: Heatmaps, tags: tuple[Tags, ...]) -> Peaks:
        """The highest peaks of each map, on its device; arguments as of `group`, contiguous."""
        return self._peaks(cut(heatmaps), [cut(tag) for tag in tags])

    def _peaks(self, heatmaps: Runs, tags: list[Runs]) -> Peaks:
        return find_peaks(
            heatmaps, tags, threshold=self.detection_threshold, kernel=self.nms_kernel, most=self.max_people
        )

    @torch.no_grad()
    def group(self, heatmaps: Heatmaps, tags: tuple[Tags, ...]) -> list[Grouped]:
        """Put the people of each image together.

        More people than `max_people` can come out: only the first of them gain keypoints, but peaks that
        fit nobody still start new ones, as in the reference code. Without people the tensors have no rows.

        Args:
            heatmaps: (N, K, h, w).
            tags: one a tag dimension, (N, K, h, w), or (N, 1, h, w) if all keypoints share it.
        Returns: one `Grouped` an image.
        Raises: ShapeError for maps that do not belong together; DataError for NaN or infinity in them;
            ConfigError if `joint_order` is not one of K keypoints.
        """
        check_shapes(heatmaps, tags)
        images, keypoints = heatmaps.shape[:2]
        order = self.order(keypoints)
        maps, *tag_maps = (cut(each, low=low and self.refine) for each, low in _alike(heatmaps, tags))
        check_finite(maps, tag_maps)
        peaks = self._peaks(maps, tag_maps)
        host = peaks.to_host()
        ends = np.searchsorted(host.maps, np.arange(images * keypoints + 1))
        people = [self._people(host, ends[i * keypoints :][: keypoints + 1], order) for i in range(images)]
        scores = [table[:, :, 2].mean(1) for table in people]
        if self.refine and people:
            self._fill(maps, tag_maps, peaks, people)
        return [_grouped(table, score) for table, score in zip(people, scores, strict=True)]

    def _people(self, peaks: HostPeaks, ends: NDArray[np.intp], order: tuple[int, ...]) -> Table:
        """The people of the image whose peaks of keypoint k are ends[k] to ends[k + 1]."""
        members = gather(
            peaks.values,
            self.compared(peaks.tags),
            ends,
            order,
            tag_threshold=self.tag_threshold,
            max_people=self.max_people,
            use_scores=self.use_scores,
            ignore_too_much=self.ignore_too_much,
            assignment=self.assignment,
        )
        points = peaks.points + peaks.nudge + 0.5 if self.adjust else peaks.points
        rows = np.concatenate((points, peaks.values[:, None], peaks.tags), 1)
        nobody = np.zeros((1, rows.shape[1]), rows.dtype)  # the last row, which MISSING (-1) reads
        return np.concatenate((rows, nobody))[members]

    def compared(self, tags: NDArray[np.float32]) -> NDArray[np.float32]:
        """The tags (P, T) whose Euclidean distance decides who belongs to whom."""
        return tags

    def found(self, heatmaps: Heatmaps, maps: Tensor, best: Found) -> Tensor:
        """x, y, score of Q missing keypoints of `maps`, (Q, 3); those with a score above 0 are filled in."""
        return torch.cat((torch.stack((best.x, best.y), 1) + best.nudge + 0.5, best.values[:, None]), 1)

    def _fill(self, heatmaps: Runs, tags: list[Runs], peaks: Peaks, people: list[Table]) -> None:
        """Fill in the missing keypoints of everybody in all images at once, in place."""
        table = np.concatenate(people)  # (P, K, 3 + T)
        has = table[:, :, 2:3] > 0
        person, keypoint = np.nonzero(~has[:, :, 0])
        if not len(person):
            return
        mean_tags = (table[:, :, 3:] * has).sum(1) / has.sum(1)  # (P, T)
        image = np.repeat(np.arange(len(people)), [len(part) for part in people])
        maps = heatmaps.maps
        wishes = torch.from_numpy(image[person] * maps.shape[1] + keypoint).to(maps.device)
        wanted = torch.from_numpy(mean_tags[person]).to(maps)
        found = self.found(maps, wishes, find_by_tag(heatmaps, tags, wishes, wanted, peaks)).cpu().numpy()
        good = found[:, 2] > 0
        table[person[good], keypoint[good], :3] = found[good]
        first = 0
        for part in people:
            part[:] = table[first : first + len(part)]
            first += len(part)


def _alike(heatmaps: Heatmaps, tags: tuple[Tags, ...]) -> list[tuple[Tensor, bool]]:
    """All maps contiguous and of one precision, float32 at least, as half of it would round positions.

    Each comes with whether it is one of tags.
    """
    dtype = functools.reduce(torch.promote_types, (each.dtype for each in tags), heatmaps.dtype)
    dtype = torch.promote_types(dtype, torch.float32)
    return [(each.to(dtype).contiguous(), each is not heatmaps) for each in (heatmaps, *tags)]


def _grouped(table: Table, person_scores: NDArray[np.floating]) -> Grouped:
    whole = torch.from_numpy(table)
    return Grouped(whole[:, :, :2], whole[:, :, 2], whole[:, :, 3:], torch.from_numpy(person_scores))
