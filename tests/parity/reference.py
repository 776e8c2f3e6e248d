"""Read the reference cases, compare with them as they ask, and say who answers for which kind."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
Outputs = Mapping[str, Any]


def reference_folder() -> Path:
    """The folder of `HRPOSE_REFERENCE`, else ../shared/reference, else our own compact subset."""
    named = os.environ.get("HRPOSE_REFERENCE")
    if named:
        return Path(named)
    beside = HERE.parents[2] / "shared" / "reference"
    return beside if beside.is_dir() else HERE / "data"


@dataclass(frozen=True)
class Case:
    """One file of codecs/: what went in, what came out of the original, how to compare."""

    path: Path

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        with np.load(self.path, allow_pickle=False) as z:
            return {name: z[name] for name in z.files}

    @cached_property
    def meta(self) -> dict[str, Any]:
        return json.loads(str(self.arrays["meta"]))

    @property
    def kind(self) -> str:
        return self.path.name.split("__")[0]

    @property
    def params(self) -> dict[str, Any]:
        return self.meta["params"]

    def __getitem__(self, name: str) -> np.ndarray:
        """An array by its full name, `in_x` or `out_x`."""
        return self.arrays[name]

    def json(self, name: str) -> Any:
        """A JSON document stored as bytes."""
        return json.loads(bytes(self.arrays[name]))

    @property
    def outputs(self) -> dict[str, np.ndarray]:
        return {name: a for name, a in self.arrays.items() if name.startswith("out_")}


Runner = Callable[[Case], Outputs]
RUNNERS: dict[str, Runner] = {}


def runs(*kinds: str) -> Callable[[Runner], Runner]:
    """Register the function that computes, with hrpose, what the cases of `kinds` hold.

    It returns {"out_x": array} for every output whose comparison is not mere information.
    """

    def register(runner: Runner) -> Runner:
        for kind in kinds:
            if kind in RUNNERS:
                raise ValueError(f"two runners for {kind}")
            RUNNERS[kind] = runner
        return runner

    return register


def check(case: Case, got: Outputs) -> None:
    """Compare every output as `meta['compare']` asks; raise AssertionError with all that differ."""
    compare = case.meta["compare"]
    asked = {n for n, spec in compare.items() if not (isinstance(spec, dict) and spec["mode"] == "info")}
    faults = [f"{name}: not computed" for name in sorted(asked - set(got))]
    faults += [f"{name}: no such output" for name in sorted(set(got) - set(compare))]
    for name in sorted(asked & set(got)):
        fault = difference(compare[name], got[name], case, name)
        if fault:
            faults.append(f"{name}: {fault}")
    assert not faults, f"{case.path.name}\n" + "\n".join(faults)


def difference(spec: Any, got: Any, case: Case, name: str) -> str | None:
    """What is wrong with `got`, or None if it is what the case asks for."""
    if isinstance(spec, dict) and spec["mode"] == "json":
        return json_difference(got, case.json(name), spec["atol"])
    got, ref = np.asarray(got), case[name]
    if isinstance(spec, dict) and spec["mode"] == "set":
        return set_difference(got, ref, spec["atol"])
    if got.shape != ref.shape:
        return f"shape {got.shape}, expected {ref.shape}"
    if spec == "exact":
        return None if np.array_equal(got, ref) else f"not equal, largest difference {_worst(got, ref)}"
    if isinstance(spec, list):
        good = np.isclose(got.astype(float), ref.astype(float), atol=spec[0], rtol=spec[1], equal_nan=True)
        if len(spec) > 2:
            good = good[case["out_" + spec[2]].astype(bool)]
        return None if good.all() else f"{(~good).sum()} of {good.size} outside {spec}, {_worst(got, ref)}"
    off = np.abs(got.astype(float) - ref.astype(float))
    if spec["mode"] == "image":
        fine = off.mean() <= spec["mean"] and off.max() <= spec["max"]
        return None if fine else f"mean {off.mean():.3g}, max {off.max():.3g}, allowed {spec}"
    if spec["mode"] == "mismatch_frac":
        return None if np.mean(off > 1e-6) <= spec["max"] else f"{np.mean(off > 1e-6):.3g} differ, {spec}"
    return f"unknown comparison {spec}"


def _worst(got: np.ndarray, ref: np.ndarray) -> str:
    if got.size == 0 or got.dtype.kind not in "fiub":
        return "-"
    return f"{np.nanmax(np.abs(got.astype(float) - ref.astype(float))):.6g}"


def set_difference(got: np.ndarray, ref: np.ndarray, atol: float) -> str | None:
    """Rows without order: each row of `ref` must take one row of `got`."""
    if got.shape != ref.shape:
        return f"shape {got.shape}, expected {ref.shape}"
    free = list(range(len(got)))
    for k, row in enumerate(ref):
        fits = [i for i in free if np.allclose(got[i], row, atol=atol, rtol=0, equal_nan=True)]
        if not fits:
            return f"row {k} of the reference has no equal"
        free.remove(fits[0])
    return None


def json_difference(got: Any, ref: Any, atol: float, where: str = "$") -> str | None:
    """The same structure, numbers within `atol`."""
    if isinstance(ref, dict):
        if not isinstance(got, dict) or set(got) != set(ref):
            return f"{where}: keys {sorted(got) if isinstance(got, dict) else got!r}, expected {sorted(ref)}"
        parts = [json_difference(got[k], ref[k], atol, f"{where}.{k}") for k in ref]
        return next((p for p in parts if p), None)
    if isinstance(ref, list):
        if not isinstance(got, list | tuple) or len(got) != len(ref):
            return (
                f"{where}: {len(got) if isinstance(got, list | tuple) else got!r}, expected {len(ref)} items"
            )
        parts = [
            json_difference(g, r, atol, f"{where}[{i}]")
            for i, (g, r) in enumerate(zip(got, ref, strict=True))
        ]
        return next((p for p in parts if p), None)
    if isinstance(ref, int | float) and not isinstance(ref, bool):
        good = isinstance(got, int | float) and (abs(got - ref) <= atol or (got != got and ref != ref))
        return None if good else f"{where}: {got!r}, expected {ref!r}"
    return None if got == ref else f"{where}: {got!r}, expected {ref!r}"
