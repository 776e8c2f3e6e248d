from pathlib import Path

import pytest
from PIL import Image

from hrpose.cli import demo
from hrpose.cli.demo import Plan
from hrpose.cli.doctor import BUNDLED, BUNDLED_CROWD
from hrpose.cli.sheets import Row, table
from tests.cli.conftest import hrpose, tiny_bottomup, tiny_model

QUICK = Plan(held_out=2, train=2, size=(96, 128), epochs=1, batch_size=2, shown=2, crowds=2, progress=False)


@pytest.mark.slow
def test_the_demo_measures_before_and_after_and_leaves_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "Plan", lambda: QUICK)
    made = {BUNDLED: tiny_model, BUNDLED_CROWD: tiny_bottomup}
    monkeypatch.setattr(demo, "load_bundled", lambda name: made[name]())
    shown = hrpose("demo", "--out", tmp_path)
    assert shown.exit_code == 0, shown.output
    for text in (
        "held-out pictures",
        "held-out crowds",
        "before fine-tuning",
        "after fine-tuning",
        "reinitialised: head.conv",
    ):
        assert text in shown.output
    for name in ("predictions.png", "fine_tuning.png", "crowd.png"):
        assert f"{tmp_path / name}" in shown.output
        with Image.open(tmp_path / name) as sheet:
            assert sheet.width > 200
    assert "next:" in shown.output


def test_held_out_pictures_are_not_those_of_training() -> None:
    assert demo.HELD_OUT_SEED != demo.TRAIN_SEED


def test_the_table_lines_up() -> None:
    stats = {"AP": 0.123, "AP50": 1.0, "AP75": 0.0, "AR": 0.5}
    lines = table(
        [Row(title="a", keypoints=17, stats=stats), Row(title="long title", keypoints=9, stats=stats)]
    ).split("\n")
    assert len({len(line) for line in lines}) == 1
    assert lines[1].split() == ["a", "17", "0.123", "1.000", "0.000", "0.500"]
