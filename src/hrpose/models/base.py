"""What all models share: a backbone, a head, and the settings that made them."""

import abc
import dataclasses
from typing import Any

from torch import Tensor, nn

from hrpose.backbones.base import Backbone
from hrpose.layers.groups import Layer, decayed_groups
from hrpose.losses.heatmap import HeatmapMSE
from hrpose.models.spec import PoseSpec
from hrpose.models.supervise import supervise
from hrpose.types import PoseMaps, PoseTargets


class Model(nn.Module, abc.ABC):
    """A network made from settings, cut into layers that can learn at different rates."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config

    @abc.abstractmethod
    def layers(self) -> list[Layer]:
        """The network cut into layers, input first."""

    @abc.abstractmethod
    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Recompute activations in the backward pass, to save memory."""

    def parameter_groups(
        self, *, lr: float, layer_decay: float = 1.0, weight_decay: float = 0.0
    ) -> list[dict[str, Any]]:
        """Groups for a torch optimizer, the last layer at `lr`; see `decayed_groups`."""
        return decayed_groups(self.layers(), lr=lr, layer_decay=layer_decay, weight_decay=weight_decay)


class Network(Model):
    """A backbone and a head; freeze parts of it by `network.backbone.freeze(...)`."""

    def __init__(self, config: Any, backbone: Backbone, head: nn.Module) -> None:
        super().__init__(config)
        self.backbone = backbone
        self.head = head

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Recompute the activations of the backbone in the backward pass, to save memory."""
        self.backbone.set_grad_checkpointing(enable)

    def layers(self) -> list[Layer]:
        """The network cut into layers, input first; the head is the last."""
        return [*self.backbone.layers(), (self.head,)]


class Supervised(Model):
    """What pose models share, whatever they are made of: keypoint names and codec, and a loss over every map.

    A family needs a config with a field `spec: PoseSpec | None`, a criterion for `supervise`, a `forward`
    that returns PoseMaps, and its lines in `families.py`.
    """

    criterion: nn.Module  # another one may be set in its place

    @property
    def spec(self) -> PoseSpec | None:
        """Keypoint names, codec and normalisation, where known; setting it changes the config."""
        return self.config.spec

    @spec.setter
    def spec(self, spec: PoseSpec | None) -> None:
        self.config = dataclasses.replace(self.config, spec=spec)

    @property
    def finds_people(self) -> bool:
        """Whether it sees whole images and tells people apart by tags, or crops of one person each."""
        return False

    def loss(self, maps: PoseMaps, targets: PoseTargets) -> dict[str, Tensor]:
        """Named terms whose sum is the loss; see `supervise`."""
        return supervise(maps, targets, self.criterion)


class PoseNetwork(Network, Supervised):
    """A backbone and a head that return PoseMaps, learned by the squared error of every heatmap."""

    def __init__(self, config: Any, backbone: Backbone, head: nn.Module) -> None:
        super().__init__(config, backbone, head)
        self.criterion = HeatmapMSE()
