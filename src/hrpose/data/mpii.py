"""MPII in the list format of HRNet: centre and scale in place of a box, counted from 1."""

from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from hrpose.codecs.geometry import PIXEL_STD
from hrpose.data.coco import load_json
from hrpose.data.faults import Entry
from hrpose.data.people import AREA_OF_BOX, Array, Person
from hrpose.data.topdown import PeopleSource
from hrpose.errors import DataError
from hrpose.skeletons import MPII

LOWER = 15  # pixels per scale that the centre moves down, so that the feet stay inside


@dataclass(frozen=True, kw_only=True)
class MPIIKeypoints(PeopleSource):
    """The people of an MPII list, in the order of the file.

    Points count from 0 here. The box is the square about the person that, with the usual padding of 1.25,
    makes the crop of the original. A keypoint is v = 2 where `joints_vis` says so, else 0. The area is 0.53
    of the box.
    Source: HRNet, lib/dataset/mpii.py.
    """

    images: dict[str, Entry]  # by their name without its ending
    image_folder: Path

    @classmethod
    def from_file(
        cls,
        annotations: str | PathLike[str],
        images: str | PathLike[str],
        *,
        heads: str | PathLike[str] | ArrayLike | None = None,
    ) -> Self:
        """Read a list.

        Args:
            annotations: a JSON list of image, joints, joints_vis, center and scale; without joints, as in
                the test set, all keypoints are unknown.
            images: the folder of the pictures.
            heads: the boxes of the heads, in the order of the list, by which `evaluate` measures PCKh: the
                file gt_valid.mat of HRNet, or (N, 2, 2), two opposite corners each.
        Raises: DataError if it is no such list, an entry lacks a key, a keypoint or a scale above 0, or
            there is not one head for each.
        """
        entries = load_json(Path(annotations))
        if not isinstance(entries, list) or not entries:
            raise DataError(
                f"{annotations} is no list of people; COCO-format files are read with CocoKeypoints"
            )
        folder = Path(images)
        people = [_person(place, entry, folder) for place, entry in enumerate(entries)]
        if heads is not None:
            people = _with_heads(people, heads)
        names = [str(entry["image"]) for entry in entries]
        table: dict[str, Entry] = {Path(n).stem: {"id": Path(n).stem, "file_name": n} for n in names}
        return cls(skeleton=MPII, people=people, images=table, image_folder=folder)


def _with_heads(people: list[Person], heads: str | PathLike[str] | ArrayLike) -> list[Person]:
    boxes = read_heads(heads) if isinstance(heads, str | PathLike) else np.asarray(heads, dtype=np.float64)
    if boxes.shape != (len(people), 2, 2):
        came = f"heads of shape {boxes.shape} came for the {len(people)} people of the list"
        raise DataError(f"{came}; give (N, 2, 2), two corners for each, of the same part of MPII")
    return [
        replace(p, head_box_xyxy=tuple(box.ravel().tolist())) for p, box in zip(people, boxes, strict=True)
    ]


def read_heads(path: str | PathLike[str]) -> Array:
    """The boxes (N, 2, 2) in a file such as gt_valid.mat of HRNet.

    Raises: DataError if it is no such file.
    """
    from scipy.io import loadmat

    try:
        boxes = loadmat(path)["headboxes_src"]  # (2, 2, N)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path} holds no headboxes_src ({error}); give gt_valid.mat of HRNet") from error
    return np.asarray(boxes, dtype=np.float64).transpose(2, 0, 1)


def _person(place: int, entry: Entry, folder: Path) -> Person:
    for key in ("image", "center", "scale"):
        if key not in entry:
            raise DataError(f'entry {place} has no "{key}"; give image, joints, joints_vis, center and scale')
    scale = float(entry["scale"])
    if not scale > 0:
        raise DataError(f"entry {place} has scale {scale}; give the height of the person / 200, above 0")
    side = PIXEL_STD * scale
    x, y = entry["center"][0] - 1, entry["center"][1] + LOWER * scale - 1
    return Person(
        image_id=Path(entry["image"]).stem,
        annotation_id=place,
        image_path=folder / entry["image"],
        box=(x - side / 2, y - side / 2, side, side),
        area=AREA_OF_BOX * side * side,
        keypoints=_keypoints(place, entry),
    )


def _keypoints(place: int, entry: Entry) -> Any:
    count = MPII.num_keypoints
    if "joints" not in entry:
        return np.zeros((count, 3))
    points, labelled = np.asarray(entry["joints"], dtype=np.float64), np.asarray(entry.get("joints_vis", ()))
    if points.shape != (count, 2) or labelled.shape != (count,):
        came = f"joints of shape {points.shape} and joints_vis of shape {labelled.shape}"
        raise DataError(f"entry {place} has {came}; MPII has {count} keypoints")
    return np.column_stack((points - 1, 2.0 * (labelled > 0)))
