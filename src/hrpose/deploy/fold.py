"""The algebra of fusing: batch norm into the convolution before it, several convolutions into one."""

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

CONVS = (nn.Conv2d, nn.ConvTranspose2d)
NORMS = (nn.BatchNorm2d, nn.SyncBatchNorm)


class Folded(NamedTuple):
    """A convolution and what followed it: (O, I, kh, kw), if transposed (I, O, kh, kw), and (O,)."""

    weight: Tensor
    bias: Tensor


def is_plain(module: nn.Module) -> bool:
    """Whether calling it does nothing but its own `forward`: no hooks, which would see other numbers."""
    return not (
        module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        or module._backward_pre_hooks
    )


def is_conv(module: nn.Module) -> bool:
    """Whether it is a convolution whose weight can be changed as fusing does.

    >>> is_conv(nn.Conv2d(4, 4, 3)), is_conv(nn.Conv2d(4, 4, 3, padding_mode="reflect"))
    (True, False)
    """
    return (
        type(module) in CONVS
        and is_plain(module)
        and module.padding_mode == "zeros"
        and not isinstance(module.padding, str)
    )


def is_norm(module: nn.Module) -> bool:
    """Whether it is a batch norm that is the same scale and shift for every batch.

    >>> is_norm(nn.BatchNorm2d(4)), is_norm(nn.BatchNorm2d(4, track_running_stats=False))
    (True, False)
    """
    return type(module) in NORMS and is_plain(module) and module.running_mean is not None


def conv_and_norm(row: nn.Module) -> tuple[nn.Conv2d, _BatchNorm]:
    """The first two parts of what `conv_bn` makes."""
    conv, norm, *_ = row.children()
    return cast(nn.Conv2d, conv), cast(_BatchNorm, norm)


def scale_and_shift(norm: _BatchNorm) -> tuple[Tensor, Tensor]:
    """What a batch norm does in evaluation, y = scale * x + shift, each (C,) in float64."""
    mean, var = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)  # see is_norm
    scale = torch.rsqrt(var.double() + norm.eps)
    scale = scale if norm.weight is None else scale * norm.weight.double()
    shift = -mean.double() * scale
    return scale, shift if norm.bias is None else shift + norm.bias.double()


def fold(conv: nn.Conv2d | nn.ConvTranspose2d, norm: _BatchNorm | None = None) -> Folded:
    """The one convolution that does what `conv` and then `norm` do; computed in float64.

    >>> conv, norm = nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4).eval()
    >>> weight, bias = fold(conv, norm)
    >>> weight.shape, bias.shape
    (torch.Size([4, 3, 3, 3]), torch.Size([4]))
    """
    weight = conv.weight.detach().double()
    outputs = conv.out_channels
    bias = weight.new_zeros(outputs) if conv.bias is None else conv.bias.detach().double()
    if norm is not None:
        scale, shift = scale_and_shift(norm)
        weight = weight * _along_outputs(scale.detach(), conv)
        bias = bias * scale.detach() + shift.detach()
    return Folded(weight.to(conv.weight.dtype), bias.to(conv.weight.dtype))


def _along_outputs(scale: Tensor, conv: nn.Conv2d | nn.ConvTranspose2d) -> Tensor:
    """(O,) so that it multiplies the output channels of the weight."""
    if not conv.transposed:
        return scale[:, None, None, None]
    of_groups = scale.view(conv.groups, -1)  # a transposed weight is (I, O / groups, kh, kw)
    return of_groups.repeat_interleave(conv.in_channels // conv.groups, 0)[:, :, None, None]


def side_by_side(parts: Sequence[Folded]) -> Folded:
    """One convolution for several that read the same input: their outputs one after another.

    >>> a, b = fold(nn.Conv2d(8, 4, 1)), fold(nn.Conv2d(8, 2, 1))
    >>> side_by_side([a, b]).weight.shape
    torch.Size([6, 8, 1, 1])
    """
    return Folded(torch.cat([part.weight for part in parts]), torch.cat([part.bias for part in parts]))


def in_blocks(rows: Sequence[Sequence[Folded | None]], widths: Sequence[int]) -> Folded:
    """One convolution for several with inputs and outputs of their own, summed where outputs are shared.

    Args:
        rows: one row an output, in it one entry an input: the convolution that leads from one to the other,
            or None where none does. Each row has one at least.
        widths: channels of each input.

    >>> a, b = fold(nn.Conv2d(8, 4, 3)), fold(nn.Conv2d(2, 6, 3))
    >>> in_blocks([[a, None], [None, b]], (8, 2)).weight.shape
    torch.Size([10, 10, 3, 3])
    """
    made = []
    for row in rows:
        known = [part for part in row if part is not None]
        outputs, _, *kernel = known[0].weight.shape
        blanks = [known[0].weight.new_zeros(outputs, width, *kernel) for width in widths]
        blocks = [blank if part is None else part.weight for part, blank in zip(row, blanks, strict=True)]
        bias = torch.stack([part.bias for part in known]).sum(0)
        made.append(Folded(torch.cat(blocks, 1), bias))
    return side_by_side(made)
