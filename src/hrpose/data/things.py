"""Thing: one outlined object of a class; and a picture with all of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hrpose.data.masks import Mask, region_mask
from hrpose.errors import DataError
from hrpose.types import Size


@dataclass(frozen=True, kw_only=True)
class Thing:
    """One entry of an annotation file with an outline."""

    annotation_id: int
    label: int  # which of the classes, from 0
    category_id: int
    outline: Any = field(repr=False)  # polygons or run lengths, as `region_mask` reads them
    area: float | None = None  # pixels, as the file says; None: those of the mask
    iscrowd: bool = False  # several that are not told apart


@dataclass(frozen=True, kw_only=True)
class ThingPicture:
    """One image and all things on it."""

    image_id: int | str
    image_path: Path
    size: Size  # (height, width)
    things: tuple[Thing, ...]  # crowds, too

    @property
    def learned(self) -> list[Thing]:
        """All but crowds."""
        return [thing for thing in self.things if not thing.iscrowd]

    @property
    def labels(self) -> list[int]:
        """The class of each thing that is learned."""
        return [thing.label for thing in self.learned]

    def masks(self) -> Mask:
        """The pixels of each thing that is learned, (M, H, W).

        Raises: DataError for an outline that is none.
        """
        return self._filled(self.learned)

    def counted(self) -> Mask:
        """The pixels that count, (H, W): all but crowds, less what is learned there.

        Raises: DataError for an outline that is none.
        """
        crowds = self._filled(thing for thing in self.things if thing.iscrowd)
        return np.asarray(~crowds.any(axis=0)) if len(crowds) else np.ones(self.size, dtype=bool)

    def _filled(self, things: Iterable[Thing]) -> Mask:
        """(M, H, W)."""
        masks = [self._mask(thing) for thing in things]
        return np.stack(masks) if masks else np.zeros((0, *self.size), dtype=bool)

    def _mask(self, thing: Thing) -> Mask:
        try:
            return region_mask(thing.outline, self.size)
        except DataError as error:
            raise DataError(f"image {self.image_id!r}, annotation {thing.annotation_id}: {error}") from error
