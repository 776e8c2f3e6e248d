"""What became of each weight of a file and of each parameter of a model."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hrpose.errors import WeightsError

SOME = 5  # names shown of a longer list


@dataclass(frozen=True, kw_only=True)
class LoadReport:
    """What loading did. Every parameter of the model is in exactly one of loaded, reinitialised and missing.

    Args:
        loaded: parameters that hold what the file held, reshaped or not.
        reinitialised: parameters left as the model began, on purpose, and why.
        reshaped: loaded parameters that had another shape in the file, and what was done.
        missing: parameters that the file should have had.
        unexpected: names of the file that nothing claims.
        dropped: names of the file that were left out on purpose, and why.
        peeled: wrappers taken off the file's names.
        stubs: foreign names in the file's pickle; none of them was run.
    """

    source: str
    origin: str
    loaded: tuple[str, ...] = ()
    reinitialised: Mapping[str, str] = field(default_factory=dict)
    reshaped: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    dropped: Mapping[str, str] = field(default_factory=dict)
    peeled: tuple[str, ...] = ()
    stubs: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every parameter came from the file as it was."""
        return not (self.reinitialised or self.reshaped or self.missing)

    def __str__(self) -> str:
        lines = [f"{self.source}: {self.origin}", f"  loaded: {len(self.loaded)} tensors"]
        lines += [f"  peeled: {' '.join(self.peeled)}"] if self.peeled else []
        lines += [f"  not run: {some(self.stubs)}"] if self.stubs else []
        for title in ("reinitialised", "reshaped", "dropped"):
            lines += [f"  {title}: {line}" for line in by_reason(getattr(self, title))]
        for title in ("missing", "unexpected"):
            names = getattr(self, title)
            lines += [f"  {title}: {some(names)}"] if names else []
        return "\n".join(lines)


def by_reason(reasons: Mapping[str, str]) -> list[str]:
    """One line for each reason, with the names that it holds for.

    >>> by_reason({"a": "new", "b": "new"})
    ['a, b (new)']
    """
    grouped = {reason: [n for n, r in reasons.items() if r == reason] for reason in Counter(reasons.values())}
    return [f"{some(names)} ({reason})" for reason, names in grouped.items()]


def some(names: Sequence[str]) -> str:
    """The first of many names, and how many more there are.

    >>> some(["a", "b", "c", "d", "e", "f", "g"])
    'a, b, c, d, e and 2 more'
    """
    rest = f" and {len(names) - SOME} more" if len(names) > SOME else ""
    return ", ".join(names[:SOME]) + rest


def refuse_other_settings(report: LoadReport) -> None:
    """Raise WeightsError if a model built from the settings beside the weights is not the one they are of."""
    changed = {**report.reinitialised, **report.reshaped}
    lines = by_reason({n: why for n, why in changed.items() if not n.endswith("num_batches_tracked")})
    if lines:
        fix = "save the model again, or build one with the settings that you want and call load_weights"
        raise WeightsError(
            "\n  ".join((f"the settings and the weights of {report.source} are of two models:", *lines))
            + f"\n{fix}"
        )


def refuse_gaps(report: LoadReport, wrong: Mapping[str, str]) -> None:
    """Raise WeightsError if anything is missing, unexpected or of a wrong shape."""
    faults = [f"  missing: {some(report.missing)}"] if report.missing else []
    faults += [f"  unexpected: {some(report.unexpected)}"] if report.unexpected else []
    faults += [f"  wrong shape: {name}: {shapes}" for name, shapes in list(wrong.items())[:SOME]]
    if faults:
        lines = (f"the weights of {report.source} ({report.origin}) do not fit this model:", *faults)
        fix = "from_checkpoint builds the model that fits; strict=False loads what fits and reports the rest"
        raise WeightsError("\n".join((*lines, fix)))
