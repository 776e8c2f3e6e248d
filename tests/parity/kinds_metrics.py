"""Metrics of the originals: OKS, suppression, COCO AP, PCK and their kin."""

import numpy as np

from hrpose.metrics.coco import STATS, coco_ap
from hrpose.metrics.nms import box_nms, decay
from hrpose.metrics.oks import oks, oks_nms, pose_similarity, soft_oks_nms
from hrpose.skeletons import COCO
from tests.parity.reference import Case, Outputs, runs


@runs("oks_nms")
def run_oks_nms(case: Case) -> Outputs:
    params = case.params
    poses, scores, areas = case["in_keypoints"], case["in_score"], case["in_area"]
    sigmas = params["sigmas"] or COCO.sigmas
    similar = {"sigmas": sigmas, "min_score": params["in_vis_thre"]}
    overlap, values = case["in_overlap"], case["in_overlap_scores"]
    most = params["soft_max_dets"]
    return {
        "out_oks": pose_similarity(poses, areas, **similar),
        "out_keep": oks_nms(poses, scores, areas, threshold=params["thresh"], **similar),
        "out_soft_keep": soft_oks_nms(poses, scores, areas, threshold=params["thresh"], most=most, **similar),
        "out_rescore_gaussian": decay(overlap, values, params["thresh"]),
        "out_rescore_linear": decay(overlap, values, params["thresh"], kind="linear"),
        "out_box_keep": box_nms(
            case["in_boxes"][:, :4], case["in_boxes"][:, 4], threshold=params["box_nms_thresh"]
        ),
    }


@runs("oks_nms_ties")
def run_oks_nms_ties(case: Case) -> Outputs:
    sigmas = case.params.get("sigmas") or COCO.sigmas
    kept = oks_nms(
        case["in_keypoints"],
        case["in_score"],
        case["in_area"],
        threshold=case.params["thresh"],
        sigmas=sigmas,
        min_score=case.params.get("in_vis_thre"),
    )
    return {"out_kept_clusters": np.sort(case["in_cluster"][kept]), "out_n_kept": np.array(len(kept))}


@runs("coco_ap")
def run_coco_ap(case: Case) -> Outputs:
    truth, found = case.json("in_gt_json"), case.json("in_dt_json")
    sigmas, most = case.params.get("sigmas") or COCO.sigmas, case.params["max_dets"]
    stats = coco_ap(truth, found, sigmas, max_detections=most, thresholds=case.params["iou_thrs"])
    return {
        "out_stats": np.array([stats[name] for name in STATS]),
        "out_ious_json": similarities(truth, found, sigmas, most),
    }


def similarities(truth: dict, found: list, sigmas: tuple[float, ...], most: int) -> dict[str, list]:
    """OKS of each image; empty where there are no people or no detections."""
    tables = {}
    for image in truth["images"]:
        people = [entry for entry in truth["annotations"] if entry["image_id"] == image["id"]]
        poses = [entry for entry in found if entry["image_id"] == image["id"]]
        poses = sorted(poses, key=lambda entry: -entry["score"])[:most]
        table = oks(
            np.reshape([entry["keypoints"] for entry in poses], (len(poses), len(sigmas), 3)),
            np.reshape([entry["keypoints"] for entry in people], (len(people), len(sigmas), 3)),
            [entry["area"] for entry in people],
            [entry["bbox"] for entry in people],
            sigmas=sigmas,
        )
        tables[str(image["id"])] = table.tolist() if table.size else []
    return tables
