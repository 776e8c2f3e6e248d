"""Painted figures: what a body wears, the shapes its segments make, and how they come onto a canvas."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from hrpose.data.figures import Body, Floats

Colour = tuple[int, int, int]
SKINS: tuple[Colour, ...] = (
    (246, 214, 190),
    (232, 190, 158),
    (214, 165, 128),
    (178, 124, 88),
    (134, 88, 60),
    (96, 62, 44),
)
HAIRS: tuple[Colour, ...] = (
    (38, 30, 28),
    (72, 48, 34),
    (122, 84, 48),
    (196, 158, 92),
    (150, 72, 40),
    (168, 166, 164),
)
CLOTHS = ("plain", "plain", "stripes", "checks", "dots", "grain")
HANDS = ("left", "right")


@dataclass(frozen=True, kw_only=True)
class Look:
    """Colours and clothes of one figure."""

    skin: Colour
    hair: Colour
    long_hair: bool
    top: Colour
    top_cloth: str
    trousers: Colour
    trousers_cloth: str
    shoes: Colour
    sleeves: int  # 0 bare arms, 1 to the elbow, 2 to the wrist
    leggings: int  # 0 bare legs, 1 to the knee, 2 to the ankle
    skirt: bool
    ink: float  # how dark the outlines are, 1 is no outline
    seed: int  # of the pattern of the cloth

    @classmethod
    def sample(cls, rng: np.random.Generator) -> "Look":
        """Another person in other clothes."""
        skirt = bool(rng.random() < 0.15)
        return cls(
            skin=_pick(rng, SKINS, 8),
            hair=_pick(rng, HAIRS, 12),
            long_hair=bool(rng.random() < 0.4),
            top=any_colour(rng),
            top_cloth=str(rng.choice(CLOTHS)),
            trousers=any_colour(rng, bright=0.75),
            trousers_cloth=str(rng.choice(CLOTHS)),
            shoes=any_colour(rng, bright=0.6),
            sleeves=int(rng.integers(0, 3)),
            leggings=0 if skirt else int(rng.choice([0, 1, 1, 2, 2, 2])),
            skirt=skirt,
            ink=float(rng.uniform(0.35, 0.7)),
            seed=int(rng.integers(2**31)),
        )


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A convex patch of one part of a figure: its outline in pixels, its colour, how near it is."""

    part: str
    outline: Floats  # (P, 2)
    colour: Colour
    cloth: str = "plain"
    near: float = 0.0  # the larger, the later it is painted
    inked: bool = True


def any_colour(rng: np.random.Generator, *, bright: float = 1.0) -> Colour:
    """Any hue, from grey to vivid."""
    hue, grey = rng.uniform(0, 2 * math.pi), rng.uniform(0, 1) ** 0.7
    light = rng.uniform(45, 225) * bright
    waves = [light * (1 - grey * 0.55 * (1 - math.cos(hue + k * 2.094))) for k in range(3)]
    return _clip(waves)


def shade(colour: Colour, factor: float) -> Colour:
    """Darker below 1, lighter above.

    >>> shade((100, 200, 0), 0.5)
    (50, 100, 0)
    """
    return _clip([c * factor for c in colour])


