"""Library: kernels.cpp, compiled for the processor at hand."""

import ctypes
import functools
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from hrpose.errors import ConfigError

SOURCE = Path(__file__).with_name("kernels.cpp")
MOST_INPUTS = 6  # of a step, as in kernels.cpp
MOST_CHANNELS = 8192  # of a map, as in kernels.cpp


def numbers(*names: str) -> list[tuple[str, type]]:
    """Fields of 64 bits."""
    return [(name, ctypes.c_int64) for name in names]


class Map(ctypes.Structure):
    """A map in memory, as in kernels.cpp; strides count floats."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        *numbers("height", "width", "channels", "image", "row", "pixel", "channel"),
    ]


class Segment(ctypes.Structure):
    """As in kernels.cpp."""

    _fields_ = numbers("y", "x", "channel", "length", "weight")


class Panel(ctypes.Structure):
    """As in kernels.cpp."""

    _fields_ = numbers("vectors", "channel", "first_segment", "last_segment", "weight")


class Step(ctypes.Structure):
    """As in kernels.cpp."""

    _fields_ = [
        *numbers("kind", "wave", "chunks", "images", "inputs", "relu", "stride", "block", "panels"),
        *numbers("panels_a_chunk", "depth", "window", "padding", "align"),
        ("maps", Map * MOST_INPUTS),
        ("out", Map),
        *[(name, ctypes.c_void_p) for name in ("weight", "bias", "segment", "panel")],
    ]


class Library:
    """The compiled kernels: `lanes` numbers a vector, `rows` pixels at once, and `run`."""

    def __init__(self, path: Path) -> None:
        held = ctypes.CDLL(str(path))
        sizes = (ctypes.c_int64 * 2)()
        held.describe(sizes)
        self.lanes, self.rows = sizes
        self.run = held.run
        self.run.restype = None


@functools.cache
def library() -> Library:
    """Compiled once in a process, in a second.

    Raises: ConfigError if the compiler refuses.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernels.so"
        command = [*compiler(), *flags(), "-o", str(path), str(SOURCE)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
            raise ConfigError(
                f"{' '.join(command[:-3])} refused the kernels: {(lines or ['no reason given'])[0]}"
            )
        return Library(path)


def compiler() -> list[str]:
    """The command of the C++ compiler: CXX, if that is set, else what is usual."""
    usual = {"darwin": "clang++", "win32": "cl"}.get(sys.platform, "g++")
    return shlex.split(os.environ.get("CXX", "")) or [usual]


def flags() -> list[str]:
    """For the instructions that this processor has."""
    kind = "-march=native" if platform.machine().lower() in ("x86_64", "amd64", "i686") else "-mcpu=native"
    return ["-std=c++17", "-O3", kind, "-shared", "-fPIC", "-fopenmp"]
