"""The weights in src/hrpose/assets are small, say where they come from, and find figures they never saw."""

import json
from importlib import resources
from pathlib import Path

import pytest
from safetensors import safe_open

from hrpose.data.coco import CocoKeypoints
from hrpose.data.crowds import write_crowds
from hrpose.data.synthetic import write_coco
from hrpose.hub.load import load_weights
from hrpose.hub.read import CONFIG
from hrpose.models import BottomUp, TopDown, build, config_from_dict
from hrpose.models.base import Supervised
from hrpose.train import evaluate

ASSETS = Path(str(resources.files("hrpose"))) / "assets"
FIGURES = ASSETS / "hrnet_tiny_synthetic.safetensors"
CROWDS = ASSETS / "higherhrnet_tiny_synthetic.safetensors"


def header(asset: Path) -> dict[str, str]:
    with safe_open(asset, framework="pt") as opened:
        return dict(opened.metadata())


def bundled(asset: Path) -> Supervised:
    """The model that the file itself describes."""
    model = build(config_from_dict(json.loads(header(asset)[CONFIG])))
    assert isinstance(model, Supervised)
    load_weights(model, asset)
    return model.eval()


@pytest.mark.parametrize(("asset", "most"), [(FIGURES, 3_000_000), (CROWDS, 4_000_000)])
def test_they_are_small(asset: Path, most: int) -> None:
    assert asset.stat().st_size <= most


@pytest.mark.parametrize(
    ("asset", "script", "knows", "least"),
    [
        (FIGURES, "train_tiny_hrnet.py", "synthetic figures only", 0.9),
        (CROWDS, "train_tiny_higherhrnet.py", "synthetic crowds of 1 to 12 figures only", 0.8),
    ],
)
def test_the_file_says_how_it_was_made_and_what_it_knows(
    asset: Path, script: str, knows: str, least: float
) -> None:
    said = header(asset)
    assert said["command"].startswith(f"python examples/{script}")
    assert said["knows"] == knows
    assert said["seed"] == "0"
    assert float(said["AP"]) >= least


@pytest.mark.slow
def test_they_find_figures_they_never_saw(tmp_path: Path) -> None:
    annotated = CocoKeypoints.from_file(write_coco(tmp_path, 30, seed=1234), tmp_path / "images")
    model = bundled(FIGURES)
    assert isinstance(model, TopDown)
    assert model.spec is not None
    stats = evaluate(model, annotated.crops(model.spec.codec))
    assert stats["AP"] >= 0.86  # some sixty people: four points of allowance for the small sample


@pytest.mark.slow
def test_they_find_everybody_in_crowds_they_never_saw(tmp_path: Path) -> None:
    annotated = CocoKeypoints.from_file(write_crowds(tmp_path, 40, seed=1234), tmp_path / "images")
    model = bundled(CROWDS)
    assert isinstance(model, BottomUp)
    assert model.config.spec is not None
    stats = evaluate(model, annotated.pictures(model.config.spec.codec))
    assert stats["AP"] >= 0.76  # some 260 people: four points of allowance for the small sample
