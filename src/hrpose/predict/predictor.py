"""Predictor: pictures and boxes in, people out, where a model meets its codec."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np
import torch
from torch import Tensor, nn

from hrpose.data.images import RGB, ImageSource, read_image
from hrpose.errors import ConfigError, HRPoseError, ShapeError
from hrpose.models.spec import PoseSpec
from hrpose.predict.boxes import BoxesGiven, Detector, Found, check_boxes, check_format, whole_picture
from hrpose.predict.people import People
from hrpose.types import PoseMaps

SURE = 0.2  # keypoints above it count toward a person's score, as in the evaluation of HRNet


class _Crops(NamedTuple):
    """The crops of one batch, and the way back to their pictures."""

    crops: Tensor  # (m, 3, H, W), normalised
    center: Tensor  # (m, 2)
    scale: Tensor  # (m, 2)


class Predictor:
    """Find the keypoints of people, each in a box: top-down.

    The crops of all people of all pictures run in batches on the model's device, and the points of all of
    them come back in one copy.

    Args:
        model: a pose model, a name of `hrpose.list_models()` (with its pretrained weights), or the path of a
            checkpoint.
        spec: how pictures go in and points come out; None takes the model's own.
        device: None keeps a model where it is, and takes CUDA for a name if there is one.
        batch_size: crops at a time.
        flip_test: also look at each crop mirrored, and take the mean.
    Raises: ConfigError for a model that does not know how pictures go into it; see `hrpose.create_model`.
    """

    def __init__(
        self,
        model: nn.Module | str | Path,
        *,
        spec: PoseSpec | None = None,
        device: str | torch.device | None = None,
        batch_size: int = 32,
        flip_test: bool = False,
    ) -> None:
        if batch_size < 1:
            raise ConfigError(f"batch_size={batch_size}; give 1 or more")
        self.model = model if isinstance(model, nn.Module) else _load(model)
        self.spec = spec if spec is not None else _spec_of(self.model)
        if len(self.spec.mean) != 3:
            channels = f"the model takes {len(self.spec.mean)} channels"
            raise ConfigError(
                f"{channels}, and pictures are read as RGB; call the model and its codec yourself"
            )
        self.device = _device(self.model, device, named=not isinstance(model, nn.Module))
        self.model.to(self.device)
        self.batch_size, self.flip_test = batch_size, flip_test

    @overload
    def __call__(
        self,
        images: list[Any] | tuple[Any, ...],
        boxes: "Sequence[BoxesGiven | None] | Detector | None" = None,
        *,
        box_format: str = "xyxy",
    ) -> list[People]: ...

    @overload
    def __call__(
        self,
        images: "ImageSource",
        boxes: "BoxesGiven | Detector | None" = None,
        *,
        box_format: str = "xyxy",
    ) -> People: ...

    def __call__(self, images: Any, boxes: Any = None, *, box_format: str = "xyxy") -> People | list[People]:
        """The people of one picture, or a list of those of each of several.

        An empty list of pictures gives an empty list; a picture with no boxes gives People of nobody.

        Args:
            images: a path, PIL image, array or tensor (see `read_image`), or a list of them.
            boxes: (M, 4) for one picture, a list with an entry for each of several, or a function from the
                picture (H, W, 3) to boxes, as `TorchvisionDetector`. None: each picture is one person.
            box_format: "xyxy" (left, top, right, bottom) or "xywh" (x, y, width, height).
        Raises: ImageError for a picture that cannot be used; ShapeError or DataError for boxes that cannot.
        """
        check_format(box_format)
        several = isinstance(images, list | tuple)
        pictures = (
            [_read(one, number) for number, one in enumerate(images)] if several else [read_image(images)]
        )
        given = _boxes_by_picture(boxes, len(pictures), several=several)
        found = [
            _find(one, picture, box_format=box_format, number=number)
            for number, (one, picture) in enumerate(zip(given, pictures, strict=True))
        ]
        people = self._people(pictures, found)
        return people if several else people[0]

    def _people(self, pictures: list[RGB], found: list[Found]) -> list[People]:
        counts = [len(one.boxes) for one in found]
        if not sum(counts):
            return [People.nobody(self.spec.skeleton, image=picture) for picture in pictures]
        boxes = np.concatenate([one.boxes for one in found])
        points, scores = self._predict(pictures, boxes, np.repeat(np.arange(len(pictures)), counts))
        ends = np.cumsum(counts)[:-1]
        parts = zip(np.split(points, ends), np.split(scores, ends), found, pictures, strict=True)
        return [
            People(
                keypoints=keypoints,
                scores=sure,
                boxes=one.boxes,
                person_scores=one.scores * _person_scores(sure),
                skeleton=self.spec.skeleton,
                image=picture,
            )
            for keypoints, sure, one, picture in parts
        ]

    def _predict(self, pictures: list[RGB], boxes: np.ndarray, owners: np.ndarray) -> tuple[Any, Any]:
        """Points (M, K, 2) and scores (M, K) of all boxes, on the host."""
        with _evaluating(self.model), torch.inference_mode():
            batches = self._batches(pictures, torch.from_numpy(boxes), owners.tolist())
            read = [torch.cat(self._points(batch), dim=2) for batch in batches]
            joined = torch.cat(read).float().cpu().numpy()  # (M, K, 3): the one copy
        return joined[..., :2], joined[..., 2]

    def _batches(self, pictures: list[RGB], boxes: Tensor, owners: list[int]) -> Iterator[_Crops]:
        """Crops in batches; a picture is on the device from its first person to its last."""
        held: dict[int, Tensor] = {}
        for start in range(0, len(boxes), self.batch_size):
            rows = slice(start, start + self.batch_size)
            wanted = sorted(set(owners[rows]))
            held = {
                number: held[number] if number in held else self._upload(pictures[number])
                for number in wanted
            }
            center, scale = self.spec.codec.center_scale(boxes[rows].to(self.device))
            matrices = self.spec.codec.matrices(center, scale)
            places = [wanted.index(owner) for owner in owners[rows]]
            crops = self.spec.codec.crop(list(held.values()), matrices, image_index=places)
            yield _Crops(self._normalised(crops), center, scale)

    def _upload(self, picture: RGB) -> Tensor:
        return torch.from_numpy(picture).to(self.device).permute(2, 0, 1)

    def _normalised(self, crops: Tensor) -> Tensor:
        mean = torch.tensor(self.spec.mean, device=self.device).view(-1, 1, 1)
        std = torch.tensor(self.spec.std, device=self.device).view(-1, 1, 1)
        dtype = next((weight.dtype for weight in self.model.parameters()), torch.float32)
        return ((crops.float() / 255 - mean) / std).to(dtype)

    def _points(self, batch: _Crops) -> tuple[Tensor, Tensor]:
        """Points (m, K, 2) in the picture, and scores (m, K, 1)."""
        codec, skeleton = self.spec.codec, self.spec.skeleton
        maps = _heatmaps(self.model(batch.crops))
        if self.flip_test:
            mirrored = _heatmaps(self.model(batch.crops.flip(3)))
            maps = codec.merge_flip(maps, mirrored, skeleton.mirror_index)
        points, scores = codec.decode(maps)
        if points.shape[1] != skeleton.num_keypoints:
            made = f"the model gives {points.shape[1]} keypoints"
            raise ShapeError(
                f"{made}, and skeleton {skeleton.name!r} has {skeleton.num_keypoints}; give its own"
            )
        return codec.to_image(points, batch.center, batch.scale), scores[..., None]


def _load(source: str | Path) -> nn.Module:
    """A model with its weights: by name as the card says, else as the weights themselves tell."""
    from hrpose.hub import create_model, from_checkpoint, list_models  # only names need the hub

    if str(source) in list_models():
        named: nn.Module = create_model(str(source), pretrained=True)
        return named
    found: nn.Module = from_checkpoint(str(source))
    return found


def _spec_of(model: nn.Module) -> PoseSpec:
    spec = getattr(model, "spec", None)
    if not isinstance(spec, PoseSpec):
        kind = type(model).__name__
        advice = "build it with hrpose.create_model, or give spec=PoseSpec(skeleton=..., codec=...)"
        raise ConfigError(
            f"this {kind} does not say how pictures go in and points come out (no spec); {advice}"
        )
    return spec


def _device(model: nn.Module, wanted: str | torch.device | None, *, named: bool) -> torch.device:
    if wanted is not None:
        return torch.device(wanted)
    if named and torch.cuda.is_available():
        return torch.device("cuda")
    return next((weight.device for weight in model.parameters()), torch.device("cpu"))


def _read(source: Any, number: int) -> RGB:
    try:
        return read_image(source)
    except HRPoseError as error:
        raise type(error)(f"picture {number}: {error}") from error


def _boxes_by_picture(boxes: Any, pictures: int, *, several: bool) -> list[Any]:
    if boxes is None or callable(boxes):
        return [boxes] * pictures
    if not several:
        return [boxes]
    if len(boxes) != pictures:
        came = f"{pictures} pictures and {len(boxes)} entries of boxes"
        raise ShapeError(f"{came} came; give a list with one entry a picture, each (M, 4) or None")
    return list(boxes)


def _find(given: Any, picture: RGB, *, box_format: str, number: int) -> Found:
    if given is None:
        return whole_picture(picture)
    boxes = given(picture) if callable(given) else given
    return check_boxes(boxes, picture, box_format=box_format, picture=number)


def _heatmaps(maps: Any) -> Tensor:
    if not isinstance(maps, PoseMaps):
        raise ConfigError(
            f"the model returned {type(maps).__name__}, not PoseMaps; a predictor needs a pose model"
        )
    return maps.heatmaps[-1]


def _person_scores(scores: np.ndarray) -> np.ndarray:
    """The mean over the keypoints that are sure, (M,); 0 where none is."""
    sure = scores > SURE
    total = np.where(sure, scores, 0).sum(axis=1)
    return np.asarray(total / np.maximum(sure.sum(axis=1), 1), np.float32)


@contextlib.contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode for a while; each part goes back to the mode it was in."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