def hull(circles: Sequence[tuple[Floats, float]], *, corners: int = 16) -> Floats:
    """The convex outline around circles (centre, radius), (P, 2): two make a limb, three a trunk."""
    angle = np.linspace(0, 2 * math.pi, corners, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points = np.concatenate([np.asarray(centre)[:2] + radius * ring for centre, radius in circles])
    order = np.lexsort((points[:, 1], points[:, 0]))
    lower, upper = _half_hull(points[order]), _half_hull(points[order[::-1]])
    return np.array(lower[:-1] + upper[:-1])


def _half_hull(points: Floats) -> list[Floats]:
    """One side of Andrew's monotone chain."""
    chain: list[Floats] = []
    for p in points:
        while len(chain) > 1 and _turns_back(chain[-2], chain[-1], p):
            chain.pop()
        chain.append(p)
    return chain


def _turns_back(a: Floats, b: Floats, c: Floats) -> bool:
    return bool((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) <= 0)


def figure_shapes(points: Mapping[str, Floats], body: Body, look: Look, height: float) -> list[Shape]:
    """The patches of a figure, farthest first.

    Args:
        points: (x, y, z) in pixels, as `solve` names them.
        height: pixels of one body height.
    """
    girth = height * body.girth
    shapes = [*trunk_shapes(points, look, girth), *head_shapes(points, look, height * body.head)]
    for side in HANDS:
        shapes += arm_shapes(points, side, look, girth)
        shapes += leg_shapes(points, side, look, girth)
    return sorted(shapes, key=lambda shape: shape.near)


def trunk_shapes(points: Mapping[str, Floats], look: Look, girth: float) -> list[Shape]:
    """Neck, chest, and what is worn around the hips."""
    neck, waist, pelvis = points["neck"], points["waist"], points["pelvis"]
    shoulders = [(0.93 * points[f"{s}_shoulder"] + 0.07 * neck, 0.042 * girth) for s in HANDS]
    breast = [(0.72 * neck + 0.28 * waist, 0.078 * girth), (waist, 0.07 * girth)]
    hips = [(points[f"{s}_hip"], 0.052 * girth) for s in HANDS]
    below = [(waist, 0.066 * girth), *hips]
    if look.skirt:
        below += [(0.45 * points[f"{s}_hip"] + 0.55 * points[f"{s}_knee"], 0.06 * girth) for s in HANDS]
    chest_near = float((neck[2] + waist[2]) / 2)
    hips_near = float((waist[2] + pelvis[2]) / 2) + (0.05 * girth if look.skirt else 0.0)
    throat = hull([(neck, 0.034 * girth), (points["nape"], 0.034 * girth)])
    return [
        Shape(part="neck", outline=throat, colour=shade(look.skin, 0.9), near=chest_near - 0.01 * girth),
        Shape(
            part="hips", outline=hull(below), colour=look.trousers, cloth=look.trousers_cloth, near=hips_near
        ),
        Shape(
            part="chest",
            outline=hull(shoulders + breast),
            colour=look.top,
            cloth=look.top_cloth,
            near=chest_near,
        ),
    ]


def head_shapes(points: Mapping[str, Floats], look: Look, size: float) -> list[Shape]:
    """Skull, hair and, where it looks at the viewer, the face."""
    head, chin, top = points["head"], points["chin"], points["head_top"]
    ears = [points[f"{side}_ear"] for side in HANDS]
    front = (points["face"] - head) / max(1e-6, float(np.linalg.norm(points["face"] - head)))
    crown = 0.6 * head + 0.4 * top
    skull = [(crown, 0.066 * size), (0.25 * head + 0.75 * chin, 0.036 * size), (head, 0.064 * size)]
    near = float(head[2])
    step = 1e-3 * size
    shapes = [Shape(part="head", outline=hull(skull), colour=look.skin, near=near)]
    mop = [(crown - 0.022 * size * front + 0.1 * (top - head), 0.068 * size)]
    if look.long_hair:
        mop += [(points["nape"] - 0.01 * size * front, 0.05 * size)]
    behind = -step if front[2] > -0.25 else 3 * step
    shapes.append(Shape(part="head", outline=hull(mop), colour=look.hair, near=near + behind))
    cap = [(0.62 * top + 0.38 * head - 0.012 * size * front, 0.046 * size)]
    cap += [(0.5 * ear + 0.36 * top + 0.14 * head - 0.016 * size * front, 0.026 * size) for ear in ears]
    shapes.append(Shape(part="head", outline=hull(cap), colour=look.hair, near=near + 2 * step, inked=False))
    for ear in ears:
        if ear[2] > near - 0.035 * size:
            lobe = hull([(ear, 0.014 * size)], corners=10)
            shapes.append(
                Shape(part="head", outline=lobe, colour=shade(look.skin, 0.85), near=near + 4 * step)
            )
    return shapes + face_shapes(points, look, size, near + 5 * step)


def face_shapes(points: Mapping[str, Floats], look: Look, size: float, near: float) -> list[Shape]:
    """The eyes, the nose and the mouth that can be seen."""
    head, shapes = points["head"], []
    for side in HANDS:
        eye = points[f"{side}_eye"]
        if eye[2] > head[2] + 0.008 * size:
            white = hull([(eye, 0.0145 * size)], corners=12)
            pupil = hull([(eye, 0.0085 * size)], corners=10)
            shapes.append(Shape(part="head", outline=white, colour=(244, 242, 238), near=near, inked=False))
            shapes.append(
                Shape(part="head", outline=pupil, colour=(30, 26, 30), near=near + 1e-3, inked=False)
            )
    nose, chin = points["nose"], points["chin"]
    if nose[2] > head[2] - 0.01 * size:
        tip = hull([(nose, 0.011 * size), (0.8 * nose + 0.2 * points["face"], 0.008 * size)], corners=10)
        shapes.append(
            Shape(part="head", outline=tip, colour=shade(look.skin, 0.66), near=near + 2e-3, inked=False)
        )
    if chin[2] > head[2] + 0.015 * size:
        across = (points["left_eye"] - points["right_eye"]) * 0.22
        lips = 0.5 * nose + 0.5 * chin
        mouth = hull([(lips - across, 0.005 * size), (lips + across, 0.005 * size)], corners=8)
        shapes.append(Shape(part="head", outline=mouth, colour=(150, 60, 60), near=near, inked=False))
    return shapes


def arm_shapes(points: Mapping[str, Floats], side: str, look: Look, girth: float) -> list[Shape]:
    """Upper arm, forearm, hand."""
    shoulder, elbow, wrist, hand = (points[f"{side}_{n}"] for n in ("shoulder", "elbow", "wrist", "hand"))
    upper = [(shoulder, 0.037 * girth), (elbow, 0.029 * girth)]
    lower = [(elbow, 0.028 * girth), (wrist, 0.02 * girth)]
    sleeve = (look.top, look.top_cloth), (look.skin, "plain")
    return [
        _segment(f"{side}_hand", [(wrist, 0.02 * girth), (hand, 0.018 * girth)], look.skin, "plain"),
        _segment(f"{side}_forearm", lower, *sleeve[look.sleeves < 2]),
        _segment(f"{side}_upper_arm", upper, *sleeve[look.sleeves < 1], nudge=0.01 * girth),
    ]


def leg_shapes(points: Mapping[str, Floats], side: str, look: Look, girth: float) -> list[Shape]:
    """Thigh, shin, shoe."""
    hip, knee, ankle, foot = (points[f"{side}_{n}"] for n in ("hip", "knee", "ankle", "foot"))
    thigh = [(hip, 0.052 * girth), (knee, 0.038 * girth)]
    shin = [(knee, 0.036 * girth), (ankle, 0.024 * girth)]
    sole = ankle + 0.02 * girth * _unit(ankle - knee)
    trouser = (look.trousers, look.trousers_cloth), (look.skin, "plain")
    return [
        _segment(f"{side}_foot", [(sole, 0.025 * girth), (foot, 0.02 * girth)], look.shoes, "plain"),
        _segment(f"{side}_shin", shin, *trouser[look.leggings < 2]),
        _segment(f"{side}_thigh", thigh, *trouser[look.leggings < 1], nudge=0.002 * girth),
    ]


def _segment(
    part: str, circles: Sequence[tuple[Floats, float]], colour: Colour, cloth: str, *, nudge: float = 0.0
) -> Shape:
    near = float(np.mean([centre[2] for centre, _ in circles])) + nudge
    return Shape(part=part, outline=hull(circles), colour=colour, cloth=cloth, near=near)


def _unit(v: Floats) -> Floats:
    return v / max(1e-6, float(np.linalg.norm(v)))


def paint(canvas: Image.Image, shape: Shape, look: Look, *, pixel: float) -> None:
    """Put one patch on the canvas: filled, lit from the upper left, outlined; `pixel` is a unit of detail."""
    corners = [(float(x), float(y)) for x, y in shape.outline]
    draw = ImageDraw.Draw(canvas)
    if not shape.inked:
        draw.polygon(corners, fill=shape.colour)
        return
    box = _box_of(shape.outline, canvas.size)
    if box is None:
        return
    mask = Image.new("L", (box[2] - box[0], box[3] - box[1]))
    local = shape.outline - np.array(box[:2])
    ImageDraw.Draw(mask).polygon([(float(x), float(y)) for x, y in local], fill=255)
    canvas.paste(cloth_patch(shape, look, mask.size, pixel), box[:2], mask)
    lit = Image.new("L", mask.size)
    ImageDraw.Draw(lit).polygon([(float(x), float(y)) for x, y in local + 2.2 * pixel], fill=255)
    edge = ImageChops.subtract(mask, lit).point([v * 70 // 255 for v in range(256)])
    canvas.paste((255, 255, 255), box[:2], edge)
    draw.line([*corners, corners[0]], fill=shade(shape.colour, look.ink), width=max(1, round(0.9 * pixel)))


def cloth_patch(shape: Shape, look: Look, size: tuple[int, int], pixel: float) -> Image.Image:
    """A piece of the cloth of `shape`, (width, height) pixels."""
    if shape.cloth == "plain":
        return Image.new("RGB", size, shape.colour)
    rng = np.random.default_rng([look.seed, len(shape.cloth)])
    pitch, turn, factor = rng.uniform(4, 9) * pixel, rng.uniform(0, math.pi), rng.choice([0.6, 0.75, 1.35])
    y, x = np.mgrid[: size[1], : size[0]].astype(np.float32)
    u, v = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
    along, across = np.sin(2 * math.pi * u / pitch), np.sin(2 * math.pi * v / pitch)
    amount = {
        "stripes": along > 0.2,
        "checks": (along > 0) ^ (across > 0),
        "dots": along + across > 1.1,
        "grain": rng.random(u.shape) > 0.5,
    }[shape.cloth]
    base, other = np.array(shape.colour), np.array(shade(shape.colour, float(factor)))
    return Image.fromarray(np.where(amount[..., None], other, base).astype(np.uint8))


def _box_of(outline: Floats, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """The whole pixels around an outline, within the canvas; None outside of it."""
    left, top = (max(0, math.floor(v) - 1) for v in outline.min(axis=0))
    right, bottom = (min(edge, math.ceil(v) + 2) for v, edge in zip(outline.max(axis=0), size, strict=True))
    return (left, top, right, bottom) if right > left and bottom > top else None


def _pick(rng: np.random.Generator, colours: Sequence[Colour], spread: float) -> Colour:
    return _clip(list(np.array(colours[int(rng.integers(len(colours)))]) + rng.normal(0, spread, 3)))


def _clip(values: Sequence[float]) -> Colour:
    r, g, b = (int(min(255, max(0, round(float(v))))) for v in values)
    return r, g, b
