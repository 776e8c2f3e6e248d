"""One training step in float64: outputs, loss, gradients, running statistics, and the evaluation after it."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hrpose.hub.convert import identify
from hrpose.hub.convert.engine import Table
from hrpose.hub.detect import from_checkpoint
from tests.parity.fill import fill_input
from tests.parity.networks import (
    FAMILIES,
    OTHER_FAMILIES,
    Reference,
    images_of,
    off_by,
    outputs,
    references,
    weights_of,
)

ALL = references("training")
OURS = [reference for reference in ALL if reference.family not in OTHER_FAMILIES]


class Step:
    """The step of a manifest, done with our model; every figure by the original name."""

    def __init__(self, reference: Reference) -> None:
        assert reference.family in FAMILIES, f"nothing trains the family {reference.family!r}"
        self.reference, self.step = reference, reference.manifest["step"]
        theirs = weights_of(reference.path)
        origin = identify(theirs)
        assert origin is not None
        dropped = origin.import_weights(theirs).dropped
        table = Table.forth(origin.rules_for(theirs))
        self.ours = {name: table.rename(name) for name in theirs if name not in dropped}
        train, after = reference.runs
        self.model = from_checkpoint(theirs, align_corners=reference.aligned(train)).double().train()
        self.outputs = {"train": self.forward(train)}
        self.loss = self.backward(self.outputs["train"])
        self.gradients = {name: p.grad for name, p in self.model.named_parameters()}
        rate = self.step["optimizer"]["lr"]
        torch.optim.SGD(self.model.parameters(), lr=rate).step()
        self.buffers = dict(self.model.named_buffers())
        self.model.eval()
        with torch.no_grad():
            self.outputs["after"] = self.forward(after)

    def forward(self, run: dict[str, Any]) -> dict[str, Tensor]:
        images = images_of(run, torch.float64)
        return outputs(self.model, images, run["outputs"])

    def backward(self, outputs: dict[str, Tensor]) -> float:
        asked = self.step["targets"]
        targets = {n: torch.as_tensor(fill_input(t["shape"], t["seed"])).double() for n, t in asked.items()}
        loss = sum(nn.functional.mse_loss(outputs[name], target) for name, target in targets.items())
        assert isinstance(loss, Tensor)
        loss.backward()
        return float(loss.detach())

    def gradient(self, name: str) -> Tensor:
        """The gradient of an original parameter."""
        found = self.gradients[str(self.ours[name])]
        assert found is not None, f"{name} has no gradient"
        return found


@pytest.fixture(scope="module", params=OURS, ids=lambda reference: reference.path.stem)
def step(request: pytest.FixtureRequest) -> Step:
    return Step(request.param)


def test_there_are_steps() -> None:
    assert OURS, "no manifests under training/"


def test_outputs_before_and_after_the_step(step: Step) -> None:
    for run in step.reference.runs:
        for name, info in run["outputs"].items():
            got = step.outputs[run["name"]][name]
            off = off_by(got, step.reference.arrays[f"{run['name']}/{name}"], info)
            assert off <= 2e-6, f"{run['name']}/{name}: off by {off:.2g} std"  # the stored values are rounded


def test_loss(step: Step) -> None:
    assert step.loss == pytest.approx(step.step["loss"], rel=1e-9)


def test_gradients(step: Step) -> None:
    manifest, arrays = step.reference.manifest, step.reference.arrays
    unused, idle = set(manifest["no_gradient"]), set(manifest["zero_gradient"])
    for k, name in enumerate(manifest["parameters"]):
        if name in unused:
            continue
        gradient = step.gradient(name)
        norm, total = arrays["grad/norm"][k], arrays["grad/sum"][k]
        if name in idle:  # a bias that a batch norm cancels: zero but for rounding
            assert gradient.norm() <= 1e-9 * step.step["gradient_median_norm"], name
            continue
        assert abs(gradient.norm() - norm) <= 1e-8 * norm, name
        assert abs(gradient.sum() - total) <= 1e-7 * norm, name


def test_every_parameter_is_compared(step: Step) -> None:
    manifest = step.reference.manifest
    used = [name for name in manifest["parameters"] if name not in manifest["no_gradient"]]
    assert {step.ours[name] for name in used} == set(step.gradients)


def test_what_is_left_out_has_no_gradient_in_the_original(step: Step) -> None:
    manifest = step.reference.manifest
    assert {name for name in manifest["parameters"] if name not in step.ours} <= set(manifest["no_gradient"])


def test_running_statistics(step: Step) -> None:
    stored = step.reference.arrays["buffer/norm"]
    names = [str(step.ours[name]) for name in step.reference.manifest["buffers"]]
    assert set(names) == {name for name in step.buffers if name.endswith(("running_mean", "running_var"))}
    ours = np.asarray([float(step.buffers[name].norm()) for name in names])
    assert np.all(np.abs(ours / stored - 1) <= 1e-9)  # a network without batch norm has none on either side
