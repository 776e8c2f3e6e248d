"""Picture: one image with everybody in it; and where a random view of it lies."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import torch

from hrpose.codecs.geometry import PIXEL_STD, crop_matrix
from hrpose.data.faults import Entry
from hrpose.data.masks import Mask, region_mask
from hrpose.data.people import Person
from hrpose.errors import ConfigError, DataError
from hrpose.types import Matrices, Size

Fit: TypeAlias = Literal["short", "long"]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One image and all annotations on it."""

    image_id: int | str
    image_path: Path
    size: Size  # (height, width)
    people: tuple[Person, ...]  # crowds, and people without a keypoint, too
    outlines: tuple[Any, ...] = field(default=(), repr=False)  # of crowds and of people without a keypoint
    crowd_index: float | None = None  # CrowdPose: how much people are in each other's way, 0 to 1

    @property
    def learned(self) -> list[Person]:
        """Everybody but crowds; those without a keypoint are nobody to a codec."""
        return [person for person in self.people if not person.iscrowd or person.visible.any()]

    def mask(self) -> Mask:
        """The pixels that count, (H, W): all but crowds and people whose keypoints nobody marked.

        Raises: DataError for an outline that is none.
        """
        hidden = np.zeros(self.size, dtype=bool)
        for outline in self.outlines:
            try:
                hidden |= region_mask(outline, self.size)
            except DataError as error:
                raise DataError(f"image {self.image_id!r}: {error}") from error
        return ~hidden


def picture_of(image: Entry, entries: Sequence[Entry], folder: Path, num_keypoints: int) -> Picture:
    """An image of a COCO-format file with its annotations, in which nothing is missing."""
    path = folder / image["file_name"]
    people = tuple(_anybody(entry, path, num_keypoints) for entry in entries)
    outlined = [
        entry["segmentation"]
        for entry, person in zip(entries, people, strict=True)
        if entry.get("segmentation") and (person.iscrowd or not person.visible.any())
    ]
    return Picture(
        image_id=image["id"],
        image_path=path,
        size=(image["height"], image["width"]),
        people=people,
        outlines=tuple(outlined),
        crowd_index=image.get("crowdIndex"),
    )


def _anybody(entry: Entry, path: Path, num_keypoints: int) -> Person:
    """A person, a crowd, or somebody whose keypoints nobody marked."""
    keypoints = np.asarray(entry["keypoints"], dtype=np.float64)
    fits = len(keypoints) == 3 * num_keypoints
    x, y, width, height = map(float, entry["bbox"])
    return Person(
        image_id=entry["image_id"],
        annotation_id=entry["id"],
        image_path=path,
        box=(x, y, width, height),
        area=float(entry["area"]),
        keypoints=(keypoints if fits else np.zeros(3 * num_keypoints)).reshape(-1, 3),
        iscrowd=bool(entry["iscrowd"]),
        category_id=entry["category_id"],
    )


class View(NamedTuple):
    """A square part of an image that a network is shown."""

    center: tuple[float, float]  # (x, y), image pixels
    side: float  # image pixels
    rotation: float = 0.0  # degrees
    flip: bool = False  # what is shown is mirrored at the end
    zoom: float = 1.0  # how much larger than the fitted side it is

    def matrix(self, size: Size, *, unbiased: bool = False) -> Matrices:
        """The map from the image to what is shown in `size`, before mirroring; (1, 2, 3) in float64."""
        center = torch.tensor([self.center], dtype=torch.float64)
        scale = torch.full((1, 2), self.side / PIXEL_STD, dtype=torch.float64)
        # positive angles turn the same way in both forms
        turn = -self.rotation if unbiased else self.rotation
        rotation = torch.tensor([turn], dtype=torch.float64)
        return crop_matrix(center, scale, size, rotation=rotation, form="udp" if unbiased else "msra")


@dataclass(frozen=True, kw_only=True)
class BottomUpAugment:
    """How strongly views of whole images vary; the defaults are those of HigherHRNet for COCO.

    The side of a view is that of the image times a number drawn from `scale`; every view is turned by up to
    `rotation` either way and moved by up to `translate` / 200 of its side.
    """

    scale: tuple[float, float] = (0.75, 1.5)  # above 1 shows people smaller
    rotation: float = 30.0  # degrees
    translate: float = 40.0  # pixels of a view of 200
    flip_probability: float = 0.5
    fit: Fit | None = None  # the side of the image that fills the view at scale 1; None: as the codec has it
    flip_without_pairs: bool = False  # mirror a skeleton of your own that has no left and right, as a hand

    def __post_init__(self) -> None:
        if not 0 < self.scale[0] <= self.scale[1]:
            raise ConfigError(f"scale={self.scale}; give the least and the most, both above 0")
        if not (self.rotation >= 0 and self.translate >= 0):
            given = f"rotation={self.rotation}, translate={self.translate}"
            raise ConfigError(f"{given}; give degrees and pixels, 0 or more of each")
        if not 0 <= self.flip_probability <= 1:
            raise ConfigError(f"flip_probability={self.flip_probability}; it lies between 0 and 1")
        if self.fit not in ("short", "long", None):
            raise ConfigError(f"fit={self.fit!r} is not known; give 'short', 'long' or None")

    def draw(self, rng: np.random.Generator, size: Size, *, fit: Fit = "short") -> View:
        """One random view of an image (height, width); `fit` is what the codec has.

        Source: HigherHRNet, lib/dataset/transforms/transforms.py.
        """
        zoom, turn = rng.random(2)
        view = self.view(size, zoom=zoom, turn=turn, fit=fit)
        reach = int(self.translate * view.side / PIXEL_STD)
        shift = rng.integers(-reach, reach, 2) if reach else (0, 0)
        center = (view.center[0] + float(shift[0]), view.center[1] + float(shift[1]))
        return view._replace(center=center, flip=bool(rng.random() < self.flip_probability))

    def view(self, size: Size, *, zoom: float, turn: float, fit: Fit = "short") -> View:
        """The view that two numbers from 0 to 1 stand for, in the middle of the image and not mirrored."""
        low, high = self.scale
        factor = zoom * (high - low) + low
        whole = fitted(size, self.fit or fit)
        rotation = (2 * turn - 1) * self.rotation
        return whole._replace(side=whole.side * factor, rotation=rotation, zoom=factor)


def fitted(size: Size, fit: Fit = "short") -> View:
    """The view of an image (height, width) that its short side fills, or that holds all of it ("long").

    >>> fitted((480, 640))
    View(center=(320.0, 240.0), side=480, rotation=0.0, flip=False, zoom=1.0)
    """
    height, width = size
    return View((width / 2, height / 2), min(size) if fit == "short" else max(size))
