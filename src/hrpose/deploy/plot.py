"""A plot of what `bench` measured: one group of bars a table, with the quartiles on them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hrpose.deploy.bench import Row, Table
from hrpose.errors import ConfigError, MissingExtraError

ENDINGS = (".png", ".pdf", ".svg")


def check_plot(path: Path) -> None:
    """Raise ConfigError for a file of another kind, MissingExtraError without matplotlib."""
    if path.suffix not in ENDINGS:
        raise ConfigError(f"{path} is no picture; let it end in {', '.join(ENDINGS)}")
    _figures()


def plot(tables: Sequence[Table], path: Path) -> None:
    """Write a picture: a panel a table, a bar a row, milliseconds along it; what is shorter is faster.

    Raises: ConfigError for a file of another kind, MissingExtraError without matplotlib.
    """
    check_plot(path)
    figure = _figures()(figsize=(8, sum(1.2 + 0.4 * len(table.rows) for table in tables)))
    panels = figure.subplots(len(tables), 1, squeeze=False)[:, 0]
    for table, panel in zip(tables, panels, strict=True):
        _bars(panel, table)
    figure.tight_layout()
    figure.savefig(path)


def _bars(panel: Any, table: Table) -> None:
    names = [row.name for row in table.rows]
    panel.barh(names, [_milliseconds(row) for row in table.rows], xerr=_spread(table.rows), color="#4c78a8")
    panel.invert_yaxis()
    height, width = table.size
    panel.set_title(f"{table.title}, {height}x{width}, batch {table.batch}, {table.dtype}", fontsize=10)
    panel.set_xlabel("milliseconds, median and quartiles")
    for place, row in enumerate(table.rows):
        if row.timing is None:
            panel.text(0, place, " not measured", va="center", fontsize=8)


def _milliseconds(row: Row) -> float:
    return 0.0 if row.timing is None else 1e3 * row.timing.median


def _spread(rows: Sequence[Row]) -> list[list[float]]:
    """How far the quartiles lie below and above the median."""
    below, above = [], []
    for row in rows:
        low, high = (0.0, 0.0) if row.timing is None else row.timing.quartiles
        below.append(_milliseconds(row) - 1e3 * low)
        above.append(1e3 * high - _milliseconds(row))
    return [below, above]


def _figures() -> Any:
    """The class of matplotlib's figures, which draws into files without a window."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError(
            'a plot needs matplotlib; run: python -m pip install "hrpose[viz]"'
        ) from error
    return Figure
