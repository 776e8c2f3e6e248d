"""Our own folders and repositories: whole, strict, and forwarded as asked."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from hrpose.backbones import HRNet
from hrpose.codecs import UDP
from hrpose.errors import ConfigError, HRPoseError, WeightsError
from hrpose.hub import pretrained
from hrpose.hub.detect import from_checkpoint
from hrpose.hub.pretrained import from_pretrained, make_folder, push_to_hub, save_pretrained
from hrpose.models import PoseSpec, TopDown, TopDownConfig
from hrpose.skeletons import COCO
from tests.hub.small import V1, classifier, pose_v1, pose_v2, segmenter, trunk


@pytest.mark.parametrize("make", [pose_v1, pose_v2, classifier, segmenter, trunk])
def test_every_kind_of_model_comes_back(make: Any, tmp_path: Path) -> None:
    model = make()
    back = from_pretrained(save_pretrained(model, tmp_path))
    assert type(back) is type(model)
    assert back.config == model.config
    assert not back.training
    assert all(torch.equal(w, back.state_dict()[name]) for name, w in model.state_dict().items())


def test_names_and_codec_come_back(tmp_path: Path) -> None:
    spec = PoseSpec(skeleton=COCO, codec=UDP(input_size=(64, 64), sigma=3))
    save_pretrained(TopDown(TopDownConfig(backbone=V1, spec=spec)), tmp_path)
    back = from_pretrained(f"local-dir:{tmp_path}")
    assert isinstance(back, TopDown)
    assert back.spec == spec


def test_a_folder_holds_three_whole_files(tmp_path: Path) -> None:
    save_pretrained(trunk(), tmp_path / "new" / "folder", about="Read me.")
    folder = tmp_path / "new" / "folder"
    assert sorted(p.name for p in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    assert json.loads((folder / "config.json").read_text())["kind"] == "hrnet"
    assert (folder / "README.md").read_text() == "Read me."


def test_the_page_says_how_to_load_it(tmp_path: Path) -> None:
    save_pretrained(pose_v1(), tmp_path)
    page = (tmp_path / "README.md").read_text()
    assert page.startswith("---\nlibrary_name: hrpose\n")
    assert "hrpose.from_pretrained(" in page


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_pretrained(trunk(), tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def fail(model: nn.Module, path: Path, config: str) -> None:
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(pretrained, "_write_weights", fail)
    with pytest.raises(OSError, match="disk full"):
        save_pretrained(pose_v1(), tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_memory_format_does_not_matter(tmp_path: Path) -> None:
    model = pose_v1().to(memory_format=torch.channels_last)
    back = from_pretrained(save_pretrained(model, tmp_path))
    assert torch.equal(back.get_parameter("head.conv.weight"), model.head.conv.weight)


def test_a_model_without_settings_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="NoneType cannot be stored; give settings of"):
        save_pretrained(nn.Linear(1, 1), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_loading_is_strict(tmp_path: Path) -> None:
    save_pretrained(pose_v1(17), tmp_path / "a")
    save_pretrained(pose_v2(17), tmp_path / "b")
    (tmp_path / "b" / "model.safetensors").replace(tmp_path / "a" / "model.safetensors")
    with pytest.raises(WeightsError, match=r"unexpected: .*head\.mix\.0\.weight"):
        from_pretrained(tmp_path / "a")


def test_folders_that_are_not_whole_are_named(tmp_path: Path) -> None:
    save_pretrained(trunk(), tmp_path)
    (tmp_path / "config.json").write_text("{half")
    with pytest.raises(WeightsError, match=r"config\.json is not JSON .*; save the model again"):
        from_pretrained(tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(WeightsError, match=r"has no config\.json; give a folder that save_pretrained wrote"):
        from_pretrained(tmp_path)


def test_settings_of_another_model_are_refused(tmp_path: Path) -> None:
    save_pretrained(pose_v1(17), tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "num_keypoints": 5}))
    text = r"are of two models:\n  head\.conv.*17 outputs in the file, 5 in the model\)\nsave the model again"
    with pytest.raises(WeightsError, match=text):
        from_pretrained(tmp_path)
    metadata = {"hrpose": json.dumps({**config, "num_keypoints": 5})}
    save_file(pose_v1(17).state_dict(), tmp_path / "w.safetensors", metadata=metadata)
    with pytest.raises(WeightsError, match=text):
        from_checkpoint(tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("{no", r"config\.json is not JSON \("),
        ("[1]", r"config\.json holds a list, not settings; save the model again"),
        ('{"kind": "topdown", "num_keypoints": "x"}', "num_keypoints='x', but a whole number is needed"),
        ('{"kind": "topdown", "spec": 3}', "topdown has a setting of the wrong type .*; correct"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path: Path, stored: str, text: str) -> None:
    save_pretrained(pose_v1(17), tmp_path)
    (tmp_path / "config.json").write_text(stored)
    with pytest.raises(HRPoseError, match=text):
        from_pretrained(tmp_path)


def test_a_file_is_not_taken_for_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("saved").mkdir()
    Path("saved/model.safetensors").touch()
    with pytest.raises(
        WeightsError, match=r"saved/model.safetensors is a file; give the folder it lies in, or"
    ):
        from_pretrained("saved/model.safetensors")


def test_wrong_places_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        WeightsError, match="there is no folder nowhere, and it names no repository; write org/repo@rev"
    ):
        from_pretrained("nowhere")
    with pytest.raises(
        ConfigError, match="org/repo@v1 names the revision v1, but revision='v2'; give one of the two"
    ):
        from_pretrained("org/repo@v1", revision="v2")


def test_every_hub_keyword_is_forwarded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []
    save_pretrained(trunk(), tmp_path)

    def download(repo: str, file: str, **options: Any) -> str:
        asked.append((repo, file, options))
        return str(tmp_path / file)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    options = {"token": "t", "cache_dir": "c", "force_download": True, "local_files_only": False}
    assert isinstance(from_pretrained("org/repo@v1", **options), HRNet)
    forwarded = {**options, "revision": "v1", "repo_type": "model"}
    assert asked == [("org/repo", file, forwarded) for file in ("config.json", "model.safetensors")]


def test_an_upload_sends_a_whole_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    done: dict[str, Any] = {}

    class Api:
        def __init__(self, **options: Any) -> None:
            done["api"] = options

        def create_repo(self, repo: str, **options: Any) -> None:
            done["repo"] = (repo, options)

        def upload_folder(self, *, folder_path: str, **options: Any) -> SimpleNamespace:
            done["files"] = sorted(p.name for p in Path(folder_path).iterdir())
            done["upload"] = options
            return SimpleNamespace(commit_url="https://hub/commit")

    monkeypatch.setattr("huggingface_hub.HfApi", Api)
    url = push_to_hub(pose_v1(), "org/repo@branch", private=True, token="t", create_pr=True)
    assert url == "https://hub/commit"
    assert done["api"] == {"token": "t", "endpoint": None}
    assert done["repo"] == ("org/repo", {"private": True, "exist_ok": True})
    assert done["files"] == ["README.md", "config.json", "model.safetensors"]
    assert done["upload"] == {
        "repo_id": "org/repo",
        "commit_message": "Upload a model",
        "revision": "branch",
        "create_pr": True,
    }


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(ConfigError, match="a file is in the way; give a folder"):
        make_folder(tmp_path / "taken")
    with pytest.raises(ConfigError, match="a file is in the way; give a folder"):
        make_folder(tmp_path / "taken" / "deeper")
    assert (tmp_path / "taken").read_text() == "mine"
