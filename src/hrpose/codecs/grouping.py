"""Put the peaks of one image together to people, keypoint by keypoint, on the host."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hrpose.codecs.assignment import Assignment, assign

FAR = 1e10  # the cost of a column that stands for "nobody yet"
MISSING = -1


class Gathering:
    """People in the order they were first seen: which peak is which keypoint of whom.

    A person goes by the first tag that was seen of them, as in the reference code: a peak with exactly that
    tag that fits nobody takes the place over and starts the mean of the person's tags again.
    """

    def __init__(self, peaks: int, keypoints: int, tag_channels: int) -> None:
        self.members = np.full((peaks, keypoints), MISSING)  # there are never more people than peaks
        self.sums = np.zeros((peaks, tag_channels), dtype=np.float32)
        self.counts = np.zeros((peaks, 1), dtype=np.float32)
        self.known: dict[float, int] = {}

    def __len__(self) -> int:
        return len(self.known)

    def start(self, keypoint: int, peak: int, tag: NDArray[np.float32]) -> None:
        """Make a person of this peak, or restart the one with this very tag."""
        person = self.known.setdefault(float(tag[0]), len(self.known))
        self.members[person, keypoint] = peak
        self.sums[person], self.counts[person] = tag, 1

    def join(
        self, people: NDArray[np.intp], keypoint: int, peaks: NDArray[np.intp], tags: NDArray[np.float32]
    ) -> None:
        """Give each of these people, all different, the peak in its place."""
        self.members[people, keypoint] = peaks
        self.sums[people] += tags
        self.counts[people] += 1

    def mean_tags(self, people: int) -> NDArray[np.float32]:
        """The mean tag of the first `people`, (people, T)."""
        return self.sums[:people] / self.counts[:people]


def gather(
    values: NDArray[np.float32],
    tags: NDArray[np.float32],
    ends: NDArray[np.intp],
    order: Sequence[int],
    *,
    tag_threshold: float,
    max_people: int,
    use_scores: bool,
    ignore_too_much: bool,
    assignment: Assignment,
) -> NDArray[np.intp]:
    """Say which peak is which keypoint of whom.

    Args:
        values: (P,) heights of the peaks of all keypoints.
        tags: (P, T).
        ends: (K + 1,), the peaks of keypoint k are ends[k] to ends[k + 1], from high to low.
        order: in which keypoints are visited.
    Returns: (people, K), places in `values`, MISSING where a person lacks the keypoint.
    Source: Newell et al., NeurIPS 2017, "Group"; as in the code of Cheng et al., CVPR 2020.
    """
    seen = Gathering(len(values), len(order), tags.shape[1])
    for keypoint in order:
        here = slice(ends[keypoint], ends[keypoint + 1])
        able = min(len(seen), max_people)  # the first people are the ones that can gain
        if ignore_too_much and able == max_people:
            continue
        hosts = np.full(here.stop - here.start, MISSING)
        if able and len(hosts):
            distance = np.linalg.norm(tags[here, None].astype(np.float64) - seen.mean_tags(able), axis=2)
            cost = np.round(distance) * 100 - values[here, None] if use_scores else distance
            row, person = assign(_with_room(cost), assignment).T
            near = np.flatnonzero(person < able)
            near = near[distance[row[near], person[near]] < tag_threshold]
            hosts[row[near]] = person[near]
        _take(seen, keypoint, np.arange(here.start, here.stop), hosts, tags[here])
    return seen.members[: len(seen)]


def _take(
    seen: Gathering,
    keypoint: int,
    peaks: NDArray[np.intp],
    hosts: NDArray[np.intp],
    tags: NDArray[np.float32],
) -> None:
    """Give the peaks to their hosts, and make people of those that have none."""
    new = np.flatnonzero(hosts == MISSING).tolist()
    restarts = any(float(tags[i, 0]) in seen.known for i in new)
    for i in (
        range(len(peaks)) if restarts else ()
    ):  # a person may gain a peak and restart: one by one, in order
        if hosts[i] == MISSING:
            seen.start(keypoint, peaks[i], tags[i])
        else:
            seen.join(hosts[i : i + 1], keypoint, peaks[i : i + 1], tags[i : i + 1])
    if not restarts:
        old = hosts != MISSING
        seen.join(hosts[old], keypoint, peaks[old], tags[old])
        for i in new:
            seen.start(keypoint, peaks[i], tags[i])


def _with_room(cost: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add columns until no peak has to go without one."""
    peaks, people = cost.shape
    return cost if peaks <= people else np.concatenate((cost, np.full((peaks, peaks - people), FAR)), 1)
