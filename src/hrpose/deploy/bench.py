"""bench: one network in several modes, timed in turns, beside peers and the limits of the device."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from hrpose.deploy.counting import Cost, count_cost
from hrpose.deploy.modes import EAGER, MODES, USUAL, check_modes
from hrpose.deploy.optimized import difference
from hrpose.deploy.roofline import Probe, Roofline, probe_for
from hrpose.deploy.timing import Call, Plan, Timing, take_turns, waiting
from hrpose.errors import HRPoseError

Finish = Callable[[Any], object]  # what follows the network, such as putting people together


@dataclass(frozen=True, kw_only=True)
class Row:
    """One mode or peer: its times, or why there are none."""

    name: str
    timing: Timing | None = None
    reason: str = ""  # why it was not measured
    differs: float | None = None  # from eager, as a share of the largest value; None for eager and peers

    @property
    def of_model(self) -> bool:
        """Whether it is the model itself in some mode, not a peer."""
        return self.name in MODES


@dataclass(frozen=True, kw_only=True)
class Table:
    """What was measured of one network, at one size and batch."""

    title: str
    size: tuple[int, int]  # (height, width)
    batch: int
    dtype: str
    cost: Cost
    roofline: Roofline
    rows: tuple[Row, ...]

    @property
    def eager(self) -> float | None:
        """The median of eager, which the ratios refer to; None if it was not measured."""
        found = [row.timing.median for row in self.rows if row.name == EAGER and row.timing]
        return found[0] if found else None


@torch.no_grad()
def bench(
    model: nn.Module,
    images: Tensor,
    *,
    title: str,
    modes: Sequence[str] = USUAL,
    peers: Mapping[str, Callable[[Any], object]] | None = None,
    dtype: torch.dtype = torch.float32,
    finish: Finish | None = None,
    plan: Plan | None = None,
    probe: Probe | None = None,
    say: Callable[[str], object] = lambda line: None,
) -> Table:
    """Make a model ready in every mode and time all of them in turns, with the device's own limits.

    What cannot run here gets a row with the reason. The result of each mode is compared with that of eager.

    Args:
        model: in evaluation mode, on the device of `images`.
        images: (N, C, H, W), what every call is given.
        modes: names of `MODES`.
        peers: networks of other code, by name.
        dtype: of all modes but eager, which keeps that of the model.
        finish: follows the network in each mode, and is timed with it.
        plan: how often; None takes the defaults of `Plan`.
        probe: what the limits of the device are measured by; None takes one that suits it.
        say: told what is made ready, and why something is not.
    Raises: UnknownNameError for another mode.

    >>> net = nn.Conv2d(3, 4, 3).eval()
    >>> plan, probe = Plan(rounds=2, warmup=0), Probe(side=8, bytes=64)
    >>> table = bench(net, torch.rand(1, 3, 8, 8), title="one", modes=["eager"], plan=plan, probe=probe)
    >>> table.rows[0].name, len(table.rows[0].timing.seconds), table.cost.operations
    ('eager', 2, 7776)
    """
    check_modes(tuple(modes))
    torch.compiler.reset()  # what was compiled for the last network counts against its limits no more
    probe = probe or probe_for(images.device, dtype)
    prepare: dict[str, Call] = {name: partial(MODES[name], model, images, dtype) for name in modes}
    prepare |= {name: partial(_as_it_is, network) for name, network in (peers or {}).items()}
    ready = {name: _made(name, make, images, say) for name, make in prepare.items()}
    runs = {name: made for name, made in ready.items() if not isinstance(made, str)}
    calls: dict[str, Call] = {name: partial(_call, run, images, finish) for name, run in runs.items()}
    say(f"{title}: timing {', '.join(calls)}")
    timed = take_turns(calls | probe.calls(images.device), plan or Plan(), wait=waiting(images.device))
    expected = model(images)
    return Table(
        title=title,
        size=(images.shape[2], images.shape[3]),
        batch=len(images),
        dtype=str(dtype).removeprefix("torch."),
        cost=count_cost(model, images).scaled(dtype.itemsize),
        roofline=probe.roofline(timed),
        rows=tuple(_row(name, made, timed, images, expected) for name, made in ready.items()),
    )


def _as_it_is(network: Callable[[Any], object]) -> Callable[[Any], object]:
    return network


def _made(name: str, prepare: Call, images: Tensor, say: Callable[[str], object]) -> Any:
    """What runs in a mode, once tried; or the reason why nothing does."""
    try:
        run: Any = prepare()
        run(images)
    except Exception as error:  # whatever it is, the other modes can be measured
        kind = "" if isinstance(error, HRPoseError) else f"{type(error).__name__}: "
        reason = f"{kind}{first_line(error)}"
        say(f"{name} is not measured: {reason}")
        return reason
    say(f"{name} is ready")
    return run


def first_line(error: Exception) -> str:
    """The start of an error's text, short enough for a table."""
    lines = str(error).strip().splitlines() or ["no more is known"]
    return lines[0] if len(lines[0]) <= 160 else f"{lines[0][:157]}..."


def _call(run: Callable[[Any], Any], images: Tensor, finish: Finish | None) -> object:
    with torch.inference_mode():
        result = run(images)
        return result if finish is None else finish(result)


def _row(name: str, made: Any, timed: Mapping[str, Timing], images: Tensor, expected: Any) -> Row:
    if isinstance(made, str):
        return Row(name=name, reason=made)
    if name == EAGER or name not in MODES:
        return Row(name=name, timing=timed[name])
    return Row(name=name, timing=timed[name], differs=difference(made(images), expected))


def settle(model: nn.Module, images: Tensor) -> None:
    """Give random weights batch statistics that fit them, as training would.

    Else the values shrink or grow from layer to layer until they are 0 or infinite, which no trained
    network's do, and comparing modes would tell nothing.

    Args:
        images: (N, C, H, W), with several pixels in the coarsest map of all N together.
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0  # the statistics of this batch alone
    try:
        with torch.no_grad():
            model.train()(images)
    finally:
        model.eval()
        for norm, momentum in zip(norms, before, strict=True):
            norm.momentum = momentum
