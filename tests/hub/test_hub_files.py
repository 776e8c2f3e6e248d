"""Files of the Hub: at their revision, checked, from the cache, and named when they are missing."""

from pathlib import Path

import pytest
import torch

from hrpose.errors import DownloadError, HashMismatchError
from hrpose.hub.download import fetch_hub
from hrpose.hub.load import load_weights
from hrpose.hub.pretrained import from_pretrained, save_pretrained
from hrpose.hub.read import read_weights
from tests.hub.server import COMMIT, CONTENT, SHA256, WRONG, Server, left_in
from tests.hub.small import foreign, pose_v1

pytestmark = pytest.mark.usefixtures("cache")


def test_a_hub_file_is_fetched_at_its_revision_and_kept(hub: Server) -> None:
    hub.files["/org/repo@v1/w.pth"] = b"older"
    assert fetch_hub("org/repo", "w.pth", sha256=SHA256).read_bytes() == CONTENT
    assert fetch_hub("org/repo", "w.pth", revision="v1").parent.name == COMMIT
    assert any("/resolve/v1/" in path for path, _ in hub.asked)


def test_a_hub_file_of_another_hash_leaves_nothing(hub: Server, tmp_path: Path) -> None:
    with pytest.raises(HashMismatchError, match=r"the file from hf-hub:org/repo/w.pth has SHA-256"):
        fetch_hub("org/repo", "w.pth", sha256=WRONG)
    assert "w.pth" not in left_in(tmp_path / "hub")
    assert not any(p.stat().st_size == len(CONTENT) for p in (tmp_path / "hub").rglob("*") if p.is_file())


def test_a_hub_file_that_is_missing_is_named(hub: Server) -> None:
    with pytest.raises(
        DownloadError, match=r"hf-hub:org/repo/no\.pth could not be fetched .*404.*given by its path"
    ):
        fetch_hub("org/repo", "no.pth")


def test_hub_files_are_read_offline_from_the_cache(hub: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    path = fetch_hub("org/repo", "w.pth")
    before = len(hub.asked)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert fetch_hub("org/repo", "w.pth") == path
    with pytest.raises(DownloadError, match=r"\(HF_HUB_OFFLINE is set, and the cache does not have it\)"):
        fetch_hub("org/repo", "other.pth")
    assert len(hub.asked) == before


def test_a_saved_model_comes_back_from_the_hub(hub: Server, tmp_path: Path) -> None:
    model = pose_v1(5)
    for path in save_pretrained(model, tmp_path / "saved").iterdir():
        hub.files[f"/org/model@v2/{path.name}"] = path.read_bytes()
    for source, revision in (("org/model@v2", None), ("hf-hub:org/model", "v2")):
        back = from_pretrained(source, revision=revision, token=False)
        assert torch.equal(back.head.conv.weight, model.head.conv.weight)
    read = read_weights("hf-hub:org/model@v2")
    assert read.config is not None
    assert load_weights(pose_v1(5), read).complete


def test_weights_under_other_names_are_found_or_named(hub: Server, tmp_path: Path) -> None:
    torch.save(foreign(pose_v1(), "mmpose0"), tmp_path / "w.bin")
    hub.files["/org/old@main/pytorch_model.bin"] = (tmp_path / "w.bin").read_bytes()
    hub.files["/org/old@v3/deep/w.pth"] = (tmp_path / "w.bin").read_bytes()
    hub.files["/org/old@main/config.json"] = b'{"architecture": "hrnet_w32"}'
    assert load_weights(pose_v1(), "hf-hub:org/old").complete
    assert load_weights(pose_v1(), "hf-hub:org/old/deep/w.pth@v3").complete
    with pytest.raises(
        DownloadError, match="no weights found in hf-hub:org/repo; if they go by another name, add it:"
    ):
        read_weights("hf-hub:org/repo")
