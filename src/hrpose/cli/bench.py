"""`hrpose bench`: how fast networks are here, in which mode, beside which others, how far from the limit."""

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hrpose.errors import ConfigError, UnknownNameError, nearest

if TYPE_CHECKING:
    import torch
    from torch import nn

    from hrpose.deploy.bench import Table
    from hrpose.deploy.timing import Plan

PATH = click.Path(path_type=Path)
DTYPES = ("float32", "bfloat16", "float16")
BACKBONE = "backbone:"  # in front of a name: the trunk without its head
SETTLED = 128  # pixels a side that tell enough of the statistics of random weights
CROP, WHOLE = (256, 192), (512, 512)  # of models that do not say what size they are for


@click.command()
@click.argument("models", nargs=-1, required=True)
@click.option(
    "--size", "sizes", multiple=True, help="HEIGHTxWIDTH; the model's own if not given. Repeatable."
)
@click.option("--batch", "batches", multiple=True, type=int, default=(1,), show_default=True)
@click.option("--mode", "modes", multiple=True, help="Repeatable; see below.")
@click.option("--peer", "peers", multiple=True, help="timm:NAME, or package.module:callable of your own.")
@click.option("--people", type=int, help="Also time a HigherHRNet from image to so many people.")
@click.option("--dtype", type=click.Choice(DTYPES), default=DTYPES[0], show_default=True)
@click.option("--device", help="cpu, cuda, cuda:1 ...; CUDA if there is one.")
@click.option("--threads", type=int, help="Of the processor; as PyTorch chooses if not given.")
@click.option("--rounds", default=20, show_default=True, help="In each, every mode has its turn.")
@click.option("--warmup", default=3, show_default=True, help="Calls of each mode before the first round.")
@click.option("--rest", default=0.0, show_default=True, help="Seconds before each turn.")
@click.option(
    "--clock",
    default="wall",
    show_default=True,
    help='"processor" counts processor time: for a machine that others use too, with one thread.',
)
@click.option("--json", "json_file", type=PATH, help="File for every single time.")
@click.option("--plot", "plot_file", type=PATH, help="File for a picture, .png, .pdf or .svg.")
def bench(
    models: tuple[str, ...],
    sizes: tuple[str, ...],
    batches: tuple[int, ...],
    modes: tuple[str, ...],
    peers: tuple[str, ...],
    people: int | None,
    dtype: str,
    device: str | None,
    threads: int | None,
    rounds: int,
    warmup: int,
    rest: float,
    clock: str,
    json_file: Path | None,
    plot_file: Path | None,
) -> None:
    """Time MODELS here and print the figures as Markdown.

    A model is a name from `hrpose list`, with random weights, a checkpoint, or backbone:NAME for a trunk
    without its head.

    Modes: eager, autocast, fused, compiled, graph, native, onnxruntime, openvino, and unfused-compiled,
    unfused-onnxruntime and unfused-openvino for what one has without fusing. If none is given: eager, fused,
    compiled, graph, native, onnxruntime and openvino. What cannot run here is listed with the reason.
    """
    import torch

    from hrpose.deploy.hardware import hardware
    from hrpose.deploy.modes import USUAL, check_modes
    from hrpose.deploy.plot import check_plot, plot
    from hrpose.deploy.report import Report
    from hrpose.deploy.timing import Plan
    from hrpose.models.device import as_device

    chosen, plan = as_device(device), Plan(rounds=rounds, warmup=warmup, rest=rest, clock=clock)
    check_modes(modes or USUAL)
    check_clock(clock, chosen, threads)
    if plot_file is not None:
        check_plot(plot_file)
    with_threads(threads)
    bencher = Bencher(chosen, modes or USUAL, peers, getattr(torch, dtype), plan, people)
    wanted = [size_of(size) for size in sizes]
    tables = [table for name in models for table in bencher.tables(name, wanted, batches)]
    report = Report(
        date=date.today().isoformat(),
        command=" ".join(["hrpose", *sys.argv[1:]]),
        hardware=hardware(chosen),
        plan=plan,
        tables=tuple(tables),
    )
    click.echo(report.markdown())
    if json_file is not None:
        json_file.write_text(report.json(), encoding="utf-8")
    if plot_file is not None:
        plot(tables, plot_file)


