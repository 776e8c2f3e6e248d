"""What stands behind and in front of synthetic figures: textured grounds, clutter, things that hide."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from hrpose.data.figures import Floats
from hrpose.data.painting import HAIRS, SKINS, Colour, any_colour, hull, shade

Size = tuple[int, int]


def background(rng: np.random.Generator, size: Size) -> Image.Image:
    """A cluttered ground without figures, of (height, width) pixels."""
    canvas = Image.fromarray(_ground(rng, size))
    for _ in range(int(rng.integers(4, 16))):
        clutter(rng, canvas)
    for _ in range(int(rng.integers(0, 4))):
        stray_limb(rng, canvas)
    if rng.random() < 0.35:
        canvas = canvas.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 3.0)) * size[0] / 256))
    return canvas


def noise(rng: np.random.Generator, size: Size, cells: int) -> NDArray[np.float32]:
    """Smooth noise in 0..1 with about `cells` bumps a side."""
    small = rng.random((max(2, cells), max(2, cells)), dtype=np.float32)
    picture = Image.fromarray(small).resize((size[1], size[0]), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(picture), 0, 1)


def _ground(rng: np.random.Generator, size: Size) -> NDArray[np.uint8]:
    """Two colours above and two below a horizon, mixed by noise at three scales."""
    weights = (rng.dirichlet((1.0, 1.0, 1.0)) * rng.uniform(0.5, 1.3)).astype(np.float32)
    mixed = sum(w * (noise(rng, size, c) - 0.5) for w, c in zip(weights, (4, 14, 48), strict=True))
    horizon = rng.uniform(0.35, 0.9) * size[0] if rng.random() < 0.6 else float(size[0])
    rows = np.arange(size[0], dtype=np.float32)[:, None]
    slope = np.linspace(-0.5, 0.5, size[1], dtype=np.float32)[None] * np.float32(
        rng.normal(0, 0.15) * size[1]
    )
    below = (rows + slope > horizon)[..., None]
    fade = (rows / size[0] - 0.5) * np.float32(rng.normal(0, 0.8))
    share = np.clip(0.5 + mixed + fade, 0, 1)[..., None]
    a, b, c, d = (_muted(rng) for _ in range(4))
    return np.where(below, c + share * (d - c), a + share * (b - a)).astype(np.uint8)


def _muted(rng: np.random.Generator) -> NDArray[np.float32]:
    """A colour half way to grey, as walls, sky and floors have."""
    colour = np.array(any_colour(rng, bright=1.15), dtype=np.float32)
    return np.minimum(255, 0.6 * colour + 0.4 * colour.mean() + np.float32(rng.uniform(0, 40)))


def clutter(rng: np.random.Generator, canvas: Image.Image) -> None:
    """One thing without meaning: a box, a disc, a bar, a row of stripes."""
    draw, (width, height) = ImageDraw.Draw(canvas), canvas.size
    x, y = rng.uniform(0, width), rng.uniform(0, height)
    w, h = rng.uniform(0.03, 0.3, 2) * height
    colour, line = any_colour(rng), max(1, round(height / 220))
    edge = shade(colour, float(rng.uniform(0.5, 1.3)))
    kind = rng.integers(4)
    if kind == 0:
        draw.rectangle((x, y, x + w, y + h), fill=colour, outline=edge, width=line)
    elif kind == 1:
        draw.ellipse((x, y, x + w, y + w), fill=colour, outline=edge, width=line)
    elif kind == 2:
        turn, length = rng.uniform(0, math.pi), rng.uniform(0.2, 0.9) * height
        end = (x + length * math.cos(turn), y + length * math.sin(turn))
        draw.line((x, y, *end), fill=colour, width=max(1, round(float(rng.uniform(0.008, 0.05)) * height)))
    else:
        gap = float(rng.uniform(0.012, 0.04)) * height
        for k in range(int(rng.integers(3, 9))):
            draw.rectangle((x + 2 * k * gap, y, x + (2 * k + 1) * gap, y + h), fill=colour)


def stray_limb(rng: np.random.Generator, canvas: Image.Image) -> None:
    """A limb that belongs to nobody, in the colours of skin, hair and cloth."""
    height = canvas.size[1]
    joint = rng.uniform((0, 0), canvas.size)
    colour: Colour = [*SKINS, *HAIRS][int(rng.integers(len(SKINS) + len(HAIRS)))]
    heading, size = rng.uniform(0, 2 * math.pi), rng.uniform(0.3, 0.8) * height
    for colour_, thick in ((any_colour(rng), 0.04), (colour, 0.03)):
        heading += rng.uniform(-1.2, 1.2)
        end = joint + 0.18 * size * np.array([math.cos(heading), math.sin(heading)])
        outline = hull([(joint, thick * size), (end, 0.8 * thick * size)])
        _polygon(canvas, outline, colour_, height)
        joint = end


def occluder(rng: np.random.Generator, canvas: Image.Image, centre: Floats, size: float) -> Floats:
    """Paint something in front of a figure, about `size` pixels across; return its outline, (P, 2)."""
    kind = rng.integers(3)
    if kind == 0:  # a board, turned
        turn, half = rng.uniform(-0.5, 0.5), size * np.array([rng.uniform(0.35, 0.6), rng.uniform(0.25, 0.5)])
        ways = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
        outline = centre + np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half @ ways
    elif kind == 1:  # a pole
        lean, half_width = rng.uniform(-0.3, 0.3), size * rng.uniform(0.06, 0.14)
        ends = [centre + 3 * size * np.array([lean, way]) for way in (-1.0, 1.0)]
        across = np.array([half_width, 0.0])
        outline = np.array([ends[0] - across, ends[0] + across, ends[1] + across, ends[1] - across])
    else:  # a bush of discs
        at = centre + rng.normal(0, 0.22 * size, (4, 2))
        outline = hull([(p, float(rng.uniform(0.16, 0.3)) * size) for p in at])
    _polygon(canvas, outline, any_colour(rng), canvas.size[1])
    return outline


def _polygon(canvas: Image.Image, outline: Floats, colour: Colour, height: int) -> None:
    corners = [(float(x), float(y)) for x, y in outline]
    draw = ImageDraw.Draw(canvas)
    draw.polygon(corners, fill=colour)
    draw.line([*corners, corners[0]], fill=shade(colour, 0.7), width=max(1, round(height / 300)))


def develop(rng: np.random.Generator, picture: Image.Image) -> Image.Image:
    """What a camera does: light, colour cast, contrast, grain, now and then a soft focus."""
    if rng.random() < 0.3:
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 0.8))))
    values = np.asarray(picture, dtype=np.float32)
    cast = rng.uniform(0.9, 1.1, 3).astype(np.float32)
    values = (values - 128) * np.float32(rng.uniform(0.75, 1.1)) + 128 + np.float32(rng.normal(0, 10))
    grain = rng.standard_normal(values.shape, dtype=np.float32) * np.float32(rng.uniform(0, 7))
    return Image.fromarray(np.clip(values * cast + grain, 0, 255).astype(np.uint8))
