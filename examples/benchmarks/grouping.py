"""How long it takes to put people together from 17 x 512 x 512 heatmaps and tags, refinement included.

The straightforward version in plain_grouping.py and hrpose run on the same maps, and must find the same
people. Run it on an idle machine, with one thread:

    OMP_NUM_THREADS=1 python examples/benchmarks/grouping.py

--device cuda (or cpu) times hrpose alone there, in batches of 16.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import plain_grouping
import torch

from hrpose.codecs.tags import TagGrouping
from hrpose.skeletons import COCO


def crowd(people: int, size: int, *, tag_dims: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Heatmaps (1, 17, size, size) and tags (1, 17, size, size, T) of people with one keypoint in ten hidden.

    Noise lies under all of it: heatmap values up to 0.03, tags round 0 as where a network saw nobody.
    Tags of people lie three apart.
    """
    draw = torch.Generator().manual_seed(seed)
    heatmaps = torch.rand(17, size, size, generator=draw) * 0.03
    tags = torch.randn(17, size, size, tag_dims, generator=draw) * 0.7
    grid = torch.arange(-8, 9)
    for person in range(people):
        own = torch.randn(tag_dims, generator=draw) * 0.1 + 3.0 * (person + 1)
        middle = torch.rand(2, generator=draw) * (size - 80) + 40
        for k in range(17):
            x, y = (middle + torch.randn(2, generator=draw) * 12).clamp(9, size - 10).round().long().tolist()
            height = 0.5 + 0.45 * torch.rand(1, generator=draw)
            if torch.rand(1, generator=draw) < 0.1:
                continue
            blob = height * torch.exp(-(grid[:, None] ** 2 + grid**2) / 8.0)
            here = (k, slice(y - 8, y + 9), slice(x - 8, x + 9))
            higher = blob > heatmaps[here]
            heatmaps[here] = torch.maximum(heatmaps[here], blob)
            tags[here] = torch.where(
                higher[..., None], own + 0.1 * torch.randn(tag_dims, generator=draw), tags[here]
            )
    return heatmaps[None], tags[None]


def timed(run: Callable[[], object], repeats: int) -> list[float]:
    """Milliseconds of each call."""
    took = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        took.append((time.perf_counter() - start) * 1000)
    return took


def compare(people: int, size: int, tag_dims: int, rounds: int) -> None:
    """Print one line: the median times of runs that take turns, and their ratio."""
    heatmaps, tags = crowd(people, size, tag_dims=tag_dims, seed=people)
    order = TagGrouping.joint_order_of(COCO)
    grouping, maps = TagGrouping(joint_order=order), tuple(t.contiguous() for t in tags.unbind(-1))
    plain, scores = plain_grouping.group(heatmaps, tags, list(order))
    ours = grouping.group(heatmaps, maps)[0]
    torch.testing.assert_close(ours.points, torch.as_tensor(plain[:, :, :2]), atol=1e-3, rtol=0)
    torch.testing.assert_close(ours.person_scores, torch.tensor(scores), atol=1e-5, rtol=0)
    fast, slow = [], []
    for _ in range(rounds):
        slow += timed(lambda: plain_grouping.group(heatmaps, tags, list(order)), 1)
        fast += timed(lambda: grouping.group(heatmaps, maps), 5)
    here, there = statistics.median(fast), statistics.median(slow)
    print(f"{people:6} {len(ours.points):6} {tag_dims:10} {there:16.1f} {here:10.1f} {there / here:8.0f}")


def on_device(device: str, people: int, size: int, batch: int, repeats: int) -> None:
    """Print the time an image takes in a batch."""
    parts = [crowd(people, size, tag_dims=1, seed=seed) for seed in range(batch)]
    heatmaps = torch.cat([part[0] for part in parts]).to(device)
    tags = (torch.cat([part[1] for part in parts])[..., 0].to(device),)
    grouping = TagGrouping(joint_order=TagGrouping.joint_order_of(COCO))
    timed(lambda: grouping.group(heatmaps, tags), 2)  # the first calls do not count
    took = statistics.median(timed(lambda: grouping.group(heatmaps, tags), repeats))
    print(f"{device}, {batch} images of {people} people: {took / batch:.2f} ms an image")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small maps, for the tests")
    parser.add_argument("--device", help="time batches of 16 on it")
    chosen = parser.parse_args()
    size, repeats = (96, 1) if chosen.quick else (512, 9)
    torch.set_num_threads(1)
    if chosen.device:
        for people in (5, 30):
            on_device(chosen.device, people, size, 16, repeats)
        return
    print("people  found  tag dims   plain, ms  hrpose, ms    ratio".rjust(60))
    for people in (1, 5) if chosen.quick else (5, 30):
        for tag_dims in (1, 2):
            compare(people, size, tag_dims, repeats)


if __name__ == "__main__":
    main()
