"""Decoding of the originals' top-down codecs."""

import numpy as np

from hrpose.codecs import DARK, MSRA, UDP, Face, UDPOffset
from hrpose.codecs.maxima import blur_maps
from hrpose.metrics.pck import nme
from tests.parity.kinds_geometry import tensor
from tests.parity.kinds_targets import settings
from tests.parity.reference import Case, Outputs, runs


@runs("decode_msra")
def run_decode_msra(case: Case) -> Outputs:
    maps, box = tensor(case, "in_heatmaps"), (tensor(case, "in_center"), tensor(case, "in_scale"))
    codec, whole = MSRA(**settings(case, "sigma")), MSRA(**settings(case, "sigma"), nudge=0)
    points, scores = codec.decode(maps)
    peaks, _ = whole.decode(maps)
    outputs = {
        "out_max_coords": peaks,
        "out_maxvals": scores[..., None],
        "out_quarter_coords": points,
        "out_preds": codec.to_image(points, *box),
        "out_preds_nopost": whole.to_image(peaks, *box),
    }
    return {name: value.numpy() for name, value in outputs.items()}


@runs("decode_dark")
def run_decode_dark(case: Case) -> Outputs:
    maps, kernel = tensor(case, "in_heatmaps"), case.params["blur_kernel"]
    same = settings(case, "sigma")
    codec, mmpose = DARK(**same, kernel=kernel), DARK(**same, kernel=kernel, form="mmpose")
    biased = MSRA(**same, form="mmpose")
    points, _ = codec.decode(maps)
    mm_points, mm_scores = mmpose.decode(maps)
    outputs = {
        "out_coords": points,
        "out_preds": codec.to_image(points, tensor(case, "in_center"), tensor(case, "in_scale")),
        "out_blurred_0_2to6": blur_maps(maps[:1, 2:6], kernel)[0],
        "out_mm_unbiased": mmpose.to_crop(mm_points),
        "out_mm_biased": biased.to_crop(biased.decode(maps)[0]),
        "out_mm_scores": mm_scores,
    }
    return {name: value.numpy() for name, value in outputs.items()}


@runs("decode_udp")
def run_decode_udp(case: Case) -> Outputs:
    maps, same = tensor(case, "in_heatmaps"), settings(case, "sigma") | {"kernel": case.params["blur_kernel"]}
    original, mmpose = UDP(**same), UDP(**same, form="mmpose")
    points, scores = mmpose.decode(maps)
    found, _ = original.decode(maps)
    outputs = {
        "out_keypoints": mmpose.to_crop(points),
        "out_scores": scores,
        "out_orig_preds": original.to_image(found, tensor(case, "in_center"), tensor(case, "in_scale")),
    }
    return {name: value.numpy() for name, value in outputs.items()}


@runs("decode_udp_combined")
def run_decode_udp_combined(case: Case) -> Outputs:
    same = settings(case, "sigma", "radius_factor")
    codec = UDPOffset(**same, kernel=case.params["blur_kernel"], form="mmpose")
    points, scores = codec.decode(tensor(case, "in_heatmaps"))
    return {"out_keypoints": codec.to_crop(points).numpy(), "out_scores": scores.numpy()}


@runs("decode_face")
def run_decode_face(case: Case) -> Outputs:
    maps, scale = tensor(case, "in_heatmaps"), tensor(case, "in_scale")[:, None].expand(-1, 2)
    width, height = case.params["res"]
    same = {"input_size": (4 * height, 4 * width), "map_size": (height, width)}
    codec, whole = Face(**same), Face(**same, nudge=0)
    counted_from_1 = whole.decode(maps)[0] + 0.5
    points = codec.to_image(codec.decode(maps)[0], tensor(case, "in_center"), scale)
    return {"out_get_preds": counted_from_1.numpy(), "out_preds": points.numpy(), "out_nme": errors(case)}


def errors(case: Case) -> np.ndarray:
    """Of each face, given the landmarks that the original read; in lengths of the eyes, or of the box."""
    found, truth, pair = case["out_preds"], case["in_gt"], case.params["norm"]
    eyes = isinstance(pair, list | tuple) and len(pair) == 2
    lengths = np.linalg.norm(truth[:, pair[0]] - truth[:, pair[1]], axis=1) if eyes else case["in_box_size"]
    everything = np.ones((1, truth.shape[1]), dtype=bool)
    faces = zip(found, truth, lengths, strict=True)
    return np.array([nme(a[None], b[None], everything, np.full((1, 2), length)) for a, b, length in faces])
