import contextlib
import copy
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pycocotools.coco
import pycocotools.cocoeval
import pytest

from hrpose.errors import ConfigError, DataError, MissingExtraError
from hrpose.metrics.coco import STATS, coco_ap, crowdpose_ap

Entries = list[dict[str, Any]]


def drawn_pose(rng: np.random.Generator, count: int, corner: np.ndarray, side: float) -> np.ndarray:
    pose = np.column_stack((corner + rng.uniform(0, side, (count, 2)), rng.integers(0, 3, count)))
    return pose * (rng.random() > 0.2)  # one in five is not labelled at all


def drawn_case(seed: int) -> tuple[dict[str, Any], Entries, list[float]]:
    """People of all sizes, crowds, ties, doubles, more detections than are looked at, three categories."""
    rng = np.random.default_rng(seed)
    count, with_box = int(rng.choice([1, 5, 17, 23])), seed % 3 == 0
    images = [{"id": int(n), "width": 200, "height": 200} for n in rng.permutation(50)[: rng.integers(1, 6)]]
    people: Entries = []
    found: Entries = []

    def detect(image: int, category: int, pose: np.ndarray) -> None:
        score = float(rng.integers(1, 4)) / 4 if seed % 2 else float(rng.random())
        flat = np.column_stack((pose[:, :2], rng.random(count))).ravel().tolist()
        box = {"bbox": [1.0, 1.0, float(rng.uniform(1, 150)), 60.0]} if with_box else {}
        found.append({"image_id": image, "category_id": category, "keypoints": flat, "score": score, **box})

    for image in images:
        for _ in range(rng.integers(not people, 7)):
            side, corner = float(rng.choice([20, 50, 120])), rng.uniform(0, 80, 2)
            pose, category = drawn_pose(rng, count, corner, side), int(rng.integers(1, 4))
            people.append(
                {
                    "id": len(people) + (seed % 7 > 0),
                    "image_id": image["id"],
                    "category_id": category,
                    "bbox": [*corner.tolist(), side, side],
                    "area": float(rng.choice([side**2 / 2, side**2, 32**2, 96**2])),
                    "iscrowd": int(rng.random() < 0.15),
                    "keypoints": pose.ravel().tolist(),
                    "num_keypoints": int((pose[:, 2] > 0).sum()),
                }
            )
            for noise in rng.choice([0, 0, 0.5, 4], rng.integers(0, 4)):
                detect(image["id"], category, np.add(pose, [*rng.normal(0, noise, 2), 0]))
        for _ in range(rng.integers(0, 30)):
            detect(image["id"], 1, rng.uniform(0, 200, (count, 3)))
    categories = [{"id": n, "name": str(n)} for n in (1, 2, 3)]
    truth = {"images": images, "annotations": people, "categories": categories}
    return truth, found, rng.uniform(0.02, 0.12, count).tolist()


def reference_stats(
    truth: dict[str, Any], found: Entries, sigmas: list[float], bounds: tuple[float, float] = (32**2, 96**2)
) -> np.ndarray:
    with contextlib.redirect_stdout(io.StringIO()):
        index = pycocotools.coco.COCO()
        index.dataset = copy.deepcopy(truth)
        index.createIndex()
        empty = pycocotools.coco.COCO()
        empty.dataset = {**index.dataset, "annotations": []}
        empty.createIndex()
        seen = index.loadRes(copy.deepcopy(found)) if found else empty
        done = pycocotools.cocoeval.COCOeval(index, seen, "keypoints")
        done.params.kpt_oks_sigmas = np.array(sigmas)
        done.params.areaRng = [[0, 1e10], list(bounds), [bounds[1], 1e10]]
        for step in (done.evaluate, done.accumulate, done.summarize):
            step()
    return np.asarray(done.stats)


@pytest.mark.parametrize("seed", range(60))
def test_the_numbers_are_those_of_pycocotools(seed: int) -> None:
    """Within 1e-12: the two add up in another order. Ids from 0 are among the cases (every seventh)."""
    truth, found, sigmas = drawn_case(seed)
    stats = coco_ap(truth, found, sigmas=sigmas)
    assert list(stats) == list(STATS)
    assert np.abs(np.array(list(stats.values())) - reference_stats(truth, found, sigmas)).max() < 1e-12


@pytest.mark.parametrize("seed", range(60, 80))
def test_other_bounds_of_size_give_the_numbers_of_pycocotools(seed: int) -> None:
    truth, found, sigmas = drawn_case(seed)
    bounds = (0.0, float(np.median([person["area"] for person in truth["annotations"]] or [900])))
    stats = coco_ap(truth, found, sigmas=sigmas, area_bounds=bounds)
    expected = reference_stats(truth, found, sigmas, bounds)
    assert np.abs(np.array(list(stats.values())) - expected).max() < 1e-12


def one(**fields: Any) -> dict[str, Any]:
    """A person of two keypoints."""
    made = {
        "id": 1,
        "image_id": 7,
        "category_id": 1,
        "bbox": [0, 0, 50, 50],
        "area": 2000.0,
        "iscrowd": 0,
        "num_keypoints": 2,
        "keypoints": [10, 10, 2, 30, 40, 2],
    } | fields
    return {key: value for key, value in made.items() if value is not None}


def truth_of(*people: dict[str, Any], **image: Any) -> dict[str, Any]:
    return {"images": [{"id": 7, **image}], "annotations": list(people), "categories": [{"id": 1}]}


def hit(**fields: Any) -> dict[str, Any]:
    made = {"image_id": 7, "category_id": 1, "score": 0.9, "keypoints": [10, 10, 1, 30, 40, 1]} | fields
    return {key: value for key, value in made.items() if value is not None}


PAIR = (0.05, 0.05)


def test_no_detections_are_a_score_of_zero() -> None:
    stats = coco_ap(truth_of(one()), [], sigmas=PAIR)
    assert list(stats.values()) == reference_stats(truth_of(one()), [], list(PAIR)).tolist()
    assert (stats["AP"], stats["AR"], stats["APl"]) == (0, 0, -1)


def test_where_nobody_counts_the_score_is_minus_one() -> None:
    assert set(coco_ap(truth_of(one(iscrowd=1)), [hit()], sigmas=PAIR).values()) == {-1.0}


def test_missing_counts_and_crowd_flags_are_filled_in() -> None:
    truth = truth_of(one(num_keypoints=None, iscrowd=None))
    assert coco_ap(truth, [hit()], sigmas=PAIR)["AP"] == pytest.approx(1)


def test_arguments_stay_as_they_are(tmp_path: Path) -> None:
    truth, found = truth_of(one()), [hit()]
    before = copy.deepcopy((truth, found))
    coco_ap(truth, found, sigmas=PAIR)
    assert (truth, found) == before
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    assert coco_ap(tmp_path / "truth.json", found, sigmas=PAIR) == coco_ap(truth, found, sigmas=PAIR)


def test_only_the_best_detections_of_an_image_are_looked_at() -> None:
    wrong = [hit(keypoints=[90, 90, 1, 95, 95, 1], score=0.95)] * 3
    truth = truth_of(one())
    assert coco_ap(truth, [*wrong, hit()], sigmas=PAIR, max_detections=3)["AR"] == 0
    assert coco_ap(truth, [*wrong, hit()], sigmas=PAIR, max_detections=4)["AR"] == 1


def test_other_thresholds_can_be_asked_for() -> None:
    near = hit(keypoints=[14, 10, 1, 34, 40, 1])  # an OKS of about 0.67
    stats = coco_ap(truth_of(one()), [near], sigmas=PAIR, thresholds=[0.5, 0.6])
    assert stats["AP"] == pytest.approx(1)
    assert stats["AP75"] == -1
    assert coco_ap(truth_of(one()), [near], sigmas=PAIR)["AP"] == pytest.approx(0.4)


def test_finding_people_of_another_size_neither_gains_nor_loses() -> None:
    large = one(id=2, area=4000.0, keypoints=[110, 110, 2, 130, 140, 2])
    aside = hit(keypoints=[110, 110, 1, 130, 140, 1], score=0.99)
    stats = coco_ap(truth_of(one(), large), [aside, hit()], sigmas=PAIR, area_bounds=(0, 3000))
    assert (stats["APm"], stats["APl"]) == (pytest.approx(1), pytest.approx(1))
    stats = coco_ap(truth_of(one(), large), [hit()], sigmas=PAIR, area_bounds=(0, 3000))
    assert (stats["APm"], stats["APl"]) == (pytest.approx(1), 0)


@pytest.mark.parametrize("bounds", [(96.0, 32.0), (-1.0, 5.0), (5.0, 5.0)])
def test_bounds_of_size_rise(bounds: tuple[float, float]) -> None:
    text = f"area_bounds={bounds}; give the areas from which people are medium and large, rising"
    with pytest.raises(ConfigError, match=re.escape(text)):
        coco_ap(truth_of(one()), [hit()], sigmas=PAIR, area_bounds=bounds)


@pytest.mark.parametrize(
    ("truth", "found", "text"),
    [
        (
            truth_of(one(area=None)),
            [],
            'annotation 1 has no "area", which COCO AP needs; CocoKeypoints.ground',
        ),
        (truth_of(one(bbox=None)), [], 'annotation 1 has no "bbox"'),
        (truth_of(one(keypoints=[1, 2, 2])), [], "annotation 1 has 3 keypoint numbers, and 2 sigmas need 6"),
        (truth_of(), [], 'the ground truth has no "annotations"; COCO AP compares with at least one'),
        (
            truth_of(one(), id="seven"),
            [],
            "which COCO AP needs; number the images, or read MPII with heads=",
        ),
        (truth_of(one()), [hit(score=None)], 'detection 0 has no "score"; a detection is image_id'),
        (
            truth_of(one()),
            [hit(), hit(image_id=8)],
            "detection 1 has image_id 8, which the ground truth lacks",
        ),
        (
            truth_of(one()),
            [hit(category_id=2)],
            "detection 0 has category_id 2, which the ground truth lacks",
        ),
        (
            truth_of(one()),
            [hit(keypoints=[1] * 9)],
            "detection 0 has 9 keypoint numbers, and 2 sigmas need 6",
        ),
        (
            truth_of(one()),
            [hit(score=float("nan"))],
            "detection 0 holds NaN or infinity; look at what the model",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(truth: dict[str, Any], found: Entries, text: str) -> None:
    with pytest.raises(DataError, match=re.escape(text)):
        coco_ap(truth, found, sigmas=PAIR)


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no annotation file .*gone\.json; check the path"):
        coco_ap(tmp_path / "gone.json", [], sigmas=PAIR)


def test_a_file_that_is_cut_short_is_named(tmp_path: Path) -> None:
    (tmp_path / "half.json").write_text('{"images": [')
    with pytest.raises(DataError, match=r"half\.json is not JSON, or is cut short"):
        coco_ap(tmp_path / "half.json", [], sigmas=PAIR)


def test_without_the_extra_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_coco_eval", None)
    with pytest.raises(MissingExtraError, match=re.escape('run: python -m pip install "hrpose[eval]"')):
        coco_ap(truth_of(one()), [], sigmas=PAIR)


def test_crowdpose_rates_images_by_how_crowded_they_are() -> None:
    stats = crowdpose_ap(truth_of(one(area=None), crowdIndex=0.5), [hit()], sigmas=PAIR)
    assert stats["AP"] == pytest.approx(1)
    assert (stats["APeasy"], stats["APmedium"], stats["APhard"]) == (-1, 1, -1)


def test_crowdpose_needs_the_crowding_of_each_image() -> None:
    with pytest.raises(DataError, match='image 7 has no "crowdIndex"; without it there is no easy or hard'):
        crowdpose_ap(truth_of(one()), [hit()], sigmas=PAIR)
