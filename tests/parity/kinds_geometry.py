"""Boxes, affine maps, crops and the flip test of the originals."""

import numpy as np
import torch
from torch import Tensor

from hrpose.codecs import MSRA, crop_images
from hrpose.codecs.geometry import box_area, box_to_center_scale, crop_matrix, transform_points
from hrpose.types import Size
from tests.parity.reference import Case, Outputs, runs


def tensor(case: Case, name: str) -> Tensor:
    return torch.from_numpy(case[name])


def size(case: Case, name: str) -> Size:
    """The originals write (width, height)."""
    width, height = case.params[name]
    return height, width


@runs("box_cs")
def run_box_cs(case: Case) -> Outputs:
    boxes, crop, padding = tensor(case, "in_boxes_xywh"), size(case, "image_size"), case.params["padding"]
    unit = 200 / case.params["pixel_std"]
    outputs = {}
    for form in ("msra", "dark", "mmpose"):
        center, scale = box_to_center_scale(boxes, crop, padding=padding, form=form)
        outputs[f"out_{form}_center"] = center.numpy()
        outputs[f"out_{form}_scale"] = (scale * (200 if form == "mmpose" else unit)).numpy()
    return outputs


@runs("affine_topdown")
def run_affine_topdown(case: Case) -> Outputs:
    center, scale = tensor(case, "in_center").double(), tensor(case, "in_scale").double()
    crop, maps = size(case, "image_size"), size(case, "heatmap_size")
    turned = {"rotation": tensor(case, "in_rot_deg"), "shift": tuple(case.params["shift"])}
    still = {"rotation": turned["rotation"]}
    points, peaks = tensor(case, "in_points"), tensor(case, "in_heatmap_points")
    msra = crop_matrix(center, scale, crop, **turned)
    udp = crop_matrix(center, scale, crop, **still, form="udp")
    outputs = {
        "out_msra_trans": msra,
        "out_msra_trans_inv": crop_matrix(center, scale, crop, **turned, inverse=True),
        "out_msra_points": transform_points(points, msra),
        "out_dark_trans": crop_matrix(center, scale, crop, **turned, form="dark"),
        "out_mmpose_warp": msra,
        "out_mmpose_warp_noaspect": crop_matrix(center, scale, crop, **turned, form="stretch"),
        "out_mmpose_udp_warp": udp,
        "out_udp_warp": udp,
        "out_udp_points": transform_points(points, udp),
    }
    for form in ("msra", "dark", "udp"):
        back = crop_matrix(center, scale, maps, form=form, inverse=True)
        outputs[f"out_{form}_transform_preds"] = transform_points(peaks, back)
    return {name: value.numpy() for name, value in outputs.items()}


@runs("warp_image")
def run_warp_image(case: Case) -> Outputs:
    image, crop = tensor(case, "in_image").permute(2, 0, 1), size(case, "out_size")
    center, scale = tensor(case, "in_center").double(), tensor(case, "in_scale").double()
    outputs = {}
    for form in ("msra", "udp"):
        matrices = crop_matrix(center, scale, crop, rotation=tensor(case, "in_rot_deg"), form=form)
        crops = crop_images(image, matrices, crop).permute(0, 2, 3, 1).numpy()
        outputs |= {
            f"out_trans_{form}": matrices.numpy(),
            f"out_{form}_cv5": crops,
            f"out_{form}_cv410": crops,
        }
    return outputs


@runs("flip_test")
def run_flip_test(case: Case) -> Outputs:
    maps, mirrored = tensor(case, "in_output"), tensor(case, "in_output_flipped")
    center, scale = tensor(case, "in_center"), tensor(case, "in_scale")
    index = list(range(maps.shape[1]))
    for a, b in case.params["flip_pairs"]:
        index[a], index[b] = b, a
    codec = MSRA(
        input_size=size(case, "image_size"),
        map_size=tuple(maps.shape[2:]),
        flip_shift=case.params["shift_heatmap"],
        nudge=0.25 if case.params["post_process"] else 0,
    )
    unshifted = MSRA(input_size=codec.input_size, map_size=codec.map_size, flip_shift=False)
    merged = codec.merge_flip(maps, mirrored, index)
    points, scores = codec.decode(merged)
    boxes = (center, scale, box_area(scale)[:, None], tensor(case, "in_box_score")[:, None])
    return {
        "out_flip_back": unshifted.unflip(mirrored, index).numpy(),
        "out_averaged": merged.numpy(),
        "out_all_preds": torch.cat((codec.to_image(points, center, scale), scores[..., None]), 2).numpy(),
        "out_all_boxes": np.concatenate([part.double().numpy() for part in boxes], 1),
    }
