"""Weights and inputs made from names, shapes and seeds alone: bit for bit those of the reference folder.

The stream is numpy's frozen RandomState, seeded with the CRC-32 of the name.
"""

import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def fill(name: str, shape: Sequence[int]) -> np.ndarray:
    """One array of a state dict.

    Kernels are normal, the variance 1.5 / fan-in, for 1x1 and linear ones 0.5 / fan-in; the weights of batch
    norms lie in 0.4..0.8, running variances in 0.5..1.5; biases and running means are normal with a std of
    0.1; counters are 0.
    """
    kind = name.rpartition(".")[2]
    if kind == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    stream = np.random.RandomState(zlib.crc32(name.encode()))
    if kind in ("bias", "running_mean"):
        values = 0.1 * stream.standard_normal(shape)
    elif kind == "running_var":
        values = stream.uniform(0.5, 1.5, shape)
    elif kind == "weight" and len(shape) == 1:
        values = stream.uniform(0.4, 0.8, shape)
    elif kind == "weight":
        gain = 0.5 if math.prod(shape[2:]) == 1 else 1.5
        values = stream.standard_normal(shape) * math.sqrt(gain / math.prod(shape[1:]))
    else:
        raise ValueError(f"no rule makes {name} of shape {tuple(shape)}")
    return values.astype(np.float32)


def fill_input(shape: Sequence[int], seed: int) -> np.ndarray:
    """An input of a network, or a target: standard normal."""
    return np.random.RandomState(seed).standard_normal(tuple(shape)).astype(np.float32)


def state_dict(manifest: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """All arrays of a manifest, under the original names and in their order."""
    constants = manifest.get("constants", {})
    return {
        name: np.asarray(constants[name], np.float32) if name in constants else fill(name, shape)
        for name, shape in manifest["keys"].items()
    }
