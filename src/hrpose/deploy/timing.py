"""Timing: calls that take turns, so that whatever slows the machine down slows all of them alike."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch

from hrpose.errors import ConfigError, UnknownNameError, nearest

Call = Callable[[], object]
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How often things are run.

    Raises: ConfigError for less than one round, or anything below 0; UnknownNameError for another clock.
    """

    rounds: int = 20  # in each, every call has its turn
    warmup: int = 3  # calls of each before the first round
    lead: int = 1  # calls that open a turn and do not count: they wake the threads and fill the caches
    rest: float = 0.0  # seconds before each turn, for threads of the last one that still wait actively
    clock: str = "wall"  # "processor" counts only when the machine works for this process, on all threads

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise ConfigError(f"rounds={self.rounds}; a median needs at least 1, an honest one 10")
        for name in ("warmup", "lead", "rest"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name}={getattr(self, name)}; give 0 or more")
        if self.clock not in CLOCKS:
            raise UnknownNameError(f"clock={self.clock!r} is not known; {nearest(self.clock, CLOCKS)}")


@dataclass(frozen=True)
class Timing:
    """How long the counted calls took.

    >>> timing = Timing((0.4, 0.1, 0.2, 0.3, 0.9))
    >>> timing.fastest, timing.median, timing.quartiles
    (0.1, 0.3, (0.2, 0.4))
    """

    seconds: tuple[float, ...]  # one a round

    @property
    def median(self) -> float:
        """Seconds; half of the calls were faster."""
        return statistics.median(self.seconds)

    @property
    def fastest(self) -> float:
        """Seconds of the fastest call."""
        return min(self.seconds)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Seconds; half of the calls lie between the two."""
        if len(self.seconds) == 1:
            return self.seconds[0], self.seconds[0]
        low, _, high = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return low, high


def take_turns(
    calls: Mapping[str, Call],
    plan: Plan,
    *,
    wait: Call = lambda: None,
    clock: Callable[[], float] | None = None,
    sleep: Callable[[float], object] = time.sleep,
) -> dict[str, Timing]:
    """Time calls in rounds: each has one turn a round, and each round begins with another one.

    Args:
        wait: returns when the device has finished what it was given; called before the clock is read.
        clock: seconds; None takes that of the plan.
        sleep: called with `plan.rest` before each turn, unless that is 0.
    Returns: one Timing a call, with `plan.rounds` figures.

    >>> take_turns({"sum": lambda: sum(range(9))}, Plan(rounds=4))["sum"].median > 0
    True
    """
    clock = clock or CLOCKS[plan.clock]
    for call in calls.values():
        _repeat(call, plan.warmup, wait)
    took: dict[str, list[float]] = {name: [] for name in calls}
    for name in _order(list(calls), plan.rounds):
        if plan.rest:
            sleep(plan.rest)
        _repeat(calls[name], plan.lead, wait)
        start = clock()
        _repeat(calls[name], 1, wait)
        took[name].append(clock() - start)
    return {name: Timing(tuple(seconds)) for name, seconds in took.items()}


def waiting(device: torch.device) -> Call:
    """What returns when `device` has finished; the host itself never lags behind."""
    if device.type == "cpu":
        return lambda: None
    return lambda: torch.accelerator.synchronize(device)


def _order(names: list[str], rounds: int) -> Iterator[str]:
    """Whose turn it is; each round begins with the next one."""
    for turn in range(rounds):
        first = turn % max(1, len(names))
        yield from names[first:] + names[:first]


def _repeat(call: Call, times: int, wait: Call) -> None:
    for _ in range(times):
        call()
    wait()
