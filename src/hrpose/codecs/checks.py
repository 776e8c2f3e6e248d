"""Questions that every codec asks of what it is given."""

from collections.abc import Iterable

from torch import Tensor

from hrpose.errors import ShapeError, UnknownNameError, nearest


def check_shape(what: str, tensor: Tensor, *sizes: int | str) -> None:
    """Raise ShapeError unless `tensor` has these sizes; a letter stands for any.

    >>> import torch
    >>> check_shape("boxes", torch.zeros(3, 4), "M", 4)

    Raises: ShapeError also for what is no tensor.
    """
    if not isinstance(tensor, Tensor):
        fix = "torch.as_tensor makes one of an array or a list"
        raise ShapeError(f"{what} came as {type(tensor).__name__}, but a tensor is needed; {fix}")
    fits = tensor.dim() == len(sizes) and all(
        wanted in (got, str(wanted)) for got, wanted in zip(tensor.shape, sizes, strict=True)
    )
    if not fits:
        needed = ", ".join(map(str, sizes))
        raise ShapeError(f"{what} has the shape {tuple(tensor.shape)}, but ({needed}) is needed; reshape it")


def choose(what: str, name: str, names: Iterable[str]) -> str:
    """Return `name`, or raise UnknownNameError with the nearest of `names`."""
    known = tuple(names)
    if name not in known:
        raise UnknownNameError(f"no {what} is called {name!r}; {nearest(name, known)}")
    return name
