import pytest
from torch import nn

from hrpose.errors import ConfigError
from hrpose.layers.groups import decayed_groups


def layers() -> list[tuple[nn.Module, ...]]:
    return [(nn.Conv2d(3, 4, 3),), (nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1)), (nn.Linear(4, 2),)]


def test_rates_shrink_from_the_last_layer_to_the_first() -> None:
    groups = decayed_groups(layers(), lr=8.0, layer_decay=0.5)
    assert [g["lr"] for g in groups] == [2.0, 2.0, 4.0, 4.0, 8.0, 8.0]


def test_only_matrices_decay() -> None:
    groups = decayed_groups(layers(), lr=1.0, weight_decay=0.1)
    assert all((g["weight_decay"] == 0.1) == all(p.ndim > 1 for p in g["params"]) for g in groups)
    assert all((g["weight_decay"] == 0.0) == all(p.ndim == 1 for p in g["params"]) for g in groups)


def test_each_parameter_is_in_one_group() -> None:
    parts = layers()
    grouped = [id(p) for g in decayed_groups(parts, lr=1.0) for p in g["params"]]
    assert sorted(grouped) == sorted(id(p) for layer in parts for m in layer for p in m.parameters())


def test_frozen_parameters_are_left_out() -> None:
    parts = layers()
    parts[0][0].requires_grad_(False)
    assert [g["lr"] for g in decayed_groups(parts, lr=1.0, layer_decay=0.5)] == [0.5, 0.5, 1.0, 1.0]


@pytest.mark.parametrize("decay", [0.0, 1.5])
def test_a_decay_that_grows_or_stops_the_rate_is_refused(decay) -> None:
    text = f"layer_decay={decay}, but rates must shrink towards the input; give 0 < decay <= 1"
    with pytest.raises(ConfigError, match=text):
        decayed_groups(layers(), lr=1.0, layer_decay=decay)
