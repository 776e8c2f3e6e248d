"""Bottom-up cases: grouping, aggregation over scales, targets and losses of HigherHRNet and UDP."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from hrpose.codecs.aggregate import Pass
from hrpose.codecs.assignment import assign
from hrpose.codecs.bottomup import HigherHRNet
from hrpose.codecs.crowd import ABSENT, draw_people, tag_places
from hrpose.codecs.scales import resized
from hrpose.codecs.tags import Grouped, TagGrouping
from hrpose.codecs.warp import crop_images
from hrpose.losses.multires import MaskedMSE
from hrpose.losses.tags import AELoss
from hrpose.skeletons import COCO
from hrpose.types import PoseMaps
from tests.parity.reference import Case, Outputs, runs


def grouping(case: Case, **settings: Any) -> TagGrouping:
    """The grouping that the parameters of a case describe."""
    p = case.params
    if p.get("nms_padding", p["nms_kernel"] // 2) != p["nms_kernel"] // 2:
        raise ValueError(
            f"no max-pool of kernel {p['nms_kernel']} with padding {p['nms_padding']} keeps the size"
        )
    known = {
        "detection_threshold": p["detection_threshold"],
        "tag_threshold": p["tag_threshold"],
        "max_people": p["max_num_people"],
        "nms_kernel": p["nms_kernel"],
        "joint_order": tuple(p.get("joint_order", official_order(case))),
        "use_scores": p.get("use_detection_val", True),
        "ignore_too_much": p.get("ignore_too_much", False),
    }
    return TagGrouping(**{**known, **settings})


def official_order(case: Case) -> list[int]:
    """The order of COCO for every skeleton, cut to its keypoints: so it is in the original."""
    p = case.params
    grouped = p["with_center"] and not p["ignore_center"]
    order = TagGrouping.joint_order_of(COCO, center=grouped)
    return [k for k in order if k < p["num_joints"] - (p["with_center"] and p["ignore_center"])]


def rows(people: Grouped) -> np.ndarray:
    """x, y, score, tags of every keypoint, as the reference lays them out."""
    return torch.cat([people.points, people.scores[:, :, None], people.tags], 2).numpy()


@runs("munkres")
def munkres(case: Case) -> Outputs:
    pairs, costs, least, start = [], [], [], 0
    for r, c in case["in_shapes"]:
        cost = case["in_values"][start : start + r * c].reshape(r, c)
        start += r * c
        pairs.append(assign(cost))
        costs.append(cost[tuple(pairs[-1].T)].sum())
        least.append(cost[tuple(assign(cost, "scipy").T)].sum())
    return {
        "out_pairs": np.concatenate(pairs),
        "out_n_pairs": np.array([len(p) for p in pairs]),
        "out_cost": np.array(costs),
        "out_optimal_cost": np.array(least),
    }


@runs("group_higherhrnet")
def group_higherhrnet(case: Case) -> Outputs:
    heatmaps = torch.from_numpy(case["in_det"])
    tags = torch.from_numpy(case["in_tag"]).unbind(-1)
    full = grouping(case).group(heatmaps, tags)[0]
    return {
        **top_k(case, heatmaps, tags),
        "out_match": rows(grouping(case, adjust=False, refine=False).group(heatmaps, tags)[0]),
        "out_adjusted": rows(grouping(case, refine=False).group(heatmaps, tags)[0]),
        "out_scores": full.person_scores.numpy(),
        "out_final": rows(full),
        "out_final_noadjust": rows(grouping(case, adjust=False).group(heatmaps, tags)[0]),
    }


def top_k(case: Case, heatmaps: Tensor, tags: tuple[Tensor, ...]) -> Outputs:
    """The peaks of each map, filled up to the number asked for."""
    setting = grouping(case)
    peaks = setting.peaks(heatmaps.contiguous(), tags).to_host()
    k, most = heatmaps.shape[1], setting.max_people
    loc, tag = np.zeros((1, k, most, 2), int), np.zeros((1, k, most, len(tags)))
    val, valid = np.zeros((1, k, most)), np.zeros((1, k, most), bool)
    for i in range(k):
        of_map = peaks.maps == i
        there = (0, i, slice(of_map.sum()))
        loc[there], tag[there] = peaks.points[of_map], peaks.tags[of_map]
        val[there], valid[there] = peaks.values[of_map], True
    return {"out_topk_loc": loc, "out_topk_tag": tag, "out_topk_val": val, "out_topk_valid": valid}


@runs("target_higherhrnet")
def target_higherhrnet(case: Case) -> Outputs:
    p, got = case.params, {}
    for r, side in enumerate(p["output_res"]):
        points, visible = people(case[f"in_joints{r}"])
        sigma = side / 64 if p["sigma"] < 0 else p["sigma"]
        got[f"out_heatmap{r}"] = draw_people(points, visible, (side, side), sigma)[0].numpy()
        for name, shared in (("tag_index", False), ("tag_index_shared", True)):
            places = tag_places(points, visible, (side, side), shared=shared)[0].numpy()
            got[f"out_{name}{r}"] = packed(places, p["max_num_people"])
    points, visible = people(case["in_joints0"])
    side, sigma = p["output_res"][0], torch.from_numpy(case["in_person_sigma"])[None]
    got["out_heatmap_scale_aware"] = draw_people(points, visible, (side, side), sigma)[0].numpy()
    return got


@runs("target_udp_bottomup")
def target_udp_bottomup(case: Case) -> Outputs:
    p, got = case.params, {}
    for r, side in enumerate(p["output_res"]):
        points, visible = people(case[f"in_joints{r}"])
        sigma = side / 64 if p["sigma"] < 0 else p["sigma"]
        got[f"out_heatmap{r}"] = draw_people(points, visible, (side, side), sigma, subpixel=True)[0].numpy()
    return got


def people(joints: np.ndarray) -> tuple[Tensor, Tensor]:
    """Points (1, M, K, 2) and visibility (1, M, K) of one image."""
    table = torch.from_numpy(joints)[None]
    return table[..., :2], table[..., 2]


def packed(places: np.ndarray, people: int) -> np.ndarray:
    """The reference's form: (place, 1), those that are there moved to the front, zeros after them."""
    table = np.zeros((people, places.shape[1], 2))
    for person, row in zip(table, places, strict=False):
        there = row[row >= 0]
        person[: len(there)] = np.stack((there, np.ones(len(there))), 1)
    return table


