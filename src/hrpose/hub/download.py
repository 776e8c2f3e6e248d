"""Bring the file of a card, a Hub repository or a URL here, from the first place that serves it."""

import hashlib
import os
import urllib.parse
from importlib import resources
from pathlib import Path
from typing import Any

from hrpose.errors import DownloadError, HashMismatchError, WeightsError
from hrpose.hub.card import Source, Weights
from hrpose.hub.transfer import check_file, transfer

BY_PATH = "a file that you have downloaded by any other way can be given by its path"


def cache_folder() -> Path:
    """Where files from URLs are kept: `HRPOSE_CACHE`, else hrpose in the user's cache folder.

    Files from the Hub are kept where huggingface_hub keeps them.
    """
    named = os.environ.get("HRPOSE_CACHE")
    if named:
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "hrpose"


def fetch(weights: Weights, name: str) -> Path:
    """The file of a card, from its first source that works.

    Raises: DownloadError naming every source and why it failed; HashMismatchError if one served another file.
    """
    tried: list[str] = []
    mismatch = False
    for source in weights.sources:
        try:
            return fetch_source(source, source.sha256 or weights.sha256)
        except HashMismatchError as e:
            mismatch = True
            tried.append(f"  {source}: {e}")
        except DownloadError as e:
            tried.append(f"  {source}: {e}")
    kind = HashMismatchError if mismatch else DownloadError
    raise kind(f"no source of {name} could be used:\n" + "\n".join(tried) + f"\n{BY_PATH}")


def fetch_source(source: Source, sha256: str | None) -> Path:
    """The file of one source.

    Raises: DownloadError, HashMismatchError.
    """
    if source.asset:
        return asset(source.asset, sha256)
    if source.url:
        return fetch_url(source.url, sha256=sha256)
    if source.repo and source.file:
        repo_type = source.repo_type
        return fetch_hub(
            source.repo, source.file, revision=source.revision, sha256=sha256, repo_type=repo_type
        )
    raise DownloadError("only a person can download it there")


def asset(name: str, sha256: str | None = None) -> Path:
    """A file that is part of this package.

    Raises: WeightsError if it is missing, HashMismatchError if it was changed.
    """
    path = Path(str(resources.files("hrpose"))) / "assets" / name
    if not path.is_file():
        raise WeightsError(f"the asset {name} is missing from this installation; install hrpose again")
    check_file(path, sha256, f"asset {name}")
    return path


def fetch_url(url: str, *, sha256: str | None = None) -> Path:
    """A file from a URL, kept in `cache_folder()`.

    Raises: DownloadError with the reason; HashMismatchError, and nothing is kept.
    """
    name = Path(urllib.parse.urlsplit(url).path).name or "file"
    target = cache_folder() / hashlib.sha256(url.encode()).hexdigest()[:16] / name
    if not target.exists() and offline():
        raise DownloadError(f"HF_HUB_OFFLINE is set and {url} is not in {cache_folder()}; {BY_PATH}")
    try:
        return transfer(url, target, sha256=sha256)
    except OSError as e:
        raise DownloadError(f"{url} could not be fetched ({e}); {BY_PATH}") from e


def fetch_hub(
    repo: str,
    file: str,
    *,
    revision: str | None = None,
    sha256: str | None = None,
    repo_type: str = "model",
    **options: Any,
) -> Path:
    """A file of a Hub repository, through the cache of huggingface_hub.

    Args:
        options: those of hf_hub_download (token, cache_dir, force_download ...).
    Raises: DownloadError with the reason; HashMismatchError, and nothing is kept.
    """
    from huggingface_hub import hf_hub_download

    try:
        got = hf_hub_download(repo, file, revision=revision, repo_type=repo_type, **options)
    except Exception as e:  # whatever a host does wrong, the reader needs the place and the reason
        reason = str(e).strip().split("\n")[0] or type(e).__name__
        raise DownloadError(f"hf-hub:{repo}/{file} could not be fetched ({reason}); {BY_PATH}") from e
    path = Path(str(got))
    try:
        check_file(path, sha256, f"hf-hub:{repo}/{file}")
    except HashMismatchError:
        path.resolve().unlink()  # the blob that the cache's link leads to
        path.unlink(missing_ok=True)
        raise
    return path


def offline() -> bool:
    """Whether huggingface_hub was told to stay offline (HF_HUB_OFFLINE)."""
    from huggingface_hub import is_offline_mode

    return is_offline_mode()


def split_revision(name: str) -> tuple[str, str | None]:
    """`repo@revision` -> the two.

    >>> split_revision("org/repo@v1"), split_revision("org/repo")
    (('org/repo', 'v1'), ('org/repo', None))
    """
    repo, _, revision = name.partition("@")
    return repo, revision or None
