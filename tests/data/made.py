"""Small annotation files and pictures for the tests of this folder."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

KEYPOINTS = ["nose", "left_hand", "right_hand"]


def person(number: int = 1, **fields: Any) -> dict[str, Any]:
    """An annotation without fault, but for `fields`; a field that is None is left out."""
    made = {
        "id": number,
        "image_id": 7,
        "category_id": 1,
        "bbox": [10, 5, 20, 30],
        "area": 300.0,
        "iscrowd": 0,
        "keypoints": [15, 10, 2, 25, 20, 1, 0, 0, 0],
        "num_keypoints": 2,
    } | fields
    return {key: value for key, value in made.items() if value is not None}


def content(*people: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A file with one image of 64 x 48 (width x height) and these people."""
    return {
        "images": [{"id": 7, "file_name": "seven.png", "width": 64, "height": 48}],
        "annotations": list(people),
        "categories": [{"id": 1, "name": "puppet", "keypoints": KEYPOINTS, "skeleton": [[1, 2], [1, 3]]}],
    } | fields


def save(folder: Path, made: dict[str, Any]) -> Path:
    """Write the file, and a picture of noise for each image."""
    for image in made["images"]:
        pixels = np.random.default_rng(0).integers(
            0, 256, (image["height"], image["width"], 3), dtype=np.uint8
        )
        Image.fromarray(pixels).save(folder / image["file_name"])
    path = folder / "people.json"
    path.write_text(json.dumps(made))
    return path


def real_folder() -> Path:
    """The real photographs; skips the test where they are not."""
    root = Path(os.environ.get("HRPOSE_DATA", Path(__file__).parents[3] / "shared" / "data")) / "coco_tiny"
    if not root.is_dir():
        pytest.skip(f"the real photographs are not here ({root}); HRPOSE_DATA names another folder")
    return root
