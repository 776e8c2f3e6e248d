"""A model as a folder or a Hub repository of our own: config.json, model.safetensors and a page about it."""

import json
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from hrpose.errors import ConfigError, WeightsError
from hrpose.hub.download import fetch_hub, split_revision
from hrpose.hub.load import load_weights
from hrpose.hub.pickle import read_file
from hrpose.hub.read import CONFIG, read_json, unwrap
from hrpose.hub.report import refuse_other_settings
from hrpose.models.families import build, config_from_dict, config_to_dict
from hrpose.version import __version__

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def save_pretrained(model: nn.Module, folder: str | Path, *, about: str | None = None) -> Path:
    """Write a model so that `from_pretrained` and `push_to_hub` can use it.

    Each file appears whole or not at all. The settings are also in the header of the weights, so that
    model.safetensors alone is enough for `from_checkpoint`.

    Args:
        about: the text of README.md; a short one is written if None.
    Returns: the folder.
    Raises: ConfigError for a model that hrpose cannot build again.
    """
    config = config_to_dict(getattr(model, "config", None))
    folder = Path(folder).expanduser()
    make_folder(folder)
    stored = json.dumps(config, indent=2)
    _write(folder / WEIGHTS_FILE, lambda path: _write_weights(model, path, stored))
    _write(folder / CONFIG_FILE, lambda path: path.write_text(stored + "\n", encoding="utf-8"))
    _write(folder / "README.md", lambda path: path.write_text(about or page(config), encoding="utf-8"))
    return folder


def make_folder(folder: Path) -> None:
    """Make an output folder, if it is not there.

    Raises: ConfigError if a file stands in its place.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise ConfigError(f"cannot write into {folder}: a file is in the way; give a folder") from error


def _write(path: Path, write: Callable[[Path], object]) -> None:
    """Write beside `path`, then put it in its place at once."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    beside = Path(name)
    try:
        write(beside)
        beside.chmod(0o644)  # mkstemp is for one user's eyes
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _write_weights(model: nn.Module, path: Path, config: str) -> None:
    from safetensors.torch import save_file

    weights = {name: w.detach().cpu().contiguous() for name, w in model.state_dict().items()}
    save_file(weights, path, metadata={"format": "pt", CONFIG: config})


def page(config: dict[str, Any]) -> str:
    """The README of a repository."""
    return f"""---
library_name: hrpose
pipeline_tag: keypoint-detection
tags: [hrpose, pose-estimation]
---

A `{config["kind"]}` network written by hrpose {__version__}; its settings are in config.json.

```python
import hrpose

model = hrpose.from_pretrained("THIS_REPOSITORY")
```
"""


def from_pretrained(source: str | Path, *, revision: str | None = None, **options: Any) -> Any:
    """The model that `save_pretrained` wrote, in evaluation mode, loaded strictly.

    Args:
        source: a folder, "local-dir:folder", "org/repo", "org/repo@revision" or "hf-hub:org/repo".
        options: those of huggingface_hub.hf_hub_download (token, cache_dir, local_files_only ...).
    Raises: WeightsError if files are missing or do not fit each other, DownloadError, ConfigError.

    >>> from hrpose.backbones import HRNet, HRNetConfig
    >>> tiny = HRNet(HRNetConfig(width=8, rounds=(1,), blocks=1))
    >>> from_pretrained(save_pretrained(tiny, tempfile.mkdtemp())).config.width
    8
    """
    config_path, weights_path = _find(str(source), revision, options)
    stored = read_json(config_path)
    if not isinstance(stored, dict):
        raise WeightsError(
            f"{config_path} holds a {type(stored).__name__}, not settings; save the model again"
        )
    model = build(config_from_dict(stored))
    refuse_other_settings(load_weights(model, unwrap(read_file(weights_path), str(source))))
    return model.eval()


def _find(source: str, revision: str | None, options: dict[str, Any]) -> tuple[Path, Path]:
    """Where config and weights lie, fetched if need be."""
    folder = Path(source.removeprefix("local-dir:")).expanduser()
    if source.startswith("local-dir:") or folder.is_dir():
        for name in (CONFIG_FILE, WEIGHTS_FILE):
            if not (folder / name).is_file():
                raise WeightsError(f"{folder} has no {name}; give a folder that save_pretrained wrote")
        return folder / CONFIG_FILE, folder / WEIGHTS_FILE
    if folder.is_file():
        raise WeightsError(f"{source} is a file; give the folder it lies in, or from_checkpoint the file")
    repo, named = split_revision(source.removeprefix("hf-hub:"))
    if not REPOSITORY.fullmatch(repo):
        raise WeightsError(
            f"there is no folder {source}, and it names no repository; write org/repo@revision"
        )
    if revision and named and revision != named:
        raise ConfigError(
            f"{source} names the revision {named}, but revision={revision!r}; give one of the two"
        )
    wanted = named or revision
    return (
        fetch_hub(repo, CONFIG_FILE, revision=wanted, **options),
        fetch_hub(repo, WEIGHTS_FILE, revision=wanted, **options),
    )


def push_to_hub(
    model: nn.Module,
    repo: str,
    *,
    about: str | None = None,
    private: bool | None = None,
    token: str | bool | None = None,
    endpoint: str | None = None,
    commit_message: str = "Upload a model",
    **options: Any,
) -> str:
    """Upload a model to a repository of the Hub, which is made if it does not exist.

    Args:
        repo: "org/repo", or "org/repo@branch".
        options: those of huggingface_hub.HfApi.upload_folder (revision, create_pr, commit_description ...).
    Returns: the address of the commit.
    """
    from huggingface_hub import HfApi

    repo, branch = split_revision(repo)
    options = options if branch is None else {"revision": branch, **options}
    api = HfApi(token=token, endpoint=endpoint)
    api.create_repo(repo, private=private, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        save_pretrained(model, folder, about=about)
        done = api.upload_folder(repo_id=repo, folder_path=folder, commit_message=commit_message, **options)
    return str(done.commit_url)
