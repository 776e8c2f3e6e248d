"""Downloads over real HTTP: resumed, checked, whole or not there, with errors that say what was tried."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError

from hrpose.errors import DownloadError, HashMismatchError, WeightsError
from hrpose.hub.card import Source, Weights
from hrpose.hub.download import asset, cache_folder, fetch, fetch_url
from hrpose.hub.load import load_weights
from hrpose.hub.read import read_weights
from tests.hub.server import CONTENT, SHA256, WRONG, Server, left_in
from tests.hub.small import foreign, pose_v1

pytestmark = pytest.mark.usefixtures("cache")


def closed_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def weights_of(*sources: Source, sha256: str | None = SHA256) -> Weights:
    return Weights(sources=sources, sha256=sha256, num_params=1, licence="MIT", origin="https://x")


@pytest.mark.parametrize("sha256", [SHA256, SHA256[:8], None])
def test_a_file_is_fetched_once(server: Server, sha256: str | None) -> None:
    path = fetch_url(f"{server.url}/w.pth", sha256=sha256)
    assert path.read_bytes() == CONTENT
    assert fetch_url(f"{server.url}/w.pth", sha256=sha256) == path
    assert len(server.asked) == 1
    assert left_in(cache_folder()) == ["w.pth"]


def test_files_of_one_name_from_two_places_do_not_meet(server: Server) -> None:
    server.files["/other/w.pth"] = b"other"
    fetch_url(f"{server.url}/w.pth")
    assert fetch_url(f"{server.url}/other/w.pth").read_bytes() == b"other"


def test_a_broken_connection_is_taken_up_where_it_ended(server: Server) -> None:
    server.break_after = 30_000
    assert fetch_url(f"{server.url}/w.pth", sha256=SHA256).read_bytes() == CONTENT
    assert [asked for _, asked in server.asked] == [None, "bytes=30000-", "bytes=60000-", "bytes=90000-"]


def test_a_transfer_that_broke_off_is_taken_up_by_the_next_call(server: Server) -> None:
    server.break_after, server.breaks, server.answers = 40_000, 1, 1
    with pytest.raises(DownloadError, match=r"could not be fetched .*404"):
        fetch_url(f"{server.url}/w.pth", sha256=SHA256)
    server.answers, server.asked = 1, []
    assert fetch_url(f"{server.url}/w.pth", sha256=SHA256).read_bytes() == CONTENT
    assert server.asked == [("/w.pth", "bytes=40000-")]


def test_a_file_that_changed_meanwhile_is_fetched_anew(server: Server, cache: Path) -> None:
    path = fetch_url(f"{server.url}/w.pth")
    path.rename(path.with_name("w.pth.part"))
    path.with_name("w.pth.part").write_bytes(b"x" * 500)
    path.with_name("w.pth.part.tag").write_text('"an older version"')
    assert fetch_url(f"{server.url}/w.pth", sha256=SHA256).read_bytes() == CONTENT


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_without_a_strong_mark_of_the_version_it_starts_anew(server: Server, etag: str) -> None:
    server.etag, server.break_after, server.breaks = etag, 30_000, 1
    assert fetch_url(f"{server.url}/w.pth", sha256=SHA256).read_bytes() == CONTENT
    assert [asked for _, asked in server.asked] == [None, None]


def test_a_part_longer_than_the_file_is_thrown_away(server: Server) -> None:
    path = fetch_url(f"{server.url}/w.pth")
    part = path.with_name("w.pth.part")
    path.rename(part)
    part.write_bytes(CONTENT + b"more")
    part.with_name("w.pth.part.tag").write_text(f'"{SHA256}"')
    assert fetch_url(f"{server.url}/w.pth", sha256=SHA256).read_bytes() == CONTENT


def test_a_connection_that_breaks_without_bringing_anything_is_given_up(server: Server) -> None:
    server.break_after, server.ranges = 30_000, False
    with pytest.raises(
        DownloadError, match=r"the connection broke after 30,000 bytes \(30,000 of 102,400 bytes arrived"
    ):
        fetch_url(f"{server.url}/w.pth", sha256=SHA256)
    assert "w.pth" not in left_in(cache_folder())


def test_a_server_that_goes_on_from_another_byte_is_not_believed(server: Server) -> None:
    server.break_after, server.breaks, server.lie = 30_000, 1, b"yes"
    with pytest.raises(DownloadError, match="the server went on from another byte than asked"):
        fetch_url(f"{server.url}/w.pth", sha256=SHA256)


def test_a_wrong_hash_leaves_nothing(server: Server) -> None:
    text = f"has SHA-256 {SHA256[:8]}, but 00000000 was expected; it was not kept"
    with pytest.raises(HashMismatchError, match=text):
        fetch_url(f"{server.url}/w.pth", sha256="00000000")
    assert left_in(cache_folder()) == []


def test_a_cached_file_that_was_changed_is_not_used(server: Server) -> None:
    path = fetch_url(f"{server.url}/w.pth", sha256=SHA256)
    path.write_bytes(b"changed")
    with pytest.raises(HashMismatchError, match="it was not kept"):
        fetch_url(f"{server.url}/w.pth", sha256=SHA256)
    assert fetch_url(f"{server.url}/w.pth", sha256=SHA256).read_bytes() == CONTENT


def test_a_missing_file_and_an_unreachable_host_are_named(server: Server) -> None:
    with pytest.raises(DownloadError, match=r"/no\.pth could not be fetched .*404.*can be given by its path"):
        fetch_url(f"{server.url}/no.pth")
    with pytest.raises(DownloadError, match=r"could not be fetched .*refused.*can be given by its path"):
        fetch_url(f"http://127.0.0.1:{closed_port()}/w.pth")


def test_offline_mode_uses_what_is_there(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    path = fetch_url(f"{server.url}/w.pth")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert fetch_url(f"{server.url}/w.pth") == path
    with pytest.raises(
        DownloadError, match=r"HF_HUB_OFFLINE is set and http.*other.pth is not in .*cache; a file that"
    ):
        fetch_url(f"{server.url}/other.pth")
    assert len(server.asked) == 1


def test_a_card_goes_through_its_sources_in_order(server: Server) -> None:
    gone = Source(url=f"{server.url}/gone.pth")
    path = fetch(
        weights_of(gone, Source(page="https://drive"), Source(url=f"{server.url}/w.pth")), "toy.card"
    )
    assert path.read_bytes() == CONTENT
    assert [asked for asked, _ in server.asked] == ["/gone.pth", "/w.pth"]


def test_a_mirror_may_have_a_hash_of_its_own(server: Server) -> None:
    source = Source(url=f"{server.url}/w.pth", sha256=SHA256[:8])
    assert fetch(weights_of(source, sha256=WRONG), "toy.card").read_bytes() == CONTENT


def test_all_sources_that_failed_are_named(server: Server) -> None:
    sources = (
        Source(url=f"{server.url}/gone.pth"),
        Source(url=f"http://127.0.0.1:{closed_port()}/w.pth"),
        Source(page="https://drive.google.com/x"),
    )
    with pytest.raises(DownloadError) as caught:
        fetch(weights_of(*sources), "toy.card")
    lines = str(caught.value).splitlines()
    assert lines[0] == "no source of toy.card could be used:"
    assert "gone.pth" in lines[1]
    assert "404" in lines[1]
    assert "refused" in lines[2]
    assert lines[3] == "  https://drive.google.com/x: only a person can download it there"
    assert lines[4] == "a file that you have downloaded by any other way can be given by its path"


def test_a_card_whose_source_serves_another_file_says_so(server: Server) -> None:
    with pytest.raises(
        HashMismatchError, match=r"no source of toy\.card could be used:\n.*was expected; it was not kept"
    ):
        fetch(weights_of(Source(url=f"{server.url}/w.pth"), sha256=WRONG), "toy.card")


def test_weights_load_from_a_url(server: Server, tmp_path: Path) -> None:
    torch.save(foreign(pose_v1(), "official_pose"), tmp_path / "w.pth")
    server.files["/w.pth"] = (tmp_path / "w.pth").read_bytes()
    assert load_weights(pose_v1(), f"{server.url}/w.pth").complete


def test_a_cache_for_reading_only_serves_what_it_has(server: Server) -> None:
    path = fetch_url(f"{server.url}/w.pth", sha256=SHA256)
    lock = path.with_name("w.pth.lock")
    lock.unlink(missing_ok=True)
    lock.mkdir()  # a lock that nobody can take, as in a folder that others own
    assert fetch_url(f"{server.url}/w.pth", sha256=SHA256) == path


def test_a_cache_that_cannot_be_written_is_named(server: Server, cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    text = r"cannot be kept in .*cache \(.*\); name another folder in the environment variable HRPOSE_CACHE"
    with pytest.raises(DownloadError, match=text):
        fetch_url(f"{server.url}/w.pth")


@pytest.mark.parametrize("path", ["/..", "/.", "/", "/a%20b.pth", "/" + "a" * 300 + ".pth"])
def test_any_last_word_of_a_url_becomes_a_file_name(server: Server, cache: Path, path: str) -> None:
    server.files[path] = CONTENT
    found = fetch_url(f"{server.url}{path}")
    assert found.read_bytes() == CONTENT
    assert found.parent.parent == cache


@pytest.mark.parametrize("url", ["http://[::1", "http://127.0.0.1:1/\u00fc.pth", "http://"])
def test_what_is_no_url_is_named(url: str) -> None:
    with pytest.raises(DownloadError, match=r"http://.* could not be fetched \("):
        fetch_url(url)


def test_a_hub_that_is_down_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuse(repo: str, file: str, **options: bool) -> str:
        asked.append((file, options["local_files_only"]))
        raise LocalEntryNotFoundError("no answer, and not in the cache") from OSError("Connection refused")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", refuse)
    sources = [Source(repo="org/repo", file=file) for file in ("a.pth", "b.pth")]
    lines = (
        "no source of toy could be used:",
        "  hf-hub:org/repo/a.pth: Connection refused",
        "  hf-hub:org/repo/b.pth: the Hub was not asked, and the cache does not have it",
        "a file that you have downloaded by any other way can be given by its path",
    )
    with pytest.raises(DownloadError, match=re.escape("\n".join(lines))):
        fetch(weights_of(*sources), "toy")
    assert asked == [("a.pth", False), ("b.pth", True)]
    with pytest.raises(DownloadError, match=r"add it:\n  model\.safetensors: Connection refused\n  pytorch"):
        read_weights("hf-hub:org/repo")
    assert asked[2:] == [("model.safetensors", False), ("pytorch_model.bin", True)]


def test_assets_are_checked() -> None:
    with pytest.raises(
        WeightsError, match=r"the asset nothing.safetensors is missing from this installation; install"
    ):
        asset("nothing.safetensors")
    with pytest.raises(HashMismatchError, match=r"the file from asset \.\./__init__\.py has SHA-256"):
        asset("../__init__.py", "00000000")


def test_the_cache_folder_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("HRPOSE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "hrpose"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "hrpose"


def test_importing_neither_connects_nor_writes(tmp_path: Path) -> None:
    code = (
        "import socket, sys\n"
        "socket.socket.connect = lambda *a: sys.exit('connected')\n"
        "import hrpose, hrpose.hub.registry\n"
        "heavy = {'timm', 'torchvision', 'huggingface_hub', 'scipy'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "HRPOSE_CACHE": str(tmp_path / "c")}
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], env=os.environ | home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []
