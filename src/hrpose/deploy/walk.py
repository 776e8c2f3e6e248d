"""From a network to the fused one, module by module: what is known is replaced, the rest stays."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, cast

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase
from torch.nn.modules.conv import _ConvNd

from hrpose.backbones.hrnet import HRNet, HRStage
from hrpose.backbones.timm import TimmBackbone
from hrpose.deploy.blocks import FusedPreAct, FusedResidual, FusedRow
from hrpose.deploy.conv import FusedConv, FusedDeconv
from hrpose.deploy.exchange import FusedExchange
from hrpose.deploy.fold import is_conv, is_norm, is_plain
from hrpose.deploy.foreign import fold_pairs
from hrpose.heads.classify import ClassificationHead
from hrpose.heads.concat import HRNetV2Head, HRNetV2pHead
from hrpose.heads.heatmap import HRNetV1Head
from hrpose.heads.higher import DeconvModule, HigherHRNetHead
from hrpose.heads.instances import InstanceHead
from hrpose.heads.tags import AETagHead
from hrpose.layers.blocks import BasicBlock, Bottleneck
from hrpose.layers.exchange import ExchangeUnit, HRModule, Transition
from hrpose.layers.hourglass import Hourglass, PreActResidual
from hrpose.layers.recompute import Steps
from hrpose.models.bottomup import BottomUp
from hrpose.models.classify import Classifier
from hrpose.models.hourglass import FeatureLink, Link, Stack, StackedHourglass
from hrpose.models.instances import InstanceSegmenter
from hrpose.models.segment import Segmenter
from hrpose.models.topdown import TopDown

REPLACED: dict[type, Callable[[Any], nn.Module]] = {  # a module that does the same, for the whole module
    BasicBlock: FusedResidual,
    Bottleneck: FusedResidual,
    PreActResidual: FusedPreAct,
    ExchangeUnit: FusedExchange,
}
ROWS = (nn.Sequential, Steps, DeconvModule)  # call their children one after another
HELD = (*ROWS, nn.ModuleList, nn.ModuleDict)  # may be looked into by the module that holds them
CALLERS = (  # only call their children, so that each can be replaced by one that does the same
    *(TopDown, BottomUp, Classifier, Segmenter, InstanceSegmenter, StackedHourglass),
    *(HRNet, HRStage, HRModule, Transition, TimmBackbone),
    *(HRNetV1Head, HRNetV2Head, HRNetV2pHead, HigherHRNetHead, AETagHead, ClassificationHead, InstanceHead),
    *(Hourglass, Stack, Link, FeatureLink),
)


def fused(module: nn.Module, *, called: bool = True) -> nn.Module:
    """What does the same as `module`, whose parts are replaced in place.

    Args:
        called: whether all that is done with `module` is to call it. Of one that is held by a foreign module
            nobody knows, so that no batch norm moves within it.
    """
    kind = type(module)
    if kind in REPLACED and is_foldable(module):
        return REPLACED[kind](module)
    if called and is_conv(module):
        return fused_conv(module)
    if called and kind in ROWS:
        fold_row(module)
    calls = kind in CALLERS or (called and kind in HELD)
    for name, child in module.named_children():
        setattr(module, name, fused(child, called=calls))
    if isinstance(module, Steps | Stack):
        module.grad_checkpointing = False  # there is no backward pass
    if called and not calls:
        fold_pairs(module)
    units = any(isinstance(child, FusedResidual) for child in module.children())
    if calls and units and kind in (nn.Sequential, Steps) and is_plain(module):
        return FusedRow(OrderedDict(module.named_children()))
    return module


def fold_row(row: nn.Module) -> None:
    """Each convolution takes in the batch norm and the ReLU behind it; in their places stays nothing."""
    names = list(row._modules)
    parts = [row.get_submodule(name) for name in names]
    for start, conv in enumerate(parts):
        if not is_conv(conv):
            continue
        following = parts[start + 1 : start + 3]
        norm = following.pop(0) if following and is_norm(following[0]) else None
        relu = bool(following) and type(following[0]) is nn.ReLU and is_plain(following[0])
        setattr(row, names[start], fused_conv(conv, norm, relu=relu))
        for name in names[start + 1 : start + 1 + (norm is not None) + relu]:
            setattr(row, name, nn.Identity())


def fused_conv(conv: nn.Module, norm: nn.Module | None = None, *, relu: bool = False) -> nn.Module:
    """The convolution with what follows it."""
    last = cast(_BatchNorm | None, norm)
    if isinstance(conv, nn.ConvTranspose2d):
        return FusedDeconv(conv, last, relu=relu)
    return FusedConv.of(cast(nn.Conv2d, conv), last, relu=relu)


def is_foldable(module: nn.Module) -> bool:
    """Whether each convolution and batch norm in it can be folded, and nobody listens to any part of it."""
    parts = list(module.modules())
    convs = all(is_conv(part) for part in parts if isinstance(part, _ConvNd))
    norms = all(is_norm(part) for part in parts if isinstance(part, _NormBase))
    return convs and norms and all(is_plain(part) for part in parts)
