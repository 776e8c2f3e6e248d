"""Losses of the originals' top-down training."""

import torch
from torch import nn

from hrpose.losses import HeatmapMSE, HeatmapOHKM
from tests.parity.kinds_geometry import tensor
from tests.parity.reference import Case, Outputs, runs


@runs("loss_joints_mse")
def run_joints_mse(case: Case) -> Outputs:
    return losses(case, HeatmapMSE())


@runs("loss_joints_ohkm")
def run_joints_ohkm(case: Case) -> Outputs:
    return losses(case, HeatmapOHKM(case.params["topk"]))


def losses(case: Case, loss: nn.Module) -> Outputs:
    """Value in both precisions and gradient in float64, for each pattern of weights in the case."""
    output, target = tensor(case, "in_output"), tensor(case, "in_target")
    outputs = {}
    for name in [
        name.removeprefix("out_").removesuffix("_loss64") for name in case.outputs if "loss64" in name
    ]:
        weights = None if name == "noweight" else tensor(case, f"in_weight_{name}")[..., 0]
        exact = output.double().requires_grad_()
        value = loss(exact, target.double(), weights)
        (gradient,) = torch.autograd.grad(value, exact)
        outputs[f"out_{name}_loss"] = loss(output, target, weights).numpy()
        outputs[f"out_{name}_loss64"] = value.detach().numpy()
        outputs[f"out_{name}_grad64"] = gradient.numpy()
    return outputs
