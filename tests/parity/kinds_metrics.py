"""Metrics of the originals: OKS, suppression, COCO AP, PCK and their kin."""

import numpy as np
import torch

from hrpose.metrics.coco import CROWD_STATS, STATS, coco_ap, crowdpose_ap
from hrpose.metrics.mpii import mpii_parts, mpii_pckh
from hrpose.metrics.nms import box_nms, decay
from hrpose.metrics.oks import oks, oks_nms, pose_similarity, soft_oks_nms
from hrpose.metrics.pck import auc, epe, heatmap_accuracy, nme, pck
from hrpose.metrics.rescore import topdown_results
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
    stats = coco_ap(truth, found, sigmas=sigmas, max_detections=most, thresholds=case.params["iou_thrs"])
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


@runs("topdown_evaluate")
def run_topdown_evaluate(case: Case) -> Outputs:
    boxes, truth, params = case["in_boxes"], case.json("in_gt_json"), case.params
    sigmas = params.get("sigmas") or COCO.sigmas
    results = topdown_results(
        case["in_preds"],
        boxes[:, 5],
        case["in_image_id"].tolist(),
        boxes[:, 4],
        category_ids=truth["categories"][0]["id"],
        min_score=params["in_vis_thre"],
        threshold=params["oks_thre"],
        soft=params["soft_nms"],
        sigmas=sigmas,
    )
    rows = [row.pop("index") for row in results]
    stats = coco_ap(truth, results, sigmas=sigmas)
    places = [{"center": boxes[row, :2].tolist(), "scale": boxes[row, 2:4].tolist()} for row in rows]
    return {
        "out_results_json": [result | place for result, place in zip(results, places, strict=True)],
        "out_stats": np.array([stats[name] for name in STATS]),
    }


@runs("metric_pck_heatmap")
def run_metric_pck_heatmap(case: Case) -> Outputs:
    threshold = case.params.get("thr", 0.5)
    done = heatmap_accuracy(
        *map(torch.from_numpy, (case["in_output"], case["in_target"])), threshold=threshold
    )
    return {
        "out_acc": np.concatenate(([done.mean], done.per_keypoint.numpy())),
        "out_avg_acc": np.array(done.mean),
        "out_cnt": np.array(done.counted),
        "out_pred": done.points.numpy(),
    }


@runs("metric_mmpose")
def run_metric_mmpose(case: Case) -> Outputs:
    points, params = (case["in_pred"], case["in_gt"], case["in_mask"]), case.params
    share = pck(*points, case["in_norm"], threshold=params["pck_thr"])
    return {
        "out_pck": share.per_keypoint,
        "out_pck_avg": np.array(share.mean),
        "out_pck_cnt": np.array(share.counted),
        "out_auc": np.array(auc(*points, norm=params["auc_norm"], steps=params["auc_steps"])),
        "out_nme": np.array(nme(*points, case["in_nme_norm"])),
        "out_epe": np.array(epe(*points)),
    }


@runs("crowdpose_ap")
def run_crowdpose_ap(case: Case) -> Outputs:
    params = case.params
    stats = crowdpose_ap(
        case.json("in_gt_json"),
        case.json("in_dt_json"),
        sigmas=params["sigmas"],
        crowding=tuple(params["crowd_thresholds"]),
    )
    return {"out_stats": np.array([stats[name] for name in CROWD_STATS])}


@runs("mpii_pckh")
def run_mpii_pckh(case: Case) -> Outputs:
    params, points = case.params, case["in_preds"] + 1
    table = mpii_pckh(
        points,
        case["in_pos_gt_src"].transpose(2, 0, 1),
        1 - case["in_jnt_missing"].T,
        case["in_headboxes_src"].transpose(2, 0, 1),
        threshold=params["threshold"],
        head_of_box=params["sc_bias"],
    )
    truth = case["in_hg_gt"][:, 0]
    inside, seen = truth[..., 0] != 0, truth[..., 2] != 0
    training = np.arange(len(points))[:, None] < params["hg_num_train"]
    counts = {}
    for name, shown in (("all", inside), ("visible", inside & seen), ("not visible", inside & ~seen)):
        for split, rows in (("Val", ~training), ("Tra", training)):
            parts = mpii_parts(
                points, truth[..., :2], shown & rows, case["in_hg_normalize"], threshold=params["threshold"]
            )
            counts |= {f"{name}/{split}/{part}": list(value) for part, value in parts.items()}
    return {"out_name_values_json": table, "out_hg_pck_json": counts}
