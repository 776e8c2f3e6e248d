"""From any source of weights to one flat state dict, saying what was unwrapped on the way."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from torch import Tensor, nn

from hrpose.errors import DownloadError, UnknownNameError, WeightsError, nearest
from hrpose.hub.download import fetch, fetch_hub, fetch_url, split_revision
from hrpose.hub.pickle import Stub, Unpickled, read_file
from hrpose.models.families import config_to_dict
from hrpose.models.spec import PoseSpec

CONTAINERS = ("state_dict", "model_state_dict", "model", "net", "best_state_dict", "network", "weights")
PREFIXES = ("module.", "model.", "1.", "net.")
BESIDE = {"loss.": "part of the training loss", "criterion.": "part of the training loss"}
FILES = ("model.safetensors", "pytorch_model.bin", "model.pth", "model.pt")  # in a folder or repository
CONFIG = "hrpose"  # the entry of a safetensors header that holds our config as JSON


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A flat state dict, and what is known of the file that it came from."""

    weights: dict[str, Tensor]
    source: str
    peeled: tuple[str, ...] = ()  # wrappers taken off, outermost first
    stubs: tuple[str, ...] = ()  # what the file asked for and did not get
    dropped: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] | None = None  # of a card, or of a model that hrpose saved
    spec: PoseSpec | None = None  # of a module


WeightsSource: TypeAlias = str | Path | Mapping[str, Any] | nn.Module | Checkpoint


def read_weights(source: WeightsSource) -> Checkpoint:
    """The state dict of a card's name, a file, a folder, a URL, a Hub repository, a module, or itself.

    Args:
        source: "hrnet_w32.coco_256x192", "weights.pth", "local-dir:folder", "https://...", "hf-hub:org/repo",
            "hf-hub:org/repo/file.pth@revision", a state dict (wrapped or not), a module.
    Raises: WeightsError for what holds no weights, UnknownNameError for a name that is none of these,
        DownloadError, HashMismatchError.

    >>> from torch import zeros
    >>> read_weights({"state_dict": {"module.conv1.weight": zeros(1)}}).peeled
    ("['state_dict']", 'module.')
    """
    if isinstance(source, Checkpoint):
        return source
    if isinstance(source, nn.Module):
        spec = getattr(source, "spec", None)
        return Checkpoint(weights=source.state_dict(), source=f"a {type(source).__name__}", spec=spec)
    if isinstance(source, Mapping):
        return unwrap(Unpickled(content=source), "the given state dict")
    return _read_place(str(source))


def _read_place(place: str) -> Checkpoint:
    if place.startswith("hf-hub:"):
        return _read_hub(place.removeprefix("hf-hub:"))
    if place.startswith("local-dir:"):
        return read_folder(Path(place.removeprefix("local-dir:")))
    if place.startswith(("http://", "https://")):
        return unwrap(read_file(fetch_url(place)), place)
    path = Path(place).expanduser()
    if path.is_dir():
        return read_folder(path)
    if path.exists() or path.suffix in (".pth", ".pt", ".bin", ".safetensors", ".tar"):
        return unwrap(read_file(path), place)
    return _read_card(place)


def _read_card(name: str) -> Checkpoint:
    from hrpose.hub.cards import all_cards  # the cards are made when they are first needed

    card = all_cards().get(name)
    if card is None:
        near = nearest(name, all_cards())
        raise UnknownNameError(f"{name!r} is neither a file, a folder, a URL nor the name of weights; {near}")
    return replace(unwrap(read_file(fetch(card.weights, name)), name), config=config_to_dict(card.config))


def read_folder(folder: Path) -> Checkpoint:
    """The weights in a folder, and the config beside them.

    Raises: WeightsError if there is none, or more than one to choose from.
    """
    if not folder.is_dir():
        raise WeightsError(f"there is no folder {folder}; check the path")
    named = [folder / name for name in FILES if (folder / name).is_file()]
    found = named or sorted(
        p for p in folder.iterdir() if p.suffix in (".safetensors", ".pth", ".pt", ".bin")
    )
    if not found:
        raise WeightsError(f"{folder} holds no weights; give a folder with one of {', '.join(FILES)}")
    if not named and len(found) > 1:
        choice = ", ".join(p.name for p in found)
        raise WeightsError(f"{folder} holds several files of weights ({choice}); give the path of one")
    beside = folder / "config.json"
    config = json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else None
    read = unwrap(read_file(found[0]), str(found[0]))
    return _with_config(read, config)


