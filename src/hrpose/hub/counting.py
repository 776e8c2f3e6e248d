"""How many of something there are, told by the numbers in the names of weights."""

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from torch import Tensor

Weights: TypeAlias = Mapping[str, Tensor]


def count(names: Iterable[str], prefix: str) -> int:
    """How many different numbers follow `prefix`.

    >>> count(["a.0.w", "a.1.w", "a.1.b", "b.7.w"], "a.")
    2
    """
    numbers = re.compile(re.escape(prefix) + r"(\d+)\.")
    return len({match[1] for name in names if (match := numbers.match(name))})
