"""A skeleton read off a COCO-format annotation file."""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hrpose.errors import DataError, nearest
from hrpose.skeletons.skeleton import Pairs, Skeleton, mirror_pairs
from hrpose.skeletons.tables import SKELETONS


def read_skeleton(
    source: str | Path | Mapping[str, Any],
    *,
    category: str | int | None = None,
    sigmas: Iterable[float] | None = None,
) -> Skeleton:
    """The keypoints of a category, with links, mirror pairs and sigmas.

    Names that a known skeleton has, in its order, give that skeleton: it knows the sigmas, and some published
    files (CrowdPose's) carry links of another. Other names take the links of the file; names that differ by
    left and right alone are mirror pairs, and the sigmas are DEFAULT_SIGMA unless given.

    >>> pen = {"id": 1, "name": "pen", "keypoints": ["tip", "end"], "skeleton": [[1, 2]]}
    >>> read_skeleton({"categories": [pen]}).links
    (('tip', 'end'),)

    Args:
        source: a file, or what `json.load` made of one.
        category: its name or id; needed only where the categories have different keypoints.
        sigmas: one a keypoint.
    Raises: DataError if the file names no keypoints, or a link points beyond them.
    """
    content = source if isinstance(source, Mapping) else _read_json(Path(source))
    chosen = _category(content, category)
    keypoints = tuple(str(name) for name in chosen["keypoints"])
    skeleton = _known(keypoints) or Skeleton(
        name=str(chosen.get("name", "keypoints")),
        keypoints=keypoints,
        mirror=mirror_pairs(keypoints),
        links=_links(chosen, keypoints),
    )
    return skeleton if sigmas is None else dataclasses.replace(skeleton, sigmas=tuple(sigmas))


def _known(keypoints: tuple[str, ...]) -> Skeleton | None:
    return next((known for known in SKELETONS.values() if known.keypoints == keypoints), None)


def _read_json(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise DataError(f"there is no annotation file {path}; give the path of a COCO-format JSON file")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is not JSON ({error}); give a COCO-format JSON file") from error
    if not isinstance(content, Mapping):
        kind = type(content).__name__
        raise DataError(f"{path} holds a {kind}; a COCO-format file holds an object with categories")
    return content


def _category(content: Mapping[str, Any], wanted: str | int | None) -> Mapping[str, Any]:
    categories = list(content.get("categories", ()))
    if wanted is not None:
        known = [str(entry.get("name")) for entry in categories]
        categories = [entry for entry in categories if wanted in (entry.get("id"), entry.get("name"))]
        if not categories:
            raise DataError(f"there is no category {wanted!r}; {nearest(str(wanted), known)}")
    named = [entry for entry in categories if entry.get("keypoints")]
    if not named:
        raise DataError("no category lists keypoint names; give the skeleton yourself, as in skeleton=COCO")
    if len({tuple(entry["keypoints"]) for entry in named}) > 1:
        several = ", ".join(str(entry.get("name")) for entry in named)
        raise DataError(f"the categories {several} have different keypoints; choose one with category=")
    if isinstance(named[0]["keypoints"], str):
        came = f"category {named[0].get('name')!r} has keypoints={named[0]['keypoints']!r}"
        raise DataError(f"{came}, but a list of names is needed")
    return named[0]


def _links(category: Mapping[str, Any], keypoints: tuple[str, ...]) -> Pairs:
    links = []
    for link in category.get("skeleton") or ():
        if not isinstance(link, Sequence) or len(link) != 2 or not all(isinstance(n, int) for n in link):
            came = f"category {category.get('name')!r} has the link {link!r}"
            raise DataError(f"{came}; give the numbers of two keypoints, counted from 1")
        first, second = link
        if not (1 <= first <= len(keypoints) and 1 <= second <= len(keypoints)):
            counted = f"category {category.get('name')!r} has {len(keypoints)} keypoints"
            raise DataError(f"{counted}, and its skeleton links [{first}, {second}]; links count from 1")
        links.append((keypoints[first - 1], keypoints[second - 1]))
    return tuple(links)
