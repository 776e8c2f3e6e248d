"""A server and an empty cache for the tests of downloads."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.server import CONTENT, Server, serving


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HRPOSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("hrpose.hub.transfer.TIMEOUT", 5.0)
    monkeypatch.setattr("hrpose.hub.transfer.CHUNK", 1000)
    return tmp_path / "cache"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as state:
        state.files["/w.pth"] = CONTENT
        yield state


@pytest.fixture
def hub(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The same server, which huggingface_hub takes for the Hub."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}"
    )
    server.files["/org/repo@main/w.pth"] = CONTENT
    return server
