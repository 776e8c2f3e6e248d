"""Bring the file of a card, a Hub repository or a URL here, from the first place that serves it."""

import hashlib
import os
import re
from importlib import resources
from pathlib import Path
from typing import Any

from hrpose.errors import DownloadError, HashMismatchError, WeightsError
from hrpose.hub.card import Source, Weights
from hrpose.hub.transfer import check_file, transfer

LONGEST = 100  # letters of a file name in the cache
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
    mismatch = hub_is_down = False
    for source in weights.sources:
        try:
            return fetch_source(source, source.sha256 or weights.sha256, local_files_only=hub_is_down)
        except (HashMismatchError, DownloadError) as e:
            mismatch |= isinstance(e, HashMismatchError)
            hub_is_down |= isinstance(e, HubDownError)  # asking it again would only take time
            tried.append(f"  {source}: {short(e)}")
    kind = HashMismatchError if mismatch else DownloadError
    raise kind(f"no source of {name} could be used:\n" + "\n".join(tried) + f"\n{BY_PATH}")


class HubDownError(DownloadError):
    """The Hub did not answer at all, or was not to be asked."""


def short(error: Exception) -> str:
    """An error's text in a list that names the place and the way out itself."""
    _, found, reason = str(error).partition(" could not be fetched (")
    return reason.removesuffix(f"); {BY_PATH}") if found else str(error).removesuffix(f"; {BY_PATH}")


def fetch_source(source: Source, sha256: str | None, *, local_files_only: bool = False) -> Path:
    """The file of one source.

    Args:
        local_files_only: do not ask the Hub for what its cache lacks.
    Raises: DownloadError, HashMismatchError.
    """
    if source.asset:
        return asset(source.asset, sha256)
    if source.url:
        return fetch_url(source.url, sha256=sha256)
    if source.repo and source.file:
        return fetch_hub(
            source.repo,
            source.file,
            revision=source.revision,
            sha256=sha256,
            repo_type=source.repo_type,
            local_files_only=local_files_only,
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
    target = cache_folder() / hashlib.sha256(url.encode()).hexdigest()[:16] / name_in_cache(url)
    if not target.exists() and offline():
        raise DownloadError(f"HF_HUB_OFFLINE is set and {url} is not in {cache_folder()}; {BY_PATH}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        fix = "name another folder in the environment variable HRPOSE_CACHE"
        raise DownloadError(f"{url} cannot be kept in {cache_folder()} ({e}); {fix}") from e
    try:
        return transfer(url, target, sha256=sha256)
    except (OSError, ValueError) as e:  # ValueError: no URL, or letters that none has
        raise DownloadError(f"{url} could not be fetched ({e}); {BY_PATH}") from e


def name_in_cache(url: str) -> str:
    """A plain file name for what a URL serves.

    >>> name_in_cache("https://host/a/w 1.pth?x=1"), name_in_cache("https://host/..")
    ('w_1.pth', 'file')
    """
    last = url.partition("?")[0].partition("#")[0].rpartition("/")[2]
    return re.sub(r"[^\w.-]", "_", last)[-LONGEST:].lstrip(".") or "file"


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
    Raises: DownloadError with the reason, HubDownError if the Hub did not answer; HashMismatchError, and
        nothing is kept.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        got = hf_hub_download(repo, file, revision=revision, repo_type=repo_type, **options)
    except Exception as e:  # whatever a host does wrong, the reader needs the place and the reason
        down = isinstance(e, LocalEntryNotFoundError)  # no answer, and not in the cache
        cause = (e.__cause__ or e) if down else e
        reason = str(cause).strip().split("\n")[0] or type(cause).__name__
        if down and offline():
            reason = "HF_HUB_OFFLINE is set, and the cache does not have it"
        elif down and options.get("local_files_only"):
            reason = "the Hub was not asked, and the cache does not have it"
        kind = HubDownError if down else DownloadError
        raise kind(f"hf-hub:{repo}/{file} could not be fetched ({reason}); {BY_PATH}") from e
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
