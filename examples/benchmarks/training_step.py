"""How long a training step takes: forward, loss, backward and the optimizer, made faster piece by piece.

All forms start from the same weights, must give the same loss after two steps, and take turns in one process:

    python examples/benchmarks/training_step.py --model hrnet_w32 --batch 8 --compile

Then the way from pictures to a batch: crop by crop on the host, as `TopDownDataset` gives them, and all at
once on the device, as with `on_device=True`. On a GPU, add --device cuda.
"""

import argparse
import copy
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from hrpose import create_model
from hrpose.codecs import MSRA
from hrpose.data import CocoKeypoints, TopDownAugment
from hrpose.data.synthetic import write_coco
from hrpose.deploy.timing import Call, Plan, Timing, take_turns, waiting
from hrpose.train import FitConfig
from hrpose.train.compiled import compiled
from hrpose.train.feeding import cut
from hrpose.train.optim import make_optimizer
from hrpose.train.topdown import collate
from hrpose.types import PoseTargets

CHANNELS_LAST = {"memory_format": torch.channels_last}


def plain_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    """One weight after the other."""
    return torch.optim.AdamW(model.parameters(), lr=1e-5, foreach=False, fused=False)


def fused_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    """That of `fit`."""
    return make_optimizer(model, FitConfig(lr=1e-5))


def step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: torch.Tensor,
    targets: PoseTargets,
    *,
    fast: bool = False,
) -> Callable[[], torch.Tensor]:
    """One whole step, which returns the loss before it."""

    def loss_of(images: torch.Tensor, targets: PoseTargets) -> torch.Tensor:
        return torch.stack(list(model.loss(model(images), targets).values())).sum()

    loss_of_batch = compiled(loss_of, images.device) if fast else loss_of

    def run() -> torch.Tensor:
        loss = loss_of_batch(images, targets)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.detach()

    return run


def steps(model: nn.Module, images: torch.Tensor, *, fast: bool) -> dict[str, Callable[[], torch.Tensor]]:
    """The same step in each form."""
    stride = images.shape[2] // model(images).heatmaps[0].shape[2]
    shape = (len(images), 17, images.shape[2] // stride, images.shape[3] // stride)
    targets = PoseTargets((torch.rand(shape, device=images.device),))
    models = [copy.deepcopy(model).train() for _ in range(4)]
    for each in models[1:]:
        each.to(**CHANNELS_LAST)
    last = images.to(**CHANNELS_LAST)
    forms = {
        "plain": step(models[0], plain_optimizer(models[0]), images, targets),
        "channels last": step(models[1], plain_optimizer(models[1]), last, targets),
        "and a fused optimizer": step(models[2], fused_optimizer(models[2]), last, targets),
    }
    if fast:
        fused = fused_optimizer(models[3])
        forms["and compiled"] = step(models[3], fused, last, targets, fast=True)
    return forms


def check_alike(forms: dict[str, Callable[[], torch.Tensor]]) -> None:
    """The losses of two steps must agree, the second of which follows the first one's weights."""
    losses = {name: torch.stack([run(), run()]) for name, run in forms.items()}
    for name, loss in losses.items():
        torch.testing.assert_close(loss, losses["plain"], rtol=1e-3, atol=0, msg=f"{name} learns otherwise")


def crops(size: tuple[int, int], batch: int, device: torch.device, folder: Path) -> dict[str, Call]:
    """A batch from pictures on disk, made on the host and on the device."""
    annotations = write_coco(folder, batch, seed=1, size=(480, 640), people=(1, 1))
    people = CocoKeypoints.from_file(annotations, folder / "images")
    data = people.crops(MSRA(input_size=size), augment=TopDownAugment(), seed=0)
    rows = range(len(data))
    return {
        "crop by crop": lambda: collate([data[row] for row in rows]).to(device),
        "together on the device": lambda: cut(data, [data.uncut(row) for row in rows], device),
    }


def show(title: str, timed: dict[str, Timing]) -> None:
    """A table of milliseconds, and how many times faster than the first row."""
    first = next(iter(timed.values())).median
    print(f"\n| {title} | median, ms | quartiles, ms | ratio |\n| --- | --- | --- | --- |")
    for name, timing in timed.items():
        low, high = (1e3 * each for each in timing.quartiles)
        shown = f"{1e3 * timing.median:.0f} | {low:.0f} to {high:.0f} | {first / timing.median:.2f}"
        print(f"| {name} | {shown} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a tiny network, for the tests")
    parser.add_argument("--model", default="hrnet_w32")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--compile", action="store_true", help="also compiled, which takes minutes")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--clock", default="wall", choices=("wall", "processor"), help="as of hrpose bench")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    name, size, batch = chosen.model, (256, 192), chosen.batch
    if chosen.quick:
        name, size, batch = "hrnet_tiny.synthetic_128x96", (64, 48), 2
    device = torch.device(chosen.device)
    plan = Plan(rounds=1 if chosen.quick else chosen.rounds, warmup=1, lead=0, clock=chosen.clock)
    model = create_model(name).to(device)
    forms = steps(model, torch.rand(batch, 3, *size, device=device), fast=chosen.compile)
    check_alike(forms)
    print(
        f"{name}, batch {batch} of {size[0]}x{size[1]}, torch {torch.__version__}, {chosen.threads} threads"
    )
    show("one step", take_turns(forms, plan, wait=waiting(device)))
    if not chosen.compile:
        print("| and compiled | not measured: --compile | - | - |")
    with tempfile.TemporaryDirectory() as folder:
        calls = crops(size, batch, device, Path(folder))
        show("a batch of crops", take_turns(calls, plan, wait=waiting(device)))


if __name__ == "__main__":
    main()
