"""COCO's average precision for keypoints of any skeleton, equal to that of pycocotools."""

import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from hrpose.data.coco import load_json
from hrpose.data.people import AREA_OF_BOX
from hrpose.errors import ConfigError, DataError, MissingExtraError

STATS = ("AP", "AP50", "AP75", "APm", "APl", "AR", "AR50", "AR75", "ARm", "ARl")
CROWD_STATS = ("AP", "AP50", "AP75", "AR", "AR50", "AR75", "APeasy", "APmedium", "APhard")
FROM_COCO = (0, 1, 2, 5, 6, 7)  # CrowdPose's first six among STATS
MEDIUM_LARGE = (32.0**2, 96.0**2)  # square pixels from which people are medium and large
NO_BOUND = 1e10  # square pixels, more than anybody has

Entry = Mapping[str, Any]
Source = str | PathLike[str] | Entry


def coco_ap(
    ground_truth: Source,
    detections: Sequence[Entry],
    *,
    sigmas: Sequence[float],
    max_detections: int = 20,
    thresholds: Sequence[float] | None = None,
    area_bounds: tuple[float, float] = MEDIUM_LARGE,
) -> dict[str, float]:
    """Average precision and recall over OKS from 0.50 to 0.95.

    The work is done by faster-coco-eval; the numbers are those of pycocotools. More is accepted: no
    detections at all are a score of 0, not an IndexError; `num_keypoints` and `iscrowd` may be missing, and
    are then counted and 0. Nothing is printed, and the arguments stay as they are.

    As in pycocotools a person with the annotation id 0 is never found: count ids from 1
    (`CocoKeypoints.ground_truth` does).

    Args:
        ground_truth: a COCO-format file, or its content, or `CocoKeypoints.ground_truth()`.
        detections: image_id, category_id, score, and keypoints as a flat list x, y, score, and so on; with a
            bbox that box decides the size class, else the box of all keypoints does.
        sigmas: (K,), how far each keypoint may be off: those of the data set's skeleton, `Skeleton.sigmas`.
        max_detections: of an image, best first.
        thresholds: of OKS; None takes 0.50, 0.55, ..., 0.95.
        area_bounds: square pixels from which people are medium (m) and large (l); (0, median) parts everybody
            in two halves. Who lies outside a class is ignored in it: who finds them neither gains nor loses,
            nor does a detection that finds nobody and lies outside itself.
    Returns: AP, AP50, AP75, APm, APl and AR, AR50, AR75, ARm, ARl; -1 where no annotated person counts.
    Raises: ConfigError for bounds that do not rise; DataError if an annotation lacks area or bbox, or a
        detection names an unknown image or category, has another number of keypoints, or holds NaN;
        MissingExtraError without faster-coco-eval.
    Source: pycocotools, cocoeval.py; Lin et al., ECCV 2014.
    """
    if not 0 <= area_bounds[0] < area_bounds[1]:
        raise ConfigError(
            f"area_bounds={area_bounds}; give the areas from which people are medium and large, rising"
        )
    content = ground_truth_content(ground_truth)
    people = list(_people(content["annotations"], len(sigmas)))
    done = _run(content, people, detections, sigmas, max_detections, thresholds, area_bounds)
    return dict(zip(STATS, map(float, done.stats), strict=True))


def crowdpose_ap(
    ground_truth: Source,
    detections: Sequence[Entry],
    *,
    sigmas: Sequence[float],
    crowding: tuple[float, float] = (0.2, 0.8),
) -> dict[str, float]:
    """CrowdPose's average precision: in all, and over images with few, some and many people in the way.

    A person's area is 0.53 of the box, whatever the file says. As in the original, the three classes are the
    mean of the whole precision table, rounded to four decimals, and -1 for a class without an image.

    Args:
        ground_truth: as in `coco_ap`, each image with its "crowdIndex".
        detections: as in `coco_ap`.
        sigmas: (K,); `hrpose.skeletons.CROWDPOSE.sigmas` are those of the published figures.
        crowding: an image below the first is easy, one below the second medium, and hard from there.
    Returns: AP, AP50, AP75, AR, AR50, AR75, APeasy, APmedium, APhard.
    Raises: as `coco_ap`, and DataError if an image has no crowdIndex.
    Source: Li et al., CVPR 2019; crowdposetools, cocoeval.py.
    """
    content = ground_truth_content(ground_truth)
    annotations = [_with_crowd_area(entry) for entry in content["annotations"]]
    people = list(_people(annotations, len(sigmas)))
    done = _run(content, people, detections, sigmas, 20, None)
    stats = [float(done.stats[index]) for index in FROM_COCO]
    for images in _by_crowding(content["images"], crowding):
        done.params.imgIds = images
        done.evaluate()
        done.accumulate()
        stats.append(round(float(np.mean(done.eval["precision"][:, :, :, 0, :])), 4) if images else -1.0)
    return dict(zip(CROWD_STATS, stats, strict=True))


