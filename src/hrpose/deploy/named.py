"""What a model returns as tensors with names, which is all that an exported file knows, and back."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from torch import Tensor, nn

from hrpose.codecs.aggregate import Merged
from hrpose.errors import ConfigError
from hrpose.types import Images, InstanceMaps, Points, PoseMaps, Pyramid, Scores


class PosePoints(NamedTuple):
    """What a top-down model returns that was exported with its decoding.

    points: (N, K, 2), in pixels of the crop or of the heatmap. scores: (N, K), the value at each peak.
    """

    points: Points
    scores: Scores


class PosePeaks(NamedTuple):
    """What a bottom-up model returns that was exported with its decoding; P peaks of each of K heatmaps.

    heatmaps: (N, K, h, w), those of all resolutions averaged. tags: (N, T, K, h, w), of the same size, or
        (N, T, 1, h, w) where all keypoints share them.
    peaks: (N, K, P, 3), x, y in heatmap pixels and the value, from high to low; a value of 0 is no peak.
    peak_tags: (N, K, P, T), the tags at the peaks.
    """

    heatmaps: Tensor
    tags: Tensor
    peaks: Tensor
    peak_tags: Tensor

    def merged(self) -> Merged:
        """The maps as `codec.decode` takes them to put people together."""
        return Merged(self.heatmaps, tuple(self.tags.unbind(1)))


Output: TypeAlias = PoseMaps | InstanceMaps | Pyramid | Tensor | PosePoints | PosePeaks
TUPLES: dict[str, Any] = {kind.__name__: kind for kind in (PoseMaps, InstanceMaps, PosePoints, PosePeaks)}
MAPS, TENSOR = "maps", "logits"  # what the tensors of a pyramid, and a tensor alone, are called


def kind_of(output: Any) -> str:
    """What an exported file calls the form of `output`.

    >>> import torch
    >>> kind_of(PoseMaps((torch.zeros(1),))), kind_of([torch.zeros(1)])
    ('PoseMaps', 'maps')

    Raises: ConfigError for anything but tensors, lists of them and the tuples of hrpose.
    """
    if isinstance(output, Tensor):
        return TENSOR
    if type(output).__name__ in TUPLES:
        return type(output).__name__
    if isinstance(output, list | tuple) and output and all(isinstance(part, Tensor) for part in output):
        return MAPS
    known = "a tensor, a list of tensors or PoseMaps"
    raise ConfigError(f"the model returns a {type(output).__name__}, which has no names; return {known}")


def name_outputs(output: Any) -> dict[str, Tensor]:
    """A name for each tensor: heatmaps_0, heatmaps_1, tags_0; maps_0, maps_1 of a pyramid; logits.

    >>> import torch
    >>> list(name_outputs(PoseMaps((torch.zeros(1), torch.zeros(1)), (torch.zeros(1),))))
    ['heatmaps_0', 'heatmaps_1', 'tags_0']

    Raises: as `kind_of`.
    """
    kind = kind_of(output)
    fields = output._asdict() if kind in TUPLES else {kind: output}
    named: dict[str, Tensor] = {}
    for name, value in fields.items():
        several = not isinstance(value, Tensor)
        named |= {f"{name}_{k}": part for k, part in enumerate(value)} if several else {name: value}
    return named


def join_outputs(kind: str, named: Mapping[str, Tensor]) -> Any:
    """What `name_outputs` took apart, from its kind and its tensors in order.

    >>> import torch
    >>> join_outputs("maps", {"maps_0": torch.zeros(1), "maps_1": torch.ones(1)})
    [tensor([0.]), tensor([1.])]
    """
    if kind == TENSOR:
        return named[TENSOR]
    if kind == MAPS:
        return list(named.values())
    fields: dict[str, Any] = {}
    for name, tensor in named.items():
        field, _, number = name.rpartition("_")
        if number.isdecimal():
            fields[field] = (*fields.get(field, ()), tensor)
        else:
            fields[name] = tensor
    return TUPLES[kind](**fields)


class Named(nn.Module):
    """A model whose tensors come under their names: what is traced."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Images) -> dict[str, Tensor]:
        """Images -> a tensor for each name."""
        return name_outputs(self.model(images))
