"""One synthetic picture: figures placed, painted, partly hidden, and annotated with what can be seen."""

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from hrpose.data.figures import POINTS, Body, Floats, solve
from hrpose.data.masks import Mask, region_mask, run_lengths
from hrpose.data.painting import Look, Shape, figure_shapes, paint
from hrpose.data.poses import sample_pose
from hrpose.data.scenery import background, develop, occluder
from hrpose.skeletons import Skeleton
from hrpose.types import Size

SUPERSAMPLE = 2
APART = 0.15  # the share of the smaller figure that two may have in common, if no other is asked for
HEIGHTS = (0.55, 1.0)  # of figures, as shares of what the picture has room for, if no others are asked for
JOINTS = ("elbow", "wrist", "hip", "knee", "ankle", "waist")
HIDEABLE = tuple(name for name in POINTS if name.rpartition("_")[2] in JOINTS)
LIMB_PARTS = ("hand", "forearm", "upper_arm", "foot", "shin", "thigh")
PARTS = ("neck", "hips", "chest", "head", *(f"{s}_{part}" for s in ("left", "right") for part in LIMB_PARTS))
# The parts on which a point counts as seen; a point not listed here is seen on the parts of its own side.
SEEN_ON = {
    "nose": ("head",),
    "head_top": ("head",),
    "chin": ("head", "neck"),
    "face": ("head",),
    "nape": ("head", "neck"),
    "head": ("head",),
    "neck": ("neck", "chest", "head"),
    "mid_torso": ("chest",),
    "waist": ("chest", "hips"),
    "pelvis": ("hips", "chest"),
    "eye": ("head",),
    "ear": ("head",),
    "shoulder": ("chest", "side_upper_arm"),
    "elbow": ("side_upper_arm", "side_forearm"),
    "wrist": ("side_forearm", "side_hand"),
    "hand": ("side_hand",),
    "hip": ("hips", "side_thigh"),
    "knee": ("side_thigh", "side_shin"),
    "ankle": ("side_shin", "side_foot"),
    "foot": ("side_foot",),
}


@dataclass(frozen=True, kw_only=True)
class SyntheticPerson:
    """One figure as annotated: keypoints (K, 3) as (x, y, v), box (x, y, w, h) and area in pixels.

    Box and area are those of the whole figure; the mask has what nothing hides.
    """

    keypoints: Floats
    box: tuple[float, float, float, float]
    area: float
    segmentation: dict[str, Any] = field(repr=False)  # run lengths of the mask, as in COCO files

    @property
    def mask(self) -> Mask:
        """The pixels that show the figure, (H, W)."""
        height, width = self.segmentation["size"]
        return region_mask(self.segmentation, (height, width))


@dataclass(frozen=True, kw_only=True)
class SyntheticPicture:
    """A picture, (H, W, 3) uint8, and the figures in it."""

    image: NDArray[np.uint8]
    people: tuple[SyntheticPerson, ...]


@dataclass(frozen=True, kw_only=True)
class _Figure:
    points: dict[str, Floats]  # pixels of the picture
    shapes: list[Shape]
    look: Look
    silhouette: NDArray[np.bool_]  # (H, W), also where something hides it


def draw_picture(
    rng: np.random.Generator,
    size: Size,
    people: tuple[int, int],
    skeleton: Skeleton,
    *,
    crowding: float = APART,
    heights: tuple[float, float] = HEIGHTS,
) -> SyntheticPicture:
    """One picture from the state of `rng`; arguments as of `synthetic_pictures`."""
    canvas = background(rng, (size[0] * SUPERSAMPLE, size[1] * SUPERSAMPLE))
    wanted = int(rng.integers(people[0], people[1] + 1))
    figures = place_figures(rng, size, wanted, crowding=crowding, heights=heights)
    owners = Image.new("I", (size[1], size[0]))  # which part of which figure each pixel shows
    for number, figure in enumerate(figures):
        for shape in figure.shapes:
            larger = _enlarged(shape)
            paint(canvas, larger, figure.look, pixel=SUPERSAMPLE * size[0] / 256)
            ImageDraw.Draw(owners).polygon(_corners(shape.outline), fill=1 + _number(number, shape.part))
    for figure in figures:
        if rng.random() < 0.3:
            hide(rng, canvas, owners, figure)
    image = develop(rng, canvas.reduce(SUPERSAMPLE))
    shown = np.asarray(owners)
    annotated = tuple(annotate(figure, number, shown, skeleton) for number, figure in enumerate(figures))
    return SyntheticPicture(image=np.asarray(image), people=annotated)


def place_figures(
    rng: np.random.Generator, size: Size, wanted: int, *, crowding: float, heights: tuple[float, float]
) -> list[_Figure]:
    """Figures that lie mostly within the picture, no two of which share more than `crowding`."""
    placed: list[_Figure] = []
    tries = 0
    while len(placed) < wanted and (not placed or tries < 4 * wanted):
        tries += 1
        figure = sample_figure(rng, size, crowd=wanted, heights=heights)
        clear = all(overlap(figure.silhouette, other.silhouette) < crowding for other in placed)
        if clear and share_inside(figure, size) > 0.6:
            placed.append(figure)
    return placed


