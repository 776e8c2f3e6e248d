"""The parts of the networks, each usable alone."""

from hrpose.layers.blocks import BasicBlock, Bottleneck, DropPath, SqueezeExcite, conv_bn
from hrpose.layers.exchange import ExchangeUnit, HRModule, MergeInto, Transition
from hrpose.layers.groups import decayed_groups
from hrpose.layers.hourglass import Hourglass, PreActResidual
from hrpose.layers.resize import ResizeTo

__all__ = [
    "BasicBlock",
    "Bottleneck",
    "DropPath",
    "ExchangeUnit",
    "HRModule",
    "Hourglass",
    "MergeInto",
    "PreActResidual",
    "ResizeTo",
    "SqueezeExcite",
    "Transition",
    "conv_bn",
    "decayed_groups",
]
