import torch
from torch import nn

from hrpose.layers.init import init_kaiming, init_normal, set_bn_momentum


def net() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(16, 64, 3), nn.BatchNorm2d(64), nn.ConvTranspose2d(64, 32, 4))


def test_normal_is_narrow_with_biases_of_zero() -> None:
    torch.manual_seed(0)
    made = net()
    made[1].weight.data.fill_(5)
    init_normal(made)
    assert abs(float(made[0].weight.detach().std()) - 0.001) < 5e-5
    assert abs(float(made[2].weight.detach().std()) - 0.001) < 5e-5
    assert not made[0].bias.any()
    assert torch.equal(made[1].weight, torch.ones(64))


def test_kaiming_goes_by_the_outputs() -> None:
    torch.manual_seed(0)
    made = net()
    init_kaiming(made)
    assert abs(float(made[0].weight.detach().std()) / (2 / (64 * 9)) ** 0.5 - 1) < 0.05
    assert not made[0].bias.any()


def test_momentum_reaches_every_batch_norm() -> None:
    made = nn.Sequential(nn.BatchNorm2d(2), nn.Sequential(nn.BatchNorm2d(2)))
    set_bn_momentum(made, 0.01)
    assert made[0].momentum == made[1][0].momentum == 0.01
