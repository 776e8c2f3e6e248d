"""The poses that synthetic figures take: a few families, every angle of which is varied."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from hrpose.data.figures import Limb, Pose


def sample_pose(rng: np.random.Generator, family: str | None = None) -> Pose:
    """A pose of `family` (a name of `POSES`; None draws one), every angle varied."""
    family = str(rng.choice(list(POSES))) if family is None else family
    return POSES[family](rng)


def _pose(rng: np.random.Generator, arms: Sequence[Limb], legs: Sequence[Limb], **angles: float) -> Pose:
    """Vary the arms and legs (left, right), swap the sides half of the time, and turn the whole figure."""
    arms, legs = [_vary(rng, limb) for limb in arms], [_vary(rng, limb) for limb in legs]
    if rng.random() < 0.5:
        arms, legs = arms[::-1], legs[::-1]
    look = (rng.normal(0, 18), rng.normal(4, 9), rng.normal(0, 7))
    own = {"turn": _turn(rng), "roll": rng.normal(0, 6), "lean": 0.0, "stoop": 4.0, "sway": 0.0} | angles
    own |= {name: own[name] + rng.normal(0, 6) for name in ("lean", "stoop", "sway")}
    left_right = ("left", "right")
    return Pose(
        **own,
        look=look,
        arms=MappingProxyType(dict(zip(left_right, arms, strict=True))),
        legs=MappingProxyType(dict(zip(left_right, legs, strict=True))),
    )


def _vary(rng: np.random.Generator, limb: Limb) -> Limb:
    """The same gesture by another person: about ten degrees here and there; joints do not bend backwards."""
    return Limb(
        forward=limb.forward + rng.normal(0, 9),
        outward=limb.outward + rng.normal(0, 6),
        twist=limb.twist + rng.normal(0, 12),
        bend=max(0.0, limb.bend + rng.normal(0, 10)),
    )


def _turn(rng: np.random.Generator) -> float:
    """Mostly turned a little, now and then in profile, seldom from behind."""
    kind = rng.random()
    if kind < 0.78:
        return float(rng.uniform(-50, 50))
    side = float(rng.choice([-1.0, 1.0]))
    return side * float(rng.uniform(50, 90) if kind < 0.94 else rng.uniform(150, 210))


def _stand(rng: np.random.Generator) -> Pose:
    arm = Limb(outward=14, bend=14, twist=20)
    akimbo = Limb(outward=45, twist=75, bend=95)
    arms = [akimbo if rng.random() < 0.35 else arm for _ in range(2)]
    return _pose(rng, arms, [Limb(outward=6), Limb(outward=6)])


def _walk(rng: np.random.Generator) -> Pose:
    step = rng.uniform(12, 32)
    arms = [Limb(forward=step, outward=8, bend=25), Limb(forward=-step, outward=8, bend=15)]
    return _pose(rng, arms, [Limb(forward=-step, bend=22), Limb(forward=step, bend=8)])


def _run(rng: np.random.Generator) -> Pose:
    arms = [Limb(forward=45, outward=10, bend=90), Limb(forward=-45, outward=10, bend=85)]
    return _pose(rng, arms, [Limb(forward=-25, bend=75), Limb(forward=60, bend=60)], stoop=14.0)


def _arms_up(rng: np.random.Generator) -> Pose:
    arm = Limb(outward=rng.uniform(120, 165), bend=rng.uniform(0, 40), twist=-90)
    return _pose(rng, [arm, arm], [Limb(outward=rng.uniform(2, 22))] * 2)


def _wave(rng: np.random.Generator) -> Pose:
    arms = [
        Limb(outward=rng.uniform(75, 120), bend=rng.uniform(50, 100), twist=-90),
        Limb(outward=14, bend=15),
    ]
    return _pose(rng, arms, [Limb(outward=6), Limb(outward=8)], sway=rng.normal(0, 6))


def _star(rng: np.random.Generator) -> Pose:
    arms = [Limb(outward=rng.uniform(65, 120), bend=8) for _ in range(2)]
    return _pose(rng, arms, [Limb(outward=rng.uniform(15, 32)) for _ in range(2)])


def _sit(rng: np.random.Generator) -> Pose:
    side = float(rng.choice([-1.0, 1.0]))
    legs = [Limb(forward=85, outward=8, bend=80), Limb(forward=85, outward=8, bend=rng.uniform(40, 95))]
    arms = [Limb(forward=25, outward=10, bend=50), Limb(forward=30, outward=12, bend=rng.uniform(20, 80))]
    return _pose(rng, arms, legs, turn=side * rng.uniform(25, 85), lean=-5.0)


def _squat(rng: np.random.Generator) -> Pose:
    legs = [Limb(forward=rng.uniform(65, 105), outward=22, bend=rng.uniform(85, 125))] * 2
    arms = [Limb(forward=rng.uniform(40, 90), outward=10, bend=20)] * 2
    return _pose(rng, arms, legs, lean=18.0, stoop=14.0)


def _bend(rng: np.random.Generator) -> Pose:
    side = float(rng.choice([-1.0, 1.0]))
    lean = float(rng.uniform(35, 75))
    legs = [Limb(forward=lean, bend=12), Limb(forward=lean - 10, bend=12)]
    arms = [Limb(forward=rng.uniform(30, 90), outward=6, bend=15) for _ in range(2)]
    return _pose(rng, arms, legs, turn=side * rng.uniform(35, 90), lean=lean, stoop=18.0)


def _kneel(rng: np.random.Generator) -> Pose:
    side = float(rng.choice([-1.0, 1.0]))
    legs = [Limb(forward=88, outward=8, bend=88), Limb(forward=2, bend=85)]
    arms = [Limb(forward=35, outward=10, bend=55), Limb(outward=15, bend=30)]
    return _pose(rng, arms, legs, turn=side * rng.uniform(20, 80))


def _lie(rng: np.random.Generator) -> Pose:
    side = float(rng.choice([-1.0, 1.0]))
    arms = [Limb(outward=rng.uniform(15, 150), bend=rng.uniform(5, 70), twist=-40) for _ in range(2)]
    legs = [Limb(outward=8, forward=rng.uniform(0, 50), bend=rng.uniform(5, 70)) for _ in range(2)]
    return _pose(rng, arms, legs, roll=side * rng.uniform(65, 110), turn=rng.uniform(-45, 45))


def _dance(rng: np.random.Generator) -> Pose:
    arms = [
        Limb(outward=rng.uniform(5, 150), forward=rng.uniform(-30, 60), twist=-60, bend=rng.uniform(0, 110))
        for _ in range(2)
    ]
    legs = [
        Limb(outward=rng.uniform(0, 35), forward=rng.uniform(-20, 60), bend=rng.uniform(0, 80))
        for _ in range(2)
    ]
    return _pose(rng, arms, legs, sway=rng.normal(0, 14), roll=rng.normal(0, 14))


POSES: Mapping[str, Callable[[np.random.Generator], Pose]] = MappingProxyType(
    {
        "stand": _stand,
        "walk": _walk,
        "run": _run,
        "arms_up": _arms_up,
        "wave": _wave,
        "star": _star,
        "sit": _sit,
        "squat": _squat,
        "bend": _bend,
        "kneel": _kneel,
        "lie": _lie,
        "dance": _dance,
    }
)
