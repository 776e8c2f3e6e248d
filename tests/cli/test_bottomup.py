"""The command line with models that find people by themselves."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import hrpose.hub
from hrpose.hub import save_pretrained
from hrpose.models import BottomUp
from tests.cli.conftest import hrpose as run
from tests.cli.conftest import tiny_bottomup


@pytest.fixture(scope="module")
def bottomup(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("bottomup")
    save_pretrained(tiny_bottomup(), folder)
    return f"local-dir:{folder}"


def test_people_are_predicted_without_boxes(bottomup: str, figures: Path, tmp_path: Path) -> None:
    results = tmp_path / "people.json"
    shown = run(
        "predict", bottomup, figures / "images", "--json", results, "--out", tmp_path, "--scales", "1,2"
    )
    assert shown.exit_code == 0, shown.output
    assert re.search(r"000000.png: \d+ people, best score", shown.output)
    assert len(json.loads(results.read_text())) > 4
    assert (tmp_path / "000003.png").is_file()


def test_boxes_are_refused(bottomup: str, figures: Path) -> None:
    shown = run("predict", bottomup, figures / "images", "--boxes", figures / "annotations.json")
    assert shown.exit_code == 2
    assert "this BottomUp is bottom-up and finds people by itself; leave boxes out" in shown.output


def test_whole_pictures_are_measured(bottomup: str, figures: Path) -> None:
    data = ("--data", figures / "annotations.json", "--images", figures / "images")
    shown = run("evaluate", bottomup, *data, "--no-flip-test", "--scales", "0.5,1")
    assert shown.exit_code == 0, shown.output
    assert re.search(r"\bAP50 +[01]\.\d{4}\n", shown.output), shown.output


def test_whole_pictures_are_learned_from(
    figures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def create(name: str, **_: Any) -> BottomUp:
        assert name == "tiny"
        return tiny_bottomup()

    monkeypatch.setattr(hrpose.hub, "create_model", create)
    data = ("--data", figures / "annotations.json", "--images", figures / "images")
    data = (*data, "--val-data", figures / "annotations.json")
    shown = run("train", "tiny", *data, "--out", tmp_path, "--epochs", "1", "--device", "cpu")
    assert shown.exit_code == 0, shown.output
    assert "best epoch 1" in shown.output


def test_scales_that_are_no_numbers_are_refused(bottomup: str, figures: Path) -> None:
    shown = run("predict", bottomup, figures / "images", "--scales", "half")
    assert shown.exit_code == 2
    assert "'half' is no list of sizes; give numbers such as 0.5,1,2" in shown.output
