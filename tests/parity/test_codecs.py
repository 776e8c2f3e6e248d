"""Every case of codecs/ in the reference folder, computed by hrpose and compared as the case asks."""

import importlib
from pathlib import Path

import pytest

from tests.parity.reference import HERE, RUNNERS, Case, check, reference_folder

for module in sorted(HERE.glob("kinds_*.py")):
    importlib.import_module(f"tests.parity.{module.stem}")

CASES = [Case(p) for p in sorted(Path(reference_folder(), "codecs").glob("*.npz"))]


def test_there_are_cases() -> None:
    assert CASES, f"no cases under {reference_folder()}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.path.stem)
def test_case(case: Case) -> None:
    assert case.kind in RUNNERS, f"nothing computes the kind {case.kind!r}"
    check(case, RUNNERS[case.kind](case))
