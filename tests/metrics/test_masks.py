"""Mask AP is that of pycocotools."""

import contextlib
import io
import json
from typing import Any

import numpy as np
import pytest
from pycocotools import coco, cocoeval

from hrpose.data.masks import region_mask
from hrpose.errors import DataError, MissingExtraError
from hrpose.metrics import mask_ap, mask_results

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # pycocotools with numpy 2
SIZE = (120, 150)
SQUARE = [[10.0, 10, 60, 10, 60, 60, 10, 60]]


def truth(*annotations: dict[str, Any], **fields: Any) -> dict[str, Any]:
    entry = {"image_id": 1, "category_id": 1, "segmentation": SQUARE, "iscrowd": 0}
    made = [{"id": n, **entry, **given} for n, given in enumerate(annotations or ({},), start=1)]
    return {
        "images": [{"id": n, "height": SIZE[0], "width": SIZE[1]} for n in (1, 2)],
        "annotations": made,
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    } | fields


def found(**fields: Any) -> dict[str, Any]:
    return mask_results([region_mask(SQUARE, SIZE)], [0.9], 1, [1])[0] | fields


def crowded(seed: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Polygons of all sizes on two images, a crowd among them, and what a bad detector makes of them."""
    rng = np.random.default_rng(seed)
    annotations, detections = [], []
    for number in range(14):
        x, y = rng.uniform(0, 90, 2)
        width, height = rng.uniform(8, 100, 2)
        image, category = 1 + number % 2, 1 + number % 3 % 2
        outline = [[x, y, x + width, y, x + width, y + height, x, y + height]]
        area = float(region_mask(outline, SIZE).sum())
        annotations.append(
            {
                "segmentation": outline,
                "area": area,
                "image_id": image,
                "category_id": category,
                "iscrowd": int(number == 12),
                "bbox": [x, y, width, height],
            }
        )
        for _ in range(2):
            moved = [[value + rng.normal(0, 4) for value in outline[0]]]
            detections += mask_results([region_mask(moved, SIZE)], [rng.random()], image, [category])
    annotations[12]["segmentation"] = detections[20]["segmentation"]
    return truth(*annotations), detections


@pytest.mark.parametrize("seed", range(4))
def test_the_numbers_are_those_of_pycocotools(seed: int) -> None:
    content, detections = crowded(seed)
    before = json.dumps([content, detections])
    ours = mask_ap(content, detections)
    assert json.dumps([content, detections]) == before
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = coco.COCO()
        theirs.dataset = content
        theirs.createIndex()
        done = cocoeval.COCOeval(theirs, theirs.loadRes(detections), "segm")
        done.evaluate()
        done.accumulate()
        done.summarize()
    assert list(ours.values()) == pytest.approx(done.stats.tolist(), abs=1e-9)
    assert 0 < ours["AP"] < 1


def test_the_same_masks_score_one_and_nothing_found_scores_nothing() -> None:
    perfect, nothing = mask_ap(truth(), [found()]), mask_ap(truth(), [])
    assert perfect["AP"] == perfect["AP50"] == perfect["AR"] == pytest.approx(1.0)
    assert nothing["AP"] == 0
    assert perfect["APs"] == -1


def test_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    mask_ap(truth(), [found()])
    assert capsys.readouterr() == ("", "")


def test_results_are_plain_and_hold_the_masks() -> None:
    masks = np.random.default_rng(0).random((2, *SIZE)) > 0.5
    results = json.loads(json.dumps(mask_results(masks, np.float32([0.5, 0.25]), 2, np.array([1, 2]))))
    assert [entry["score"] for entry in results] == [0.5, 0.25]
    assert [entry["category_id"] for entry in results] == [1, 2]
    for entry, mask in zip(results, masks, strict=True):
        np.testing.assert_array_equal(region_mask(entry["segmentation"], SIZE), mask)


@pytest.mark.parametrize(
    ("content", "detections", "text"),
    [
        (
            {"annotations": []},
            [],
            'the ground truth has no "annotations"; COCO AP compares with at least one',
        ),
        ({"images": [{"id": "a", "height": 9, "width": 9}]}, [], "image id 'a' is no whole number"),
        ({"images": [{"id": 1}]}, [], "image 1 has no height and width, which its masks need; add them"),
        ({"images": [{"id": 5, "height": 9, "width": 9}]}, [], "annotation 1: image 1 is not in the list"),
        (
            {},
            [{"image_id": 1}],
            'detection 0 has no "category_id"; a detection is image_id, category_id, seg',
        ),
        ({}, [found(image_id=9)], "detection 0 has image_id 9, which the ground truth lacks; evaluate both"),
        ({}, [found(category_id=9)], "detection 0 has category_id 9, which the ground truth lacks"),
        ({}, [found(score=float("nan"))], "detection 0 has the score nan; look at what the model returned"),
        ({}, [found(segmentation=7)], "detection 0: segmentation is a int; give a list of polygons, or run"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    content: dict[str, Any], detections: list[dict[str, Any]], text: str
) -> None:
    with pytest.raises(DataError, match=text):
        mask_ap(truth(**content), detections)


def test_an_annotation_without_an_outline_or_with_a_wrong_one_is_refused() -> None:
    with pytest.raises(DataError, match="annotation 1 has no segmentation, which mask AP compares; leave it"):
        mask_ap(truth({"segmentation": []}), [])
    with pytest.raises(DataError, match="annotation 1: a polygon of 2 numbers encloses nothing; give x, y"):
        mask_ap(truth({"segmentation": [[1, 2]]}), [])


def test_as_many_scores_as_masks_are_needed() -> None:
    with pytest.raises(DataError, match="1 masks, 2 scores and 1 category ids came; give one of each"):
        mask_results([[[True]]], [0.1, 0.2], 1, [1])


def test_the_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "faster_coco_eval", None)
    with pytest.raises(MissingExtraError, match=r'needs faster-coco-eval; run: python .* "hrpose\[eval\]"'):
        mask_ap(truth(), [])
