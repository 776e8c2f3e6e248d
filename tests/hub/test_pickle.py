"""Reading checkpoint files: what is read, what is refused, and that nothing in them runs."""

import contextlib
import os
import pickle
import random
import tarfile
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from hrpose.errors import UnsafeFileError, WeightsError
from hrpose.hub.pickle import Stub, read_file


class Evil:
    """Pickles as a call that would create a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.target}",)


class LogBuffer(dict):  # type: ignore[type-arg]
    """A foreign object such as mmengine leaves in its files."""


def weights() -> OrderedDict[str, torch.Tensor]:
    return OrderedDict(w=torch.arange(6.0).reshape(2, 3), b=torch.ones(2, dtype=torch.float16))


@pytest.mark.parametrize("zipped", [True, False])
def test_plain_files_are_read_in_both_forms(tmp_path: Path, zipped: bool) -> None:
    torch.save(weights(), tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    read = read_file(tmp_path / "w.pth")
    assert torch.equal(read.content["w"], weights()["w"])
    assert read.stubs == ()


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_file_is_named_and_never_runs(tmp_path: Path, zipped: bool) -> None:
    content = {"state_dict": weights(), "hook": Evil(tmp_path / "evil")}
    torch.save(content, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    read = read_file(tmp_path / "w.pth")
    assert torch.equal(read.content["state_dict"]["w"], weights()["w"])
    assert read.stubs == (f"{os.name}.system",)
    assert not (tmp_path / "evil").exists()


def test_a_file_that_is_only_code_is_refused(tmp_path: Path) -> None:
    torch.save(Evil(tmp_path / "evil"), tmp_path / "w.pth")
    with pytest.raises(
        UnsafeFileError, match=r"holds no tensors; it asked for posix\.system, and none of that was"
    ):
        read_file(tmp_path / "w.pth")
    assert not (tmp_path / "evil").exists()


def test_a_plain_pickle_with_code_does_not_run(tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(pickle.dumps(Evil(tmp_path / "evil"), protocol=2))
    with pytest.raises(WeightsError, match=r"it asked for posix\.system, and none of that was run"):
        read_file(tmp_path / "w.pth")
    assert not (tmp_path / "evil").exists()


def test_many_foreign_names_are_counted(tmp_path: Path) -> None:
    names = [type(f"Foreign{i}", (dict,), {"__module__": __name__}) for i in range(7)]
    globals().update({kind.__name__: kind for kind in names})
    torch.save([kind() for kind in names], tmp_path / "w.pth")
    with pytest.raises(UnsafeFileError, match="Foreign4 and 2 more"):
        read_file(tmp_path / "w.pth")


def test_a_file_cannot_change_the_functions_it_may_call(tmp_path: Path) -> None:
    # GLOBAL torch._utils _rebuild_tensor_v2, then BUILD with a slot state
    body = b"ctorch._utils\n_rebuild_tensor_v2\n(NK\x01tb."
    torch.save({"a": 1}, tmp_path / "plain.pth")
    with zipfile.ZipFile(tmp_path / "plain.pth") as old, zipfile.ZipFile(tmp_path / "w.pth", "w") as new:
        for name in old.namelist():
            new.writestr(name, b"\x80\x02" + body if name.endswith("data.pkl") else old.read(name))
    with pytest.raises(UnsafeFileError, match="tries to change a function of PyTorch; do not trust it"):
        read_file(tmp_path / "w.pth")


def test_foreign_objects_become_stubs_beside_the_weights(tmp_path: Path) -> None:
    buffer = LogBuffer(loss=[1.0])
    torch.save(
        {"state_dict": weights(), "message_hub": {"log": buffer, buffer.__class__: 1}}, tmp_path / "w.pth"
    )
    read = read_file(tmp_path / "w.pth")
    assert isinstance(read.content["message_hub"]["log"], Stub)
    assert read.stubs == (f"{__name__}.LogBuffer",)


def test_a_whole_pickled_module_is_read_as_stubs_that_hold_its_tensors(tmp_path: Path) -> None:
    torch.save({"state_dict": nn.Sequential(nn.Conv2d(1, 1, 1))}, tmp_path / "w.pth")
    read = read_file(tmp_path / "w.pth")
    assert "torch.nn.modules.conv.Conv2d" in read.stubs
    assert isinstance(read.content["state_dict"].state["_modules"]["0"], Stub)


def test_safetensors_are_read_by_content_not_by_name(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file(dict(weights()), tmp_path / "w.bin", metadata={"origin": "here"})
    read = read_file(tmp_path / "w.bin")
    assert torch.equal(read.content["w"], weights()["w"])
    assert read.metadata == {"origin": "here"}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is empty; download or copy it again"),
        (b"<!DOCTYPE html><html>sign in</html>", "is a web page, not a checkpoint; the download met a login"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer, not the file it points to"),
        (b"just some words", "is not a checkpoint: it is neither a pickle nor a zip of one nor safetensors"),
        (b"\x80\x02broken", r"w.pth \(8 bytes\) cannot be read as a checkpoint.*cut off or damaged"),
    ],
)
def test_other_files_are_named(tmp_path: Path, content: bytes, text: str) -> None:
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(WeightsError, match=text):
        read_file(tmp_path / "w.pth")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_truncated_file_is_named(tmp_path: Path, zipped: bool) -> None:
    torch.save(weights(), tmp_path / "whole.pth", _use_new_zipfile_serialization=zipped)
    whole = (tmp_path / "whole.pth").read_bytes()
    for part in (0.3, 0.6, 0.95):
        (tmp_path / "w.pth").write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(
            WeightsError, match=r"cannot be read as a checkpoint.*it may be cut off or damaged"
        ):
            read_file(tmp_path / "w.pth")


@pytest.mark.parametrize("faults", [(b"PK\x01\x02", b"PK\x01\x03"), (b"data.pkl", b"\xff" * 8)])
def test_a_damaged_directory_is_named(tmp_path: Path, faults: tuple[bytes, bytes]) -> None:
    torch.save(weights(), tmp_path / "w.pth")
    (tmp_path / "w.pth").write_bytes((tmp_path / "w.pth").read_bytes().replace(*faults))
    with pytest.raises(WeightsError, match=r"cannot be read as a checkpoint.*it may be cut off or damaged"):
        read_file(tmp_path / "w.pth")


@pytest.mark.parametrize("seed", range(20))
def test_random_damage_never_leaks_another_error(tmp_path: Path, seed: int) -> None:
    torch.save(weights(), tmp_path / "w.pth", _use_new_zipfile_serialization=seed % 2 == 0)
    chance = random.Random(seed)
    damaged = bytearray((tmp_path / "w.pth").read_bytes())
    for _ in range(8):
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    (tmp_path / "w.pth").write_bytes(damaged)
    with contextlib.suppress(WeightsError):
        read_file(tmp_path / "w.pth")


def test_truncated_safetensors_are_named(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file(dict(weights()), tmp_path / "w.safetensors")
    whole = (tmp_path / "w.safetensors").read_bytes()
    (tmp_path / "w.safetensors").write_bytes(whole[:-4])
    with pytest.raises(WeightsError, match=r"cannot be read as a checkpoint.*it may be cut off or damaged"):
        read_file(tmp_path / "w.safetensors")


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"there is no file .*nowhere\.pth; check the path"):
        read_file(tmp_path / "nowhere.pth")
    with pytest.raises(WeightsError, match="is a folder; give the file, or local-dir:"):
        read_file(tmp_path)


def test_archives_of_other_kinds_are_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "script.pt", "w") as z:
        z.writestr("script/constants.pkl", b"")
    with pytest.raises(
        WeightsError, match="is a TorchScript archive, which is code; give its state dict instead"
    ):
        read_file(tmp_path / "script.pt")
    with tarfile.open(tmp_path / "old.pth.tar", "w") as t:
        t.add(tmp_path / "script.pt", "storages")
    with pytest.raises(WeightsError, match="is a tar archive; unpack it, or save its state dict again"):
        read_file(tmp_path / "old.pth.tar")
