"""One file over HTTP into a cache folder: resumed where it broke off, checked, and whole or not there."""

import hashlib
import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from hrpose.errors import HashMismatchError
from hrpose.version import __version__

CHUNK = 1 << 20
TIMEOUT = 30.0  # seconds without a byte


class BrokenTransferError(OSError):
    """The connection ended before the file did."""


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_file(path: Path, sha256: str | None, source: str) -> None:
    """Raise HashMismatchError unless the file's SHA-256 starts with `sha256`."""
    if sha256 is None:
        return
    found = sha256_of(path)
    if not found.startswith(sha256):
        raise HashMismatchError(
            f"the file from {source} has SHA-256 {found[: len(sha256)]}, but {sha256} was expected; "
            "it was not kept. It may have been replaced or damaged: try another source, or report it"
        )


def transfer(url: str, target: Path, *, sha256: str | None = None) -> Path:
    """Bring `url` to `target`, unless it is there already.

    What has arrived lies in `target.part` until it is complete and its hash is right; a later call goes on
    from there if the server can and the file there is still the same.

    Raises: HashMismatchError (nothing is kept); OSError if the host cannot be reached or the transfer breaks.
    """
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]  # it is not in __all__

    if target.exists():  # before anything is written: the folder may be for reading only
        return _checked(target, sha256, url)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    with WeakFileLock(target.with_name(target.name + ".lock")):
        if target.exists():
            return _checked(target, sha256, url)
        _receive(url, part)
        _checked(part, sha256, url)
        part.replace(target)
        _tag(part).unlink(missing_ok=True)
    return target


def _checked(path: Path, sha256: str | None, url: str) -> Path:
    try:
        check_file(path, sha256, url)
    except HashMismatchError:
        path.unlink()
        _tag(path).unlink(missing_ok=True)
        raise
    return path


def _tag(part: Path) -> Path:
    """Where the server's mark of the version in `part` is kept."""
    return part.with_name(part.name + ".tag")


def _receive(url: str, part: Path) -> None:
    """Fill `part`; go on after a broken connection as long as each attempt brings something new."""
    while True:
        before = _size(part)
        try:
            return _attempt(url, part)
        except (BrokenTransferError, http.client.HTTPException, TimeoutError, ConnectionError) as e:
            if _size(part) <= before:
                raise BrokenTransferError(f"the connection broke after {before:,} bytes ({e})") from e


def _attempt(url: str, part: Path) -> None:
    with closing(_open(url, part)) as answer:
        total = _total(answer)
        with part.open("ab" if answer.status == 206 else "wb") as file:
            _write_tag(answer, part)
            for chunk in _chunks(answer, total, _size(part), part):
                file.write(chunk)
    if total is not None and _size(part) < total:
        raise BrokenTransferError(f"{_size(part):,} of {total:,} bytes arrived")


def _open(url: str, part: Path) -> Any:
    """Ask for the rest of the file if part of the same version is here, else for all of it."""
    headers = {"User-Agent": f"hrpose/{__version__}", "Accept-Encoding": "identity"}
    have, tag = _size(part), _tag(part)
    if have and tag.exists():
        headers |= {"Range": f"bytes={have}-", "If-Range": tag.read_text()}
    try:
        answer = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as e:
        if e.code != 416:
            raise
        e.close()
        part.unlink()  # what is here is longer than the file there
        return _open(url, part)
    if answer.status == 206 and _first_byte(answer) != have:
        answer.close()
        raise BrokenTransferError("the server went on from another byte than asked")
    return answer


def _write_tag(answer: Any, part: Path) -> None:
    tag = answer.headers.get("ETag", "")
    if tag and not tag.startswith("W/"):  # a weak tag does not promise the same bytes
        _tag(part).write_text(tag)
    else:
        _tag(part).unlink(missing_ok=True)


def _chunks(answer: Any, total: int | None, have: int, part: Path) -> Iterator[bytes]:
    from tqdm import tqdm

    with tqdm(
        total=total, initial=have, unit="B", unit_scale=True, desc=part.stem, leave=False, delay=1
    ) as bar:
        while chunk := answer.read(CHUNK):
            bar.update(len(chunk))
            yield chunk


def _first_byte(answer: Any) -> int | None:
    match = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return int(match[1]) if match else None


def _total(answer: Any) -> int | None:
    """The size of the whole file, as far as the server says."""
    match = re.fullmatch(r"bytes \d+-\d+/(\d+)", answer.headers.get("Content-Range", ""))
    length = match[1] if match else answer.headers.get("Content-Length")
    return int(length) if length is not None else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