@runs("loss_higherhrnet")
def loss_higherhrnet(case: Case) -> Outputs:
    got: dict[str, Any] = {}
    for dtype, end in ((torch.float32, ""), (torch.float64, "64")):
        outputs = [
            torch.from_numpy(case[f"in_output{s}"]).to(dtype) for s in range(len(case.params["with_ae_loss"]))
        ]
        for maps in outputs:
            maps.requires_grad_()
        parts = loss_parts(case, outputs, dtype)
        for name, value in parts.items():
            got[f"out_{name}{'_64' if end else ''}"] = value.detach().numpy()
            if end:
                stage = outputs[int(name[-1])]
                got[f"out_{name}_grad64"] = torch.autograd.grad(value.sum(), stage, retain_graph=True)[
                    0
                ].numpy()
        total = trainer_total(case, parts)
        got[f"out_trainer_total{end}"] = total.detach().numpy()
        if end:
            grads = torch.autograd.grad(total, outputs, allow_unused=True)
            for s, (grad, maps) in enumerate(zip(grads, outputs, strict=True)):
                got[f"out_trainer_grad64_{s}"] = (torch.zeros_like(maps) if grad is None else grad).numpy()
    return {name: value for name, value in got.items() if name in case.outputs}


def loss_parts(case: Case, outputs: list[Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """Every part of every stage, one number an image, with its factor."""
    p, parts = case.params, {}
    ae = AELoss(p["ae_loss_type"])
    for s, maps in enumerate(outputs):
        heatmaps = p["num_joints"] if p["with_heatmaps_loss"][s] else 0
        if heatmaps:
            target, mask = (torch.from_numpy(case[f"in_{what}{s}"]).to(dtype) for what in ("heatmap", "mask"))
            error = MaskedMSE()(maps[:, :heatmaps], target, None, mask)
            parts[f"heatmap{s}"] = error * p["heatmaps_loss_factor"][s]
        if p["with_ae_loss"][s]:
            joints = torch.from_numpy(case[f"in_joints{s}"])
            push, pull = ae(maps[:, heatmaps:], joints[..., 0].masked_fill(joints[..., 1] <= 0, ABSENT))
            parts[f"push{s}"] = push * p["push_loss_factor"][s]
            parts[f"pull{s}"] = pull * p["pull_loss_factor"][s]
    return parts


def trainer_total(case: Case, parts: dict[str, Tensor]) -> Tensor:
    """The reference trainer's sum: tags count only where heatmaps are learned too."""
    learned = [name for name in parts if case.params["with_heatmaps_loss"][int(name[-1])]]
    return torch.stack([parts[name].mean() for name in learned]).sum()


@runs("bottomup_resize")
def bottomup_resize(case: Case) -> Outputs:
    rows, udp = [], []
    for height, width, side, scale, smallest in case["in_h_w_input_cur_min"].tolist():
        for table, unbiased in ((rows, False), (udp, True)):
            r = resized((int(height), int(width)), side, scale=scale, smallest=smallest, unbiased=unbiased)
            unit = 200 if unbiased else 1
            table.append((*r.size[::-1], *r.center, *(number * unit for number in r.scale)))
    image = torch.from_numpy(case["in_image"]).permute(2, 0, 1)
    fed = resized((image.shape[1], image.shape[2]), case.params["resize_input"])
    table = torch.from_numpy(case["in_grouped"])
    width, height = case.params["final_preds_heatmap_size"]
    points = fed.to_image(table[..., :2], (height, width))
    return {
        "out_wr_hr_cx_cy_sw_sh": np.array(rows),
        "out_udp_wr_hr_cx_cy_sw_sh": np.array(udp),
        "out_resized": crop_images(image, fed.matrix(), fed.size)[0].permute(1, 2, 0).numpy(),
        "out_resize_center": np.array(fed.center),
        "out_resize_scale": np.array(fed.scale),
        "out_final_preds": torch.cat((points, table[..., 2:]), 2).numpy(),
    }


@runs("multiscale_higherhrnet")
def multiscale_higherhrnet(case: Case) -> Outputs:
    p = case.params
    scales, height_width = p["scales_order"], case["in_image"].shape[:2]
    codec = HigherHRNet(
        input_size=p["input_size"],
        center=p["with_center"],
        ignore_center=p["ignore_center"],
        heatmap_maps=chosen(p["with_heatmaps_loss"], p["test_with_heatmaps"]),
        tag_maps=chosen(p["with_ae_loss"], p["test_with_ae"]),
        project=p["project2image"],
        grouping=grouping(case, adjust=p["adjust"], refine=p["refine"]),
    )
    base = codec.resized(height_width, smallest=min(scales))
    last = codec.resized(height_width, scale=scales[-1], smallest=min(scales))
    mirror_index = p["flip_index"][: len(p["flip_index"]) - p["with_center"]] if p["flip_test"] else ()
    passes = [
        Pass(maps_of(case, s, 0), maps_of(case, s, 1) if p["flip_test"] else None, scale)
        for s, scale in enumerate(scales)
    ]
    merged = codec.merge(passes, mirror_index=mirror_index, size=base.size)
    found = codec.grouping.group(*merged)[0]
    size = (merged.heatmaps.shape[2], merged.heatmaps.shape[3])
    final = found._replace(points=last.to_image(found.points, size))
    tags = torch.stack(merged.tags, -1)
    return {
        "out_base_size": np.array(base.size[::-1]),
        "out_center": np.array(last.center),
        "out_scale": np.array(last.scale),
        "out_final_heatmaps_j0to2": merged.heatmaps[:, :3].numpy(),
        "out_final_shape": np.array(merged.heatmaps.shape),
        "out_tags_j0to2": tags[:, :3].numpy(),
        "out_tags_shape": np.array(tags.shape),
        "out_grouped": rows(found),
        "out_scores": found.person_scores.numpy(),
        "out_final_results": rows(final),
    }


def chosen(learned: list[bool], read: list[bool]) -> tuple[int, ...]:
    """Which of the maps that the stages give are read."""
    given = [r for has, r in zip(learned, read, strict=True) if has]
    return tuple(k for k, r in enumerate(given) if r)


def maps_of(case: Case, scale: int, mirrored: int) -> PoseMaps:
    """What the fake network gave, cut into heatmaps and tags."""
    p, heatmaps, tags = case.params, [], []
    for stage, (has_heatmaps, has_tags) in enumerate(
        zip(p["with_heatmaps_loss"], p["with_ae_loss"], strict=True)
    ):
        maps = torch.from_numpy(case[f"in_net_s{scale}_f{mirrored}_st{stage}"])
        cut = p["num_joints"] if has_heatmaps else 0
        heatmaps += [maps[:, :cut]] if has_heatmaps else []
        tags += [maps[:, cut:]] if has_tags else []
    return PoseMaps(tuple(heatmaps), tuple(tags))
