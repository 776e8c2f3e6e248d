"""Do a model and its data belong together? What a model without a spec learns from its data."""

from dataclasses import fields, replace

from torch import Tensor, nn

from hrpose.codecs import BottomUpCodec, TopDownCodec
from hrpose.data.bottomup import BottomUpDataset
from hrpose.data.instances import InstanceDataset
from hrpose.errors import ConfigError, DataError
from hrpose.models.bottomup import BottomUpSpec
from hrpose.models.hourglass import HourglassAESpec, StackedHourglass
from hrpose.models.instances import InstanceSegmenter
from hrpose.models.spec import PoseSpec
from hrpose.train import instances
from hrpose.train.kinds import Learner, PeopleData, PoseData, kind_for, kind_of


def check_data(model: nn.Module, data: PoseData, name: str) -> None:
    """Raise unless `data` holds something that `model` can learn.

    Raises: DataError for an empty data set; ConfigError if the model is no pose network or of the other kind,
        or if keypoints or codec differ from the model's.
    """
    kind = kind_of(data)
    if len(data) == 0:
        raise DataError(f"{name} is empty; give at least one {kind.sample}")
    if not isinstance(model, Learner):
        raise ConfigError(f"{type(model).__name__} is no pose network; give a model with loss(maps, targets)")
    if kind_for(model) is not kind:
        came = f"{name} holds {type(data).__name__}, but {type(model).__name__} is {kind_for(model).model}"
        raise ConfigError(f"{came}; make the data by {kind_for(model).made}")
    if isinstance(model, InstanceSegmenter) or isinstance(data, InstanceDataset):
        instances.check(model, data, name)  # type: ignore[arg-type]  # of the kind that it learns from
        return
    wanted, has = data.skeleton.num_keypoints, model.config.num_keypoints - centers(data)
    if wanted != has:
        came = f"{name} has the {wanted} keypoints of {data.skeleton.name!r}, but the model {has}"
        raise ConfigError(
            f"{came}; create the model with skeleton= or num_keypoints={wanted + centers(data)}"
        )
    if model.spec is not None:
        check_spec_of(model.spec, data, name)


def centers(data: PeopleData) -> int:
    """Heatmaps that mark no keypoint: 1 for the middle of people, where the codec has it."""
    return int(isinstance(data, BottomUpDataset) and data.codec.center)


def check_spec_of(spec: PoseSpec, data: PeopleData, name: str) -> None:
    """Raise ConfigError unless `data` were prepared as `spec` says."""
    ours, theirs = spec.skeleton, data.skeleton
    if ours.keypoints != theirs.keypoints:
        came = f"{name} names its keypoints {theirs.name!r}, but the model's spec {ours.name!r}"
        raise ConfigError(
            f"{came}; if they are the same, read the data with skeleton={ours.name!r}, "
            f"else give model.spec the skeleton of the data, or set it to None"
        )
    given = data.codec
    if isinstance(data, BottomUpDataset) and isinstance(spec.codec, type(given)):
        # networks for whole pictures take any size: they may learn from small views of large pictures
        given = replace(data.codec, input_size=spec.codec.input_size)  # type: ignore[arg-type]  # same class
    if spec.codec != given:
        came, wanted = told_apart(given, spec.codec)
        raise ConfigError(
            f"{name} is encoded by {came}, but the model's spec says {wanted}; "
            f"build the data with model.spec.codec, create the model with codec=, or set model.spec to None"
        )


def told_apart(came: TopDownCodec | BottomUpCodec, wanted: TopDownCodec | BottomUpCodec) -> tuple[str, str]:
    """Two codecs in as few words as tell them apart: their names, or the settings in which they differ.

    >>> from hrpose.codecs import MSRA
    >>> told_apart(MSRA(input_size=(64, 48)), MSRA(input_size=(64, 48), sigma=1.0))
    ('MSRA(sigma=2.0)', 'MSRA(sigma=1.0)')
    """
    if type(came) is not type(wanted):
        return type(came).__name__, type(wanted).__name__
    names = [f.name for f in fields(came) if getattr(came, f.name) != getattr(wanted, f.name)]

    def told(codec: TopDownCodec | BottomUpCodec) -> str:
        settings = (f"{name}={getattr(codec, name)}" for name in names)
        return f"{type(codec).__name__}({', '.join(settings)})"

    return told(came), told(wanted)


def learn_spec(model: Learner, data: PoseData) -> None:
    """A model without a spec takes over how its data were prepared, so that its weights can be used later."""
    if model.spec is not None:
        return
    mean, std = _triple(data.mean), _triple(data.std)
    if isinstance(model, InstanceSegmenter) or isinstance(data, InstanceDataset):
        model.spec = instances.spec_of(data, mean, std)  # type: ignore[arg-type]  # checked before
    elif not isinstance(data, BottomUpDataset):
        model.spec = PoseSpec(skeleton=data.skeleton, codec=data.codec, mean=mean, std=std)
    else:
        kind = HourglassAESpec if isinstance(model, StackedHourglass) else BottomUpSpec
        model.spec = kind(skeleton=data.skeleton, codec=data.codec, mean=mean, std=std)  # type: ignore[arg-type]


def _triple(values: Tensor) -> tuple[float, ...]:
    """One number a channel, as short as float32 allows."""
    return tuple(round(v, 6) for v in values.flatten().tolist())
