"""The command line with an hourglass that has tags."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch

import hrpose.hub
from hrpose.codecs import AEHourglass, HourglassGrouping
from hrpose.hub import save_pretrained
from hrpose.models import HourglassAESpec, HourglassConfig, StackedHourglass
from hrpose.skeletons import COCO
from tests.cli.conftest import hrpose as run


def tiny() -> StackedHourglass:
    torch.manual_seed(0)
    grouping = HourglassGrouping(detection_threshold=0.0)
    spec = HourglassAESpec(skeleton=COCO, codec=AEHourglass(input_size=64, grouping=grouping))
    sizes = {"stacks": 2, "stem": (8, 8), "widths": (8, 8, 8)}
    return StackedHourglass(HourglassConfig(num_keypoints=17, tags=17, spare=34, spec=spec, **sizes))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("hourglass")
    save_pretrained(tiny(), folder)
    return f"local-dir:{folder}"


def test_people_are_predicted_in_several_sizes(weights: str, figures: Path, tmp_path: Path) -> None:
    results = tmp_path / "people.json"
    shown = run(
        "predict", weights, figures / "images", "--json", results, "--out", tmp_path, "--scales", "0.5,1,2"
    )
    assert shown.exit_code == 0, shown.output
    assert re.search(r"000000.png: \d+ people, best score", shown.output)
    assert len(json.loads(results.read_text())) > 4
    assert (tmp_path / "000003.png").is_file()


def test_it_is_trained_and_measured(figures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def create(name: str, **_: Any) -> StackedHourglass:
        assert name == "tiny"
        return tiny()

    monkeypatch.setattr(hrpose.hub, "create_model", create)
    data = ("--data", figures / "annotations.json", "--images", figures / "images")
    out = tmp_path / "out"
    shown = run("train", "tiny", *data, "--out", out, "--epochs", "1", "--device", "cpu")
    assert shown.exit_code == 0, shown.output
    shown = run("evaluate", f"local-dir:{out / 'best'}", *data, "--scales", "1,2")
    assert shown.exit_code == 0, shown.output
    assert re.search(r"\bAP50 +[01]\.\d{4}\n", shown.output), shown.output
