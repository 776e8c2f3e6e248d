"""Read a checkpoint file without running anything that is in it.

`torch.load(weights_only=True)` reads what holds tensors only. Files that pickle foreign objects as well (log
buffers, configs, whole modules) go through an unpickler that knows how to build tensors and nothing else:
every other name becomes an inert `Stub`, so no function named by the file is ever called.
"""

import collections
import inspect
import pickle
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch

from hrpose.errors import UnsafeFileError, WeightsError

PLAIN = (bool, bytearray, complex, dict, float, frozenset, int, list, set, slice, str, tuple)
REBUILDERS = ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter", "_rebuild_parameter_with_state")


@dataclass(frozen=True, kw_only=True)
class Unpickled:
    """What a file held: its content, the names that became stubs, and text that it carries (safetensors)."""

    content: Any
    stubs: tuple[str, ...] = ()
    metadata: Mapping[str, str] | None = None


class Stub(dict[Any, Any]):
    """Stands where a file asked for a class or function that is not part of reading tensors; it does nothing.

    It takes any arguments, swallows items and attributes, and keeps only the state that the file gives it.
    """

    state: Any = None

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__()

    __hash__ = object.__hash__  # type: ignore[assignment]  # a file may use it as a key

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def append(self, item: object) -> None:
        """Swallow what a foreign list was filled with."""

    def extend(self, items: object) -> None:
        """Swallow what a foreign list was filled with."""


