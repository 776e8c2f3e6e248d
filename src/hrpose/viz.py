"""Skeletons and masks drawn on pictures, with Pillow alone."""

import colorsys
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

from hrpose.errors import ConfigError, ImageError, ShapeError
from hrpose.skeletons import Skeleton

Color: TypeAlias = tuple[int, int, int]

LEFT: Color = (255, 140, 26)  # the person's own left
RIGHT: Color = (30, 150, 255)
MIDDLE: Color = (120, 220, 90)
EDGE: Color = (20, 22, 28)  # round every limb and joint, so that they show on any ground
COLORINGS = ("auto", "side", "limb", "person")
MAX_CANVAS = 24_000_000  # pixels of the enlarged canvas of one person: bounds the memory
PAPER: Color = (250, 250, 248)  # round the pictures of a sheet
INK: Color = (40, 42, 48)  # of their titles
GAP = 12  # pixels between them
GOLDEN = 0.618  # of a turn round the colour wheel: keeps colours of neighbours apart


@dataclass(frozen=True, kw_only=True)
class DrawStyle:
    """How skeletons look.

    Raises: ConfigError for a setting without meaning.
    """

    color_by: str = "auto"  # "side" (left and right), "limb", "person"; "auto": side where there are sides
    min_score: float = 0.3  # keypoints below it are left out, with their limbs
    size: float = 1.0  # thickness; 1 fits most pictures, at any size of the people
    opacity: float = 0.92
    smooth: int = 4  # drawn so many times larger, then reduced: soft edges

    def __post_init__(self) -> None:
        if self.color_by not in COLORINGS:
            raise ConfigError(f"color_by={self.color_by!r}; give one of {', '.join(COLORINGS)}")
        if not self.size > 0:
            raise ConfigError(f"size={self.size}; give a factor above 0, where 1 is the usual thickness")
        if not 0 < self.opacity <= 1:
            raise ConfigError(f"opacity={self.opacity}; give a number above 0, at most 1")
        if self.smooth < 1:
            raise ConfigError(f"smooth={self.smooth}; give 1 (hard edges) or more")


def draw_people(
    image: Image.Image | NDArray[np.uint8] | None,
    keypoints: ArrayLike,
    skeleton: Skeleton,
    *,
    scores: ArrayLike | None = None,
    style: DrawStyle | None = None,
) -> Image.Image:
    """A copy of the picture with the skeleton of every person on it.

    Lines and joints grow with the person, and shrink with the number of keypoints, so that a face of 98
    landmarks stays legible. What is not finite is left out, and so is a limb with an end left out.

    >>> ground = np.full((60, 40, 3), 255, np.uint8)
    >>> draw_people(ground, [[[20, 10], [20, 50]]], Skeleton.generic(2)).size
    (40, 60)

    Args:
        image: PIL, or (H, W, 3) bytes in RGB.
        keypoints: (M, K, 2), pixels of the picture.
        scores: (M, K); None draws every keypoint. Visibility flags of annotations do well.
    Returns: RGB; the given picture is not touched.
    Raises: ShapeError if keypoints or scores do not fit the skeleton; ImageError for another kind of picture.
    """
    style = style or DrawStyle()
    points = _checked("keypoints", keypoints, (None, skeleton.num_keypoints, 2))
    shown: NDArray[np.bool_] = np.asarray(np.isfinite(points).all(axis=2))
    if scores is not None:
        shown &= _checked("scores", scores, (len(points), skeleton.num_keypoints)) >= style.min_score
    canvas = _canvas(image)
    for number, (person, visible) in enumerate(zip(points, shown, strict=True)):
        _draw_person(canvas, person, visible, _Colors(skeleton, style.color_by, number), style)
    return canvas


def draw_masks(
    image: Image.Image | NDArray[np.uint8] | None, masks: ArrayLike, *, opacity: float = 0.55
) -> Image.Image:
    """A copy of the picture with every mask on it in a colour of its own, and a dark line round it.

    >>> ground = np.full((60, 40, 3), 255, np.uint8)
    >>> draw_masks(ground, np.ones((1, 60, 40), bool)).getpixel((20, 30))
    (255, 195, 140)

    Args:
        image: PIL, or (H, W, 3) bytes in RGB.
        masks: (I, H, W), True on the pixels of each instance; none leaves the picture as it is.
        opacity: of the colours, above 0 and at most 1.
    Returns: RGB; the given picture is not touched.
    Raises: ShapeError if masks are not of the picture's size; ConfigError for another opacity; ImageError for
        another kind of picture.
    """
    if not 0 < opacity <= 1:
        raise ConfigError(f"opacity={opacity}; give a number above 0, at most 1")
    canvas = _canvas(image)
    pixels = np.asarray(canvas, np.float64).copy()
    shown = np.asarray(masks, dtype=bool)
    if shown.size and shown.shape[1:] != pixels.shape[:2]:
        came = f"masks have the shape {shown.shape}, and the picture is {pixels.shape[:2]} (height, width)"
        raise ShapeError(f"{came}; give (I, H, W) in the picture's size")
    for number, mask in enumerate(shown if shown.size else ()):
        color = _hue(number * GOLDEN + 0.08)
        pixels[mask] = (1 - opacity) * pixels[mask] + opacity * np.array(color)
        pixels[_border(mask)] = EDGE
    return Image.fromarray(pixels.round().astype(np.uint8))