def _read_hub(name: str) -> Checkpoint:
    path, revision = split_revision(name)
    org, _, rest = path.partition("/")
    repo, _, file = rest.partition("/")
    source = f"hf-hub:{name}"
    if not org or not repo:
        raise WeightsError(
            f"{source} names no repository; write hf-hub:org/repo or hf-hub:org/repo/file@revision"
        )
    repo = f"{org}/{repo}"
    if file:
        return unwrap(read_file(fetch_hub(repo, file, revision=revision)), source)
    config = _hub_config(repo, revision)
    return _with_config(unwrap(read_file(_first_of(repo, revision)), source), config)


def _first_of(repo: str, revision: str | None) -> Path:
    """The first of FILES that the repository serves."""
    reasons = []
    for file in FILES[:2]:
        try:
            return fetch_hub(repo, file, revision=revision)
        except DownloadError as e:
            reasons.append(f"  {e}")
    tried = "\n".join(reasons)
    raise DownloadError(f"no weights found in hf-hub:{repo}; if they go by another name, add it:\n{tried}")


def _hub_config(repo: str, revision: str | None) -> Any:
    try:
        path = fetch_hub(repo, "config.json", revision=revision)
    except DownloadError:  # weights alone are enough
        return None
    return json.loads(path.read_text(encoding="utf-8"))


def _with_config(read: Checkpoint, config: Any) -> Checkpoint:
    ours = isinstance(config, Mapping) and "kind" in config  # other libraries have a config.json as well
    if read.config is not None or not ours:
        return read
    return replace(read, config=config)


def unwrap(read: Unpickled, source: str) -> Checkpoint:
    """Take off containers (`state_dict`, `model` ...) and prefixes (`module.`, `model.`, `1.` ...).

    Raises: WeightsError if no weights are inside.
    """
    content, peeled = _peel_containers(read.content, source)
    dropped = {str(name): "not a tensor" for name, value in content.items() if not isinstance(value, Tensor)}
    weights = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    while prefix := _common_prefix(weights):
        peeled.append(prefix)
        dropped |= {name: _beside(name) for name in weights if not name.startswith(prefix)}
        weights = {name.removeprefix(prefix): w for name, w in weights.items() if name.startswith(prefix)}
    config = (read.metadata or {}).get(CONFIG)
    return Checkpoint(
        weights=weights,
        source=source,
        peeled=tuple(peeled),
        stubs=read.stubs,
        dropped=dropped,
        config=json.loads(config) if config else None,
    )


def _peel_containers(content: Any, source: str) -> tuple[Mapping[str, Any], list[str]]:
    peeled: list[str] = []
    while True:
        if isinstance(content, Stub) and "_modules" in (content.state or {}):
            content = _tensors_of_module(content)
            peeled.append("a pickled module")
        if not isinstance(content, Mapping):
            raise WeightsError(
                f"{source} holds a {type(content).__name__}, not a state dict; give its state dict"
            )
        if any(isinstance(value, Tensor) for value in content.values()):
            return content, peeled
        inner = next((name for name in CONTAINERS if isinstance(content.get(name), Mapping)), None)
        if inner is None:
            keys = ", ".join(map(str, list(content)[:5])) or "nothing"
            raise WeightsError(
                f"{source} holds no weights: its entries are {keys}; give the entry with the tensors"
            )
        content = content[inner]
        peeled.append(f"['{inner}']")


def _tensors_of_module(stub: Stub, prefix: str = "") -> dict[str, Tensor]:
    """The state dict of a module that was pickled whole and read as stubs."""
    state = stub.state if isinstance(stub.state, dict) else {}
    own = {**state.get("_parameters", {}), **state.get("_buffers", {})}
    tensors = {prefix + name: w.detach() for name, w in own.items() if isinstance(w, Tensor)}
    for name, child in state.get("_modules", {}).items():
        if isinstance(child, Stub):
            tensors |= _tensors_of_module(child, f"{prefix}{name}.")
    return tensors


def _common_prefix(names: Mapping[str, Any]) -> str | None:
    """The wrapper that all names stand behind, but for those of a loss beside the network."""
    inside = [name for name in names if not name.startswith(tuple(BESIDE))]
    return next((p for p in PREFIXES if inside and all(name.startswith(p) for name in inside)), None)


def _beside(name: str) -> str:
    return next(reason for prefix, reason in BESIDE.items() if name.startswith(prefix))
