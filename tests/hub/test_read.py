"""One flat state dict from every kind of source."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from hrpose.errors import UnknownNameError, WeightsError
from hrpose.hub.load import load_weights
from hrpose.hub.pickle import Unpickled
from hrpose.hub.pretrained import from_pretrained, save_pretrained
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


def test_a_number_beside_the_wrapper_hides_nothing() -> None:
    read = read_weights({"state_dict": weights(), "best": torch.tensor(0.7)})
    assert list(read.weights) == list(weights())


def test_wrappers_without_end_are_refused(tmp_path: Path) -> None:
    ring: dict[str, object] = {}
    ring["model"] = ring
    torch.save(ring | {"a": torch.ones(1)}, tmp_path / "w.pth")
    for source in (ring, tmp_path / "w.pth"):
        with pytest.raises(WeightsError, match="nests more than 32 wrappers; give its state dict"):
            read_weights(source)


def test_a_pickled_module_in_a_ring_is_read_once(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 1))
    net._modules["self"] = net
    torch.save(net, tmp_path / "w.pth")
    assert list(read_weights(tmp_path / "w.pth").weights) == ["0.weight", "0.bias"]


def test_a_folder_in_the_way_cannot_pass_for_a_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hrpose.hub.read.fetch", lambda weights, name: save_pretrained(pose_v1(2), "real"))
    monkeypatch.setattr("hrpose.hub.read.read_file", lambda path: Unpickled(content=weights()))
    save_pretrained(pose_v1(3), "hrnet_w32.coco_256x192")
    assert read_weights("hrnet_w32.coco_256x192").source == "hrnet_w32.coco_256x192"
    assert Path(read_weights("./hrnet_w32.coco_256x192").source).name == "model.safetensors"


def test_the_home_folder_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    save_pretrained(pose_v1(3), "~/saved")
    for source in ("~/saved", "local-dir:~/saved", Path("~/saved/model.safetensors")):
        assert load_weights(pose_v1(3), source).complete
    assert from_pretrained("~/saved").config.num_keypoints == 3


def test_what_is_no_source_is_refused() -> None:
    with pytest.raises(WeightsError, match="a NoneType is no source of weights; give a name, a path, a URL"):
        read_weights(None)  # type: ignore[arg-type]
    with pytest.raises(WeightsError, match="an empty name is no source of weights"):
        read_weights("")


def test_an_architecture_is_answered_with_its_weights() -> None:
    with pytest.raises(UnknownNameError, match=r"weights; did you mean hrnetv2_w32\.openmmlab_in1k\?"):
        read_weights("hrnetv2_w32")


def test_settings_that_are_no_json_are_named(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    folder = save_pretrained(pose_v1(3), tmp_path / "saved")
    (folder / "config.json").write_bytes(b"\xff{")
    with pytest.raises(WeightsError, match=r"config\.json is not JSON \(.*\); save the model again"):
        read_weights(folder)
    for text, fault in (("{no", r"is not JSON \(.*\)"), ("[1]", "is a list, not an object")):
        save_file(weights(), tmp_path / "w.safetensors", metadata={"hrpose": text})
        with pytest.raises(WeightsError, match=rf"the config in .*w\.safetensors {fault}; save the model"):
            read_weights(tmp_path / "w.safetensors")


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