class _Sealed:
    """A function that a file may call but not change: pickle can set attributes of what it was given."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call

    def __call__(self, *args: Any) -> Any:
        return self.call(*args)

    def __setstate__(self, state: object) -> NoReturn:
        raise UnsafeFileError("the file tries to change a function of PyTorch; do not trust it")


def _allowed() -> dict[str, Any]:
    """The names that reading tensors needs, as 'module.name', and what they stand for."""
    names: dict[str, Any] = {"collections.OrderedDict": collections.OrderedDict, "torch.Size": torch.Size}
    names["torch.device"] = torch.device
    for kind in PLAIN:  # Python 2 wrote the second name
        names[f"builtins.{kind.__name__}"] = names[f"__builtin__.{kind.__name__}"] = kind
    for name in REBUILDERS:
        names[f"torch._utils.{name}"] = _Sealed(getattr(torch._utils, name))
    names |= {str(dtype): dtype for dtype in vars(torch).values() if isinstance(dtype, torch.dtype)}
    return names


def _restricted(stubs: list[str]) -> type:
    """A stand-in for the module `pickle` that knows only the allowed names; what it stubs goes to `stubs`."""
    allowed = _allowed()
    made: dict[str, type[Stub]] = {}

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            full = f"{module}.{name}"
            if full in allowed:
                return allowed[full]
            if full not in made:
                made[full] = type("Stub", (Stub,), {"__module__": f"stub.{module}"})
                stubs.append(full)
            return made[full]

    def load(file: Any, **options: Any) -> Any:
        return Unpickler(file, **options).load()

    return type("restricted_pickle", (), {"Unpickler": Unpickler, "load": staticmethod(load)})


def read_file(path: str | Path) -> Unpickled:
    """Read a checkpoint, whatever wrote it, without running any of its code.

    Args:
        path: .safetensors, or anything that `torch.save` wrote (.pth, .pt, .bin, .pth.tar), old or new.
    Raises: WeightsError, naming what is wrong with the file.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "w.pth")
    >>> torch.save({"state_dict": {"a": torch.zeros(2)}}, file)
    >>> read_file(file).content["state_dict"]["a"].shape
    torch.Size([2])
    """
    path = Path(path)
    head = _head(path)
    if _is_safetensors(path, head):
        return _read_safetensors(path)
    _refuse_others(path, head)
    try:
        return Unpickled(content=torch.load(path, map_location="cpu", weights_only=True))
    except Exception:  # foreign names, or damage of any kind: the other reader tells which
        return _read_with_stubs(path)


def _head(path: Path) -> bytes:
    if path.is_dir():
        raise WeightsError(f"{path} is a folder; give the file, or local-dir:{path} for a saved model")
    if not path.is_file():
        raise WeightsError(f"there is no file {path}; check the path")
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        raise WeightsError(f"{path} is empty; download or copy it again")
    return head


def _is_safetensors(path: Path, head: bytes) -> bool:
    return path.suffix == ".safetensors" or (head[8:9] == b"{" and head[6:8] == b"\0\0")


def _read_safetensors(path: Path) -> Unpickled:
    import safetensors

    try:
        with safetensors.safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            return Unpickled(content=tensors, metadata=file.metadata())
    except (safetensors.SafetensorError, OSError) as e:
        raise _broken(path, e) from e


def _refuse_others(path: Path, head: bytes) -> None:
    """Name the files that are often found in the place of a checkpoint."""
    if head.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise WeightsError(f"{path} is a web page, not a checkpoint; the download met a login or error page")
    if head.startswith(b"version https://git-lfs"):
        raise WeightsError(f"{path} is a Git LFS pointer, not the file it points to; run `git lfs pull`")
    if head[257:262] == b"ustar":
        raise WeightsError(
            f"{path} is a tar archive; unpack it, or save its state dict again with torch.save"
        )
    if not head.startswith((b"\x80", b"PK")):
        raise WeightsError(
            f"{path} is not a checkpoint: it is neither a pickle nor a zip of one nor safetensors"
        )
    if any(name.endswith("/constants.pkl") for name in _entries_of_zip(path)):
        raise WeightsError(f"{path} is a TorchScript archive, which is code; give its state dict instead")


def _entries_of_zip(path: Path) -> list[str]:
    """The names in a zip archive; none if it is no archive.

    Raises: WeightsError if its directory is damaged.
    """
    try:
        if not zipfile.is_zipfile(path):
            return []
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except Exception as e:  # zipfile fails in many ways on a damaged directory
        raise _broken(path, e) from e


def _read_with_stubs(path: Path) -> Unpickled:
    stubs: list[str] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch would compare the source of stubs with the file's
            content = torch.load(
                path, map_location="cpu", weights_only=False, pickle_module=_restricted(stubs)
            )
    except WeightsError:
        raise
    except Exception as e:  # a stub may be used in any way, and a damaged pickle may fail in any way
        raise _broken(path, e, stubs) from e
    if not any(isinstance(leaf, torch.Tensor) for leaf in leaves(content)):
        raise UnsafeFileError(
            f"{path} holds no tensors; it asked for {_some(stubs)}, and none of that was run"
        )
    return Unpickled(content=content, stubs=tuple(stubs))


def leaves(content: Any) -> Iterator[Any]:
    """Everything that lies in dicts, lists and stubs, however deep, each container once."""
    waiting, seen = [content], set()
    while waiting:
        item = waiting.pop()
        if isinstance(item, Mapping | list | tuple | Stub):
            if id(item) not in seen:
                seen.add(id(item))
                waiting += [item.state] if isinstance(item, Stub) else []
                waiting += list(item.values()) if isinstance(item, Mapping) else list(item)
        else:
            yield item


def _broken(path: Path, error: Exception, stubs: list[str] | None = None) -> WeightsError:
    first = inspect.cleandoc(str(error)).split("\n")[0].split(". ")[0][:200] or type(error).__name__
    asked = f"; it asked for {_some(stubs)}, and none of that was run" if stubs else ""
    size = f"{path.stat().st_size:,} bytes"
    return WeightsError(
        f"{path} ({size}) cannot be read as a checkpoint{asked}; it may be cut off or damaged, "
        f"so download or copy it again ({first})"
    )


def _some(names: list[str], most: int = 5) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest if names else "nothing at all"
