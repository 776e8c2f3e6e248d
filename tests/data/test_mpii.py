import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.io import savemat

from hrpose.codecs import MSRA
from hrpose.data.mpii import MPIIKeypoints
from hrpose.data.topdown import center_scale
from hrpose.errors import DataError
from hrpose.skeletons import MPII


def entry(**fields: Any) -> dict[str, Any]:
    made = {
        "image": "0001.jpg",
        "center": [100.0, 80.0],
        "scale": 1.5,
        "joints": [[11.0, 21.0]] * 15 + [[-1.0, -1.0]],
        "joints_vis": [1] * 15 + [0],
    } | fields
    return {key: value for key, value in made.items() if value is not None}


def write(folder: Path, entries: Any) -> Path:
    path = folder / "list.json"
    path.write_text(json.dumps(entries))
    return path


def test_points_and_crop_count_from_zero(tmp_path: Path) -> None:
    data = MPIIKeypoints.from_file(write(tmp_path, [entry()]), tmp_path)
    (found,) = data.people
    assert (data.skeleton, data.image_folder) == (MPII, tmp_path)
    assert data.images == {"0001": {"id": "0001", "file_name": "0001.jpg"}}
    assert found.keypoints[0].tolist() == [10, 20, 2]
    assert found.visible.tolist() == [1.0] * 15 + [0.0]
    center, scale = center_scale([found], MSRA(input_size=(256, 256)))
    assert center[0].tolist() == pytest.approx([99, 80 + 15 * 1.5 - 1])
    assert torch.as_tensor(scale[0]).tolist() == pytest.approx([1.5 * 1.25] * 2)


def test_the_test_set_has_no_joints(tmp_path: Path) -> None:
    (found,) = MPIIKeypoints.from_file(
        write(tmp_path, [entry(joints=None, joints_vis=None)]), tmp_path
    ).people
    assert found.keypoints.shape == (16, 3)
    assert not found.visible.any()


@pytest.mark.parametrize("stored", [False, True])
def test_boxes_of_heads_go_to_their_people(tmp_path: Path, stored: bool) -> None:
    boxes = np.array([[[1.0, 2.0], [31.0, 42.0]], [[5.0, 6.0], [7.0, 8.0]]])
    savemat(tmp_path / "gt_valid.mat", {"headboxes_src": boxes.transpose(1, 2, 0)})
    heads = tmp_path / "gt_valid.mat" if stored else boxes
    people = MPIIKeypoints.from_file(write(tmp_path, [entry(), entry()]), tmp_path, heads=heads).people
    assert [person.head_box_xyxy for person in people] == [(1, 2, 31, 42), (5, 6, 7, 8)]


def test_heads_that_do_not_belong_to_the_list_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, [entry()])
    with pytest.raises(
        DataError, match=r"heads of shape \(2, 2, 2\) came for the 1 people of the list; give"
    ):
        MPIIKeypoints.from_file(path, tmp_path, heads=np.ones((2, 2, 2)))
    with pytest.raises(DataError, match=r"list.json holds no headboxes_src .*; give gt_valid.mat of HRNet"):
        MPIIKeypoints.from_file(path, tmp_path, heads=path)


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ({}, "is no list of people; COCO-format files are read with CocoKeypoints"),
        ([], "is no list of people"),
        ([entry(scale=None)], 'entry 0 has no "scale"; give image, joints, joints_vis, center and scale'),
        ([entry(scale=-1)], "entry 0 has scale -1.0; give the height of the person / 200, above 0"),
        (
            [entry(joints_vis=[1])],
            "entry 0 has joints of shape (16, 2) and joints_vis of shape (1,); MPII has 16",
        ),
    ],
)
def test_what_is_no_mpii_list_is_refused(tmp_path: Path, entries: Any, text: str) -> None:
    with pytest.raises(DataError, match=re.escape(text)):
        MPIIKeypoints.from_file(write(tmp_path, entries), tmp_path)
