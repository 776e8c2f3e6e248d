"""Write a file whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hrpose.errors import ConfigError


@contextmanager
def replacing(path: str | Path, suffix: str) -> Iterator[Path]:
    """A file beside `path` that takes its place at the end; after an error it is gone, and `path` as it was.

    Folders that are missing are made.

    Raises: ConfigError for another suffix, and where nothing can be written.
    """
    path = Path(path).expanduser()
    if path.suffix != suffix:
        raise ConfigError(f"{path} ends in {path.suffix!r}; give a file ending in {suffix}")
    if path.is_dir():
        raise ConfigError(f"cannot write {path}: a folder is in the way; give another name")
    beside = _make_beside(path)
    try:
        yield beside
        beside.chmod(0o644)  # mkstemp is for one user's eyes
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _make_beside(path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix)
    except OSError as error:
        fix = "give a file in a folder that you may write to"
        raise ConfigError(f"cannot write {path} ({error.strerror}); {fix}") from error
    os.close(handle)
    return Path(name)
