"""Every network of the reference folder, built from its weights alone, computes what the original does."""

import importlib.util

import numpy as np
import pytest
import torch

from hrpose.hub.convert import identify
from hrpose.hub.export import export_weights
from hrpose.hub.read import read_weights
from tests.parity.fill import fill_input
from tests.parity.networks import (
    FAMILIES,
    OTHER_FAMILIES,
    Reference,
    first_difference,
    images_of,
    model_of,
    off_by,
    outputs,
    references,
    weights_of,
    wrapped,
)
from tests.parity.reference import reference_folder

FLOAT32 = 1e-4  # of the std of an output; the originals' own float32 error is below 1e-5
FLOAT64 = 2e-6  # the originals reach 3e-7, the rounding of the stored values

ALL = references("models")
OURS = [reference for reference in ALL if reference.family not in OTHER_FAMILIES]


@pytest.fixture(scope="module", params=OURS, ids=lambda reference: reference.path.stem)
def reference(request: pytest.FixtureRequest) -> Reference:
    """One network at a time, so that its weights are made once."""
    return request.param


def test_there_are_networks() -> None:
    assert OURS, "no manifests under models/"


def test_a_family_is_either_run_or_of_another_task() -> None:
    assert not set(FAMILIES) & OTHER_FAMILIES.keys()


@torch.no_grad()
def test_outputs_are_those_of_the_original(reference: Reference) -> None:
    assert reference.family in FAMILIES, f"nothing runs the family {reference.family!r}"
    for run in reference.runs:
        model = model_of(reference.path, reference.aligned(run))
        for dtype, tolerance in ((torch.float32, FLOAT32), (torch.float64, FLOAT64)):
            model.to(dtype)
            images = images_of(run, dtype)
            made = outputs(model, images, run["outputs"])
            for name, info in run["outputs"].items():
                off = off_by(made[name], reference.arrays[f"{run['name']}/{name}"], info)
                where = "" if off <= tolerance else first_difference(model, images, reference, run)
                assert off <= tolerance, f"{run['name']}/{name} in {dtype}: off by {off:.2g} std; {where}"
        model.float()


def test_parameters_and_batch_norms_are_those_of_the_original(reference: Reference) -> None:
    model = model_of(reference.path, reference.aligned(reference.runs[0]))
    told = reference.manifest["batch_norm"]
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    left_out = dropped_of(reference)
    numbers = sum(w.numel() for name, w in left_out.items() if name.endswith((".weight", ".bias")))
    assert sum(p.numel() for p in model.parameters()) + numbers == reference.manifest["num_params"]
    assert len(norms) + sum(name.endswith(".running_mean") for name in left_out) == told["count"]
    assert {norm.eps for norm in norms} == set(map(float, told["eps"]))
    if reference.family != "seg_hrnet":  # two branches of that code share names and differ in momentum
        assert {norm.momentum for norm in norms} == set(map(float, told["momentum"]))


def test_weights_come_back_under_their_own_names(reference: Reference) -> None:
    theirs = weights_of(reference.path)
    origin = identify(theirs)
    assert origin is not None
    back = export_weights(model_of(reference.path, reference.aligned(reference.runs[0])), origin.name)
    kept = {name: w for name, w in theirs.items() if name not in dropped_of(reference)}
    assert list(back) == list(kept)
    assert all(torch.equal(back[name], w) for name, w in kept.items())


def dropped_of(reference: Reference) -> dict[str, torch.Tensor]:
    """The weights of an original that it never uses."""
    theirs = weights_of(reference.path)
    origin = identify(theirs)
    assert origin is not None
    return {name: theirs[name] for name in origin.import_weights(theirs).dropped}


def test_only_hourglasses_have_weights_that_are_never_used(reference: Reference) -> None:
    dropped = set(dropped_of(reference))
    if reference.family == "princeton_hourglass":
        unused = {name for name in dropped if ".skip_layer.conv." in name}
        assert dropped == unused
    elif reference.family == "mmpose_hourglass":
        assert all(name.startswith("backbone.inters.") for name in dropped)
    else:
        assert not dropped


@pytest.mark.parametrize(
    ("container", "prefix"),
    [
        (None, ""),
        ("state_dict", ""),
        ("state_dict", "module."),
        ("best_state_dict", ""),
        ("model", ""),
        ("state_dict", "module.1."),
        ("net", "model.module."),
    ],
)
def test_every_wrapper_is_peeled(reference: Reference, container: str | None, prefix: str) -> None:
    theirs = weights_of(reference.path)
    inside = wrapped(theirs, {"container": container, "prefix": prefix})
    assert list(read_weights({**inside, "epoch": 210} if container else inside).weights) == list(theirs)


def test_the_loss_beside_a_network_is_left_out(reference: Reference) -> None:
    theirs = weights_of(reference.path)
    inside = wrapped(theirs, {"container": None, "prefix": "model."})
    read = read_weights(inside | {"loss.criterion.weight": torch.ones(19)})
    assert list(read.weights) == list(theirs)
    assert read.dropped == {"loss.criterion.weight": "part of the training loss"}


def test_our_fill_is_that_of_the_folder(reference: Reference) -> None:
    theirs = reference_folder() / "fill.py"
    if not theirs.is_file():
        pytest.skip("the compact subset has no fill.py of its own")
    spec = importlib.util.spec_from_file_location("fill_of_the_folder", theirs)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, w in list(weights_of(reference.path).items())[::7]:
        assert np.array_equal(module.fill(name, tuple(w.shape)), w.numpy()), name
    assert np.array_equal(module.fill_input((2, 3, 4), 5), fill_input((2, 3, 4), 5))
