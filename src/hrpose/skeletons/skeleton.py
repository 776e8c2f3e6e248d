"""Skeleton: what the keypoints of a model are called, and how they hang together."""

import dataclasses
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from hrpose.errors import ConfigError, UnknownNameError, nearest

DEFAULT_SIGMA = 0.05  # between COCO's eyes (0.025) and hips (0.107): for keypoints nobody has measured

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Skeleton:
    """The names of K keypoints, in the order of the heatmaps, and what is known of them.

    >>> line = "hand elbow shoulder"
    >>> arm = Skeleton(name="arm", keypoints=names(line), links=chains(line))
    >>> arm.num_keypoints, arm.link_index, arm.mirror_index
    (3, ((0, 1), (1, 2)), (0, 1, 2))

    Raises: ConfigError if a pair, link or list names an unknown keypoint, or a count does not fit.
    """

    name: str
    keypoints: tuple[str, ...]
    mirror: Pairs = ()  # keypoints that change places when the picture is mirrored
    links: Pairs = ()  # limbs: what a drawing joins
    sigmas: tuple[float, ...] = ()  # OKS fall-off a keypoint, as in pycocotools; empty: DEFAULT_SIGMA for all
    upper_body: tuple[str, ...] = ()  # for half-body augmentation; empty: it does not apply
    grouping_order: tuple[str, ...] = ()  # in which bottom-up grouping visits them; empty: as listed

    def __post_init__(self) -> None:
        if not self.sigmas:
            object.__setattr__(self, "sigmas", (DEFAULT_SIGMA,) * len(self.keypoints))
        self._check_names()
        self._check_mirror()
        self._check_links()
        self._check_sigmas()

    def _check_names(self) -> None:
        if not self.keypoints:
            raise ConfigError(f"skeleton {self.name!r} has no keypoints; give at least one name")
        if twice := [name for name, count in Counter(self.keypoints).items() if count > 1]:
            raise ConfigError(
                f"skeleton {self.name!r} names {twice[0]!r} twice; each keypoint needs its own name"
            )
        used = itertools.chain(*self.mirror, *self.links, self.upper_body, self.grouping_order)
        for name in used:
            if name not in self.keypoints:
                hint = nearest(name, self.keypoints)
                raise ConfigError(f"skeleton {self.name!r} has no keypoint {name!r}; {hint}")
        if self.grouping_order and sorted(self.grouping_order) != sorted(self.keypoints):
            count = f"{len(self.grouping_order)} of {self.num_keypoints} keypoints"
            raise ConfigError(
                f"grouping_order of {self.name!r} lists {count}; list each keypoint exactly once"
            )

    def _check_mirror(self) -> None:
        uses = Counter(itertools.chain(*self.mirror))
        if twice := [name for name, count in uses.items() if count > 1]:
            made = f"mirror of skeleton {self.name!r} uses {twice[0]!r} more than once"
            raise ConfigError(f"{made}; a keypoint has one partner, and one without a partner is left out")

    def _check_links(self) -> None:
        for first, second in self.links:
            if first == second:
                raise ConfigError(
                    f"skeleton {self.name!r} links {first!r} to itself; a link joins two keypoints"
                )

    def _check_sigmas(self) -> None:
        if len(self.sigmas) != self.num_keypoints:
            count = f"{len(self.sigmas)} sigmas for {self.num_keypoints} keypoints"
            raise ConfigError(f"skeleton {self.name!r} has {count}; give one a keypoint, or none at all")
        for name, sigma in zip(self.keypoints, self.sigmas, strict=True):
            if not (math.isfinite(sigma) and sigma > 0):
                raise ConfigError(
                    f"sigma of {name!r} in skeleton {self.name!r} is {sigma}; give a number above 0"
                )

    @property
    def num_keypoints(self) -> int:
        """K."""
        return len(self.keypoints)

    @cached_property
    def mirror_index(self) -> tuple[int, ...]:
        """For each keypoint its index in the mirrored picture: a permutation that undoes itself."""
        partner = dict(self.mirror) | {second: first for first, second in self.mirror}
        return tuple(self.index(partner.get(name, name)) for name in self.keypoints)

    @cached_property
    def link_index(self) -> tuple[tuple[int, int], ...]:
        """The links as pairs of indices."""
        return tuple((self.index(first), self.index(second)) for first, second in self.links)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.keypoints)}

    def index(self, name: str) -> int:
        """Where keypoint `name` stands. Raises: UnknownNameError, with the nearest names."""
        try:
            return self._index[name]
        except KeyError:
            hint = nearest(name, self.keypoints)
            raise UnknownNameError(f"skeleton {self.name!r} has no keypoint {name!r}; {hint}") from None

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, for JSON; `from_dict` reads them back."""
        return {key: _plain(value) for key, value in dataclasses.asdict(self).items()}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """The skeleton that `to_dict` wrote. Raises: ConfigError on an unknown or missing key."""
        known = [field.name for field in dataclasses.fields(cls)]
        for key in fields:
            if key not in known:
                raise ConfigError(f"a skeleton has no field {key!r}; {nearest(key, known)}")
        for key in ("name", "keypoints"):
            if key not in fields:
                raise ConfigError(f"a skeleton needs the field {key!r}, and only {', '.join(fields)} came")
        return cls(**{key: _frozen(value) for key, value in fields.items()})

    @classmethod
    def generic(cls, num_keypoints: int) -> Self:
        """K keypoints of which nothing is known.

        >>> Skeleton.generic(2).keypoints
        ('keypoint_0', 'keypoint_1')

        Raises: ConfigError unless it is a whole number from 1 up.
        """
        if not isinstance(num_keypoints, int) or num_keypoints < 1:
            raise ConfigError(f"num_keypoints={num_keypoints!r}; a skeleton needs at least 1, a whole number")
        numbered = tuple(f"keypoint_{index}" for index in range(num_keypoints))
        return cls(name=f"generic_{num_keypoints}", keypoints=numbered)

    @staticmethod
    def from_coco(
        source: str | Path | Mapping[str, Any],
        *,
        category: str | int | None = None,
        sigmas: Iterable[float] | None = None,
    ) -> "Skeleton":
        """The keypoints of a COCO-format file: see `hrpose.skeletons.read.read_skeleton`."""
        from hrpose.skeletons.read import read_skeleton  # it builds on this class, and knows the tables

        return read_skeleton(source, category=category, sigmas=sigmas)


def names(*lines: str) -> tuple[str, ...]:
    """The words of all lines: keypoint names in a table that stays readable.

    >>> names("left_eye right_eye", "nose")
    ('left_eye', 'right_eye', 'nose')
    """
    return tuple(name for line in lines for name in line.split())


def chains(*lines: str) -> Pairs:
    """Links along lines of names, each name joined to the next; a link named twice counts once.

    >>> chains("neck shoulder elbow", "neck hip")
    (('neck', 'shoulder'), ('shoulder', 'elbow'), ('neck', 'hip'))
    """
    return tuple(dict.fromkeys(pair for line in lines for pair in itertools.pairwise(line.split())))


def mirror_pairs(keypoints: Iterable[str]) -> Pairs:
    """Pairs of names that differ only by one "left" and one "right".

    >>> mirror_pairs(["nose", "left_eye", "right_eye", "L_F_Paw", "R_F_Paw"])
    (('left_eye', 'right_eye'), ('L_F_Paw', 'R_F_Paw'))
    """
    known = list(keypoints)
    return tuple((name, other) for name in known for other in _other_sides(name) if other in known)


def _other_sides(name: str) -> list[str]:
    swaps = (("left", "right"), ("Left", "Right"), ("LEFT", "RIGHT"))
    others = [name.replace(left, right) for left, right in swaps if left in name]
    for left, right in (("l_", "r_"), ("L_", "R_"), ("l-", "r-"), ("L-", "R-")):
        if name.startswith(left):
            others.append(right + name[len(left) :])
    for left, right in (("_l", "_r"), ("_L", "_R")):
        if name.endswith(left):
            others.append(name[: -len(left)] + right)
    return others[:1]  # one partner each


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value
