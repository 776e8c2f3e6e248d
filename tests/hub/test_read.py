"""One flat state dict from every kind of source."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from hrpose.errors import UnknownNameError, WeightsError
from hrpose.hub.load import load_weights
from hrpose.hub.pretrained import save_pretrained
from hrpose.hub.read import read_weights
from tests.hub.small import foreign, pose_v1


def weights() -> dict[str, torch.Tensor]:
    return {"conv1.weight": torch.ones(2, 3), "bn1.bias": torch.zeros(2)}


@pytest.mark.parametrize(
    ("content", "peeled"),
    [
        (weights(), ()),
        ({"state_dict": weights(), "epoch": 3}, ("['state_dict']",)),
        ({"model": {"state_dict": weights()}}, ("['model']", "['state_dict']")),
        ({"module." + n: w for n, w in weights().items()}, ("module.",)),
        ({"net": {"module.1." + n: w for n, w in weights().items()}}, ("['net']", "module.", "1.")),
    ],
)
def test_wrappers_are_peeled_and_told(content: dict[str, object], peeled: tuple[str, ...]) -> None:
    read = read_weights(content)
    assert list(read.weights) == list(weights())
    assert read.peeled == peeled


def test_a_prefix_that_some_names_lack_stays() -> None:
    mixed = {"module.a": torch.ones(1), "b": torch.ones(1)}
    assert list(read_weights(mixed).weights) == ["module.a", "b"]


def test_what_is_no_tensor_is_dropped_and_told() -> None:
    assert read_weights({**weights(), "epoch": 3}).dropped == {"epoch": "not a tensor"}


def test_a_module_pickled_whole_gives_its_state_dict(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    torch.save({"state_dict": nn.DataParallel(net), "epoch": 1}, tmp_path / "w.pth")
    read = read_weights(tmp_path / "w.pth")
    assert read.peeled == ("['state_dict']", "a pickled module", "module.")
    assert list(read.weights) == list(net.state_dict())
    assert torch.equal(read.weights["0.weight"], net[0].weight)
    assert "torch.nn.modules.conv.Conv2d" in read.stubs


def test_sources_without_weights_are_named() -> None:
    with pytest.raises(
        WeightsError, match="the given state dict holds no weights: its entries are epoch, best; give"
    ):
        read_weights({"epoch": 1, "best": 0.7})
    with pytest.raises(WeightsError, match="holds no weights: its entries are nothing"):
        read_weights({})


def test_a_file_with_a_list_is_named(tmp_path: Path) -> None:
    torch.save([torch.ones(1)], tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="holds a list, not a state dict; give its state dict"):
        read_weights(tmp_path / "w.pth")


def test_folders(tmp_path: Path) -> None:
    model = pose_v1(3)
    save_pretrained(model, tmp_path / "saved")
    for source in (tmp_path / "saved", f"local-dir:{tmp_path / 'saved'}"):
        read = read_weights(source)
        assert read.config is not None
        assert read.config["num_keypoints"] == 3
    assert load_weights(pose_v1(3), tmp_path / "saved").complete
    (tmp_path / "one").mkdir()
    torch.save(weights(), tmp_path / "one" / "best.pth")
    (tmp_path / "one" / "config.json").write_text(json.dumps({"architecture": "another library's"}))
    read = read_weights(tmp_path / "one")
    assert list(read.weights) == list(weights())
    assert read.config is None


def test_folders_without_a_clear_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"holds no weights; give a folder with one of model\.safetensors"):
        read_weights(tmp_path)
    for name in ("a.pth", "b.pth"):
        torch.save(weights(), tmp_path / name)
    with pytest.raises(
        WeightsError, match=r"holds several files of weights \(a\.pth, b\.pth\); give the path of one"
    ):
        read_weights(tmp_path)
    with pytest.raises(WeightsError, match=r"there is no folder .*nowhere; check the path"):
        read_weights(f"local-dir:{tmp_path / 'nowhere'}")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(WeightsError, match=r"there is no file nowhere/w\.pth; check the path"):
        read_weights("nowhere/w.pth")


def test_a_name_of_nothing_is_answered_with_the_nearest() -> None:
    text = "'hrnet_w32.coco_256x193' is neither a file, a folder, a URL nor the name of weights; did you mean"
    with pytest.raises(UnknownNameError, match=text):
        read_weights("hrnet_w32.coco_256x193")


def test_a_repository_needs_two_words() -> None:
    with pytest.raises(
        WeightsError, match="hf-hub:alone names no repository; write hf-hub:org/repo or hf-hub:org/repo/"
    ):
        read_weights("hf-hub:alone")


def test_libreyolo_files_are_official_pose_files_in_a_wrapper() -> None:
    inside = foreign(pose_v1(), "official_pose")
    libre = {"model": inside, "model_family": "hrnet", "schema_version": 1, "names": {0: "person"}}
    assert load_weights(pose_v1(), libre).complete
