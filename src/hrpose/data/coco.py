"""COCO-format annotation files of any skeleton -> people, with a count of all that was left out or mended."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from PIL import Image

from hrpose.codecs import BottomUpCodec
from hrpose.data.bottomup import BottomUpDataset, PersonSigma
from hrpose.data.faults import HARMLESS, Entry, annotation_faults, check_form, corners_inside, keypoint_faults
from hrpose.data.people import AREA_OF_BOX, Array, Box, Person, Tally
from hrpose.data.pictures import BottomUpAugment, Picture, picture_of
from hrpose.data.topdown import PeopleSource
from hrpose.errors import ConfigError, DataError, nearest
from hrpose.skeletons import Skeleton, as_skeleton
from hrpose.types import IMAGENET_MEAN, IMAGENET_STD

EXIF_ORIENTATION = 0x0112


@dataclass(frozen=True, kw_only=True)
class CocoKeypoints(PeopleSource):
    """The people of one annotation file, cleaned as the original HRNet cleans them.

    `skipped` and `mended` say by reason how many annotations were left out or filled in, and which:

    - skipped: crowd region, no keypoints, area not above 0, zero-size box, box outside the image, other
      category.
    - mended: area from the box (0.53 of it, as CrowdPose is evaluated), box from the keypoints, box clipped
      to the image.

    What would make the rest of the file doubtful is an error: an image that is not listed, keypoints of
    another count, numbers that are none, an id that is used twice. `on_fault="skip"` leaves such annotations
    out as well, and counts them. `validate_dataset` lists every fault of a file at once.
    """

    people: list[Person]  # in the order of the images, then of the annotations
    images: dict[int | str, Entry]
    category_ids: frozenset[int] | None = None  # that were read; None: all
    skipped: Tally
    mended: Tally
    content: Entry = field(repr=False)  # the file as it was read
    image_folder: Path

    @classmethod
    def from_file(
        cls,
        annotations: str | PathLike[str] | Entry,
        images: str | PathLike[str],
        *,
        skeleton: Skeleton | str | None = None,
        category: str | int | None = None,
        on_fault: Literal["raise", "skip"] = "raise",
    ) -> Self:
        """Read an annotation file.

        Args:
            annotations: the file, or what `json.load` made of one.
            images: the folder that the file names in it start from.
            skeleton: one, or the name of a known one. None takes a known one with the names in the file, or
                makes one of those names. A file without names, such as those of most face sets, gives
                keypoint_0 and so on, without mirror pairs: name its skeleton if it is to be mirrored.
            category: name or id of the one to read; None reads all whose keypoints the file names.
            on_fault: what to do about an annotation that cannot be trusted.
        Raises: DataError, as said above, or if nothing is left; UnknownNameError for another skeleton's name.
        """
        if on_fault not in ("raise", "skip"):
            raise ConfigError(f"on_fault={on_fault!r} is not known; give 'raise' or 'skip'")
        content = read_json(annotations)
        name = "the annotations" if isinstance(annotations, Mapping) else str(annotations)
        table = image_table(content, Path(images), name)
        wanted = find_categories(content, category)
        skeleton = as_skeleton(skeleton) or _skeleton(content, wanted, name)
        reader = _Reader(skeleton, Path(images), table, wanted, on_fault)
        people = reader.read(_numbered(content))
        if not people:
            raise DataError(
                f"{name}: none of {len(content['annotations'])} annotations is left: {reader.skipped}"
            )
        return cls(
            skeleton=skeleton,
            people=people,
            images=table,
            category_ids=wanted,
            skipped=reader.skipped,
            mended=reader.mended,
            content=content,
            image_folder=Path(images),
        )

    def ground_truth(self) -> dict[str, Any]:
        """The file as the metrics need it: with crowds, and with what was missing filled in as in `people`.

        Annotation ids count from 1 again, because COCO AP never finds a person with the id 0.
        """
        known = enumerate(self._known(), start=1)
        filled = [_filled(entry, n, self.skeleton.num_keypoints) for n, entry in known]
        numbers = sorted({entry["category_id"] for entry in filled})
        named = self.content.get("categories") or [{"id": number, "name": str(number)} for number in numbers]
        return {"images": list(self.images.values()), "annotations": filled, "categories": named}

    def whole_pictures(self, *, skip_empty: bool = False) -> list[Picture]:
        """Every image with everybody in it: crowds, and people without keypoints or area, too.

        Args:
            skip_empty: leave out images without a single annotation, as the original HigherHRNet trains.
        """
        found: dict[int | str, list[Entry]] = {number: [] for number in self.images}
        for entry in self._known():
            found[entry["image_id"]].append(_filled(entry, entry["id"], self.skeleton.num_keypoints))
        return [
            picture_of(self.images[number], entries, self.image_folder, self.skeleton.num_keypoints)
            for number, entries in found.items()
            if entries or not skip_empty
        ]

    def pictures(
        self,
        codec: BottomUpCodec,
        *,
        augment: BottomUpAugment | None = None,
        seed: int | None = None,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        person_sigma: PersonSigma | None = None,
        skip_empty: bool = False,
    ) -> BottomUpDataset:
        """Whole images with the targets of everybody in them.

        Arguments and errors as for `whole_pictures` and `BottomUpDataset`.
        """
        return BottomUpDataset(
            self.whole_pictures(skip_empty=skip_empty),
            codec,
            self.skeleton,
            augment=augment,
            seed=seed,
            mean=mean,
            std=std,
            person_sigma=person_sigma,
        )

    def _known(self) -> list[Entry]:
        """All annotations but those that were refused."""
        refused = {n for kind, ids in self.skipped.ids.items() if kind not in HARMLESS for n in ids}
        return [entry for entry in _numbered(self.content) if entry["id"] not in refused]

    def summary(self) -> str:
        """One line: how many people, how many were left out and why, how many mended and how."""
        count = f"{len(self.people)} people in {len(self.images)} images"
        return f"{count}; left out: {self.skipped}; mended: {self.mended}"


@dataclass
class _Reader:
    """Carries the counts from annotation to annotation."""

    skeleton: Skeleton
    folder: Path
    images: dict[int | str, Entry]
    categories: frozenset[int] | None
    on_fault: str
    skipped: Tally = field(default_factory=Tally)
    mended: Tally = field(default_factory=Tally)

    def read(self, annotations: list[Entry]) -> list[Person]:
        by_image: dict[int | str, list[Person]] = {number: [] for number in self.images}
        seen: set[int] = set()
        for entry in annotations:
            if entry["id"] in seen:
                self._fault(
                    "id used twice", entry["id"], f"annotation id {entry['id']} is used twice; renumber"
                )
                continue
            seen.add(entry["id"])
            boxed = self._boxed(entry)
            if self._usable(boxed):
                if boxed is not entry:
                    self.mended.note("box from the keypoints", entry["id"])
                by_image[entry["image_id"]].append(self._person(boxed))
        return [person for people in by_image.values() for person in people]

    def _boxed(self, entry: Entry) -> Entry:
        """The annotation with the box of its keypoints, if it has none and they are in order."""
        keypoints = entry.get("keypoints")
        if entry.get("bbox") is not None or list(keypoint_faults(keypoints, self.skeleton.num_keypoints)):
            return entry
        return {**entry, "bbox": _box_of(np.asarray(keypoints, dtype=np.float64).reshape(-1, 3))}

    def _usable(self, entry: Entry) -> bool:
        if self.categories is not None and entry.get("category_id") not in self.categories:
            self.skipped.note("other category", entry["id"])
            return False
        image = self.images.get(entry.get("image_id", ""))
        faults = list(annotation_faults(entry, image, self.skeleton.num_keypoints))
        if faults:
            gravest = min(faults, key=lambda fault: fault.kind in HARMLESS)
            self._fault(gravest.kind, entry["id"], gravest.text)
        return not faults

    def _fault(self, kind: str, number: int, text: str) -> None:
        if kind not in HARMLESS and self.on_fault == "raise":
            raise DataError(f'{text}; on_fault="skip" leaves such annotations out and counts them')
        self.skipped.note(kind, number)

    def _person(self, entry: Entry) -> Person:
        keypoints = np.asarray(entry["keypoints"], dtype=np.float64).reshape(-1, 3)
        image = self.images[entry["image_id"]]
        box = tuple(map(float, entry["bbox"]))
        if entry.get("area") is None:
            self.mended.note("area from the box", entry["id"])
        if box[0] < 0 or box[1] < 0 or box[0] + box[2] > image["width"] or box[1] + box[3] > image["height"]:
            self.mended.note("box clipped to the image", entry["id"])
        x1, y1, x2, y2 = corners_inside(box, image)
        return Person(
            image_id=entry["image_id"],
            annotation_id=entry["id"],
            image_path=self.folder / image["file_name"],
            box=(x1, y1, x2 - x1, y2 - y1),
            area=float(_area(entry.get("area"), box)),
            keypoints=keypoints,
            category_id=entry.get("category_id", 1),
        )


def read_json(source: str | PathLike[str] | Entry) -> Entry:
    """The content of a COCO-format file. Raises: DataError if it is none."""
    content = source if isinstance(source, Mapping) else load_json(Path(source))
    name = "the annotations" if isinstance(source, Mapping) else str(source)
    if not isinstance(content, Mapping):
        held = f"{name} holds a {type(content).__name__}, not the object of a COCO-format file"
        raise DataError(f"{held}; detections are read by Detections, MPII lists by MPIIKeypoints")
    for key in ("images", "annotations"):
        if not isinstance(content.get(key), list):
            raise DataError(f'{name} has no list "{key}"; a COCO-format file has images and annotations')
        if not content[key]:
            raise DataError(f'{name}: the list "{key}" is empty; there is nothing to read')
    check_form(content, name)
    return content


def load_json(path: Path) -> Any:
    """A JSON file. Raises: DataError if there is none, or it is cut short."""
    if not path.is_file():
        raise DataError(f"there is no annotation file {path}; check the path")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is not JSON, or is cut short ({error})") from error


def image_table(content: Entry, folder: Path, name: str) -> dict[int | str, Entry]:
    """The images by their id; a size that the file lacks is read off the picture.

    Raises: DataError if one has no id or file name, or an id is used twice.
    """
    table: dict[int | str, Entry] = {}
    for image in content["images"]:
        if "id" not in image or "file_name" not in image:
            raise DataError(f'{name}: image {dict(image)} lacks "id" or "file_name"; each image needs both')
        if image["id"] in table:
            raise DataError(f"{name}: image id {image['id']!r} is used twice; each image needs its own")
        table[image["id"]] = _sized(image, folder) if _unsized(image) else image
    return table


def _unsized(image: Entry) -> bool:
    return image.get("width") is None or image.get("height") is None


def _sized(image: Entry, folder: Path) -> Entry:
    path = folder / image["file_name"]
    try:
        with Image.open(path) as opened:
            sideways = opened.getexif().get(EXIF_ORIENTATION, 1) >= 5
            width, height = opened.size[::-1] if sideways else opened.size
    except OSError as error:
        lacks = f"image {image['id']!r} has no width and height, and {path} cannot be read"
        raise DataError(f"{lacks} ({error}); write its size into the file or fetch it") from error
    return {**image, "width": width, "height": height}


def _numbered(content: Entry) -> list[Entry]:
    """The annotations; one without an id gets its place in the list."""
    return [{"id": place, **entry} for place, entry in enumerate(content["annotations"], start=1)]


def find_categories(content: Entry, wanted: str | int | None) -> frozenset[int] | None:
    """The ids of the categories to read; None for all. Raises: DataError if `wanted` is none of them."""
    categories = content.get("categories") or []
    if any("id" not in entry for entry in categories):
        raise DataError("a category has no id, which annotations name it by; number categories from 1")
    if wanted is not None:
        chosen = frozenset(e["id"] for e in categories if wanted in (e["id"], e.get("name")))
        if not chosen:
            names = [str(entry.get("name")) for entry in categories]
            raise DataError(f"there is no category {wanted!r}; {nearest(str(wanted), names)}")
        return chosen
    with_names = frozenset(entry["id"] for entry in categories if entry.get("keypoints"))
    return with_names or frozenset(entry["id"] for entry in categories) or None


def _skeleton(content: Entry, wanted: frozenset[int] | None, name: str) -> Skeleton:
    chosen = [entry for entry in content.get("categories") or [] if wanted is None or entry["id"] in wanted]
    names = {tuple(entry["keypoints"]) for entry in chosen if entry.get("keypoints")}
    if names:
        return Skeleton.from_coco({"categories": chosen})
    lengths = [len(entry["keypoints"]) for entry in content["annotations"] if entry.get("keypoints")]
    if not lengths or lengths[0] % 3:
        raise DataError(f"{name} names no keypoints, and its annotations hold none; give skeleton=")
    return Skeleton.generic(lengths[0] // 3)


def _box_of(keypoints: Array) -> Box:
    labelled = keypoints[keypoints[:, 2] > 0]
    points = (labelled if len(labelled) else keypoints)[:, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])


def _area(area: float | None, box: Iterable[float]) -> float:
    _, _, width, height = box
    return AREA_OF_BOX * width * height if area is None else area


def _filled(entry: Entry, number: int, num_keypoints: int) -> dict[str, Any]:
    """An annotation with everything that the metrics read."""
    keypoints = entry.get("keypoints") or [0] * (3 * num_keypoints)
    box = entry.get("bbox") or _box_of(np.asarray(keypoints, dtype=np.float64).reshape(-1, 3))
    return {
        "iscrowd": 0,
        "category_id": 1,
        "num_keypoints": sum(v > 0 for v in keypoints[2::3]),
        **entry,
        "id": number,
        "keypoints": keypoints,
        "bbox": list(box),
        "area": _area(entry.get("area"), box),
    }
