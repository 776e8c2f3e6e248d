"""Operations and bytes by hand, and the limits of a device from probes of known duration."""

from itertools import count

import pytest
import torch
from torch import nn

from hrpose.deploy.counting import Cost, count_cost
from hrpose.deploy.roofline import CONV, COPY, MATMUL, Probe, Roofline, probe_for
from hrpose.deploy.timing import Plan, Timing, take_turns


def test_a_convolution_costs_what_it_costs_on_paper() -> None:
    cost = count_cost(nn.Conv2d(3, 8, 3, padding=1, bias=False), torch.zeros(2, 3, 10, 12))
    assert cost.operations == 2 * (2 * 10 * 12 * 8) * (3 * 9)
    assert cost.moved == 4 * (2 * 3 * 120 + 2 * 8 * 120 + 8 * 3 * 9)
    assert cost.weights == 4 * 8 * 3 * 9


def test_norms_and_activations_are_part_of_the_convolution_they_follow() -> None:
    conv = nn.Conv2d(3, 8, 1)
    images = torch.zeros(1, 3, 4, 4)
    alone = count_cost(conv, images)
    followed = count_cost(nn.Sequential(conv, nn.BatchNorm2d(8), nn.ReLU()).eval(), images)
    assert (followed.operations, followed.moved) == (alone.operations, alone.moved)


def test_a_linear_layer_counts_as_well() -> None:
    cost = count_cost(nn.Linear(5, 7, bias=False), torch.zeros(2, 5))
    assert (cost.operations, cost.moved) == (2 * 2 * 5 * 7, 4 * (10 + 35 + 14))


def test_half_the_bytes_a_number_move_half_the_bytes() -> None:
    cost = Cost(operations=10, moved=400, weights=200)
    assert cost.scaled(2) == Cost(operations=10, moved=200, weights=100)
    assert cost.scaled(4) == cost


def test_probes_do_what_they_say() -> None:
    probe = Probe(side=4, bytes=64)
    calls = probe.calls(torch.device("cpu"))
    assert set(calls) == {MATMUL, CONV, COPY}
    product, convolved, copied = (call() for call in calls.values())
    assert product.shape == (4, 4)  # type: ignore[attr-defined]
    assert convolved.numel() == 1  # type: ignore[attr-defined]
    assert copied.nbytes == 64  # type: ignore[attr-defined]
    assert (probe.operations, probe.moved) == (128, 128)


def test_the_roofline_is_read_off_the_fastest_probes() -> None:
    timed = {MATMUL: Timing((4.0, 2.0)), CONV: Timing((3.0,)), COPY: Timing((1.0, 0.5))}
    limits = Probe(side=100, bytes=500).roofline(timed)
    assert limits == Roofline(operations=1e6, bandwidth=2000)
    timed[CONV] = Timing((1e-3,))  # 25 channels, 6 x 6 pixels, 9 taps
    faster = Probe(side=100, bytes=500).roofline(timed)
    assert faster.operations == pytest.approx(2 * 25 * 25 * 36 * 9 * 1e3)


def test_probes_are_timed_in_the_rounds_of_what_they_are_compared_with() -> None:
    ticks = count()
    probe = Probe(side=2, bytes=4)
    calls = {"network": lambda: None} | probe.calls(torch.device("cpu"))
    timed = take_turns(calls, Plan(rounds=3, warmup=0, lead=0), clock=lambda: float(next(ticks)))
    assert {name: timing.seconds for name, timing in timed.items()} == dict.fromkeys(calls, (1, 1, 1))


@pytest.mark.parametrize(("operations", "moved", "limit"), [(100, 10, 10.0), (10, 100, 50.0)])
def test_the_slower_of_operations_and_bytes_is_the_limit(operations: int, moved: int, limit: float) -> None:
    roofline, cost = (
        Roofline(operations=10, bandwidth=2),
        Cost(operations=operations, moved=moved, weights=0),
    )
    assert roofline.limit(cost) == limit
    assert roofline.reached(cost, 4 * limit) == 0.25


def test_an_accelerator_gets_larger_probes() -> None:
    host, device = (probe_for(torch.device(name), torch.bfloat16) for name in ("cpu", "cuda"))
    assert device.operations > 100 * host.operations
    assert device.bytes > host.bytes
    assert host.dtype == device.dtype == torch.bfloat16
