"""Kinds of data: the one place where training and evaluation tell crops, pictures and instances apart."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from hrpose.data.bottomup import BottomUpDataset
from hrpose.data.instances import InstanceDataset
from hrpose.data.topdown import TopDownDataset
from hrpose.errors import DataError
from hrpose.models.base import Supervised
from hrpose.models.instances import InstanceSegmenter
from hrpose.train import bottomup, instances, topdown, whole
from hrpose.train.batches import Batch

PeopleData: TypeAlias = TopDownDataset | BottomUpDataset
PoseData: TypeAlias = PeopleData | InstanceDataset
Learner: TypeAlias = Supervised | InstanceSegmenter


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What differs from kind to kind; the functions are those of the file in `train` of that name."""

    sample: str  # what one sample is called
    model: str  # what a model that learns from it is called
    made: str  # how such data are made
    batch_size: int  # of an evaluation, if no other is asked for
    collate: Callable[..., Batch]
    names: Callable[..., str]
    detect: Callable[..., tuple[int, Iterator[list[dict[str, Any]]]]]
    ground_truth: Callable[..., dict[str, Any]]
    score: Callable[..., dict[str, float]]


CROPS = Kind(
    sample="person with labelled keypoints",
    model="top-down",
    made="crops(codec) of a reader",
    batch_size=64,
    collate=topdown.collate,
    names=topdown.names,
    detect=topdown.detect,
    ground_truth=topdown.ground_truth,
    score=topdown.score,
)
PICTURES = Kind(
    sample="picture with labelled keypoints",
    model="bottom-up",
    made="pictures(codec) of a reader",
    batch_size=8,
    collate=bottomup.collate,
    names=whole.names,
    detect=bottomup.detect,
    ground_truth=bottomup.ground_truth,
    score=bottomup.score,
)
INSTANCES = Kind(
    sample="picture with outlined things",
    model="an instance segmenter",
    made="CocoInstances.pictures(input_size)",
    batch_size=8,
    collate=instances.collate,
    names=whole.names,
    detect=instances.detect,
    ground_truth=instances.ground_truth,
    score=instances.score,
)


def kind_of(data: PoseData) -> Kind:
    """The kind of a data set.

    Raises: DataError for anything else.
    """
    if isinstance(data, BottomUpDataset):
        return PICTURES
    if isinstance(data, TopDownDataset):
        return CROPS
    if isinstance(data, InstanceDataset):
        return INSTANCES
    raise DataError(
        f"a {type(data).__name__} is no pose data; give what crops(...) or pictures(...) of a reader makes"
    )


def kind_for(model: Learner) -> Kind:
    """The kind of data that a model learns from."""
    if isinstance(model, InstanceSegmenter):
        return INSTANCES
    return PICTURES if model.finds_people else CROPS
