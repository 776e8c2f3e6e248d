"""Read a rename table in either direction: exactly one rule for each name, every name filled once."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, TypeAlias

from torch import Tensor

from hrpose.errors import ConfigError, WeightsError

Rule: TypeAlias = tuple[str, str]  # theirs, ours
Kind: TypeAlias = Literal["trunk", "topdown", "bottomup", "hourglass", "classifier", "segmenter", "any"]


@cache
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """A name with numbers left open, as a regular expression.

    `{x}` is a number, the same one wherever `x` stands again. A pattern that ends in a dot claims every
    name with one more word after it (weight, bias, running_mean ...); `*` at the end is any rest at all.

    >>> compile_pattern("layer1.{i}.bn{n}.").fullmatch("layer1.3.bn2.weight").groupdict()
    {'i': '3', 'n': '2', 'word': 'weight'}
    """
    seen: set[str] = set()

    def number(match: re.Match[str]) -> str:
        name = match[1]
        known = name in seen
        seen.add(name)
        return f"(?P={name})" if known else rf"(?P<{name}>\d+)"

    open_numbers = re.sub(r"\\\{(\w+)\\\}", number, re.escape(pattern.removesuffix("*")))
    rest = ".+" if pattern.endswith("*") else r"(?P<word>\w+)" if pattern.endswith(".") else ""
    return re.compile(open_numbers + rest)


def under(prefixes: Rule, rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The same rules for names that stand behind a prefix.

    >>> under(("backbone.", "net."), [("conv1.", "stem.0.")])
    (('backbone.conv1.', 'net.stem.0.'),)
    """
    return tuple((prefixes[0] + theirs, prefixes[1] + ours) for theirs, ours in rules)


class Table:
    """Rules made ready for one direction.

    >>> Table([("layer1.{i}.", "stage1.{i}.")]).rename("layer1.2.weight")
    'stage1.2.weight'
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = [(compile_pattern(source), target) for source, target in rules]

    @staticmethod
    @cache
    def forth(rules: tuple[Rule, ...]) -> "Table":
        """From their names to ours."""
        return Table(rules)

    @staticmethod
    @cache
    def back(rules: tuple[Rule, ...]) -> "Table":
        """From our names to theirs."""
        return Table([(ours, theirs) for theirs, ours in rules])

    def rename(self, name: str) -> str | None:
        """The other side's name, or None if no rule claims this one; ConfigError if two do."""
        claims = [(m, target) for pattern, target in self.rules if (m := pattern.fullmatch(name))]
        if len(claims) > 1:
            raise ConfigError(
                f"two rules claim {name}: they lead to {claims[0][1]} and {claims[1][1]}; keep one"
            )
        if not claims:
            return None
        match, target = claims[0]
        numbers = match.groupdict()
        word = numbers.pop("word", "")
        return target.format(**numbers) + word


@dataclass(frozen=True, kw_only=True)
class Converted:
    """Weights under the other side's names, what no rule claims, and what was left out and why."""

    weights: dict[str, Tensor]
    unclaimed: tuple[str, ...] = ()
    dropped: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where weights come from: how their names map to ours, and what names alone cannot tell.

    Args:
        tells: patterns of their names; a file of this origin has a name for each of them.
        maps: how many maps the last tell must give, where an origin before ORIGINS' next has the same names.
        drops: (pattern, reason) of what a file may hold and our models do not.
        swaps: patterns of our names whose first two axes are the other way round there.
        order: patterns of their names in the order of their modules, where ours is another.
        upsample, align_corners, bn_momentum: settings of the original code; None follows from the head.
    """

    name: str  # as in from_checkpoint(origin=...) and reports
    title: str
    kind: Kind
    rules: tuple[Rule, ...]
    tells: tuple[str, ...]
    maps: tuple[int, ...] = ()
    drops: tuple[tuple[str, str], ...] = ()
    swaps: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    upsample: str | None = None
    align_corners: bool = False
    bn_momentum: float = 0.1

    def rules_for(self, names: Collection[str]) -> tuple[Rule, ...]:
        """The rules for a file with these names, theirs or ours."""
        return self.rules

    def recognises(self, names: Iterable[str]) -> bool:
        """Whether every tell has a name among `names`."""
        known = list(names)
        return all(any(map(compile_pattern(tell).fullmatch, known)) for tell in self.tells)

    def fits(self, weights: Iterable[str] | Mapping[str, Tensor]) -> bool:
        """Whether the last layer has as many maps as tell this origin from others with the same names."""
        if not self.maps:
            return True
        return isinstance(weights, Mapping) and weights[self.tells[-1]].shape[0] in self.maps

    def import_weights(self, theirs: Mapping[str, Tensor]) -> Converted:
        """Their state dict under our names, in their order."""
        reasons = {name: self.reason(name, theirs) for name in theirs}
        kept = {name: w for name, w in theirs.items() if reasons[name] is None}
        weights, unclaimed = self._renamed(kept, Table.forth(self.rules_for(theirs)))
        swapped = {name: self._swapped(name, w) for name, w in weights.items()}
        dropped = {name: reason for name, reason in reasons.items() if reason is not None}
        return Converted(weights=swapped, unclaimed=unclaimed, dropped=dropped)

    def export_weights(self, ours: Mapping[str, Tensor]) -> Converted:
        """Our state dict under their names, in their order; without what `reason` drops from it."""
        swapped = {name: self._swapped(name, w) for name, w in ours.items()}
        weights, unclaimed = self._renamed(swapped, Table.back(self.rules_for(ours)))
        sorted_weights = {name: weights[name] for name in sorted(weights, key=self._place)}
        return Converted(weights=sorted_weights, unclaimed=unclaimed)

    def reason(self, name: str, theirs: Mapping[str, Tensor]) -> str | None:
        """Why this one of their names is left out, or None if it is not."""
        reasons = (reason for pattern, reason in self.drops if compile_pattern(pattern).fullmatch(name))
        return next(reasons, None)

    def _place(self, name: str) -> tuple[int, ...]:
        """Where one of their names stands: by `order`, then by the numbers that its pattern leaves open."""
        for place, pattern in enumerate(self.order):
            if match := compile_pattern(pattern).fullmatch(name):
                return (place, *map(int, match.groups()))
        return (len(self.order),)

    def _swapped(self, name: str, weight: Tensor) -> Tensor:
        swap = any(compile_pattern(pattern).fullmatch(name) for pattern in self.swaps)
        return weight.transpose(0, 1) if swap else weight

    def _renamed(
        self, weights: Mapping[str, Tensor], table: Table
    ) -> tuple[dict[str, Tensor], tuple[str, ...]]:
        names = {name: table.rename(name) for name in weights}
        filled: dict[str, str] = {}
        for source, target in names.items():
            if target in filled:
                raise WeightsError(f"{filled[target]} and {source} both fill {target}; leave one of them out")
            if target is not None:
                filled[target] = source
        unclaimed = tuple(source for source, target in names.items() if target is None)
        return {target: weights[source] for target, source in filled.items()}, unclaimed
