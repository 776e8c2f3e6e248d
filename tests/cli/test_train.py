import json
import re
from pathlib import Path

import pytest
import torch

from hrpose.backbones import HRNetConfig
from hrpose.cli.train import augmentation, spec_of
from hrpose.errors import ConfigError
from hrpose.models import InstanceConfig, InstanceSegmenter, InstanceSpec
from hrpose.models.base import PoseNetwork
from hrpose.skeletons import COCO, Skeleton
from tests.cli.conftest import hrpose, tiny_model


@pytest.mark.slow
def test_training_leaves_weights_that_predict(figures: Path, tmp_path: Path) -> None:
    data = ("--data", figures / "annotations.json", "--images", figures / "images")
    settings = ("--epochs", "1", "--batch-size", "2", "--from-scratch", "--on-device", "--device", "cpu")
    shown = hrpose("train", "hrnet_tiny.synthetic_128x96", *data, "--out", tmp_path / "run", *settings)
    assert shown.exit_code == 0, shown.output
    assert "17 keypoints; left out: none" in shown.output
    best = re.search(r"its weights: (.*)", shown.output)
    assert best is not None
    measured = hrpose("evaluate", f"local-dir:{best[1]}", *data, "--device", "cpu", "--no-flip-test")
    assert re.search(r"\bAP +0\.\d{4}\n", measured.output), measured.output


def test_weights_are_measured(weights: str, figures: Path) -> None:
    data = ("--data", figures / "annotations.json", "--images", figures / "images")
    shown = hrpose("evaluate", weights, *data)
    assert shown.exit_code == 0, shown.output
    assert re.search(r"\bAP50 +-?[01]\.\d{4}\n", shown.output), shown.output


def test_the_skeleton_of_a_file_without_names_is_given(weights: str, figures: Path, tmp_path: Path) -> None:
    content = json.loads((figures / "annotations.json").read_text())
    content["categories"] = [{"id": 1, "name": "person"}]
    nameless = tmp_path / "nameless.json"
    nameless.write_text(json.dumps(content))
    data = ("--data", nameless, "--images", figures / "images")
    refused = hrpose("evaluate", weights, *data)
    assert refused.exit_code == 2
    assert "read the data with skeleton='coco'" in refused.output
    measured = hrpose("evaluate", weights, *data, "--skeleton", "coco")
    assert measured.exit_code == 0, measured.output
    typo = hrpose("train", "hrnet_tiny.synthetic_128x96", *data, "--out", tmp_path, "--skeleton", "cocoo")
    assert typo.exit_code == 2
    assert "did you mean coco" in typo.output


def test_keypoints_without_mirror_pairs_are_not_mirrored(capsys: pytest.CaptureFixture[str]) -> None:
    assert augmentation(COCO).flip_probability == 0.5
    assert augmentation(Skeleton.generic(98)).flip_probability == 0
    told = (
        "skeleton 'generic_98' names no mirror pairs, so pictures are not mirrored; --skeleton names a known"
    )
    assert capsys.readouterr().out.startswith(told)


def test_a_missing_annotation_file_is_told(weights: str, tmp_path: Path) -> None:
    shown = hrpose("evaluate", weights, "--data", tmp_path / "none.json", "--images", tmp_path)
    assert shown.exit_code == 2
    assert re.search(r"hrpose: .*none.json", shown.output)


def test_a_model_without_a_codec_is_refused() -> None:
    model: PoseNetwork = tiny_model()
    model.spec = None
    with pytest.raises(
        ConfigError, match="this TopDown is no pose model with a codec; choose a name with a tag"
    ):
        spec_of(model)
    with pytest.raises(ConfigError, match="this Linear is no pose model"):
        spec_of(torch.nn.Linear(1, 1))  # type: ignore[arg-type]


def test_an_instance_segmenter_is_not_for_people() -> None:
    backbone = HRNetConfig(width=4, rounds=(1,), blocks=1, upsample="bilinear")
    spec = InstanceSpec(classes=("cat",), input_size=64)
    model = InstanceSegmenter(InstanceConfig(backbone=backbone, spec=spec))
    with pytest.raises(ConfigError, match="this InstanceSegmenter is no pose model with a codec"):
        spec_of(model)  # type: ignore[arg-type]
