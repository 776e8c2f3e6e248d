import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch

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
