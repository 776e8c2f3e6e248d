"""Imports run one way, and `import hrpose` is quick, quiet and light."""

import ast
import compileall
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src/hrpose").rglob("*.py"))

BASE = {"errors", "types", "skeletons"}
NETWORKS = BASE | {"layers", "backbones", "heads", "models", "codecs", "losses"}
# room -> the rooms that it may import from; its own files are always allowed
ARROWS: dict[str, set[str]] = {
    "version": set(),
    "errors": set(),
    "types": set(),
    "skeletons": {"errors", "types"},
    "layers": BASE,
    "backbones": BASE | {"layers"},
    "heads": BASE | {"layers"},
    "codecs": BASE,
    "losses": BASE,
    "models": NETWORKS - {"models"},
    "data": BASE | {"codecs"},
    "metrics": BASE | {"codecs", "data"},
    "hub": NETWORKS | {"version"},
    "deploy": NETWORKS | {"version"},  # before predict: Predictor(optimize=True) needs it
    "viz": BASE,
    "predict": NETWORKS | {"data", "deploy", "hub", "viz"},
    "train": NETWORKS | {"data", "metrics", "hub", "predict"},
    "cli": NETWORKS | {"data", "deploy", "metrics", "hub", "viz", "predict", "train", "version"},
    "__main__": {"cli"},
}


def room(path: Path) -> str:
    return path.relative_to(ROOT / "src/hrpose").parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """The rooms of hrpose that a file imports, wherever in the file the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            names = [f"{module}.{alias.name}" for alias in node.names] if module == "hrpose" else [module]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("hrpose.")}
    return found


@pytest.mark.parametrize(
    "path", [p for p in SOURCES if room(p) != "__init__"], ids=lambda p: str(p.relative_to(ROOT))
)
def test_a_file_imports_only_from_the_rooms_before_it(path: Path) -> None:
    assert room(path) in ARROWS, f"{room(path)} has no place among the arrows"
    backwards = imported_rooms(path) - ARROWS[room(path)] - {room(path)}
    assert not backwards, f"{path.relative_to(ROOT)} may not import {sorted(backwards)}"


def test_the_arrows_have_no_circle() -> None:
    seen: set[str] = set()
    while len(seen) < len(ARROWS):
        ready = {name for name, others in ARROWS.items() if others <= seen} - seen
        assert ready, f"a circle among {sorted(set(ARROWS) - seen)}"
        seen |= ready


WATCHED_IMPORT = """
import json, sys, time
import torch
faults = []
def watch(event, args):
    if event.startswith("socket.") and event not in ("socket.__new__",):
        faults.append(f"{event} {args!r}")
    if event == "open" and isinstance(args[2], int) and args[2] & 0x3:  # O_WRONLY or O_RDWR
        faults.append(f"wrote {args[0]}")
    if event in ("os.mkdir", "os.remove", "os.rename", "subprocess.Popen"):
        faults.append(f"{event} {args!r}")
sys.addaudithook(watch)
start = time.perf_counter()
import hrpose
seconds = time.perf_counter() - start
unwanted = ("timm", "torchvision", "scipy", "huggingface_hub", "accelerate", "matplotlib")
heavy = [name for name in unwanted if name in sys.modules]
print(json.dumps({"seconds": seconds, "faults": faults, "heavy": heavy}))
"""


def watched_import() -> dict[str, object]:
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", WATCHED_IMPORT], capture_output=True, text=True, env=env, check=True
    )
    return json.loads(done.stdout)


def test_import_brings_no_heavy_library_opens_no_connection_and_writes_nothing() -> None:
    seen = watched_import()
    assert seen["heavy"] == []
    assert seen["faults"] == []


def test_import_adds_at_most_300_ms_to_torch() -> None:
    """The contract's bound, for compiled sources as an installation has them.

    The least of five runs, as a busy machine can only add to it.
    """
    compileall.compile_dir(ROOT / "src/hrpose", quiet=2)
    assert min(float(str(watched_import()["seconds"])) for _ in range(5)) <= 0.3
