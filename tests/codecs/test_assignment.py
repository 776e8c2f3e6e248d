import itertools

import numpy as np
import pytest

from hrpose.codecs.assignment import assign
from hrpose.errors import DataError, ShapeError, UnknownNameError


def cheapest(cost: np.ndarray) -> float:
    """The least total cost, by trying everything."""
    rows, cols = cost.shape
    if rows > cols:
        return cheapest(cost.T)
    return min(
        sum(cost[i, j] for i, j in enumerate(cols)) for cols in itertools.permutations(range(cols), rows)
    )


@pytest.mark.parametrize("method", ["munkres", "scipy"])
@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (3, 5), (5, 3), (6, 6)])
def test_the_total_cost_is_the_least_there_is(method: str, shape: tuple[int, int]) -> None:
    draw = np.random.default_rng(sum(shape))
    for _ in range(20):
        cost = np.round(draw.random(shape) * 3) * 100 - draw.random((shape[0], 1))
        pairs = assign(cost, method)
        assert len(pairs) == min(shape)
        assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
        assert cost[tuple(pairs.T)].sum() == pytest.approx(cheapest(cost))


def test_equal_costs_are_broken_by_the_first_free_column() -> None:
    assert assign(np.zeros((3, 3))).tolist() == [[0, 0], [1, 1], [2, 2]]


def test_the_costs_given_stay_as_they_are() -> None:
    cost = np.arange(9.0).reshape(3, 3) % 4
    before = cost.copy()
    assign(cost)
    assert np.array_equal(cost, before)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_nothing_gives_no_pairs(shape: tuple[int, int]) -> None:
    assert assign(np.zeros(shape)).shape == (0, 2)


def test_columns_that_stand_for_nobody_are_taken_last() -> None:
    cost = np.array([[1.0, 1e10], [0.5, 1e10]])
    assert assign(cost).tolist() == [[0, 1], [1, 0]]


def test_more_columns_than_a_byte_has_bits_work() -> None:
    cost = 1.0 - np.eye(40)[::-1]
    assert assign(cost).tolist() == [[i, 39 - i] for i in range(40)]


def test_infinite_costs_are_refused() -> None:
    with pytest.raises(DataError, match=r"cost holds NaN or infinity.*clean the maps first"):
        assign(np.array([[np.nan, 1.0]]))


def test_a_vector_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"cost has the shape \(3,\), but \(R, C\) is needed"):
        assign(np.zeros(3))


def test_an_unknown_method_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"no assignment is called 'munkers'; did you mean munkres"):
        assign(np.zeros((1, 1)), "munkers")  # type: ignore[arg-type]
