"""Targets of the originals' top-down codecs."""

from typing import Any

import torch

from hrpose.codecs import DARK, MSRA, UDP, UDPOffset
from tests.parity.kinds_geometry import size, tensor
from tests.parity.reference import Case, Outputs, runs


def settings(case: Case, *names: str) -> dict[str, Any]:
    """What every codec needs, and the params of these names."""
    sizes = {"input_size": size(case, "image_size"), "map_size": size(case, "heatmap_size")}
    return sizes | {name: case.params[name] for name in names}


@runs("target_msra", "target_mmpose_msra")
def run_target_msra(case: Case) -> Outputs:
    form = "original" if case.kind == "target_msra" else "mmpose"
    codec = MSRA(**settings(case, "sigma"), form=form)
    target, weight = codec.encode(tensor(case, "in_joints"), tensor(case, "in_vis"))
    outputs = {"out_target": target, "out_weight": weight[..., None].float()}
    if "in_joints_weight" in case.arrays:
        outputs["out_weight_different"] = outputs["out_weight"] * tensor(case, "in_joints_weight")
    return {name: value.numpy() for name, value in outputs.items()}


@runs("target_dark")
def run_target_dark(case: Case) -> Outputs:
    visible = tensor(case, "in_vis").double()
    original = DARK(**settings(case, "sigma"))
    target, weight = original.targets(tensor(case, "in_joints_heatmap"), visible)
    mm_target, mm_weight = DARK(**settings(case, "sigma"), form="mmpose").encode(
        tensor(case, "in_joints"), visible
    )
    return {
        "out_target": target[: len(case["out_target"])].numpy(),
        "out_weight": weight[..., None].numpy(),
        "out_mm_target": mm_target[: len(case["out_mm_target"])].numpy(),
        "out_mm_weight": mm_weight[..., None].numpy(),
    }


@runs("target_udp")
def run_target_udp(case: Case) -> Outputs:
    joints, visible = tensor(case, "in_joints"), tensor(case, "in_vis")
    some = case.params["combined_batch"]
    outputs: dict[str, torch.Tensor] = {}
    for name, form in (("", "mmpose"), ("orig_", "original")):
        maps, weight = UDP(**settings(case, "sigma"), form=form).encode(joints, visible)
        outputs |= {f"out_{name}target": maps, f"out_{name}weight": weight[..., None]}
        if f"out_{name}combined" in case.arrays:
            codec = UDPOffset(**settings(case, "sigma", "radius_factor"), form=form)
            maps, weight = codec.encode(joints[:some], visible[:some])
            outputs |= {f"out_{name}combined": maps, f"out_{name}combined_weight": weight[..., None]}
    return {name: value.numpy() for name, value in outputs.items()}
