"""Run what was exported on images of several shapes, and compare it with the model."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from hrpose.deploy.decoding import WithPeaks, WithPoints, disturbed
from hrpose.deploy.named import name_outputs
from hrpose.errors import ExportError, first_line

Shape: TypeAlias = tuple[int, ...]  # (N, C, H, W)
SEED = 5  # of the images
DRAWS = 6  # disturbances that a peak must withstand to be compared


@dataclass(frozen=True)
class Check:
    """How far one output is from the model's for images of one shape, as part of its largest value."""

    shape: Shape
    output: str
    difference: float


def verify(
    model: nn.Module,
    made: Callable[[Tensor], Any],
    shapes: Sequence[Shape],
    *,
    tolerance: float,
    what: str,
) -> tuple[Check, ...]:
    """Compare the exported `made` with `model` on random images of each shape.

    A peak that a disturbance of the size of the tolerance would move is as good as its neighbour: the
    points of models exported with their decoding are compared where that is not so.

    Args:
        what: the file, for the error.
    Raises: ExportError if an output is further off than `tolerance`, has another shape, or fails to come.
    """
    checks: list[Check] = []
    for number, shape in enumerate(shapes):
        generator = torch.Generator().manual_seed(SEED + number)
        images = torch.randn(shape, generator=generator)
        with torch.no_grad(), _told(f"{what}: the model itself", shape):
            wanted, steady = _answer(model, images, tolerance, generator)
        with torch.no_grad(), _told(f"{what}: the graph", shape):
            came = name_outputs(made(images))
        for name, tensor in wanted.items():
            checks.append(Check(shape, name, _difference(tensor, came[name], steady.get(name))))
            _judge(checks[-1], tolerance, what)
    return tuple(checks)


@contextmanager
def _told(who: str, shape: Shape) -> Iterator[None]:
    """Tell of an error of any kind, since each runtime has its own, as one of ours."""
    try:
        yield
    except Exception as error:
        raise ExportError(
            f"{who} fails for images of {shape} ({first_line(error)}); {_advice(shape)}"
        ) from error


def _answer(
    model: nn.Module, images: Tensor, tolerance: float, generator: torch.Generator
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What the model gives, and for decoded outputs where that withstands a disturbance."""
    if not isinstance(model, WithPoints | WithPeaks):
        return name_outputs(model(images)), {}
    read: Callable[[Any], Any] = model.read
    maps = model.maps(images)
    wanted = name_outputs(read(maps))
    steady = {name: torch.ones_like(tensor, dtype=torch.bool) for name, tensor in wanted.items()}
    for _ in range(DRAWS):
        moved = name_outputs(read(disturbed(maps, tolerance / 10, generator)))
        for name, tensor in wanted.items():
            near = tolerance * tensor.nan_to_num().abs().amax()
            steady[name] &= torch.isclose(moved[name], tensor, rtol=0, atol=float(near), equal_nan=True)
    return wanted, steady


def _difference(wanted: Tensor, came: Tensor, steady: Tensor | None) -> float:
    """The largest, as part of the largest value; infinite for another shape, or NaN in one of them."""
    if wanted.shape != came.shape or not wanted.numel():
        return 0.0 if wanted.shape == came.shape else float("inf")
    apart = (wanted - came.to(wanted)).abs()
    apart = torch.where(wanted.isnan() & came.isnan(), 0, apart)
    if steady is not None:
        apart = torch.where(steady, apart, 0)
    largest = float(wanted.nan_to_num().abs().amax())
    worst = float(apart.nan_to_num(nan=float("inf")).amax())
    return worst / largest if largest else worst


def _judge(check: Check, tolerance: float, what: str) -> None:
    if not check.difference <= tolerance:
        came = f"{what}: {check.output} for images of {check.shape} is off by {check.difference:.2g}"
        needed = f"at most tolerance={tolerance:.2g} of its largest value is allowed"
        raise ExportError(f"{came}, but {needed}; {_advice(check.shape)}")


def _advice(shape: Shape) -> str:
    fix = (
        f"give dynamic='batch' and an example of {shape[2]} x {shape[3]} pixels if that is the size you need"
    )
    return f"the file was not kept; {fix}"
