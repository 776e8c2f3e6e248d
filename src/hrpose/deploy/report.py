"""Report: tables of `bench` with what they were measured on, as Markdown and as JSON."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from hrpose.deploy.bench import Row, Table
from hrpose.deploy.timing import Plan

HEAD = ("", "median, ms", "quartiles, ms", "over eager", "images a second", "of the limit", "differs by")
NONE = "-"


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that belongs to a figure: when, on what and how it was measured."""

    date: str  # ISO 8601
    command: str
    hardware: dict[str, str]
    plan: Plan
    tables: tuple[Table, ...]

    def markdown(self) -> str:
        """As text for a page."""
        told = ", ".join(f"{name} {value}" for name, value in self.hardware.items())
        lines = [f"`{self.command}`", "", f"{self.date}; {told}.", f"{_of_plan(self.plan)}"]
        return "\n".join([*lines, *(f"\n{markdown(table)}" for table in self.tables)])

    def json(self) -> str:
        """Every single time with it, in seconds."""
        return json.dumps(asdict(self) | {"tables": [to_dict(table) for table in self.tables]}, indent=1)


def to_dict(table: Table) -> dict[str, Any]:
    """A table as plain values, with the figures that follow from others."""
    rows = [asdict(row) | _figures(table, row) for row in table.rows]
    limits = {
        "seconds_by_operations": table.roofline.by_operations(table.cost),
        "seconds_by_bytes": table.roofline.by_bytes(table.cost),
    }
    return asdict(table) | limits | {"rows": rows}


def markdown(table: Table) -> str:
    """A table under its title, and below it what the device could do at best."""
    height, width = table.size
    title = f"**{table.title}**, {height}x{width}, batch {table.batch}, {table.dtype}"
    rows = [HEAD, ("---",) * len(HEAD), *(cells(table, row) for row in table.rows)]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([title, "", *lines, "", *_of_limits(table)])


def cells(table: Table, row: Row) -> tuple[str, ...]:
    """The cells of a row."""
    if row.timing is None:
        return (row.name, f"not measured: {row.reason}".replace("|", "/"), *(NONE,) * (len(HEAD) - 2))
    figures = _figures(table, row)
    ratio, reached = figures["over_eager"], figures["reached"]
    low, high = (1e3 * each for each in row.timing.quartiles)
    return (
        row.name,
        number(1e3 * row.timing.median),
        f"{number(low)} to {number(high)}",
        NONE if ratio is None else f"{ratio:.2f}",
        number(table.batch / row.timing.median),
        NONE if reached is None else f"{reached:.0%}",
        NONE if row.differs is None else f"{row.differs:.0e}",
    )


def number(value: float) -> str:
    """Three figures that count, and no more.

    >>> number(0.12345), number(12.345), number(1234.5)
    ('0.123', '12.3', '1234')
    """
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _figures(table: Table, row: Row) -> dict[str, float | None]:
    """What follows from the times of a row; a peer may do another amount of work, so it has no limit."""
    if row.timing is None:
        return {"over_eager": None, "images_per_second": None, "reached": None}
    median, ours = row.timing.median, row.of_model
    return {
        "over_eager": None if table.eager is None else table.eager / median,
        "images_per_second": table.batch / median,
        "reached": table.roofline.reached(table.cost, median) if ours else None,
    }


def _of_plan(plan: Plan) -> str:
    of_clock = "" if plan.clock == "wall" else " of processor time, not of a clock on the wall,"
    return (
        f"Medians{of_clock} of {plan.rounds} rounds in which all rows take turns, after {plan.warmup} calls "
        f"of each; {plan.lead} more before each that counts."
    )


def _of_limits(table: Table) -> Iterator[str]:
    cost, roofline = table.cost, table.roofline
    yield (
        f"{number(cost.operations / 1e9)} G operations, {number(cost.moved / 1e6)} MB moved "
        f"({number(cost.weights / 1e6)} MB of weights). In the same rounds the device did at best "
        f"{number(roofline.operations / 1e9)} G operations, and moved {number(roofline.bandwidth / 1e9)} GB, "
        f"a second: at least {number(1e3 * roofline.by_operations(cost))} ms by operations, "
        f"{number(1e3 * roofline.by_bytes(cost))} ms by bytes."
    )
