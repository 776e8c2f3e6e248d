"""COCO-format annotation files with outlines -> things, with a count of all that was left out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Self

from hrpose.codecs.instance import InstanceGrouping
from hrpose.data.coco import image_table, read_json
from hrpose.data.faults import Entry
from hrpose.data.instances import InstanceDataset
from hrpose.data.people import Tally
from hrpose.data.pictures import BottomUpAugment
from hrpose.data.things import Thing, ThingPicture
from hrpose.errors import DataError, nearest
from hrpose.types import IMAGENET_MEAN, IMAGENET_STD


@dataclass(frozen=True, kw_only=True)
class CocoInstances:
    """The outlined things of one annotation file; keypoints are not needed.

    `skipped` says by reason which annotations were left out: no outline, other category. An image or a
    category that is not listed is an error.
    """

    whole_pictures: list[ThingPicture]  # every image, also those without things
    classes: tuple[str, ...]  # names of the categories read, by label
    category_ids: tuple[int, ...]  # their ids
    skipped: Tally = field(default_factory=Tally)

    @classmethod
    def from_file(
        cls,
        annotations: str | PathLike[str] | Entry,
        images: str | PathLike[str],
        *,
        categories: Sequence[str | int] | None = None,
    ) -> Self:
        """Read an annotation file.

        Args:
            annotations: the file, or what `json.load` made of one.
            images: the folder that the file names in it start from.
            categories: names or ids of those to read, in the order of the labels; None reads all, in the
                order of the file.
        Raises: DataError for a file that is none, without things that have an outline, or with an image or
            category that is not listed.
        """
        content = read_json(annotations)
        name = "the annotations" if isinstance(annotations, dict) else str(annotations)
        table = image_table(content, Path(images), name)
        wanted = _categories(content, categories)
        skipped = Tally()
        things: dict[int | str, list[Thing]] = {number: [] for number in table}
        for place, entry in enumerate(content["annotations"], start=1):
            thing = _thing({"id": place, **entry}, content, wanted, skipped)
            if thing is None:
                continue
            if entry.get("image_id") not in table:
                came = f"annotation {thing.annotation_id}: image {entry.get('image_id')!r}"
                raise DataError(f"{came} is not in the list of images; add or remove one")
            things[entry["image_id"]].append(thing)
        if not any(things.values()):
            raise DataError(f"{name}: none of {len(content['annotations'])} annotations is left: {skipped}")
        pictures = [_picture(table[number], Path(images), found) for number, found in things.items()]
        return cls(
            whole_pictures=pictures,
            classes=tuple(wanted.values()),
            category_ids=tuple(wanted),
            skipped=skipped,
        )

    def pictures(
        self,
        input_size: int,
        *,
        stride: int = 4,
        augment: BottomUpAugment | None = None,
        seed: int | None = None,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        in_memory: bool = False,
        grouping: InstanceGrouping | None = None,
    ) -> InstanceDataset:
        """Whole images with the masks of all things in them; arguments and errors as of `InstanceDataset`."""
        return InstanceDataset(
            self.whole_pictures,
            classes=self.classes,
            input_size=input_size,
            stride=stride,
            augment=augment,
            seed=seed,
            mean=mean,
            std=std,
            in_memory=in_memory,
            grouping=grouping,
        )

    def summary(self) -> str:
        """One line: how many things of how many classes, how many were left out and why."""
        count = sum(len(picture.things) for picture in self.whole_pictures)
        told = f"{count} things of {len(self.classes)} classes in {len(self.whole_pictures)} images"
        return f"{told}; left out: {self.skipped}"


def _categories(content: Entry, wanted: Sequence[str | int] | None) -> dict[int, str]:
    """Names of the categories to read by their ids."""
    listed = content.get("categories") or []
    if not listed or any("id" not in entry for entry in listed):
        raise DataError("the file lists no categories, or one without an id; number them from 1")
    known = {entry["id"]: str(entry.get("name", entry["id"])) for entry in listed}
    if wanted is None:
        return known
    chosen: dict[int, str] = {}
    for one in wanted:
        found = [number for number, name in known.items() if one in (number, name)]
        if not found:
            raise DataError(f"there is no category {one!r}; {nearest(str(one), known.values())}")
        chosen[found[0]] = known[found[0]]
    return chosen


def _thing(entry: dict[str, Any], content: Entry, wanted: dict[int, str], skipped: Tally) -> Thing | None:
    """The thing that an annotation outlines, if it is one to be read."""
    number, category = entry["id"], entry.get("category_id")
    if category not in wanted:
        if category not in {each["id"] for each in content["categories"]}:
            came = f"annotation {number}: category {category!r} is not in the list of categories"
            raise DataError(f"{came}; add or remove one")
        skipped.note("other category", number)
        return None
    if not entry.get("segmentation"):
        skipped.note("no outline", number)
        return None
    return Thing(
        annotation_id=number,
        label=list(wanted).index(category),
        category_id=category,
        outline=entry["segmentation"],
        area=None if entry.get("area") is None else float(entry["area"]),
        iscrowd=bool(entry.get("iscrowd")),
    )


def _picture(image: Entry, folder: Path, things: list[Thing]) -> ThingPicture:
    return ThingPicture(
        image_id=image["id"],
        image_path=folder / image["file_name"],
        size=(image["height"], image["width"]),
        things=tuple(things),
    )
