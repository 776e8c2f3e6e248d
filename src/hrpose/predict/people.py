"""People: what a predictor found in one picture."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hrpose.data.images import ImageSource, read_image
from hrpose.errors import ConfigError, MissingExtraError, ShapeError
from hrpose.skeletons import Skeleton
from hrpose.viz import DrawStyle, draw_people

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class People:
    """M people of K keypoints in one picture; M may be 0.

    >>> people = People.nobody(Skeleton.generic(3))
    >>> people, people.keypoints.shape
    (People(0 people, 3 keypoints of 'generic_3'), (0, 3, 2))

    Raises: ShapeError if the arrays do not fit each other or the skeleton.
    """

    # (M, K, 2): (x, y) in pixels of the picture as it is seen, pixel centres at whole numbers
    keypoints: Floats
    scores: Floats  # (M, K): how sure each keypoint is, about 0 to 1; 0 is missing, its place means nothing
    boxes: Floats  # (M, 4): (x, y, width, height)
    person_scores: Floats  # (M,): how sure each person is
    skeleton: Skeleton
    tags: Floats | None = None  # (M, K, T): associative-embedding tags; None for a top-down model
    # (H, W, 3), what `draw` draws on
    image: NDArray[np.uint8] | None = dataclasses.field(default=None, repr=False)

    def __post_init__(self) -> None:
        people, count = len(self.keypoints), self.skeleton.num_keypoints
        needed: dict[str, tuple[int, ...]] = {
            "keypoints": (people, count, 2),
            "scores": (people, count),
            "boxes": (people, 4),
            "person_scores": (people,),
        }
        if self.tags is not None:
            needed["tags"] = (people, count, *(np.shape(self.tags)[2:3] or (1,)))
        for name, shape in needed.items():
            came = np.shape(getattr(self, name))
            if came != shape:
                of = f"{people} people of the {count} keypoints of {self.skeleton.name!r}"
                raise ShapeError(f"{name} has the shape {came}; {of} need {shape}")

    def __repr__(self) -> str:
        """One line; the arrays would fill a screen."""
        best = f", best score {self.person_scores.max():.2f}" if len(self) else ""
        of = f"{self.skeleton.num_keypoints} keypoints of {self.skeleton.name!r}"
        return f"People({len(self)} people, {of}{best})"

    @classmethod
    def nobody(cls, skeleton: Skeleton, *, image: NDArray[np.uint8] | None = None) -> "People":
        """The people of an empty picture."""
        count = skeleton.num_keypoints
        return cls(
            keypoints=np.zeros((0, count, 2), np.float32),
            scores=np.zeros((0, count), np.float32),
            boxes=np.zeros((0, 4), np.float32),
            person_scores=np.zeros(0, np.float32),
            skeleton=skeleton,
            image=image,
        )

    @property
    def boxes_xyxy(self) -> Floats:
        """(M, 4): (left, top, right, bottom)."""
        return np.concatenate([self.boxes[:, :2], self.boxes[:, :2] + self.boxes[:, 2:]], axis=1)

    def __len__(self) -> int:
        """M."""
        return len(self.keypoints)

    def __getitem__(self, which: int | slice | NDArray[Any] | list[int]) -> "People":
        """Some of the people, by number, slice, list or mask; one number gives a People of one.

        Raises: IndexError for a number that nobody has.
        """
        if isinstance(which, int | np.integer):
            if not -len(self) <= which < len(self):
                raise IndexError(f"there is no person {which}; there are {len(self)}, counted from 0")
            which = [int(which)]
        rows = np.arange(len(self))[which]
        arrays = ("keypoints", "scores", "boxes", "person_scores")
        chosen: dict[str, Any] = {name: getattr(self, name)[rows] for name in arrays}
        return dataclasses.replace(self, tags=None if self.tags is None else self.tags[rows], **chosen)

    def __iter__(self) -> Iterator["People"]:
        """One People a person."""
        return (self[number] for number in range(len(self)))

    def draw(self, image: "ImageSource | None" = None, *, style: DrawStyle | None = None) -> Image.Image:
        """A copy of the picture with the skeletons on it.

        Args:
            image: any picture that `read_image` reads; None takes the one the people were found in.
            style: colours, thickness and the score below which a keypoint is left out.
        Raises: ConfigError if there is no picture to draw on.
        """
        if image is None and self.image is None:
            raise ConfigError("these people know no picture; give one, as in people.draw(image)")
        canvas = self.image if image is None else read_image(image)
        return draw_people(canvas, self.keypoints, self.skeleton, scores=self.scores, style=style)

    def to_coco(self, image_id: int | str, *, category_id: int = 1) -> list[dict[str, Any]]:
        """The people as entries of a COCO results file: plain numbers, ready for `json.dump`."""
        triples = np.concatenate([self.keypoints, self.scores[..., None]], axis=2)
        return [
            {
                "image_id": image_id,
                "category_id": category_id,
                "keypoints": [float(number) for number in triples[row].reshape(-1)],
                "bbox": [float(number) for number in self.boxes[row]],
                "score": float(self.person_scores[row]),
            }
            for row in range(len(self))
        ]

    def to_supervision(self) -> Any:
        """The people as `supervision.KeyPoints`.

        Raises: MissingExtraError if supervision is not installed.
        """
        try:
            import supervision  # optional, and slow to import
        except ImportError as error:
            advice = 'python -m pip install "hrpose[viz]"'
            raise MissingExtraError(f"to_supervision needs supervision; run: {advice}") from error
        if not len(self):
            return supervision.KeyPoints.empty()
        return supervision.KeyPoints(xy=self.keypoints, keypoint_confidence=self.scores)