def _border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels of a mask (H, W) with a neighbour that is not of it."""
    wide = np.pad(mask, 1, mode="edge")
    inner = wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]
    return mask & ~inner


def panels(
    pictures: Sequence[Image.Image], titles: Sequence[str], *, columns: int | None = None
) -> Image.Image:
    """Pictures side by side, each under its title, brought to the height of the first.

    >>> panels([Image.new("RGB", (80, 60)), Image.new("RGB", (40, 30))], ["before", "after"]).width
    196

    Args:
        columns: pictures a row; None puts all in one.
    Raises: ConfigError without a picture, or with another number of titles.
    """
    if not pictures or len(pictures) != len(titles):
        came = f"{len(pictures)} pictures and {len(titles)} titles"
        raise ConfigError(f"{came} came; give at least one picture, and one title each")
    height = pictures[0].height
    tiles = [_titled(_to_height(one, height), title) for one, title in zip(pictures, titles, strict=True)]
    columns = columns or len(tiles)
    return _stack([_beside(tiles[start : start + columns]) for start in range(0, len(tiles), columns)])


class _Colors:
    """The colour of each link and joint of one person."""

    def __init__(self, skeleton: Skeleton, color_by: str, person: int) -> None:
        self.skeleton, self.person = skeleton, person
        self.by = ("side" if skeleton.mirror else "limb") if color_by == "auto" else color_by
        sides = [_side(name) for name in skeleton.keypoints]
        self.sides = [side if paired else 0 for side, paired in zip(sides, self._paired(), strict=True)]

    def _paired(self) -> list[bool]:
        return [index != other for index, other in enumerate(self.skeleton.mirror_index)]

    def link(self, number: int) -> Color:
        """Of the limb with this number."""
        if self.by == "person":
            return _hue(self.person * GOLDEN + 0.08)
        if self.by == "limb":
            return _hue(number / max(1, len(self.skeleton.links)))
        first, second = (self.sides[index] for index in self.skeleton.link_index[number])
        total = first + second  # a limb from the middle to a side belongs to the side
        return LEFT if total > 0 else RIGHT if total < 0 else MIDDLE

    def joint(self, index: int) -> Color:
        """Of the keypoint with this index: that of its side, or of the last limb that meets it."""
        if self.by == "side":
            return {1: LEFT, -1: RIGHT, 0: MIDDLE}[self.sides[index]]
        touching = [number for number, pair in enumerate(self.skeleton.link_index) if index in pair]
        if self.by == "limb" and not touching:
            return _hue(index / self.skeleton.num_keypoints)
        return self.link(touching[-1] if touching else 0)


def _side(name: str) -> int:
    """1 for the left, -1 for the right, 0 for neither."""
    text = name.lower()
    left = "left" in text or text.startswith("l_") or text.endswith("_l")
    right = "right" in text or text.startswith("r_") or text.endswith("_r")
    return int(left) - int(right)


def _hue(turn: float) -> Color:
    """A bright colour, `turn` of the way round the colour wheel."""
    red, green, blue = colorsys.hsv_to_rgb(turn % 1, 0.82, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)


def _checked(name: str, values: ArrayLike, needed: tuple[int | None, ...]) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    if array.size == 0 and needed[0] is None:
        return np.zeros((0, *(size or 0 for size in needed[1:])))
    fits = array.ndim == len(needed) and all(
        want in (None, size) for want, size in zip(needed, array.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("M" if size is None else str(size) for size in needed)
        raise ShapeError(f"{name} has the shape {array.shape}; this skeleton needs ({wanted})")
    return array


def _canvas(image: Image.Image | NDArray[np.uint8] | None) -> Image.Image:
    if isinstance(image, Image.Image):
        return image.convert("RGB").copy()
    if isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3:
        return Image.fromarray(image)
    came = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
    raise ImageError(f"a picture to draw on came as {came}; give a PIL image or uint8 (H, W, 3)")


def _draw_person(
    canvas: Image.Image,
    points: NDArray[np.float64],
    visible: NDArray[np.bool_],
    colors: _Colors,
    style: DrawStyle,
) -> None:
    if not visible.any():
        return
    thick = _thickness(points[visible], canvas.size, style)
    region = _region(points[visible], canvas.size, margin=3 * thick)
    if region is None:
        return
    left, top, right, bottom = region
    zoom = _zoom((right - left) * (bottom - top), style.smooth)
    layer = Image.new("RGBA", ((right - left) * zoom, (bottom - top) * zoom))
    placed = (points + 0.5 - (left, top)) * zoom  # the centre of a pixel is half a pixel inside it
    _limbs(ImageDraw.Draw(layer), placed, visible, colors, thick * zoom)
    layer = layer.resize((right - left, bottom - top), Image.Resampling.BOX)
    alpha = layer.getchannel("A").point(lambda value: value * style.opacity)
    canvas.paste(layer.convert("RGB"), (left, top), alpha)


def _thickness(points: NDArray[np.float64], size: tuple[int, int], style: DrawStyle) -> float:
    """Of a limb, in pixels: in proportion to the person, finer where many keypoints share the room."""
    room = math.hypot(*np.ptp(points, axis=0)) / math.sqrt(max(len(points), 6))  # between keypoints, about
    least = max(0.6, min(size) / 400)
    most = max(least, min(size) / 50)
    return float(np.clip(0.052 * room, min(least, max(0.6, 0.08 * room)), most)) * style.size


def _region(
    points: NDArray[np.float64], size: tuple[int, int], *, margin: float
) -> tuple[int, int, int, int] | None:
    low = np.maximum(np.floor(points.min(axis=0) - margin), 0)
    high = np.minimum(np.ceil(points.max(axis=0) + margin) + 1, size)
    if (high <= low).any():
        return None  # all of it lies outside the picture
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _zoom(pixels: int, smooth: int) -> int:
    return max(1, min(smooth, math.isqrt(MAX_CANVAS // max(1, pixels))))


def _limbs(
    pen: ImageDraw.ImageDraw,
    points: NDArray[np.float64],
    visible: NDArray[np.bool_],
    colors: _Colors,
    thick: float,
) -> None:
    links = [(n, a, b) for n, (a, b) in enumerate(colors.skeleton.link_index) if visible[a] and visible[b]]
    joints = [(index, tuple(points[index])) for index in np.flatnonzero(visible)]
    edge, joint = 0.35 * thick, (0.95 if colors.skeleton.links else 1.2) * thick
    for _, a, b in links:
        _capsule(pen, points[a], points[b], thick + 2 * edge, EDGE)
    for _, center in joints:
        _disc(pen, center, joint + edge, EDGE)
    for number, a, b in links:
        _capsule(pen, points[a], points[b], thick, colors.link(number))
    for index, center in joints:
        _disc(pen, center, joint, (255, 255, 255))
        _disc(pen, center, 0.62 * joint, colors.joint(int(index)))


def _capsule(pen: ImageDraw.ImageDraw, start: Any, end: Any, width: float, color: Color) -> None:
    pen.line([tuple(start), tuple(end)], fill=(*color, 255), width=max(1, round(width)))
    for point in (start, end):
        _disc(pen, point, width / 2, color)


def _disc(pen: ImageDraw.ImageDraw, center: Any, radius: float, color: Color) -> None:
    x, y = center
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(*color, 255))


def _to_height(picture: Image.Image, height: int) -> Image.Image:
    if picture.height == height:
        return picture.convert("RGB")
    width = max(1, round(picture.width * height / picture.height))
    return picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)


def _titled(picture: Image.Image, title: str) -> Image.Image:
    """The picture under its title; letters shrink until the title fits."""
    size = max(10, min(26, picture.height // 14))
    font = ImageFont.load_default(size)
    while size > 8 and font.getlength(title) > picture.width:
        size -= 1
        font = ImageFont.load_default(size)
    head = size + GAP
    tile = Image.new("RGB", (picture.width, picture.height + head), PAPER)
    ImageDraw.Draw(tile).text((0, head - GAP // 2), title, fill=INK, font=font, anchor="ls")
    tile.paste(picture, (0, head))
    return tile


def _beside(tiles: Sequence[Image.Image]) -> Image.Image:
    width = sum(tile.width for tile in tiles) + GAP * (len(tiles) + 1)
    row = Image.new("RGB", (width, max(tile.height for tile in tiles) + GAP), PAPER)
    lefts = itertools.accumulate((tile.width + GAP for tile in tiles), initial=GAP)
    for left, tile in zip(lefts, tiles, strict=False):
        row.paste(tile, (left, row.height - tile.height))
    return row


def _stack(rows: Sequence[Image.Image]) -> Image.Image:
    sheet = Image.new("RGB", (max(row.width for row in rows), sum(row.height for row in rows) + GAP), PAPER)
    tops = itertools.accumulate((row.height for row in rows), initial=0)
    for top, row in zip(tops, rows, strict=False):
        sheet.paste(row, (0, top))
    return sheet
