"""Person: one box, and the keypoints in it if they are known; and the count of what was left out."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Box: TypeAlias = tuple[float, float, float, float]  # x, y, width, height, unless a name says otherwise
Array: TypeAlias = NDArray[np.float64]

AREA_OF_BOX = 0.53  # the share of its box that a person fills; CrowdPose, without areas, is evaluated with it


@dataclass(frozen=True, kw_only=True)
class Person:
    """One entry of an annotation or detection file, in pixels of its image.

    The name says person; it may be a hand, a face or an animal.
    """

    image_id: int | str
    annotation_id: int
    image_path: Path
    box: Box
    area: float  # of the object itself, in pixels: what OKS divides by
    # (K, 3): x, y and 0 unknown, 1 hidden, 2 seen; all 0 in a detection
    keypoints: Array = field(compare=False)
    iscrowd: bool = False
    score: float = 1.0  # of a detection; 1 in an annotation
    category_id: int = 1
    head_box_xyxy: Box | None = None  # two corners of the head, where they are known: what PCKh divides by

    @property
    def points(self) -> Array:
        """(K, 2), pixels."""
        return self.keypoints[:, :2]

    @property
    def visible(self) -> Array:
        """(K,), 1 where the keypoint is labelled, be it seen or hidden, else 0."""
        return (self.keypoints[:, 2] > 0).astype(np.float64)


def coco_annotations(people: Iterable[Person]) -> list[dict[str, Any]]:
    """People as the annotations of a COCO-format file, ids counted from 1."""
    return [
        {
            "id": number,
            "image_id": person.image_id,
            "category_id": person.category_id,
            "bbox": list(person.box),
            "area": person.area,
            "iscrowd": int(person.iscrowd),
            "num_keypoints": int(person.visible.sum()),
            "keypoints": person.keypoints.reshape(-1).tolist(),
        }
        for number, person in enumerate(people, start=1)
    ]


class Tally:
    """How often each reason applied, and to which ids.

    >>> left_out = Tally()
    >>> left_out.note("crowd region", 17)
    >>> left_out["crowd region"], left_out["no keypoints"], left_out.ids
    (1, 0, {'crowd region': [17]})
    >>> print(left_out)
    1 crowd region
    """

    def __init__(self) -> None:
        self.ids: dict[str, list[int]] = {}

    def note(self, reason: str, annotation_id: int) -> None:
        """Count one."""
        self.ids.setdefault(reason, []).append(annotation_id)

    def __getitem__(self, reason: str) -> int:
        return len(self.ids.get(reason, ()))

    def total(self) -> int:
        """All reasons together."""
        return sum(map(len, self.ids.values()))

    def __str__(self) -> str:
        return ", ".join(f"{len(ids)} {reason}" for reason, ids in self.ids.items()) or "none"
