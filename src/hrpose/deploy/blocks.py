"""The residual units of a fused network."""

import torch.nn.functional as F
from torch import Tensor, nn

from hrpose.deploy.conv import FusedConv
from hrpose.deploy.fold import conv_and_norm
from hrpose.layers.blocks import BasicBlock, Bottleneck
from hrpose.layers.hourglass import PreActResidual


class FusedResidual(nn.Module):
    """BasicBlock or Bottleneck: the last convolution adds the shortcut and applies the ReLU itself.

    With an attention layer the sum comes after it, as a step of its own.

    >>> import torch
    >>> FusedResidual(BasicBlock(8, 16, stride=2).eval())(torch.ones(1, 8, 6, 4)).shape
    torch.Size([1, 16, 3, 2])
    """

    def __init__(self, block: BasicBlock | Bottleneck) -> None:
        super().__init__()
        pairs = [(block.conv1, block.bn1), (block.conv2, block.bn2)]
        if isinstance(block, Bottleneck):
            pairs.append((block.conv3, block.bn3))
        attends = not isinstance(block.attention, nn.Identity)
        last = len(pairs) - 1
        self.steps = nn.Sequential(
            *(FusedConv.of(conv, norm, relu=True) for conv, norm in pairs[:last]),
        )
        self.last = FusedConv.of(*pairs[last], relu=not attends)
        self.attention = block.attention if attends else None
        self.shortcut = fused_shortcut(block.shortcut)
        self.projects = isinstance(self.shortcut, FusedConv)

    def forward(self, x: Tensor, *, overwrite: bool = False) -> Tensor:
        """(N, C, H, W) -> what the block makes of it; `overwrite` allows to put it where `x` was."""
        kept = self.shortcut(x)
        y = self.steps(x)
        if self.attention is None:
            return self.last(y, kept, overwrite=overwrite or self.projects)
        return F.relu(kept + self.attention(self.last(y)))


class FusedRow(nn.Sequential):
    """Parts in a row; what one residual unit gives to the next is written over, as nobody else hears it.

    That halves the memory that a row walks through, and more of it stays in the cache.
    """

    def forward(self, x: Tensor) -> Tensor:
        """What the last part makes of it; `x` itself stays."""
        ours = False
        for part in self:
            x = part(x, overwrite=ours) if isinstance(part, FusedResidual) else part(x)
            ours = isinstance(part, FusedResidual) and not part._forward_hooks
        return x


class FusedPreAct(nn.Module):
    """PreActResidual: batch norms fold into the convolutions before them; the first one has none and stays.

    >>> import torch
    >>> FusedPreAct(PreActResidual(8, 16).eval())(torch.ones(1, 8, 6, 4)).shape
    torch.Size([1, 16, 6, 4])
    """

    def __init__(self, block: PreActResidual) -> None:
        super().__init__()
        self.enter = nn.Sequential(block.bn1, nn.ReLU())
        self.steps = nn.Sequential(
            FusedConv.of(block.conv1, block.bn2, relu=True), FusedConv.of(block.conv2, block.bn3, relu=True)
        )
        self.last = FusedConv.of(block.conv3)
        self.shortcut = fused_shortcut(block.shortcut)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> (N, channels, H, W)."""
        return self.last(self.steps(self.enter(x)), self.shortcut(x))


def fused_shortcut(shortcut: nn.Module) -> nn.Module:
    """Nothing, or one convolution, whether a batch norm follows it or not."""
    if isinstance(shortcut, nn.Conv2d):
        return FusedConv.of(shortcut)
    if isinstance(shortcut, nn.Sequential):
        return FusedConv.of(*conv_and_norm(shortcut))
    return nn.Identity()
