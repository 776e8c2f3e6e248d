"""`hrpose predict --optimize`: the same lines as without."""

from pathlib import Path

import pytest

from hrpose.deploy import compile as rule
from tests.cli.conftest import hrpose


def test_a_model_is_made_fast_before_it_predicts(
    weights: str, figures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []

    def eager(job: rule.Job, expected: object) -> tuple[str, object, dict[str, str]]:
        taken.append("eager")
        return "eager", rule.make("eager", job, expected), {}  # type: ignore[arg-type]

    monkeypatch.setattr(rule, "automatic", eager)
    words = ("predict", weights, figures / "images", "--boxes", figures / "annotations.json")
    plain = hrpose(*words)
    assert taken == []
    fast = hrpose(*words, "--optimize")
    assert taken == ["eager"]
    assert (fast.exit_code, fast.output) == (0, plain.output)
