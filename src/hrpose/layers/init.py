"""How the originals start their weights, and the settings that run through a whole network."""

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

POSE_STD = 0.001  # pose, face and segmentation code; batch norm undoes the scale


def init_normal(module: nn.Module, *, std: float = POSE_STD) -> None:
    """Convolutions from a narrow normal distribution, biases 0, batch norm 1 and 0.

    Source: pose, face and segmentation code of Sun et al., CVPR 2019 and PAMI 2020.
    """
    for m in module.modules():
        if isinstance(m, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(m.weight, std=std)
            _zero_bias(m)
        elif isinstance(m, _BatchNorm):
            m.reset_parameters()


def init_kaiming(module: nn.Module) -> None:
    """Convolutions by the number of outputs they feed (for ReLU), biases 0, batch norm 1 and 0.

    Source: the ImageNet code of Wang et al., PAMI 2020.
    """
    for m in module.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            _zero_bias(m)
        elif isinstance(m, _BatchNorm):
            m.reset_parameters()


def _zero_bias(m: nn.Conv2d | nn.ConvTranspose2d) -> None:
    if m.bias is not None:
        nn.init.zeros_(m.bias)


def set_bn_momentum(module: nn.Module, momentum: float) -> None:
    """Give every batch norm the same momentum: the weight of the new batch in the running statistics.

    >>> net = nn.Sequential(nn.BatchNorm2d(4))
    >>> set_bn_momentum(net, 0.01)
    >>> net[0].momentum
    0.01
    """
    for m in module.modules():
        if isinstance(m, _BatchNorm):
            m.momentum = momentum
