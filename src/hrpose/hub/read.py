"""From any source of weights to one flat state dict, saying what was unwrapped on the way."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from torch import Tensor, nn

from hrpose.errors import DownloadError, UnknownNameError, WeightsError
from hrpose.hub import cards
from hrpose.hub.download import BY_PATH, HubDownError, fetch, fetch_hub, fetch_url, short, split_revision
from hrpose.hub.pickle import Stub, Unpickled, read_file
from hrpose.models.families import config_to_dict
from hrpose.models.spec import PoseSpec

CONTAINERS = ("state_dict", "model_state_dict", "model", "net", "best_state_dict", "network", "weights")
PREFIXES = ("module.", "_orig_mod.", "model.", "1.", "net.")  # _orig_mod: of torch.compile
BESIDE = {
    "loss.": "part of the training loss",
    "criterion.": "part of the training loss",
    "n_averaged": "the counter of an averaged model",
}
DEEPEST = 32  # wrappers; a file may nest without end
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
        read = unwrap(Unpickled(content=source.state_dict()), f"a {type(source).__name__}")
        return replace(read, spec=getattr(source, "spec", None))
    if isinstance(source, Mapping):
        return unwrap(Unpickled(content=source), "the given state dict")
    if not isinstance(source, str | Path) or not str(source):
        kind = f"a {type(source).__name__}" if source != "" else "an empty name"
        raise WeightsError(
            f"{kind} is no source of weights; give a name, a path, a URL, a state dict or a module"
        )
    return _read_place(str(source))


def _read_place(place: str) -> Checkpoint:
    if place in cards.all_cards():  # before files, so that no file nearby can pass for a published one
        return read_card(place)
    if place.startswith("hf-hub:"):
        return _read_hub(place.removeprefix("hf-hub:"))
    if place.startswith("local-dir:"):
        return read_folder(Path(place.removeprefix("local-dir:")).expanduser())
    if place.startswith(("http://", "https://")):
        return unwrap(read_file(fetch_url(place)), place)
    path = Path(place).expanduser()
    if path.is_dir():
        return read_folder(path)
    if path.exists() or path.suffix in (".pth", ".pt", ".bin", ".safetensors", ".tar"):
        return unwrap(read_file(path), place)
    near = cards.nearest_cards(place)
    raise UnknownNameError(f"{place!r} is neither a file, a folder, a URL nor the name of weights; {near}")


def read_card(name: str) -> Checkpoint:
    """The weights of a card.

    Raises: UnknownNameError, DownloadError, HashMismatchError.
    """
    card = cards.find_card(name)
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
    config = read_json(beside) if beside.is_file() else None
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
    weights = _first_of(repo, revision)
    return _with_config(unwrap(read_file(weights), source), _hub_config(repo, revision))


def _first_of(repo: str, revision: str | None) -> Path:
    """The weights that the repository serves under a usual name; safetensors before pickle.

    Raises: DownloadError, saying of each name why it failed.
    """
    tried, down = [], False
    for file in FILES[:2]:  # the names that libraries write to the Hub
        try:
            return fetch_hub(repo, file, revision=revision, local_files_only=down)
        except DownloadError as e:
            down |= isinstance(e, HubDownError)
            tried.append(f"  {file}: {short(e)}")
    lines = (f"no weights found in hf-hub:{repo}; if they go by another name, add it:", *tried, BY_PATH)
    raise DownloadError("\n".join(lines))


def _hub_config(repo: str, revision: str | None) -> Any:
    try:
        path = fetch_hub(repo, "config.json", revision=revision)
    except DownloadError:  # weights alone are enough
        return None
    return read_json(path)


def read_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises: WeightsError if it is not JSON.
    """
    return parse_json(path.read_bytes(), str(path))


def parse_json(text: str | bytes, place: str) -> Any:
    """What JSON text says.

    Raises: WeightsError, naming the place, if it is not JSON.
    """
    try:
        return json.loads(text)
    except ValueError as e:  # wrong letters, or no letters at all
        raise WeightsError(f"{place} is not JSON ({e}); save the model again") from e


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
        config=_our_config(config, source),
    )


def _our_config(stored: str | None, source: str) -> Mapping[str, Any] | None:
    """The settings in the header of our own files."""
    config = parse_json(stored, f"the config in {source}") if stored else None
    if config is not None and not isinstance(config, Mapping):
        raise WeightsError(
            f"the config in {source} is a {type(config).__name__}, not an object; save the model again"
        )
    return config


def _peel_containers(content: Any, source: str) -> tuple[Mapping[str, Any], list[str]]:
    peeled: list[str] = []
    while len(peeled) < DEEPEST:
        if isinstance(content, Stub) and "_modules" in (content.state or {}):
            content = _tensors_of_module(content)
            peeled.append("a pickled module")
        if not isinstance(content, Mapping):
            raise WeightsError(
                f"{source} holds a {type(content).__name__}, not a state dict; give its state dict"
            )
        inner = next((name for name in CONTAINERS if isinstance(content.get(name), Mapping)), None)
        if inner is None and any(isinstance(value, Tensor) for value in content.values()):
            return content, peeled
        if inner is None:
            keys = ", ".join(map(str, list(content)[:5])) or "nothing"
            raise WeightsError(
                f"{source} holds no weights: its entries are {keys}; give the entry with the tensors"
            )
        content = content[inner]
        peeled.append(f"['{inner}']")
    raise WeightsError(f"{source} nests more than {DEEPEST} wrappers; give its state dict")


def _tensors_of_module(stub: Stub) -> dict[str, Tensor]:
    """The state dict of a module that was pickled whole and read as stubs; a file may tie them in a ring."""
    tensors: dict[str, Tensor] = {}
    waiting, seen = [("", stub)], {id(stub)}
    while waiting:
        prefix, module = waiting.pop()
        state = module.state if isinstance(module.state, dict) else {}
        own = {**_entries(state, "_parameters"), **_entries(state, "_buffers")}
        tensors |= {f"{prefix}{name}": w.detach() for name, w in own.items() if isinstance(w, Tensor)}
        children = _entries(state, "_modules").items()
        fresh = [(n, c) for n, c in children if isinstance(c, Stub) and id(c) not in seen]
        seen |= {id(child) for _, child in fresh}
        waiting += [(f"{prefix}{name}.", child) for name, child in reversed(fresh)]
    return tensors


def _entries(state: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A table of a pickled module's state; nothing if it is none."""
    found = state.get(name)
    return found if isinstance(found, Mapping) else {}


def _common_prefix(names: Mapping[str, Any]) -> str | None:
    """The wrapper that all names stand behind, but for those of a loss beside the network."""
    inside = [name for name in names if not name.startswith(tuple(BESIDE))]
    return next((p for p in PREFIXES if inside and all(name.startswith(p) for name in inside)), None)


def _beside(name: str) -> str:
    return next(reason for prefix, reason in BESIDE.items() if name.startswith(prefix))
