"""Rates, groups and the running mean of the weights."""

import itertools

import pytest
import torch
from torch import nn

from hrpose.train.config import FitConfig
from hrpose.train.optim import WeightMean, make_optimizer, parameter_groups, rate_factor, set_rate
from tests.train.conftest import small_model


def test_the_rate_warms_up_and_falls_along_a_cosine() -> None:
    config = FitConfig(warmup=10)
    rates = [rate_factor(step, 100, config) for step in range(100)]
    assert rates[:10] == pytest.approx([(k + 1) / 10 for k in range(10)])
    assert rates[10] == pytest.approx(1.0)
    assert all(a > b for a, b in itertools.pairwise(rates[10:]))
    assert rates[-1] == pytest.approx(0.01)


def test_the_rate_falls_in_steps_at_the_milestones() -> None:
    config = FitConfig(schedule="step", milestones=(0.5, 0.9), drop=0.1)
    rates = [rate_factor(step, 10, config) for step in range(10)]
    assert rates == pytest.approx([1.0] * 5 + [0.1] * 4 + [0.01])


def test_a_constant_rate_stays() -> None:
    assert {rate_factor(step, 10, FitConfig(schedule="constant")) for step in range(10)} == {1.0}


def test_a_warm_up_longer_than_the_run_only_rises() -> None:
    rates = [rate_factor(step, 4, FitConfig(warmup=8)) for step in range(4)]
    assert rates == pytest.approx([0.125, 0.25, 0.375, 0.5])


def test_setting_the_rate_twice_does_not_multiply_twice() -> None:
    optimizer = make_optimizer(nn.Linear(1, 1), FitConfig(lr=1.0))
    for factor in (0.5, 0.5):
        set_rate(optimizer, factor)
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_layers_learn_the_slower_the_nearer_to_the_input() -> None:
    groups = parameter_groups(small_model(), FitConfig(lr=1.0, layer_decay=0.5))
    rates = [group["lr"] for group in groups]
    assert rates == sorted(rates)  # type: ignore[type-var]
    assert rates[-1] == 1.0
    assert rates[0] < 0.5  # type: ignore[operator]


def test_every_weight_that_learns_is_in_one_group() -> None:
    model = small_model()
    model.backbone.freeze(("stem",))
    grouped = [p for group in parameter_groups(model, FitConfig()) for p in group["params"]]  # type: ignore[attr-defined]
    learning = [p for p in model.parameters() if p.requires_grad]
    assert {id(p) for p in grouped} == {id(p) for p in learning}
    assert len(grouped) == len(learning)


@pytest.mark.parametrize(
    ("name", "kind"), [("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)]
)
def test_the_optimizer_is_the_one_named(name: str, kind: type) -> None:
    assert type(make_optimizer(small_model(), FitConfig(optimizer=name))) is kind  # type: ignore[arg-type]


def test_the_mean_follows_slowly_and_keeps_counters() -> None:
    model = small_model()
    mean = WeightMean(model, decay=0.5)
    before = mean.model.head.conv.weight.clone()  # type: ignore[union-attr, operator]
    mean.updates = 100  # past the quick start
    with torch.no_grad():
        model.head.conv.weight.add_(1.0)
    model.backbone.stem[1].num_batches_tracked.fill_(7)  # type: ignore[index, union-attr, operator]
    mean.update(model)
    torch.testing.assert_close(mean.model.head.conv.weight, before + 0.5)  # type: ignore[union-attr]
    assert mean.model.backbone.stem[1].num_batches_tracked == 7  # type: ignore[index, union-attr]
    assert not any(p.requires_grad for p in mean.model.parameters())
