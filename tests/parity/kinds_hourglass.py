"""The codecs, losses and multi-scale inference of the hourglasses."""

import numpy as np
import torch
from torch import Tensor

from hrpose.codecs.aggregate import Pass
from hrpose.codecs.crowd import ABSENT, draw_people, tag_places
from hrpose.codecs.geometry import invert_matrices, transform_points
from hrpose.codecs.hourglass import Princeton
from hrpose.codecs.pose_ae import AEHourglass, HourglassGrouping, coco_results
from hrpose.losses.hourglass import StackMSE
from hrpose.losses.multires import MaskedMSE
from hrpose.losses.tags import AELoss
from hrpose.skeletons import COCO, MPII
from hrpose.types import PoseMaps
from tests.parity.kinds_bottomup import packed, people
from tests.parity.kinds_bottomup import rows as table
from tests.parity.reference import Case, Outputs, runs

PART_ORDER = tuple(COCO.index(name) for name in COCO.grouping_order)
MOST_PEOPLE = 30  # rows of the reference's table of tags


def tensor(case: Case, name: str) -> Tensor:
    return torch.from_numpy(case[name])


def both(scale: Tensor) -> Tensor:
    """One scale a person as (width, height)."""
    return scale.reshape(-1, 1).expand(-1, 2)


@runs("princeton_transform")
def princeton_transform(case: Case) -> Outputs:
    codec = Princeton(input_size=tuple(case.params["res"]))
    center, scale, points = (
        tensor(case, "in_center"),
        both(tensor(case, "in_scale")),
        tensor(case, "in_points"),
    )
    mats = codec.matrices(center, scale, tensor(case, "in_rot_deg"))
    straight = codec.matrices(
        center, scale
    )  # the original rounds only the points of crops that are not turned
    there, back = (transform_points(points, m) for m in (straight, invert_matrices(straight)))
    last = torch.tensor([[0.0, 0.0, 1.0]], dtype=mats.dtype).expand(len(mats), 1, 3)
    upright = codec.matrices(tensor(case, "in_crop_center"), both(tensor(case, "in_crop_scale")))
    image = tensor(case, "in_image").permute(2, 0, 1).double()
    return {
        "out_mats": torch.cat((mats, last), 1).numpy(),
        "out_transform": there.trunc().long().numpy(),
        "out_transform_inv": back.trunc().long().numpy(),
        "out_kpt_affine": transform_points(points, mats).numpy(),
        "out_crops": codec.crop(image, upright).permute(0, 2, 3, 1).numpy(),
    }


@runs("target_princeton")
def target_princeton(case: Case) -> Outputs:
    side, sigma = case.params["output_res"], case.params["sigma"]
    points, visible = people(case["in_ae_joints"])
    places = tag_places(points, visible, (side, side))[0].numpy()
    single = tensor(case, "in_hg_joints")[..., :2]
    codec = Princeton(input_size=(4 * side, 4 * side), sigma=sigma)
    return {
        "out_ae_heatmap": draw_people(points, visible, (side, side), sigma, cut_corners=True)[0].numpy(),
        "out_ae_keypoints_ref": packed(places, case.params.get("max_num_people", MOST_PEOPLE)),
        "out_hg_heatmap": codec.targets(single, torch.ones(single.shape[:2]))[0][0].numpy(),
    }


@runs("decode_hourglass")
def decode_hourglass(case: Case) -> Outputs:
    side, res = case.params["input_res"], case.params["heatmap_res"]
    size = {"input_size": (side, side), "map_size": (res, res)}
    codec, whole = Princeton(**size), Princeton(**size, adjust=False)
    maps, mirrored = (tensor(case, name)[:, -1] for name in ("in_net_output", "in_net_output_flipped"))
    points, scores = codec.decode(codec.merge_flip(maps, mirrored, MPII.mirror_index))
    center = tensor(case, "in_center").view(1, 2)
    points = codec.to_image(points, center, both(tensor(case, "in_scale")))
    return {
        "out_parse": rows(*codec.decode(tensor(case, "in_det"))),
        "out_parse_noadjust": rows(*whole.decode(tensor(case, "in_det"))),
        "out_inference": rows(points, scores),
    }


def rows(points: Tensor, scores: Tensor) -> np.ndarray:
    """x, y, value of every keypoint."""
    return torch.cat((points, scores[..., None]), 2).numpy()


