"""Timing by a clock that the test moves: whose turn it is, what counts, and what becomes of the figures."""

from collections.abc import Callable

import pytest
import torch

from hrpose.deploy.timing import CLOCKS, Plan, Timing, take_turns, waiting
from hrpose.errors import ConfigError, UnknownNameError


class Clock:
    """Time passes only when a call says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.told: list[str] = []

    def __call__(self) -> float:
        return self.now

    def call(self, name: str, *seconds: float) -> Callable[[], None]:
        """A call that takes these seconds one after the other, the last of them for ever."""
        left = list(seconds)

        def run() -> None:
            self.told.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return run


def test_calls_take_turns_and_each_round_begins_with_another() -> None:
    clock = Clock()
    calls = {name: clock.call(name, 1) for name in "abc"}
    take_turns(calls, Plan(rounds=4, warmup=0, lead=0), clock=clock)
    assert "".join(clock.told) == "abc" + "bca" + "cab" + "abc"


def test_warm_up_and_leading_calls_do_not_count() -> None:
    clock = Clock()
    calls = {"a": clock.call("a", 100, 100, 50, 2, 50, 4)}
    timing = take_turns(calls, Plan(rounds=2, warmup=2, lead=1), clock=clock)["a"]
    assert timing.seconds == (2, 4)
    assert len(clock.told) == 6


def test_the_device_is_waited_for_before_the_clock_is_read() -> None:
    clock = Clock()
    pending: list[float] = []

    def launch() -> None:
        clock.told.append("launch")
        pending.append(3.0)  # the device has work for three seconds, and the host goes on

    def wait() -> None:
        clock.told.append("wait")
        clock.now += sum(pending)
        pending.clear()

    timing = take_turns({"a": launch}, Plan(rounds=2, warmup=1, lead=1), clock=clock, wait=wait)["a"]
    assert timing.seconds == (3, 3)  # not 6: what led the turn was over before it began
    assert clock.told[:2] == ["launch", "wait"]


def test_a_rest_comes_before_each_turn_and_does_not_count() -> None:
    clock = Clock()
    rests: list[float] = []

    def sleep(seconds: float) -> None:
        rests.append(seconds)
        clock.now += seconds

    calls = {name: clock.call(name, 1) for name in "ab"}
    plan = Plan(rounds=3, warmup=0, lead=0, rest=0.5)
    timed = take_turns(calls, plan, clock=clock, sleep=sleep)
    assert rests == [0.5] * 6
    assert timed["a"].seconds == (1, 1, 1)


def test_drift_hits_all_alike() -> None:
    clock = Clock()
    slowing = {name: clock.call(name, *range(1, 9)) for name in "ab"}
    timed = take_turns(slowing, Plan(rounds=8, warmup=0, lead=0), clock=clock)
    assert timed["a"].median == timed["b"].median


def test_one_slow_call_moves_the_mean_but_not_the_median() -> None:
    timing = Timing((1, 1, 1, 1, 100))
    assert timing.median == timing.fastest == 1
    assert timing.quartiles == (1, 1)


def test_a_single_round_has_no_spread() -> None:
    assert Timing((2.0,)).quartiles == (2.0, 2.0)


def test_settings_without_a_meaning_are_refused() -> None:
    with pytest.raises(ConfigError, match="rounds=0; a median needs at least 1"):
        Plan(rounds=0)
    for name in ("warmup", "lead", "rest"):
        with pytest.raises(ConfigError, match=f"{name}=-1; give 0 or more"):
            Plan(**{name: -1})


def test_the_plan_chooses_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CLOCKS:
        clock = Clock()
        monkeypatch.setitem(CLOCKS, name, clock)
        timed = take_turns({"a": clock.call("a", 7)}, Plan(rounds=1, warmup=0, clock=name))
        assert timed["a"].seconds == (7,)
    with pytest.raises(UnknownNameError, match="clock='wal' is not known; did you mean wall"):
        Plan(clock="wal")


def test_the_host_is_not_waited_for_and_a_device_is(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[torch.device] = []
    monkeypatch.setattr(torch.accelerator, "synchronize", asked.append)
    waiting(torch.device("cpu"))()
    assert asked == []
    waiting(torch.device("cuda", 0))()
    assert asked == [torch.device("cuda", 0)]
