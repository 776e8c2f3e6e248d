"""COCO's average precision for masks, equal to that of pycocotools."""

import math
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from hrpose.data.masks import region_mask, run_lengths
from hrpose.errors import DataError, MissingExtraError
from hrpose.metrics.coco import Entry, Source, ground_truth_content
from hrpose.types import Size

MASK_STATS = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR", "ARs", "ARm", "ARl")


def mask_ap(ground_truth: Source, detections: Sequence[Entry]) -> dict[str, float]:
    """Average precision and recall over the IoU of masks from 0.50 to 0.95, at 100 instances an image.

    The work is done by faster-coco-eval; the numbers are those of pycocotools. No detections at all are a
    score of 0; `iscrowd` may be missing and is then 0. Nothing is printed, and the arguments stay as they
    are. As in pycocotools an instance with the annotation id 0 is never found: count ids from 1.

    Args:
        ground_truth: a COCO-format file or its content; images with height and width, annotations with
            segmentation (polygons or run lengths) and area, which decides the size class.
        detections: image_id, category_id, score, and segmentation, as `mask_results` writes them.
    Returns: AP, AP50, AP75, APs, APm, APl, AR1, AR10, AR, ARs, ARm, ARl (s: below 32 pixels squared, m: to
        96, l: above); -1 where no annotated instance counts.
    Raises: DataError if an image lacks its size, an annotation its outline, or a detection names an unknown
        image or category, lacks a part or has no finite score; MissingExtraError without faster-coco-eval.
    Source: pycocotools, cocoeval.py; Lin et al., ECCV 2014.
    """
    try:
        import faster_coco_eval as fast
    except ImportError as error:
        advice = 'python -m pip install "hrpose[eval]"'
        raise MissingExtraError(f"mask AP needs faster-coco-eval; run: {advice}") from error
    content = ground_truth_content(ground_truth)
    sizes = {image["id"]: _size(image) for image in content["images"]}
    truth = list(_annotated(content["annotations"], sizes))
    categories = content.get("categories") or [{"id": n} for n in sorted({e["category_id"] for e in truth})]
    known = {category["id"] for category in categories}
    found = [_detection(n, entry, sizes, known) for n, entry in enumerate(detections, start=1)]
    images = [{"id": number, "height": size[0], "width": size[1]} for number, size in sizes.items()]
    table = {"images": images, "categories": list(categories)}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Found annotation id 0")  # told above
        theirs, ours = (fast.COCO({**table, "annotations": each}) for each in (truth, found))
    done = fast.COCOeval_faster(theirs, ours, "segm")
    done.run()
    return dict(zip(MASK_STATS, map(float, done.stats), strict=False))


def mask_results(
    masks: Any, scores: Sequence[float], image_id: int | str, category_ids: Sequence[int]
) -> list[dict[str, Any]]:
    """The instances of one image as entries of a COCO results file: plain numbers, ready for `json.dump`.

    >>> mask_results([[[True, False]]], [0.5], 7, [1])
    [{'image_id': 7, 'category_id': 1, 'segmentation': {'size': [1, 2], 'counts': '011'}, 'score': 0.5}]

    Args:
        masks: (I, H, W), in the size of the image.
        scores: (I,).
        category_ids: (I,).
    Raises: DataError unless there is one of each an instance.
    """
    if not len(masks) == len(scores) == len(category_ids):
        came = f"{len(masks)} masks, {len(scores)} scores and {len(category_ids)} category ids"
        raise DataError(f"{came} came; give one of each an instance")
    return [
        {
            "image_id": image_id,
            "category_id": int(category),
            "segmentation": run_lengths(mask),
            "score": float(score),
        }
        for mask, score, category in zip(masks, scores, category_ids, strict=True)
    ]


def _size(image: Entry) -> Size:
    if not isinstance(image.get("id"), int):
        raise DataError(f"image id {image.get('id')!r} is no whole number, which COCO AP needs; number them")
    if image.get("height") is None or image.get("width") is None:
        raise DataError(f"image {image['id']} has no height and width, which its masks need; add them")
    return int(image["height"]), int(image["width"])


def _annotated(annotations: Sequence[Entry], sizes: dict[int, Size]) -> Iterator[dict[str, Any]]:
    for entry in annotations:
        name = f"annotation {entry.get('id')}"
        if entry.get("image_id") not in sizes:
            raise DataError(f"{name}: image {entry.get('image_id')!r} is not in the list of images; add it")
        if not entry.get("segmentation"):
            raise DataError(
                f"{name} has no segmentation, which mask AP compares; leave it out, or outline it"
            )
        yield _counted(entry, sizes[entry["image_id"]], name)


def _counted(entry: Entry, size: Size, name: str) -> dict[str, Any]:
    """An annotation with what the evaluator reads; the outline as run lengths."""
    try:
        mask = region_mask(entry["segmentation"], size)
    except DataError as error:
        raise DataError(f"{name}: {error}") from error
    area = float(mask.sum()) if entry.get("area") is None else float(entry["area"])
    rest = {"id": entry["id"], "image_id": entry["image_id"], "category_id": entry["category_id"]}
    runs = {"segmentation": run_lengths(mask), "iscrowd": int(entry.get("iscrowd") or 0)}
    return {**rest, **runs, "area": area, "bbox": _box(mask)}


def _detection(number: int, entry: Entry, sizes: dict[int, Size], known: set[int]) -> dict[str, Any]:
    name = f"detection {number - 1}"
    for key in ("image_id", "category_id", "segmentation", "score"):
        if key not in entry:
            raise DataError(
                f'{name} has no "{key}"; a detection is image_id, category_id, segmentation and score'
            )
    for key, ids in (("image_id", sizes.keys()), ("category_id", known)):
        if entry[key] not in ids:
            raise DataError(
                f"{name} has {key} {entry[key]!r}, which the ground truth lacks; evaluate both on one"
            )
    if not math.isfinite(entry["score"]):
        raise DataError(f"{name} has the score {entry['score']}; look at what the model returned")
    counted = _counted({**entry, "id": number, "area": None}, sizes[entry["image_id"]], name)
    return {**counted, "score": float(entry["score"])}


def _box(mask: Any) -> list[float]:
    """The box (x, y, width, height) round a mask."""
    rows, columns = mask.any(axis=1).nonzero()[0], mask.any(axis=0).nonzero()[0]
    if not len(rows):
        return [0.0, 0.0, 0.0, 0.0]
    x, y = float(columns[0]), float(rows[0])
    return [x, y, float(columns[-1]) + 1 - x, float(rows[-1]) + 1 - y]
