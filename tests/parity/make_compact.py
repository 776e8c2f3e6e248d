"""Write the compact subset of tests/parity/data: small cases with hrpose's own numbers.

    python -m tests.parity.make_compact

Run it only where every case of the reference folder passes: then these numbers are those of the originals
within the stated tolerances, and a clone without that folder still notices when a number moves. Of each kind
the smallest case is kept; of each network one run on a small input.
"""

import json
import math
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.parity import test_codecs  # noqa: F401 - it registers the runners
from tests.parity.networks import (
    FAMILIES,
    Reference,
    images_of,
    model_of,
    outputs,
    references,
    strided,
)
from tests.parity.reference import HERE, RUNNERS, Case, check, reference_folder
from tests.parity.test_training import Step

DATA = HERE / "data"
MOST_BYTES = 3_000_000
OUR_SEED = 7_001


def masks_of(compare: dict[str, Any]) -> set[str]:
    """The outputs that only say where another output is compared."""
    return {"out_" + spec[2] for spec in compare.values() if isinstance(spec, list) and len(spec) > 2}


def ours(case: Case) -> dict[str, np.ndarray]:
    """The arrays of a case with the outputs replaced by what hrpose computes."""
    computed = RUNNERS[case.kind](case)
    check(case, computed)
    keep = set(computed) | masks_of(case.meta["compare"])
    meta = {name: case.meta[name] for name in ("case", "variant", "seed", "params")}
    meta["source"] = "computed by hrpose"
    meta["compare"] = {name: spec for name, spec in case.meta["compare"].items() if name in keep}
    arrays = {name: a for name, a in case.arrays.items() if name.startswith("in_") or name in keep}
    arrays["meta"] = np.asarray(json.dumps(meta))
    return arrays | {name: as_stored(value, case[name]) for name, value in computed.items()}


def as_stored(value: Any, like: np.ndarray) -> np.ndarray:
    """An output in the dtype of the reference; JSON documents are bytes."""
    if isinstance(value, dict | list) and like.dtype == np.uint8:
        return np.frombuffer(json.dumps(value).encode(), dtype=np.uint8)
    return np.asarray(value).astype(like.dtype)


def write_codecs() -> None:
    """The smallest case of every kind that hrpose computes, with people if there is one."""
    cases = [Case(path) for path in sorted(Path(reference_folder(), "codecs").glob("*.npz"))]
    cases.sort(key=lambda case: (bool(re.search(r"_[Nn]0_", case.path.name)), case.path.stat().st_size))
    smallest: dict[str, Case] = {}
    for case in cases:
        if case.kind in RUNNERS:
            smallest.setdefault(case.kind, case)
    (DATA / "codecs").mkdir(parents=True)
    for case in smallest.values():
        np.savez_compressed(DATA / "codecs" / case.path.name, **ours(case))


def write_models() -> None:
    """One small run of each network, of the shortest manifest of each family, with inputs of our own."""
    (DATA / "models").mkdir(parents=True)
    by_size = sorted(references("models"), key=lambda one: len(one.manifest["keys"]))
    shortest = {one.family: one for one in reversed(by_size) if one.family in FAMILIES}
    for reference in shortest.values():
        run = min(reference.runs, key=lambda run: math.prod(run["input"]["shape"]))
        run = {"name": run["name"], "note": run.get("note", ""), "outputs": run["outputs"]} | {
            "input": run["input"] | {"seed": OUR_SEED}
        }
        model = model_of(reference.path, reference.aligned(run)).double()
        with torch.no_grad():
            made = outputs(model, images_of(run, torch.float64), run["outputs"])
        write_network("models", reference, [stored_run(run, made)], {}, arrays_of(run, made))
        model.float()


def write_training() -> None:
    """The training step of HRNet for poses."""
    (DATA / "training").mkdir(parents=True)
    reference = next(one for one in references("training") if one.family == "pose_hrnet")
    step = Step(reference)
    manifest = reference.manifest
    arrays = {
        "grad/norm": [gradient_of(step, name).norm() for name in manifest["parameters"]],
        "grad/sum": [gradient_of(step, name).sum() for name in manifest["parameters"]],
        "buffer/norm": [step.buffers[str(step.ours[name])].norm() for name in manifest["buffers"]],
    }
    stored = {name: np.asarray([float(x) for x in values]) for name, values in arrays.items()}
    for run in reference.runs:
        stored |= arrays_of(run, step.outputs[run["name"]])
    runs = [stored_run(run, step.outputs[run["name"]]) for run in reference.runs]
    kept = {name: manifest[name] for name in ("parameters", "buffers", "no_gradient", "zero_gradient")}
    write_network(
        "training", reference, runs, kept | {"step": manifest["step"] | {"loss": step.loss}}, stored
    )


def gradient_of(step: Step, name: str) -> torch.Tensor:
    """The gradient of an original parameter, 0 for one that nothing uses."""
    return torch.zeros(1) if name in step.reference.manifest["no_gradient"] else step.gradient(name)


def stored_run(run: dict[str, Any], made: dict[str, torch.Tensor]) -> dict[str, Any]:
    """A run with the spread of our outputs, of which every second row and column is kept."""
    told = {
        name: {"shape": info["shape"], "strides": thinner(info)}
        | {"std": float(made[name].detach().std(correction=0))}
        for name, info in run["outputs"].items()
    }
    return {name: value for name, value in run.items() if name != "probes"} | {"outputs": told}


def thinner(info: dict[str, Any]) -> list[int]:
    """The strides of what is stored; a map keeps a quarter of its pixels."""
    axes = len(info["shape"])
    return info.get("strides", [1] * axes if axes < 4 else [1] * (axes - 2) + [2, 2])


def arrays_of(run: dict[str, Any], made: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """The part of each output that is stored, in float32."""
    return {
        f"{run['name']}/{name}": strided(made[name].detach().numpy(), {"strides": thinner(info)}).astype(
            np.float32
        )
        for name, info in run["outputs"].items()
    }


def write_network(
    part: str,
    reference: Reference,
    runs: list[dict[str, Any]],
    more: dict[str, Any],
    arrays: dict[str, np.ndarray],
) -> None:
    """A manifest and its arrays."""
    kept = (
        "format",
        "model",
        "family",
        "checkpoint",
        "num_params",
        "batch_norm",
        "notes",
        "constants",
        "keys",
    )
    manifest = (
        {name: reference.manifest[name] for name in (*kept, "data") if name in reference.manifest}
        | more
        | {"runs": runs}
    )
    text = json.dumps(manifest, separators=(",", ":"))
    (DATA / part / reference.path.name).write_text(text + "\n", encoding="utf-8")
    np.savez_compressed(DATA / part / reference.manifest["data"], **arrays)


def main() -> None:
    """Write all three parts anew."""
    if reference_folder() == DATA:
        raise SystemExit("there is no reference folder beside the repository; set HRPOSE_REFERENCE")
    shutil.rmtree(DATA, ignore_errors=True)
    write_codecs()
    write_models()
    write_training()
    size = sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file())
    print(f"{size / 1e6:.2f} MB in {DATA.name}")
    if size > MOST_BYTES:
        raise SystemExit(f"more than the {MOST_BYTES / 1e6:.0f} MB that a clone should carry")


if __name__ == "__main__":
    main()