def sample_figure(
    rng: np.random.Generator, size: Size, *, crowd: int, heights: tuple[float, float]
) -> _Figure:
    """A figure of any pose and size, now and then partly outside of the picture."""
    body, look = Body.sample(rng), Look.sample(rng)
    points = solve(body, sample_pose(rng))
    extent = np.stack(list(points.values()))[:, :2]
    span = extent.max(axis=0) - extent.min(axis=0) + 0.1
    room = np.array([size[1], size[0]])
    largest = min(0.9 * float((room / span).min()), 0.95 * size[0])
    height = largest * float(rng.uniform(*heights)) * (0.8 if crowd > 2 else 1.0)
    slack = room - height * span
    overhang = 0.15 * room * (rng.random() < 0.15)
    corner = rng.uniform(-overhang, slack + overhang)
    shift = corner + height * (0.05 - extent.min(axis=0))
    placed = {name: np.array([*(height * p[:2] + shift), height * p[2]]) for name, p in points.items()}
    shapes = figure_shapes(placed, body, look, height)
    return _Figure(points=placed, shapes=shapes, look=look, silhouette=silhouette(shapes, size))


def share_inside(figure: _Figure, size: Size) -> float:
    """How many of the figure's points lie within the picture, as a share."""
    points = np.stack(list(figure.points.values()))[:, :2]
    inside = (points >= 0) & (points <= np.array([size[1] - 1, size[0] - 1]))
    return float(inside.all(axis=1).mean())


def silhouette(shapes: list[Shape], size: Size) -> NDArray[np.bool_]:
    """The pixels that a figure covers, (H, W)."""
    mask = Image.new("L", (size[1], size[0]))
    for shape in shapes:
        ImageDraw.Draw(mask).polygon(_corners(shape.outline), fill=255)
    return np.asarray(mask) > 0


def overlap(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """The shared pixels as a share of the smaller silhouette."""
    return float((a & b).sum() / max(1, min(a.sum(), b.sum())))


def hide(rng: np.random.Generator, canvas: Image.Image, owners: Image.Image, figure: _Figure) -> None:
    """Put something in front of a part of a figure."""
    body = [figure.points[name][:2] for name in HIDEABLE]
    centre = body[int(rng.integers(len(body)))] + rng.normal(0, 4, 2)
    across = math.sqrt(figure.silhouette.sum()) * float(rng.uniform(0.4, 0.8))
    outline = occluder(rng, canvas, SUPERSAMPLE * centre, SUPERSAMPLE * across)
    ImageDraw.Draw(owners).polygon(_corners(outline / SUPERSAMPLE - 0.25), fill=0)


def annotate(figure: _Figure, number: int, shown: NDArray[np.int32], skeleton: Skeleton) -> SyntheticPerson:
    """What COCO would write of a figure; box and area are those of the whole figure, hidden parts too.

    A keypoint has v=2 where it shows, v=1 where something, or the figure itself, hides it, and is (0, 0, 0)
    outside of the picture.
    """
    height, width = shown.shape
    keypoints = np.zeros((skeleton.num_keypoints, 3))
    for k, name in enumerate(skeleton.keypoints):
        x, y, _ = figure.points[name]
        column, row = round(float(x)), round(float(y))
        if 0 <= column < width and 0 <= row < height:
            keypoints[k] = x, y, 2 if _shows(figure, name, int(shown[row, column]), number) else 1
    rows, columns = np.nonzero(figure.silhouette)
    left, top = float(columns.min()), float(rows.min())
    box = (left, top, float(columns.max()) + 1 - left, float(rows.max()) + 1 - top)
    return SyntheticPerson(
        keypoints=keypoints.round(2),
        box=box,
        area=float(len(rows)),
        segmentation=run_lengths((shown - 1) // len(PARTS) == number),
    )


def _shows(figure: _Figure, name: str, shown: int, number: int) -> bool:
    """Whether the part that a pixel shows is one on which the point `name` is seen."""
    side, _, joint = name.rpartition("_")
    parts = SEEN_ON.get(name) or SEEN_ON[joint]
    on = {1 + _number(number, part.replace("side", side)) for part in parts}
    if name == "nose" or joint in ("eye", "ear"):  # the face turns away
        depth = figure.points[name][2] - figure.points["head"][2]
        size = float(np.linalg.norm(figure.points["head_top"] - figure.points["head"]))
        return shown in on and depth > (-0.45 if joint == "ear" else 0.0) * size
    return shown in on


def _number(figure: int, part: str) -> int:
    return figure * len(PARTS) + PARTS.index(part)


def _corners(outline: Floats) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in outline]


def _enlarged(shape: Shape) -> Shape:
    """The shape on the supersampled canvas: pixel centres at whole numbers in both."""
    outline = SUPERSAMPLE * (shape.outline + 0.5) - 0.5
    return dataclasses.replace(shape, outline=outline)
