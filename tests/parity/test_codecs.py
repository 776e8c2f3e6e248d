"""Every case of codecs/ in the reference folder, computed by hrpose and compared as the case asks."""

import importlib
from pathlib import Path

import pytest

from tests.parity.reference import HERE, RUNNERS, Case, check, reference_folder

for module in sorted(HERE.glob("kinds_*.py")):
    importlib.import_module(f"tests.parity.{module.stem}")

# Kinds of families that this version does not have; a kind that stands neither here nor in RUNNERS fails.
OTHER_FAMILIES = {
    "augment_bottomup": "bottom-up",
    "bottomup_dataset": "bottom-up",
    "bottomup_evaluate": "bottom-up",
}

CASES = [Case(p) for p in sorted(Path(reference_folder(), "codecs").glob("*.npz"))]
OURS = [case for case in CASES if case.kind not in OTHER_FAMILIES]


def test_there_are_cases() -> None:
    assert OURS, f"no cases under {reference_folder()}"


def test_a_kind_is_either_run_or_of_another_family() -> None:
    assert not RUNNERS.keys() & OTHER_FAMILIES.keys()


@pytest.mark.parametrize("case", OURS, ids=lambda case: case.path.stem)
def test_case(case: Case) -> None:
    assert case.kind in RUNNERS, f"nothing computes the kind {case.kind!r}"
    check(case, RUNNERS[case.kind](case))
