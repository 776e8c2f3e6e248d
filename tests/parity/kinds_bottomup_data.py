"""Bottom-up cases of data: random views of whole images, targets end to end, the list of results."""

from typing import Any

import numpy as np
import torch

from hrpose.codecs import HigherHRNet
from hrpose.codecs.geometry import transform_points
from hrpose.codecs.warp import crop_images
from hrpose.data.bottomup import BottomUpDataset, PersonSigma
from hrpose.data.coco import CocoKeypoints
from hrpose.data.pictures import BottomUpAugment
from hrpose.metrics.coco import STATS, coco_ap
from hrpose.metrics.rescore import bottomup_results
from hrpose.skeletons import COCO
from tests.parity.kinds_bottomup import packed
from tests.parity.reference import Case, Outputs, runs


@runs("augment_bottomup")
def run_augment_bottomup(case: Case) -> Outputs:
    p, drawn, got = case.params, case.params["drawn"], {}
    augment = BottomUpAugment(
        scale=(p["min_scale"], p["max_scale"]), rotation=p["max_rotation"], fit=p["scale_type"]
    )
    view = augment.view(case["in_image"].shape[:2], zoom=drawn["u_scale"], turn=drawn["u_rot"])
    view = view._replace(center=(view.center[0] + drawn["dx"], view.center[1] + drawn["dy"]))
    sides = [*p["output_size"], p["input_size"]]
    matrices = [view.matrix((side, side)) for side in sides]
    image = torch.from_numpy(case["in_image"]).permute(2, 0, 1)
    mask = torch.from_numpy(case["in_mask"])[None].to(torch.uint8) * 255
    shown = crop_images(image, matrices[-1], (sides[-1], sides[-1]))[0].permute(1, 2, 0)
    got = {"out_mats": torch.cat(matrices).numpy(), "out_image": shown, "out_flip_image": shown.flip(1)}
    joints = torch.from_numpy(case["in_joints"])
    for r, (side, matrix) in enumerate(zip(p["output_size"], matrices, strict=False)):
        left = (crop_images(mask, matrix, (side, side))[0, 0] > 127).float()
        points = transform_points(joints[..., :2].reshape(1, -1, 2), matrix).view(*joints.shape[:2], 2)
        mirrored = torch.stack((side - 1 - points[..., 0], points[..., 1]), -1)[:, p["flip_index"]]
        got |= {f"out_mask{r}": left, f"out_flip_mask{r}": left.flip(1)}
        got |= {f"out_joints{r}": torch.cat((points, joints[..., 2:]), 2)}
        got |= {f"out_flip_joints{r}": torch.cat((mirrored, joints[:, p["flip_index"], 2:]), 2)}
    return got


@runs("bottomup_dataset")
def run_bottomup_dataset(case: Case) -> Outputs:
    p = case.params
    content, center = case.json("in_gt_json"), p["with_center"]
    codec = HigherHRNet(
        input_size=p["input_size"],
        strides=tuple(p["input_size"] // side for side in p["output_size"]),
        tag_strides=tuple(p["input_size"] // side for side in p["output_size"]),
        sigma=None if p["sigma"] < 0 else p["sigma"],
        center=center,
    )
    own = PersonSigma(sigma=p["base_sigma"], size=p["base_size"], whole=p["int_sigma"])
    augment = BottomUpAugment(
        scale=(p["scale"], p["scale"]),
        rotation=p["rotation"],
        translate=p["translate"],
        flip_probability=float(p["flip"]),
        fit=p["scale_type"],
        flip_without_pairs=True,
    )
    data = CocoKeypoints.from_file(content, ".")
    views = Grey(
        data.whole_pictures(skip_empty=True),
        codec,
        data.skeleton,
        augment=augment,
        seed=0,
        person_sigma=own if p["scale_aware_sigma"] else None,
    )
    got: dict[str, Any] = {}
    for number, picture in enumerate(views.pictures):
        sample, name = views[number], f"out_img{number}"
        got[f"{name}_full_mask"] = np.packbits(picture.mask())
        got[f"{name}_joints"] = joints(views, number)
        for r in range(len(p["output_size"])):
            got[f"{name}_heatmap{r}"], got[f"{name}_mask{r}"] = sample.heatmaps[r], sample.masks[r]
            rows = len(case[f"{name}_tag_index{r}"])
            got[f"{name}_tag_index{r}"] = packed(sample.places[r].numpy(), rows)
    return got


class Grey(BottomUpDataset):
    """Pictures that nobody has, in grey."""

    def read(self, index: int) -> np.ndarray:
        return np.full((*self.pictures[index].size, 3), 128, np.uint8)


def joints(views: BottomUpDataset, number: int) -> np.ndarray:
    """(M, K, 3), or 4 with an own sigma a person: image pixels, visibility as annotated."""
    points, visible, sigmas = views.joints(number)
    marks = visible.clone()
    for row, person in zip(marks, views.pictures[number].learned, strict=True):
        row[: len(person.keypoints)] = torch.from_numpy(person.keypoints[:, 2])
    columns = [points, marks[..., None]]
    if views.person_sigma is not None:
        columns.append(sigmas[:, None, None].expand(*marks.shape, 1))
    return torch.cat(columns, 2).numpy()


@runs("bottomup_evaluate")
def run_bottomup_evaluate(case: Case) -> Outputs:
    truth = case.json("in_gt_json")
    (category,) = {entry["category_id"] for entry in truth["annotations"]}
    results = bottomup_results(
        case["in_preds"], case["in_scores"], case["in_image_id"].tolist(), category_id=category
    )
    stats = coco_ap(truth, results, sigmas=COCO.sigmas)
    return {"out_results_json": results, "out_stats": np.array([stats[name] for name in STATS])}
