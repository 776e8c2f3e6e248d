"""Who gets whom at the least total cost: the assignment problem of tag grouping.

Costs of grouping are rounded, so several assignments are often equally cheap, and which of them comes out
changes the people found in a crowd. The published figures were made with the classic Munkres algorithm;
`munkres` here breaks ties as that one does. `scipy` is SciPy's: as cheap, with ties broken another way.
"""

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hrpose.codecs.checks import choose
from hrpose.errors import DataError, ShapeError

Assignment: TypeAlias = Literal["munkres", "scipy"]
Costs: TypeAlias = NDArray[np.float64]
Pairs: TypeAlias = NDArray[np.intp]  # (min(R, C), 2): (row, column), by row


def assign(cost: Costs, method: Assignment = "munkres") -> Pairs:
    """Pair rows with columns, each at most once and as many as there can be, at the least total cost.

    Args:
        cost: (R, C).
        method: "munkres" breaks ties as the classic algorithm does, "scipy" as SciPy does.
    Returns: min(R, C) pairs (row, column), by row.
    Raises: ShapeError unless cost is a matrix; DataError if it holds NaN or infinity; UnknownNameError for
        another method.
    Source: Munkres, SIAM 1957; Crouse, IEEE TAES 2016 (SciPy).

    >>> assign(np.array([[4.0, 1.0, 3.0], [2.0, 0.0, 5.0]])).tolist()
    [[0, 1], [1, 0]]
    """
    solve = METHODS[choose("assignment", method, METHODS)]
    if cost.ndim != 2:
        raise ShapeError(f"cost has the shape {cost.shape}, but (R, C) is needed; reshape it")
    if not np.isfinite(cost).all():
        raise DataError(
            "cost holds NaN or infinity, but pairs are chosen by finite costs; clean the maps first"
        )
    return solve(np.asarray(cost, dtype=np.float64)) if cost.size else np.empty((0, 2), np.intp)


def scipy_pairs(cost: Costs) -> Pairs:
    """SciPy's answer."""
    from scipy.optimize import linear_sum_assignment

    return np.stack(linear_sum_assignment(cost), 1)


def munkres_pairs(cost: Costs) -> Pairs:
    """The answer of the classic algorithm, in the order of its steps, by which it breaks ties."""
    rows, cols = cost.shape
    n = max(rows, cols)
    table = np.zeros((n, n))  # a square: what is missing costs nothing
    table[:rows, :cols] = cost
    table -= table.min(1, keepdims=True)
    starred = _star_first_zeros(_zeros(table))
    while -1 in starred:
        _star_one_more(table, starred)
    pairs = [(row, col) for row, col in enumerate(starred[:rows]) if col < cols]
    return np.array(pairs, dtype=np.intp)


METHODS: dict[str, Callable[[Costs], Pairs]] = {"munkres": munkres_pairs, "scipy": scipy_pairs}


def _zeros(table: Costs) -> list[int]:
    """Where each row is 0, as a set of columns: bit j of number i stands for table[i, j]."""
    packed = np.packbits(table == 0, axis=1, bitorder="little")
    width, whole = packed.shape[1], packed.tobytes()
    return [int.from_bytes(whole[at : at + width], "little") for at in range(0, len(whole), width)]


def _star_first_zeros(zeros: list[int]) -> list[int]:
    """Give each row the first of its zeros that no row above has; -1 where there is none."""
    free = (1 << len(zeros)) - 1
    starred = []
    for row in zeros:
        first = row & free & -(row & free)  # the lowest bit
        free ^= first
        starred.append(first.bit_length() - 1)
    return starred


def _star_one_more(table: Costs, starred: list[int]) -> None:
    """Lower the table until a path of zeros frees a column, and star along it; both arguments change.

    A row of the path gives up its star, whose column was wanted above, for its prime.
    """
    holder = {col: row for row, col in enumerate(starred) if col >= 0}
    n = len(starred)
    unread = [True] * n  # rows not covered
    free = sum(1 << col for col in range(n) if col not in holder)  # columns not covered
    primes: dict[int, int] = {}
    zeros, row, col = _zeros(table), 0, 0
    while True:
        found = _find_zero(zeros, unread, free, row, col)
        if found is None:
            _lower(table, unread, free)
            zeros, row, col = _zeros(table), 0, 0
            continue
        row, primes[found[0]] = found
        if starred[row] < 0:
            break
        col = starred[row]
        unread[row] = False
        free |= 1 << col
    while row >= 0:
        above, starred[row] = row, primes[row]
        row = holder.get(primes[above], -1)


def _find_zero(zeros: list[int], unread: list[bool], free: int, row: int, col: int) -> tuple[int, int] | None:
    """The next row, going round from `row`, with a zero; of its zeros the last, going round from `col`."""
    n = len(zeros)
    for i in (*range(row, n), *range(row)):
        here = zeros[i] & free
        if here and unread[i]:
            before = here & ((1 << col) - 1)  # going round, these come after the rest
            return i, (before or here).bit_length() - 1
    return None


def _lower(table: Costs, unread: list[bool], free: int) -> None:
    """Make one more zero among the open places; sums in the classic order, so that they round the same."""
    rows = np.array(unread)
    cols = np.array([free >> j & 1 for j in range(len(unread))], dtype=bool)
    least = table[rows][:, cols].min()
    table[~rows] += least
    table[:, cols] -= least
