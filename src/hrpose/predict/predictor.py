"""Predictor: pictures in, with boxes for a top-down model, and people out: where a model meets its codec."""

from collections.abc import Sequence, Sized
from pathlib import Path
from typing import Any, overload

import torch
from torch import nn

from hrpose.data.images import RGB, ImageSource, read_image
from hrpose.errors import ConfigError, HRPoseError, ShapeError
from hrpose.models.bottomup import BottomUpSpec
from hrpose.models.device import as_device
from hrpose.models.spec import PoseSpec
from hrpose.predict.bottomup import FromPictures
from hrpose.predict.boxes import BoxesGiven, Detector, Found, check_boxes, check_format, whole_picture
from hrpose.predict.fast import optimized
from hrpose.predict.people import People
from hrpose.predict.topdown import FromBoxes


class Predictor:
    """Find people and their keypoints in pictures.

    A top-down model finds the keypoints of one person in each box: the crops of all people of all pictures
    run in batches on the model's device, and the points of all of them come back in one copy. A bottom-up
    model finds everybody in whole pictures, without boxes; pictures that are fed in one size run together.

    Args:
        model: a pose model, a name of `hrpose.list_models()` (with its pretrained weights), or the path of a
            checkpoint.
        spec: how pictures go in and points come out; None takes the model's own.
        device: None keeps a model where it is, and takes CUDA for a name if there is one.
        batch_size: crops or pictures at a time; None takes 32 crops, or 8 pictures.
        flip_test: also look at each crop or picture mirrored, and take the mean.
        scales: bottom-up: the sizes to look at each picture in, such as (0.5, 1, 2).
        optimize: make the model fast for its device first, which takes a while: see `hrpose.deploy.optimize`.
            Its weights must then stay as they are. To choose how, give what `optimize` returns as the model.
    Raises: ConfigError for a model that does not know how pictures go into it, see `hrpose.create_model`; for
        scales without 1, and for scales of a top-down model.
    """

    def __init__(
        self,
        model: nn.Module | str | Path,
        *,
        spec: PoseSpec | None = None,
        device: str | torch.device | None = None,
        batch_size: int | None = None,
        flip_test: bool = False,
        scales: Sequence[float] = (1.0,),
        optimize: bool = False,
    ) -> None:
        if batch_size is not None and batch_size < 1:
            raise ConfigError(f"batch_size={batch_size}; give 1 or more")
        self.model = model if isinstance(model, nn.Module) else _load(model)
        self.spec = _spec_of(self.model) if spec is None else spec
        _check_spec(self.spec)
        self.device = _device(self.model, device, named=not isinstance(model, nn.Module))
        self.model.to(self.device)
        if optimize:
            self.model = optimized(self.model, self.spec, batch_size=batch_size)
        self.reader = self._reader(batch_size, flip_test=flip_test, scales=tuple(scales))

    def _reader(
        self, batch_size: int | None, *, flip_test: bool, scales: tuple[float, ...]
    ) -> FromBoxes | FromPictures:
        """The way from pictures to people that the spec asks for."""
        if isinstance(self.spec, BottomUpSpec):
            return FromPictures(
                self.model,
                self.spec,
                device=self.device,
                batch_size=batch_size or 8,
                flip_test=flip_test,
                scales=scales,
            )
        if scales != (1,):
            raise ConfigError(
                f"scales={scales}, but a top-down model cuts every box to one size; leave it out"
            )
        return FromBoxes(
            self.model, self.spec, device=self.device, batch_size=batch_size or 32, flip_test=flip_test
        )

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
                picture (H, W, 3) to boxes, as `TorchvisionDetector`. None: each picture is one person. A
                bottom-up model takes none.
            box_format: "xyxy" (left, top, right, bottom) or "xywh" (x, y, width, height).
        Raises: ImageError for a picture that cannot be used; ShapeError or DataError for boxes that cannot;
            ConfigError for boxes that a bottom-up model has no use for.
        """
        check_format(box_format)
        several = isinstance(images, list | tuple)
        if several:
            pictures = [_read(one, number) for number, one in enumerate(images)]
        else:
            pictures = [read_image(images)]
        if isinstance(self.reader, FromBoxes):
            given = _boxes_by_picture(boxes, len(pictures), several=several)
            found = [
                _find(one, picture, box_format=box_format, number=number)
                for number, (one, picture) in enumerate(zip(given, pictures, strict=True))
            ]
            people = self.reader.people(pictures, found)
        elif boxes is not None:
            raise ConfigError(
                f"boxes came, but this {type(self.model).__name__} is bottom-up and finds people by itself; "
                "leave boxes out, or take a top-down model"
            )
        else:
            people = self.reader.people(pictures)
        return people if several else people[0]


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
        advice = (
            "create it by a name with a tag or with skeleton=, or give spec=PoseSpec(skeleton=..., codec=...)"
        )
        raise ConfigError(
            f"this {kind} does not say how pictures go in and points come out (no spec); {advice}"
        )
    return spec


def _check_spec(spec: Any) -> None:
    """Raise ConfigError unless it is a spec for pictures in colour."""
    if not isinstance(spec, PoseSpec):
        raise ConfigError(f"spec={spec!r} is no PoseSpec; give PoseSpec(skeleton=..., codec=...), or None")
    if len(spec.mean) != 3:
        channels = f"the model takes {len(spec.mean)} channels"
        raise ConfigError(f"{channels}, and pictures are read as RGB; call the model and its codec yourself")


def _device(model: nn.Module, wanted: str | torch.device | None, *, named: bool) -> torch.device:
    """The device asked for; else that of a given model, and the best there is for one loaded by name."""
    if wanted is not None:
        return as_device(wanted)
    if named:
        return as_device(None)
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
    entries = len(boxes) if isinstance(boxes, Sized) else 0
    if entries != pictures:
        came = f"{pictures} pictures and {entries} entries of boxes"
        raise ShapeError(f"{came} came; give a list with one entry a picture, each (M, 4) or None")
    return list(boxes)


def _find(given: Any, picture: RGB, *, box_format: str, number: int) -> Found:
    if given is None:
        return whole_picture(picture)
    boxes = given(picture) if callable(given) else given
    return check_boxes(boxes, picture, box_format=box_format, picture=number)
