"""Kinds of data: the one place where training and evaluation tell crops from whole pictures."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from hrpose.data.bottomup import BottomUpDataset
from hrpose.data.topdown import TopDownDataset
from hrpose.errors import DataError
from hrpose.train import bottomup, topdown
from hrpose.train.batches import Batch

PoseData: TypeAlias = TopDownDataset | BottomUpDataset


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What differs from kind to kind; the functions are those of `train.topdown` or `train.bottomup`."""

    sample: str  # what one sample is called
    model: str  # what a model that learns from it is called
    batch_size: int  # of an evaluation, if no other is asked for
    collate: Callable[..., Batch]
    names: Callable[..., str]
    detect: Callable[..., tuple[int, Iterator[list[dict[str, Any]]]]]
    ground_truth: Callable[..., dict[str, Any]]


CROPS = Kind(
    sample="person",
    model="top-down",
    batch_size=64,
    collate=topdown.collate,
    names=topdown.names,
    detect=topdown.detect,
    ground_truth=topdown.ground_truth,
)
PICTURES = Kind(
    sample="picture",
    model="bottom-up",
    batch_size=8,
    collate=bottomup.collate,
    names=bottomup.names,
    detect=bottomup.detect,
    ground_truth=bottomup.ground_truth,
)


def kind_of(data: PoseData) -> Kind:
    """The kind of a data set.

    Raises: DataError for anything else.
    """
    if isinstance(data, BottomUpDataset):
        return PICTURES
    if isinstance(data, TopDownDataset):
        return CROPS
    raise DataError(
        f"a {type(data).__name__} is no pose data; give what crops(...) or pictures(...) of a reader makes"
    )
