"""How long the tag loss takes, forward and backward: all people at once against a loop over people.

python examples/benchmarks/tag_loss.py
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from hrpose.losses import AELoss


def one_by_one(tags: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """The sum of push and pull of all images, person by person."""
    total = tags.new_zeros(())
    for flat, people in zip(tags.flatten(1), places, strict=True):
        means, pulls = [], []
        for person in people:
            own = [flat[place] for place in person if place >= 0]
            if not own:
                continue
            mean = torch.stack(own).mean()
            means.append(mean)
            pulls.append(torch.stack([(tag - mean) ** 2 for tag in own]).mean())
        if pulls:
            total = total + torch.stack(pulls).mean()
        if len(means) > 1:
            apart = torch.stack(means)[:, None] - torch.stack(means)
            n = len(means)
            total = total + 0.5 * ((-(apart**2)).exp().sum() - n) / (n * (n - 1))
    return total


def at_once(tags: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """The same by hrpose."""
    push, pull = AELoss()(tags, places)
    return push.sum() + pull.sum()


def timed(loss: Callable[..., torch.Tensor], tags: torch.Tensor, places: torch.Tensor, repeats: int) -> float:
    """Median milliseconds of forward and backward."""
    took = []
    for _ in range(repeats + 1):
        tags.grad = None
        start = time.perf_counter()
        loss(tags, places).backward()
        took.append(time.perf_counter() - start)
    return statistics.median(took[1:]) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a small batch, for the tests")
    quick = parser.parse_args().quick
    images, people, side, repeats = (2, 3, 16, 1) if quick else (16, 30, 128, 5)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    tags = torch.randn(images, 17, side, side, requires_grad=True)
    places = torch.randint(0, 17 * side * side, (images, people, 17))
    places[torch.rand(places.shape) < 0.2] = -1
    torch.testing.assert_close(at_once(tags, places), one_by_one(tags, places))
    slow, fast = timed(one_by_one, tags, places, repeats), timed(at_once, tags, places, repeats)
    print(
        f"{images} images, {people} people: loop {slow:.1f} ms, hrpose {fast:.2f} ms, ratio {slow / fast:.0f}"
    )


if __name__ == "__main__":
    main()
