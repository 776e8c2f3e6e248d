"""Reading and augmentation of the original HRNet."""

import numpy as np
import torch

from hrpose.codecs import MSRA
from hrpose.codecs.geometry import mirror_points
from hrpose.data.augment import half_body
from hrpose.data.coco import CocoKeypoints
from hrpose.data.detections import Detections
from hrpose.data.topdown import center_scale, well_centred
from tests.parity.reference import Case, Outputs, runs


@runs("topdown_db")
def run_topdown_db(case: Case) -> Outputs:
    width, height = case.params["image_size"]
    codec = MSRA(input_size=(height, width))
    content = case.json("in_gt_json")
    first = content["categories"][0]["id"]
    data = CocoKeypoints.from_file(content, ".", category=first, on_fault="skip")
    found = Detections.from_file(case.json("in_det_json"), data, min_score=case.params["image_thre"]).people
    chosen = {person.annotation_id for person in well_centred(data.people, codec)}
    (gt_center, gt_scale), (det_center, det_scale) = (center_scale(p, codec) for p in (data.people, found))
    return {
        "out_gt_image_id": np.array([person.image_id for person in data.people]),
        "out_gt_center": gt_center,
        "out_gt_scale": gt_scale,
        "out_gt_joints_3d": np.stack([flat(person.points) for person in data.people]),
        "out_gt_joints_3d_vis": np.stack(
            [flat(person.visible[:, None].repeat(2, 1)) for person in data.people]
        ),
        "out_gt_selected": np.array([person.annotation_id in chosen for person in data.people]),
        "out_det_image_id": np.array([person.image_id for person in found]),
        "out_det_center": det_center,
        "out_det_scale": det_scale,
        "out_det_score": np.array([person.score for person in found]),
    }


def flat(points: np.ndarray) -> np.ndarray:
    """(K, 2) in the three columns of the original, whose third is zero."""
    return np.column_stack((points, np.zeros(len(points))))


@runs("augment_topdown")
def run_augment_topdown(case: Case) -> Outputs:
    params = case.params
    points, visible = case["in_joints"][..., :2], case["in_joints_vis"][..., 0]
    order = np.arange(points.shape[1])
    for a, b in params["flip_pairs"]:
        order[a], order[b] = b, a
    mirrored = mirror_points(torch.from_numpy(points), params["flip_width"], order.tolist()).numpy()
    seen = visible[:, order]
    aspect = params["image_size"][0] / params["image_size"][1]
    halves = [
        [half_body(p, v, params["upper_body_ids"], aspect, coin=coin) for coin in coins]
        for p, v, coins in zip(points, visible, case["in_randn"], strict=True)
    ]
    return {
        "out_flip_joints": np.stack([flat(p * v[:, None]) for p, v in zip(mirrored, seen, strict=True)]),
        "out_flip_vis": np.stack([flat(v[:, None].repeat(2, 1)) for v in seen]),
        "out_half_ok": np.array([[half is not None for half in row] for row in halves]),
        "out_half_center": placed(halves, "center"),
        "out_half_scale": placed(halves, "scale"),
    }


def placed(halves: list, name: str) -> np.ndarray:
    """(N, draws, 2); zeros where there was no half."""
    return np.array([[getattr(half, name) if half else np.zeros(2) for half in row] for row in halves])
