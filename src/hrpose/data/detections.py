"""A detector's boxes, COCO results format -> people whose keypoints are yet to be found."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np

from hrpose.data.coco import CocoKeypoints, find_categories, load_json
from hrpose.data.faults import Entry, box_faults
from hrpose.data.people import Person, Tally
from hrpose.data.topdown import PeopleSource
from hrpose.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Detections(PeopleSource):
    """Boxes with scores, in the order of the file.

    `skipped` counts what was left out, by the place in the file from 0: low score, other category, zero-size
    box.
    """

    people: list[Person]  # annotation_id is the place in the file
    skipped: Tally

    @classmethod
    def from_file(
        cls,
        source: str | PathLike[str] | Sequence[Entry],
        data: CocoKeypoints,
        *,
        min_score: float = 0.0,
        category: str | int | None = None,
    ) -> Self:
        """Read a results file: a list of image_id, category_id, bbox and score.

        As in the original HRNet the boxes are used as they come, not clipped to the image.

        Args:
            source: the file, or its content.
            data: the data set whose images were searched.
            min_score: what scores less is left out.
            category: name or id of the one to take; None takes those that `data` took.
        Raises: DataError if it is no such list, is empty, names an unknown image, a box is not four numbers,
            or the data set has no such category.
        """
        entries = load_json(Path(source)) if isinstance(source, str | PathLike) else source
        _check_list(entries)
        wanted = data.category_ids if category is None else find_categories(data.content, category)
        people, skipped = [], Tally()
        for place, entry in enumerate(entries):
            reason = _reason(place, entry, data, min_score, wanted)
            if reason:
                skipped.note(reason, place)
            else:
                people.append(_person(place, entry, data))
        if not people:
            raise DataError(f"none of {len(entries)} detections is left: {skipped}; lower min_score?")
        return cls(skeleton=data.skeleton, people=people, skipped=skipped)


def _check_list(entries: Any) -> None:
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        kind = type(entries).__name__
        raise DataError(f"detections came as {kind}; give a list of image_id, category_id, bbox and score")
    if not entries:
        raise DataError("the list of detections is empty; there is no box to look into")


def _reason(
    place: int, entry: Entry, data: CocoKeypoints, min_score: float, wanted: frozenset[int] | None
) -> str | None:
    """Why a detection is left out, or None. Raises: DataError if it cannot be trusted."""
    for key in ("image_id", "category_id", "bbox", "score"):
        if entry.get(key) is None:
            raise DataError(f'detection {place} has no "{key}"; give image_id, category_id, bbox and score')
    if wanted is not None and entry["category_id"] not in wanted:
        return "other category"
    if entry["image_id"] not in data.images:
        raise DataError(
            f"detection {place} is of image {entry['image_id']!r}, which the data set does not list"
        )
    for kind, text in box_faults(entry["bbox"], None):
        if kind == "zero-size box":
            return kind
        raise DataError(f"detection {place}: {text}")
    return "low score" if entry["score"] < min_score else None


def _person(place: int, entry: Entry, data: CocoKeypoints) -> Person:
    x, y, width, height = map(float, entry["bbox"])
    return Person(
        image_id=entry["image_id"],
        annotation_id=place,
        image_path=data.image_folder / data.images[entry["image_id"]]["file_name"],
        box=(x, y, width, height),
        area=width * height,
        keypoints=np.zeros((data.skeleton.num_keypoints, 3)),
        score=float(entry["score"]),
        category_id=entry["category_id"],
    )
