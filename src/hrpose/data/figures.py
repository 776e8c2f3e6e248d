"""Articulated figures: a body of segments, the pose it takes, and where that puts every named point.

Points live in body heights: x to the right of the picture, y down, z towards the viewer. A figure that faces
the viewer has its left hand at positive x.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SIDES = (("left", 1.0), ("right", -1.0))


@dataclass(frozen=True, kw_only=True)
class Body:
    """How long and how wide the segments are, in body heights."""

    torso: float = 0.30
    shoulders: float = 0.105  # half of the distance between them
    hips: float = 0.06
    head: float = 1.0  # factor on the size of the head
    arm: float = 0.165  # shoulder to elbow; the forearm is a little shorter
    leg: float = 0.235  # hip to knee, and knee to ankle
    foot: float = 0.085
    girth: float = 1.0  # factor on the thickness of everything

    @classmethod
    def sample(cls, rng: np.random.Generator) -> "Body":
        """A body of other proportions: long or short limbs, broad or narrow, thick or thin."""
        near = {f.name: float(f.default) * rng.uniform(0.88, 1.12) for f in fields(cls)}  # type: ignore[arg-type]
        return cls(**near | {"head": rng.uniform(1.1, 1.4), "girth": rng.uniform(0.95, 1.35)})


@dataclass(frozen=True, kw_only=True)
class Limb:
    """The angles of an arm or a leg, in degrees; all zero hangs straight down."""

    forward: float = 0.0
    outward: float = 0.0
    twist: float = 0.0
    bend: float = 0.0  # elbow or knee


@dataclass(frozen=True, kw_only=True)
class Pose:
    """The angles of a figure, in degrees; all zero stands upright and looks at the viewer."""

    turn: float = 0.0  # about the vertical; 180 shows the back
    roll: float = 0.0  # in the plane of the picture; 90 lies
    lean: float = 0.0  # the hips, forward
    stoop: float = 0.0  # the spine, forward
    sway: float = 0.0  # the spine, sideways
    look: tuple[float, float, float] = (0.0, 0.0, 0.0)  # the head: turn, nod, tilt
    arms: Mapping[str, Limb] = field(default_factory=lambda: {"left": Limb(), "right": Limb()})
    legs: Mapping[str, Limb] = field(default_factory=lambda: {"left": Limb(), "right": Limb()})


def solve(body: Body, pose: Pose) -> dict[str, Floats]:
    """Every named point of `body` in `pose`, (x, y, z) in body heights, the pelvis at the origin.

    >>> points = solve(Body(), Pose())
    >>> bool(points["left_wrist"][0] > 0 > points["nose"][1])
    True
    """
    pelvis = about_z(pose.roll) @ about_y(pose.turn) @ about_x(-pose.lean)
    chest = pelvis @ about_x(-pose.stoop) @ about_z(pose.sway)
    waist = pelvis @ np.array([0.0, -0.3 * body.torso, 0.0])
    neck = waist + chest @ np.array([0.0, -0.7 * body.torso, 0.0])
    points = {"pelvis": np.zeros(3), "waist": waist, "neck": neck, "mid_torso": (waist + neck) / 2}
    points |= head_points(body, neck, chest, pose.look)
    for side, sign in SIDES:
        shoulder = neck + chest @ np.array([sign * body.shoulders, 0.025, 0.0])
        hip = pelvis @ np.array([sign * body.hips, 0.0, 0.0])
        points |= arm_points(body, side, shoulder, chest, pose.arms[side])
        points |= leg_points(body, side, hip, pelvis, pose.legs[side])
    return points


def head_points(
    body: Body, neck: Floats, chest: Floats, look: tuple[float, float, float]
) -> dict[str, Floats]:
    """The points that turn with the head."""
    turn, nod, tilt = look
    frame = chest @ about_y(turn) @ about_x(-nod) @ about_z(tilt)
    centre = neck + chest @ np.array([0.0, -0.035, 0.0]) + frame @ np.array([0.0, -0.075 * body.head, 0.012])
    at = {"head": (0.0, 0.0, 0.0), "nose": (0.0, 0.016, 0.074), "head_top": (0.0, -0.082, 0.0)}
    at |= {"chin": (0.0, 0.074, 0.035), "face": (0.0, 0.01, 0.03), "nape": (0.0, 0.03, -0.04)}
    for side, sign in SIDES:
        at |= {f"{side}_eye": (sign * 0.03, -0.012, 0.06), f"{side}_ear": (sign * 0.066, 0.006, -0.004)}
    return {name: centre + frame @ (body.head * np.array(p)) for name, p in at.items()}


def arm_points(body: Body, side: str, shoulder: Floats, frame: Floats, limb: Limb) -> dict[str, Floats]:
    """Shoulder, elbow, wrist and fingertips; the elbow bends forward."""
    upper, lower = limb_frames(side, frame, limb, 1.0)
    elbow = shoulder + upper @ np.array([0.0, body.arm, 0.0])
    wrist = elbow + lower @ np.array([0.0, 0.9 * body.arm, 0.0])
    hand = wrist + lower @ np.array([0.0, 0.05, 0.0])
    return dict(
        zip(named(side, "shoulder", "elbow", "wrist", "hand"), (shoulder, elbow, wrist, hand), strict=True)
    )


def leg_points(body: Body, side: str, hip: Floats, frame: Floats, limb: Limb) -> dict[str, Floats]:
    """Hip, knee, ankle, toes; the knee bends backward and the foot stands across the shin."""
    upper, lower = limb_frames(side, frame, limb, -1.0)
    knee = hip + upper @ np.array([0.0, body.leg, 0.0])
    ankle = knee + lower @ np.array([0.0, body.leg, 0.0])
    foot = ankle + lower @ np.array([0.0, 0.025, body.foot])
    return dict(zip(named(side, "hip", "knee", "ankle", "foot"), (hip, knee, ankle, foot), strict=True))


def limb_frames(side: str, frame: Floats, limb: Limb, fold: float) -> tuple[Floats, Floats]:
    """The rotation of the upper and of the lower half of a limb; `fold` is the sense of the joint."""
    sign = dict(SIDES)[side]
    upper = frame @ about_z(-sign * limb.outward) @ about_x(limb.forward) @ about_y(-sign * limb.twist)
    return upper, upper @ about_x(fold * limb.bend)


def named(side: str, *joints: str) -> list[str]:
    """The names of joints on one side.

    >>> named("left", "hip", "knee")
    ['left_hip', 'left_knee']
    """
    return [f"{side}_{joint}" for joint in joints]


def about_x(degrees: float) -> Floats:
    """Turn what hangs down to the front."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def about_y(degrees: float) -> Floats:
    """Turn what looks at the viewer to the right of the picture."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def about_z(degrees: float) -> Floats:
    """Turn in the plane of the picture, clockwise as seen."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


POINTS: tuple[str, ...] = tuple(solve(Body(), Pose()))
