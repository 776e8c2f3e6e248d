"""Synthetic crowds: up to a dozen figures who overlap, which the bundled bottom-up weights know."""

from pathlib import Path

from hrpose.data.synthetic import write_coco
from hrpose.types import Size

SIZE: Size = (384, 384)
CROWDING = 0.25  # the largest share of the smaller of two figures that both may cover
HEIGHTS = (0.35, 0.75)


def write_crowds(
    folder: str | Path,
    num_images: int,
    *,
    seed: int = 0,
    size: Size = SIZE,
    people: tuple[int, int] = (1, 12),
    workers: int = 0,
) -> Path:
    """Write crowds as `write_coco` writes pictures: one set of settings, so that figures can be compared.

    Args:
        people: the least and the most figures in a picture.
        seed, size, workers: as for `write_coco`.
    Returns: the annotation file.
    Raises: ConfigError as `write_coco`.

    >>> import json, tempfile
    >>> made = json.loads(write_crowds(tempfile.mkdtemp(), 1, seed=4, people=(12, 12)).read_text())
    >>> len(made["annotations"]), made["images"][0]["height"]
    (12, 384)
    """
    return write_coco(
        folder,
        num_images,
        seed=seed,
        size=size,
        people=people,
        crowding=CROWDING,
        heights=HEIGHTS,
        workers=workers,
    )