def grouping(case: Case, **settings: bool) -> HourglassGrouping:
    """The grouping that the parameters of a case describe."""
    p = case.params
    return HourglassGrouping(
        detection_threshold=p["detection_val"],
        tag_threshold=p.get("tag_val", 1.0),
        max_people=p.get("max_num_people", MOST_PEOPLE),
        nms_kernel=p.get("nms_kernel", 3),
        joint_order=tuple(p.get("part_order", PART_ORDER)),
        use_scores=p.get("use_detection_val", True),
        ignore_too_much=p.get("ignore_too_much", True),
        **settings,
    )


@runs("group_pose_ae")
def group_pose_ae(case: Case) -> Outputs:
    heatmaps, tags = tensor(case, "in_det")[None], tensor(case, "in_tag")[None].unbind(-1)
    refined = grouping(case).group(heatmaps, tags)[0]
    return {
        "out_match": table(grouping(case, adjust=False, refine=False).group(heatmaps, tags)[0]),
        "out_adjusted": table(grouping(case, refine=False).group(heatmaps, tags)[0]),
        "out_scores": refined.person_scores.numpy(),
        "out_refined": table(refined),
        "out_dt_json": coco_results(refined, case.params.get("image_id", 7)),
    }


@runs("multiscale_pose_ae")
def multiscale_pose_ae(case: Case) -> Outputs:
    codec, keypoints = AEHourglass(grouping=grouping(case)), len(case.params["flipRef"])
    scales, image_size = case.params["scales"], tuple(case["in_image_hw"].tolist())

    def maps(scale: int, mirrored: int) -> PoseMaps:
        made = tensor(case, f"in_net_s{scale}_f{mirrored}")[None]
        return PoseMaps((made[:, :keypoints],), (made[:, keypoints : 2 * keypoints],))

    passes = [Pass(maps(s, 0), maps(s, 1), scale) for s, scale in enumerate(scales)]
    merged = codec.merge(passes, mirror_index=case.params["flipRef"])
    found = codec.decode(merged)[0]
    size = (merged.heatmaps.shape[2], merged.heatmaps.shape[3])
    points = codec.resized(image_size, scale=scales[0]).to_image(found.points, size)
    return {"out_grouped": table(found._replace(points=points)), "out_scores": found.person_scores.numpy()}


@runs("loss_hourglass")
def loss_hourglass(case: Case) -> Outputs:
    got = {}
    for dtype, end in ((torch.float32, ""), (torch.float64, "64")):
        pred, target = tensor(case, "in_pred").to(dtype).requires_grad_(), tensor(case, "in_gt").to(dtype)
        stacks = pred.unbind(1)
        loss = StackMSE(len(stacks))
        total = torch.stack([loss(maps, target) for maps in stacks]).sum()
        total.backward()
        got[f"out_total{end}"] = total.detach().numpy()
        got[f"out_grad{end}"] = pred.grad.numpy()
        got[f"out_combined{end}"] = torch.stack([MaskedMSE()(y, target) for y in stacks], 1).detach().numpy()
    return {name: value for name, value in got.items() if name in case.outputs}


@runs("loss_pose_ae")
def loss_pose_ae(case: Case) -> Outputs:
    got, joints = {}, tensor(case, "in_keypoints")
    dims = case["in_tags"].shape[2]
    places = joints[..., 0].masked_fill(joints[..., 1] == 0, ABSENT)
    for dtype, end in ((torch.float32, ""), (torch.float64, "64")):
        tags = tensor(case, "in_tags").to(dtype).requires_grad_()
        terms = torch.stack(AELoss(tag_dims=dims)(tags.mT[..., None], places), 1)  # (N, D, K h w, 1) maps
        terms.backward(tensor(case, "in_grad_output").to(dtype))
        pred = tensor(case, "in_pred").to(dtype).requires_grad_()
        error = MaskedMSE()(pred, tensor(case, "in_gt").to(dtype), None, tensor(case, "in_mask").to(dtype))
        error.sum().backward()
        got |= {f"out_push_pull{end}": terms.detach().numpy(), f"out_grad_tags{end}": tags.grad.numpy()}
        got |= {f"out_heatmap_loss{end}": error.detach().numpy(), f"out_heatmap_grad{end}": pred.grad.numpy()}
    return {name: value for name, value in got.items() if name in case.outputs}