def _run(
    content: Entry,
    people: list[dict[str, Any]],
    detections: Sequence[Entry],
    sigmas: Sequence[float],
    max_detections: int,
    thresholds: Sequence[float] | None,
    area_bounds: tuple[float, float] = MEDIUM_LARGE,
) -> Any:
    """The evaluator of faster-coco-eval, after its work."""
    try:
        import faster_coco_eval as fast
    except ImportError as error:
        advice = 'python -m pip install "hrpose[eval]"'
        raise MissingExtraError(f"COCO AP needs faster-coco-eval; run: {advice}") from error
    images = [{"id": _whole(image["id"])} for image in content["images"]]
    categories = content.get("categories") or [{"id": n} for n in sorted({p["category_id"] for p in people})]
    known = {image["id"] for image in images}, {category["id"] for category in categories}
    found = [_detection(n, entry, known, len(sigmas)) for n, entry in enumerate(detections, start=1)]
    table = {"images": images, "categories": list(categories)}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Found annotation id 0")  # told in coco_ap
        truth, seen = (fast.COCO({**table, "annotations": each}) for each in (people, found))
    done = fast.COCOeval_faster(truth, seen, "keypoints", kpt_oks_sigmas=list(sigmas))
    done.params.maxDets = [max_detections]
    medium, large = area_bounds
    done.params.areaRng = [[0, NO_BOUND], [medium, large], [large, NO_BOUND]]
    if thresholds is not None:
        done.params.iouThrs = np.asarray(thresholds, dtype=np.float64)
    done.run()
    return done


def ground_truth_content(source: Source) -> Entry:
    """What a ground truth holds. Raises: DataError without images or annotations."""
    content = source if isinstance(source, Mapping) else load_json(Path(source))
    for key in ("images", "annotations"):
        if not content.get(key):
            raise DataError(f'the ground truth has no "{key}"; COCO AP compares with at least one')
    return content


def _whole(number: Any) -> int:
    if not isinstance(number, int):
        fault = f"image id {number!r} is no whole number, which COCO AP needs"
        raise DataError(f"{fault}; number the images, or read MPII with heads=")
    return number


def _people(annotations: Iterable[Entry], num_keypoints: int) -> Iterator[dict[str, Any]]:
    for entry in annotations:
        name = f"annotation {entry.get('id')}"
        for key in ("id", "image_id", "area", "bbox", "keypoints"):
            if entry.get(key) is None:
                hint = "CocoKeypoints.ground_truth() fills in what can be derived"
                raise DataError(f'{name} has no "{key}", which COCO AP needs; {hint}')
        _check_count(name, entry["keypoints"], num_keypoints)
        yield {
            "category_id": 1,
            "iscrowd": 0,
            "num_keypoints": sum(v > 0 for v in entry["keypoints"][2::3]),
            **{key: value for key, value in entry.items() if key != "segmentation"},
        }


def _detection(
    number: int, entry: Entry, known: tuple[set[Any], set[Any]], num_keypoints: int
) -> dict[str, Any]:
    name = f"detection {number - 1}"
    for key in ("image_id", "category_id", "keypoints", "score"):
        if key not in entry:
            raise DataError(
                f'{name} has no "{key}"; a detection is image_id, category_id, keypoints and score'
            )
    for key, ids in zip(("image_id", "category_id"), known, strict=True):
        if entry[key] not in ids:
            raise DataError(
                f"{name} has {key} {entry[key]!r}, which the ground truth lacks; evaluate both on one"
            )
    keypoints = [float(value) for value in entry["keypoints"]]
    _check_count(name, keypoints, num_keypoints)
    if not all(map(math.isfinite, (*keypoints, entry["score"]))):
        raise DataError(f"{name} holds NaN or infinity; look at what the model returned")
    box = list(entry.get("bbox") or ()) or _box_of(keypoints)
    return {
        "id": number,
        "image_id": entry["image_id"],
        "category_id": entry["category_id"],
        "score": float(entry["score"]),
        "keypoints": keypoints,
        "bbox": box,
        "area": box[2] * box[3],
    }


def _check_count(name: str, keypoints: Sequence[float], num_keypoints: int) -> None:
    if len(keypoints) != 3 * num_keypoints:
        needed = f"{num_keypoints} sigmas need {3 * num_keypoints}"
        raise DataError(
            f"{name} has {len(keypoints)} keypoint numbers, and {needed}; give the skeleton's sigmas"
        )


def _box_of(keypoints: list[float]) -> list[float]:
    xs, ys = keypoints[0::3], keypoints[1::3]
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def _with_crowd_area(entry: Entry) -> Entry:
    box = entry.get("bbox")
    return {**entry, "area": box[2] * box[3] * AREA_OF_BOX} if box else entry


def _by_crowding(images: Iterable[Entry], crowding: tuple[float, float]) -> list[list[int]]:
    classes: list[list[int]] = [[], [], []]
    for image in images:
        if image.get("crowdIndex") is None:
            raise DataError(f'image {image["id"]} has no "crowdIndex"; without it there is no easy or hard')
        classes[int(np.searchsorted(crowding, image["crowdIndex"], side="right"))].append(image["id"])
    return classes
