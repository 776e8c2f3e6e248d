"""The weights in src/hrpose/assets are small, say where they come from, and find figures they never saw."""

import json
from importlib import resources
from pathlib import Path

import pytest
from safetensors import safe_open

from hrpose.data.coco import CocoKeypoints
from hrpose.data.synthetic import write_coco
from hrpose.data.topdown import TopDownDataset
from hrpose.hub.load import load_weights
from hrpose.hub.read import CONFIG
from hrpose.models import TopDown, build, config_from_dict
from hrpose.train import evaluate

ASSET = Path(str(resources.files("hrpose"))) / "assets" / "hrnet_tiny_synthetic.safetensors"


@pytest.fixture(scope="module")
def header() -> dict[str, str]:
    with safe_open(ASSET, framework="pt") as opened:
        return dict(opened.metadata())


@pytest.fixture(scope="module")
def bundled(header: dict[str, str]) -> TopDown:
    model = build(config_from_dict(json.loads(header[CONFIG])))
    assert isinstance(model, TopDown)
    load_weights(model, ASSET)
    return model.eval()


def test_they_take_at_most_three_megabytes() -> None:
    assert ASSET.stat().st_size <= 3_000_000


def test_the_file_says_how_it_was_made_and_what_it_knows(header: dict[str, str]) -> None:
    assert header["command"].startswith("python examples/train_tiny_hrnet.py")
    assert header["knows"] == "synthetic figures only"
    assert header["seed"] == "0"
    assert float(header["AP"]) >= 0.90


@pytest.mark.slow
def test_they_find_figures_they_never_saw(bundled: TopDown, tmp_path: Path) -> None:
    annotated = CocoKeypoints.from_file(write_coco(tmp_path, 30, seed=1234), tmp_path / "images")
    assert bundled.spec is not None
    stats = evaluate(bundled, TopDownDataset(annotated.people, bundled.spec.codec, annotated.skeleton))
    assert stats["AP"] >= 0.86  # some sixty people: four points of allowance for the small sample
