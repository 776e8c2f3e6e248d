"""Synthetic figures as a data set: pictures drawn from a seed, annotated as COCO annotates people.

Whatever the seed draws is known exactly, so a test, a demo or a first trial needs neither a download nor a
licence. What is learned from them is about drawn figures only.
"""

import json
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from hrpose.data.drawing import APART, HEIGHTS, SyntheticPerson, SyntheticPicture, draw_picture
from hrpose.data.figures import POINTS
from hrpose.errors import ConfigError, nearest
from hrpose.skeletons import COCO, Skeleton
from hrpose.types import Size

FIGURE_9 = Skeleton(
    name="figure_9",
    keypoints=(
        "head_top",
        "chin",
        "neck",
        "mid_torso",
        "pelvis",
        "left_hand",
        "right_hand",
        "left_foot",
        "right_foot",
    ),
    mirror=(("left_hand", "right_hand"), ("left_foot", "right_foot")),
    links=(
        ("head_top", "chin"),
        ("chin", "neck"),
        ("neck", "mid_torso"),
        ("mid_torso", "pelvis"),
        ("neck", "left_hand"),
        ("neck", "right_hand"),
        ("pelvis", "left_foot"),
        ("pelvis", "right_foot"),
    ),
    sigmas=(0.05, 0.04, 0.06, 0.08, 0.08, 0.065, 0.065, 0.085, 0.085),
)


def synthetic_pictures(
    num_images: int,
    *,
    seed: int = 0,
    size: Size = (256, 256),
    people: tuple[int, int] = (1, 3),
    skeleton: Skeleton = COCO,
    crowding: float = APART,
    heights: tuple[float, float] = HEIGHTS,
) -> Iterator[SyntheticPicture]:
    """Draw pictures of articulated figures, one after the other.

    Picture i depends on the seed, i and the settings only, so a longer run starts with a shorter one.

    Args:
        size: (height, width) of every picture in pixels.
        people: the least and the most figures in a picture; crowded pictures may get fewer than drawn.
        skeleton: which points are annotated; any of `hrpose.data.figures.POINTS` by name.
        crowding: the largest share of the smaller of two figures that both may cover; 0.3 with lower
            `heights` finds room for 12 that overlap.
        heights: the least and the most, as shares of the height that the picture has room for.
    Raises: ConfigError for a size, a count, a share or a keypoint that cannot be drawn.

    >>> picture = next(synthetic_pictures(1, seed=1, size=(96, 96)))
    >>> picture.image.shape, picture.people[0].keypoints.shape
    ((96, 96, 3), (17, 3))
    """
    check_settings(num_images, size, people, skeleton, crowding=crowding, heights=heights)
    for index in range(num_images):
        rng = np.random.default_rng([seed, index])
        yield draw_picture(rng, size, people, skeleton, crowding=crowding, heights=heights)


def check_settings(
    num_images: int,
    size: Size,
    people: tuple[int, int],
    skeleton: Skeleton,
    *,
    crowding: float = APART,
    heights: tuple[float, float] = HEIGHTS,
) -> None:
    """Raise ConfigError for what no picture can be drawn from."""
    if num_images < 1:
        raise ConfigError(f"num_images={num_images}; give at least 1")
    if min(size) < 64:
        raise ConfigError(f"size={size} is too small for figures; give at least (64, 64)")
    if not 1 <= people[0] <= people[1]:
        raise ConfigError(f"people={people}; give the least and the most figures a picture, at least (1, 1)")
    if not 0 < crowding <= 1:
        raise ConfigError(f"crowding={crowding}; give a share above 0, at which figures keep apart, up to 1")
    if not 0 < heights[0] <= heights[1] <= 1:
        raise ConfigError(f"heights={heights}; give the least and the most, as shares above 0 and up to 1")
    for name in skeleton.keypoints:
        if name not in POINTS:
            made = f"figures have no point {name!r}, which skeleton {skeleton.name!r} asks for"
            raise ConfigError(f"{made}; {nearest(name, POINTS)}")


def to_coco(
    drawn: Sequence[tuple[SyntheticPerson, ...]], names: Sequence[str], size: Size, skeleton: Skeleton
) -> dict[str, Any]:
    """The people of some pictures as the content of a COCO keypoint file, ids counted from 1."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, (people, name) in enumerate(zip(drawn, names, strict=True), start=1):
        images.append({"id": image_id, "file_name": name, "height": size[0], "width": size[1]})
        for person in people:
            annotations.append({"id": len(annotations) + 1, "image_id": image_id} | coco_person(person))
    return {"info": {}, "images": images, "annotations": annotations, "categories": [coco_category(skeleton)]}


def coco_person(person: SyntheticPerson) -> dict[str, Any]:
    """One annotation without its ids."""
    return {
        "category_id": 1,
        "bbox": list(person.box),
        "area": person.area,
        "iscrowd": 0,
        "keypoints": [float(v) for v in person.keypoints.reshape(-1)],
        "num_keypoints": int((person.keypoints[:, 2] > 0).sum()),
        "segmentation": person.segmentation,
    }


def coco_category(skeleton: Skeleton) -> dict[str, Any]:
    """The category entry that names the keypoints of `skeleton`; links are 1-based, as in COCO."""
    links = [[a + 1, b + 1] for a, b in skeleton.link_index]
    return {"id": 1, "name": "person", "keypoints": list(skeleton.keypoints), "skeleton": links}


def write_coco(
    folder: str | Path,
    num_images: int,
    *,
    seed: int = 0,
    size: Size = (256, 256),
    people: tuple[int, int] = (1, 3),
    skeleton: Skeleton = COCO,
    crowding: float = APART,
    heights: tuple[float, float] = HEIGHTS,
    workers: int = 0,
) -> Path:
    """Write pictures and `annotations.json`, which any reader of COCO keypoints can read.

    The arguments are those of `synthetic_pictures`, and the result is the same with any number of `workers`
    (processes; 0 draws in this one). The pictures are PNG files in `folder`/images.
    Returns: the annotation file.
    Raises: ConfigError as `synthetic_pictures`.
    """
    check_settings(num_images, size, people, skeleton, crowding=crowding, heights=heights)
    images = Path(folder) / "images"
    images.mkdir(parents=True, exist_ok=True)
    draw = partial(
        _draw_to_file,
        images,
        seed=seed,
        size=size,
        people=people,
        skeleton=skeleton,
        crowding=crowding,
        heights=heights,
    )
    with ExitStack() as stack:
        if workers:
            context = multiprocessing.get_context("spawn")
            pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=context))
            drawn = list(pool.map(draw, range(num_images), chunksize=16))
        else:
            drawn = [draw(index) for index in range(num_images)]
    names = [picture_name(index) for index in range(num_images)]
    annotations = Path(folder) / "annotations.json"
    annotations.write_text(json.dumps(to_coco(drawn, names, size, skeleton)))
    return annotations


def picture_name(index: int) -> str:
    """The file of a picture.

    >>> picture_name(7)
    '000007.png'
    """
    return f"{index:06d}.png"


def _draw_to_file(images: Path, index: int, *, seed: int, **settings: Any) -> tuple[SyntheticPerson, ...]:
    """Draw and save one picture; return who is in it."""
    picture = draw_picture(np.random.default_rng([seed, index]), **settings)
    Image.fromarray(picture.image).save(images / picture_name(index), compress_level=1)
    return picture.people
