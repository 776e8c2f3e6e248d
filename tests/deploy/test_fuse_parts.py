"""What fusing does to single parts: exchange units, rows, foreign modules, kernels."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from hrpose.backbones import HRNet
from hrpose.deploy import fuse, kernels
from hrpose.deploy.blocks import FusedResidual
from hrpose.deploy.conv import FusedConv, FusedDeconv
from hrpose.deploy.fold import fold, in_blocks
from hrpose.deploy.foreign import pairs
from hrpose.errors import ShapeError
from hrpose.layers import BasicBlock, ExchangeUnit, Transition
from hrpose.layers.blocks import conv_bn
from tests.deploy.networks import TINY, filled, furthest, network

CLOSE = 1e-5


def convs(module: nn.Module) -> list[FusedConv]:
    return [part for part in module.modules() if isinstance(part, FusedConv)]


def count_calls(module: nn.Module, x: object) -> list[str]:
    """The torch functions that one call of `module` comes to."""
    from torch.overrides import TorchFunctionMode

    class Listener(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            heard.append(getattr(func, "__name__", str(func)))
            return func(*args, **(kwargs or {}))

    heard: list[str] = []
    with Listener():
        module(x)
    return heard


def pyramid(channels: tuple[int, ...], size: tuple[int, int]) -> list[torch.Tensor]:
    sizes = [[-(-side // 2**b) for side in size] for b in range(len(channels))]
    return [torch.randn(2, c, *at) for c, at in zip(channels, sizes, strict=True)]


def test_an_exchange_has_one_convolution_a_branch_in_each_direction() -> None:
    fused = fuse(ExchangeUnit((8, 16, 32, 64)).eval())
    up = [(conv.in_channels, conv.out_channels) for conv in fused.up]
    down = [(conv.in_channels, conv.out_channels) for conv in fused.down]
    assert up == [(16, 8), (32, 8 + 16), (64, 8 + 16 + 32)]
    assert down == [(8, 16 + 8 + 8), (16 + 8 + 8, 32 + 8 + 16), (32 + 8 + 16, 64)]
    assert len(convs(fused)) == 6


@pytest.mark.parametrize("outputs", [1, 2, 3, 4])
@pytest.mark.parametrize("upsample", ["nearest", "bilinear"])
@pytest.mark.parametrize("size", [(16, 24), (17, 24), (13, 9)])
@torch.no_grad()
def test_a_fused_exchange_gives_what_the_exchange_gives(outputs, upsample, size) -> None:
    channels = (4, 8, 6, 10)
    unit = filled(ExchangeUnit(channels, outputs, upsample=upsample))
    x = pyramid(channels, size)
    assert furthest(fuse(unit)(x), unit(x)) < CLOSE


def test_maps_are_resized_once_a_level_where_each_is_twice_the_next() -> None:
    channels = (4, 8, 6, 10)
    fused = fuse(ExchangeUnit(channels).eval())
    shares = 3 + 2  # to each output its own, and what goes on up from the two coarsest
    assert count_calls(fused, pyramid(channels, (16, 24))).count("interpolate") == shares
    assert count_calls(fused, pyramid(channels, (17, 24))).count("interpolate") == 3 + 2 + 1


def test_a_fused_exchange_refuses_other_branches() -> None:
    with pytest.raises(ShapeError, match=r"ExchangeUnit got maps of \(4, 9\) channels"):
        fuse(ExchangeUnit((4, 8)).eval())(pyramid((4, 9), (8, 8)))


@torch.no_grad()
def test_a_transition_to_several_new_branches_is_fused() -> None:
    model = filled(Transition((8,), (4, 8, 16)))
    x = [torch.randn(1, 8, 12, 10)]
    assert furthest(fuse(model)(x), model(x)) < CLOSE


@torch.no_grad()
def test_parts_keep_their_places_in_a_row() -> None:
    model = filled(HRNet(TINY))
    fused = fuse(model)
    x = torch.randn(1, 3, 40, 40)
    assert [type(part).__name__ for part in fused.stem] == ["FusedConv", *["Identity"] * 2] * 2
    (half, maps), (half_wanted, wanted) = fused.with_half(x), model.with_half(x)
    assert furthest([half, *maps], [half_wanted, *wanted]) < CLOSE


@torch.no_grad()
def test_the_features_of_a_classifier_stay() -> None:
    model = network("classifier")
    fused = fuse(model)
    x = torch.randn(1, 3, 64, 64)
    assert furthest(fused.features(x), model.features(x)) < CLOSE
    assert furthest(fused.pre_logits(x), model.pre_logits(x)) < CLOSE


@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv2d(4, 8, 3, 2, 1, groups=2),
        nn.Conv2d(4, 8, 3, dilation=2, bias=False),
        nn.Conv2d(4, 8, (1, 3), padding=(0, 1)),
        nn.Conv2d(4, 8, 3, padding="same"),
        nn.Conv2d(4, 8, 3, padding=1, padding_mode="reflect"),
        nn.ConvTranspose2d(4, 8, 4, 2, 1, groups=2),
        nn.ConvTranspose2d(4, 8, 3, 2, 1, 1, bias=False),
        weight_norm(nn.Conv2d(4, 8, 3)),
    ],
    ids=str,
)
@pytest.mark.parametrize("norm", [nn.BatchNorm2d(8), nn.BatchNorm2d(8, affine=False)], ids=str)
@torch.no_grad()
def test_any_convolution_before_a_batch_norm_is_folded_or_left(conv, norm) -> None:
    model = nn.Sequential(copy.deepcopy(conv), copy.deepcopy(norm), nn.ReLU()).eval()
    model[1].running_mean.normal_()
    model[1].running_var.uniform_(0.5, 2)
    x = torch.randn(2, 4, 9, 11)
    assert furthest(fuse(model)(x), model(x)) < CLOSE


@torch.no_grad()
def test_a_batch_norm_that_looks_at_the_batch_is_left() -> None:
    block = BasicBlock(4, 4).eval()
    block.bn2 = nn.BatchNorm2d(4, track_running_stats=False).eval()
    row = nn.Sequential(block, nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4, track_running_stats=False)).eval()
    x = torch.randn(2, 4, 8, 8)
    fused = fuse(row)
    assert furthest(fused(x), row(x)) < CLOSE
    assert isinstance(fused[0], BasicBlock)


@torch.no_grad()
def test_a_row_writes_over_its_own_maps_only() -> None:
    model = filled(nn.Sequential(*(BasicBlock(4, 4) for _ in range(4))))
    fused = fuse(model)
    x = torch.randn(1, 4, 8, 8).contiguous(memory_format=torch.channels_last)
    before = x.clone()
    heard: list[torch.Tensor] = []
    plain = fused(x)
    fused[1].register_forward_hook(lambda module, inputs, y: heard.append(y))
    assert torch.equal(fused(x), plain)
    assert furthest(heard, [model[:2](before)]) < CLOSE
    assert torch.equal(x, before)
    assert furthest(fused[2:](x), model[2:](before)) < CLOSE
    assert torch.equal(x, before)


@torch.no_grad()
def test_a_part_with_a_hook_is_left_so_that_the_hook_hears_the_same() -> None:
    model = filled(nn.Sequential(BasicBlock(4, 4), BasicBlock(4, 4)))
    heard = []
    model[0].bn1.register_forward_hook(lambda module, inputs, y: heard.append(y))
    x = torch.randn(1, 4, 8, 8)
    fused = fuse(model)
    assert furthest(fused(x), model(x)) < CLOSE
    assert isinstance(fused[0], BasicBlock)
    assert isinstance(fused[1], FusedResidual)
    torch.testing.assert_close(heard[0], heard[1])


class Foreign(nn.Module):
    """Reads a map from within a row, and uses a convolution twice."""

    def __init__(self) -> None:
        super().__init__()
        self.row = nn.Sequential(*conv_bn(3, 4, 3), *conv_bn(4, 4, 3))
        self.block = BasicBlock(4, 4)
        self.twice = nn.Conv2d(4, 4, 1)
        self.norm = nn.BatchNorm2d(4)
        self.other = nn.BatchNorm2d(4)

    def forward(self, x):
        bare, *_ = maps = [self.row[0](x)]
        for part in list(self.row)[1:]:
            maps.append(part(maps[-1]))
        y = self.block(maps[-1])
        return bare, self.norm(self.twice(y)), self.other(self.twice(y))


class Fickle(Foreign):
    def forward(self, x):
        y = self.row(x)
        return self.block(y if y.mean() > 0 else -y)


class Optional(Foreign):
    def forward(self, x, plain=None):
        return self.row(x) if plain is None else self.row[0](x)


@pytest.mark.parametrize("kind", [Foreign, Fickle, Optional])
@torch.no_grad()
def test_a_foreign_module_is_never_fused_wrongly(kind) -> None:
    model = filled(nn.Sequential(kind()))
    fused = fuse(model)
    x = torch.randn(1, 3, 12, 12)
    assert furthest(fused(x), model(x)) < CLOSE
    if kind is Optional:
        assert furthest(fused[0](x, plain=True), model[0](x, plain=True)) == 0


@torch.no_grad()
def test_in_a_foreign_module_what_can_be_shown_to_be_safe_is_fused() -> None:
    fused = fuse(filled(Foreign()))
    assert isinstance(fused.block, FusedResidual)
    assert [type(part).__name__ for part in fused.row] == [
        *("Conv2d", "BatchNorm2d", "ReLU"),  # the first map is read before its norm
        *("Conv2d", "Identity", "ReLU"),
    ]
    assert isinstance(fused.norm, nn.BatchNorm2d)


def test_a_pair_needs_each_of_its_parts_to_be_used_once() -> None:
    from hrpose.deploy.foreign import Tracer

    module = filled(Foreign())
    assert ("twice", "norm") not in pairs(module, Tracer().trace(module))


def test_blocks_that_lead_nowhere_are_0() -> None:
    a, b = fold(nn.Conv2d(2, 3, 1)), fold(nn.Conv2d(1, 4, 1))
    weight, bias = in_blocks([[a, None], [None, b]], (2, 1))
    assert weight[:3, 2:].abs().sum() == weight[3:, :2].abs().sum() == 0
    torch.testing.assert_close(bias, torch.cat((a.bias, b.bias)))


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("added", [True, False])
@torch.no_grad()
def test_one_kernel_gives_what_single_steps_give(monkeypatch, relu, added) -> None:
    conv = FusedConv.of(nn.Conv2d(6, 9, 3, 2, 1), relu=relu)
    x, addend = torch.randn(2, 6, 11, 8), torch.randn(2, 9, 6, 4) if added else None
    y = kernels.plain(x, conv.weight, conv.bias, conv.geometry, addend=addend, relu=relu)
    torch.testing.assert_close(conv(x, addend), y)
    given = None if addend is None else addend.clone()
    torch.testing.assert_close(conv(x, given, overwrite=True), y)
    if given is not None:  # laid out another way than the result: not written over
        assert torch.equal(given, addend)
        given = given.contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(conv(x, given, overwrite=True), y)
        torch.testing.assert_close(given, y)
    assert conv(x, addend).is_contiguous(memory_format=torch.channels_last)
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)
    assert not kernels.onednn_runs(x)
    torch.testing.assert_close(conv(x, addend), y)


class Cuda:
    """What kernels.py looks at, as of a tensor on a GPU."""

    is_cuda, dtype = True, torch.float16

    def numel(self) -> int:
        return 1


def test_cudnn_is_asked_where_it_has_a_kernel(monkeypatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "is_available", lambda: True)
    monkeypatch.setattr(torch.version, "hip", None)
    x: torch.Tensor = Cuda()  # type: ignore[assignment]
    assert kernels.cudnn_runs(x, x, relu=True)
    assert not kernels.cudnn_runs(x, x, relu=False)
    with torch.backends.cudnn.flags(enabled=False):
        assert not kernels.cudnn_runs(x, None, relu=True)
    assert not kernels.cudnn_runs(torch.ones(1), None, relu=True)


@torch.no_grad()
def test_where_cudnn_refuses_the_single_steps_run_from_then_on(monkeypatch) -> None:
    asked = []

    def refuse(*args, **kwargs):
        asked.append(1)
        raise RuntimeError("GET was unable to find an engine to execute this computation")

    monkeypatch.setattr(kernels, "onednn_runs", lambda x: False)
    monkeypatch.setattr(kernels, "cudnn_runs", lambda x, addend, relu: True)
    monkeypatch.setattr(kernels, "cudnn", refuse)
    conv = FusedConv.of(nn.Conv2d(3, 4, 1), relu=True)
    x = torch.randn(1, 3, 4, 4)
    for _ in range(2):
        torch.testing.assert_close(conv(x), F.relu(F.conv2d(x, conv.weight, conv.bias)))
    assert len(asked) == 1


@torch.no_grad()
def test_cudnn_without_memory_is_no_refusal(monkeypatch) -> None:
    def fail(*args, **kwargs):
        raise torch.cuda.OutOfMemoryError("no memory")

    monkeypatch.setattr(kernels, "onednn_runs", lambda x: False)
    monkeypatch.setattr(kernels, "cudnn_runs", lambda x, addend, relu: True)
    monkeypatch.setattr(kernels, "cudnn", fail)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        FusedConv.of(nn.Conv2d(3, 4, 1), relu=True)(torch.randn(1, 3, 4, 4))


def test_a_fused_convolution_shows_what_it_is() -> None:
    conv = FusedConv.of(nn.Conv2d(3, 4, 1, stride=2), relu=True)
    assert repr(conv) == "FusedConv(3, 4, kernel=(1, 1), stride=(2, 2), relu)"
    assert isinstance(fuse(nn.Sequential(nn.ConvTranspose2d(4, 4, 2)).eval())[0], FusedDeconv)
