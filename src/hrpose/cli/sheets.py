"""The sheets of pictures and the table that `hrpose demo` leaves behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hrpose.predict import People
from hrpose.viz import DrawStyle, panels

FIGURES = ("AP", "AP50", "AP75", "AR")
EVERY_POINT = DrawStyle(min_score=float("-inf"))  # an untrained layer is sure of nothing: show what it says
A_COLOUR_EACH = DrawStyle(color_by="person", min_score=0.1)
SURE = 0.2  # a stray peak is a person too, with a score near 0


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    title: str
    keypoints: int
    stats: dict[str, float]


def table(rows: Sequence[Row]) -> str:
    """The rows under their heads, as text.

    >>> stats = {"AP": 0.5, "AP50": 0.75, "AP75": 0.5, "AR": 0.25}
    >>> print(table([Row(title="before", keypoints=9, stats=stats)]))
            keypoints     AP   AP50   AP75     AR
    before          9  0.500  0.750  0.500  0.250
    """
    wide = max(len(row.title) for row in rows)
    head = f"{'':<{wide}}  {'keypoints':>9}" + "".join(f"{name:>7}" for name in FIGURES)
    lines = [
        f"{row.title:<{wide}}  {row.keypoints:>9}" + "".join(f"{row.stats[name]:>7.3f}" for name in FIGURES)
        for row in rows
    ]
    return "\n".join([head, *lines])


def save_predictions(path: Path, people: Sequence[People]) -> None:
    """Pictures with the people found in them, two a row."""
    titles = [f"{len(some)} {'person' if len(some) == 1 else 'people'}" for some in people]
    panels([some.draw() for some in people], titles, columns=2).save(path)


def save_crowd(path: Path, people: Sequence[People]) -> None:
    """Pictures side by side with a colour a person; who is hardly one is left out."""
    sure = [some[some.person_scores > SURE] for some in people]
    titles = [f"{len(some)} people, by their tags" for some in sure]
    panels([some.draw(style=A_COLOUR_EACH) for some in sure], titles).save(path)


def save_before_after(path: Path, before: Sequence[People], after: Sequence[People]) -> None:
    """Each picture twice: on the left before fine-tuning, on the right after."""
    pairs = list(zip(before, after, strict=True))
    pictures = [picture for old, new in pairs for picture in (old.draw(style=EVERY_POINT), new.draw())]
    panels(pictures, ["before fine-tuning", "after fine-tuning"] * len(pairs), columns=2).save(path)