class Bencher:
    """What all tables of one call have in common.

    Raises: those of `hrpose.deploy.peer`, before anything is timed.
    """

    def __init__(
        self,
        device: "torch.device",
        modes: tuple[str, ...],
        peers: tuple[str, ...],
        dtype: "torch.dtype",
        plan: "Plan",
        people: int | None,
    ) -> None:
        from hrpose.deploy.peers import peer

        self.device, self.modes, self.dtype, self.plan, self.people = device, modes, dtype, plan, people
        self.peers: dict[str, Callable[[Any], object]] = {name: peer(name, device) for name in peers}

    def tables(self, name: str, sizes: list[tuple[int, int]], batches: tuple[int, ...]) -> "list[Table]":
        """One for each size and batch, and, if people are asked for, one more for each image of a crowd."""
        import torch

        from hrpose.deploy.bench import bench
        from hrpose.deploy.crowd import finding_people

        model = self.model(name)
        found = []
        for size in sizes or [native_size(model)]:
            for batch in batches:
                images = torch.rand(batch, channels(model), *size, device=self.device)
                given: dict[str, Any] = {"modes": self.modes, "dtype": self.dtype, "plan": self.plan}
                found.append(bench(model, images, title=name, peers=self.peers, say=say, **given))
            if self.people is not None:
                finish = finding_people(
                    getattr(model, "spec", None), self.people, size=size, device=self.device
                )
                title = f"{name}, from image to {self.people} people"
                found.append(bench(model, images[:1], title=title, finish=finish, say=say, **given))
        return found

    def model(self, name: str) -> "nn.Module":
        """A network in evaluation mode on the device."""
        from hrpose.deploy.bench import settle

        model, trained = find(name)
        model = model.to(self.device).eval()
        if not trained:
            import torch

            small = (min(side, SETTLED) for side in native_size(model))
            settle(model, torch.rand(2, channels(model), *small, device=self.device))
        return model


def find(name: str) -> "tuple[nn.Module, bool]":
    """A network, and whether it came with weights.

    Raises: UnknownNameError, with the nearest names, for what is neither a name nor a checkpoint.
    """
    from hrpose.hub import create_backbone, create_model, from_checkpoint, list_models

    if name.startswith(BACKBONE):
        return create_backbone(name.removeprefix(BACKBONE)), False
    names = list_models()
    if name in names:
        return create_model(name), False
    if ":" not in name and not Path(name).exists():
        raise UnknownNameError(f"there is no model or file {name!r}; {nearest(name, names)}")
    return from_checkpoint(name), True


def native_size(model: "nn.Module") -> tuple[int, int]:
    """The (height, width) that a model is made for, or the usual one of its kind."""
    codec = getattr(getattr(model, "spec", None), "codec", None)
    size = getattr(codec, "input_size", None)
    if isinstance(size, int):
        return size, size
    if size is not None:
        return size[0], size[1]
    return WHOLE if getattr(model, "finds_people", False) else CROP


def channels(model: "nn.Module") -> int:
    """Of the images that a model takes."""
    config: Any = getattr(model, "config", None)
    found: int = getattr(getattr(config, "backbone", config), "in_chans", 3)
    return found


def size_of(text: str) -> tuple[int, int]:
    """Read HEIGHTxWIDTH.

    Raises: ConfigError for another text.

    >>> size_of("256x192")
    (256, 192)
    """
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.isdigit() and int(side) > 0 for side in sides):
        raise ConfigError(f"--size {text!r} is no size; give HEIGHTxWIDTH, such as 256x192")
    return int(sides[0]), int(sides[1])


def check_clock(clock: str, device: "torch.device", threads: int | None) -> None:
    """Raise ConfigError for processor time where it is not the time that one waits for."""
    if clock == "processor" and (device.type != "cpu" or threads != 1):
        came = "--clock processor adds up the time of all threads of the processor, and sees no other device"
        raise ConfigError(f"{came}; give --device cpu --threads 1")


def with_threads(threads: int | None) -> None:
    """Let PyTorch use so many threads, if it is told. Raises: ConfigError for less than one."""
    import torch

    if threads is None:
        return
    if threads < 1:
        raise ConfigError(f"--threads {threads}; give at least 1")
    torch.set_num_threads(threads)


def say(line: str) -> None:
    """What is going on, apart from the figures."""
    click.echo(line, err=True)
