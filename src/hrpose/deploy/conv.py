"""FusedConv: what convolution, batch norm, sum and ReLU become in a fused network."""

from typing import Any, Self, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from hrpose.deploy import kernels
from hrpose.deploy.fold import Folded, fold
from hrpose.deploy.kernels import Geometry


class FusedConv(nn.Module):
    """relu(conv(x) + bias + addend), as one kernel where the backend has it.

    On a CPU that is oneDNN's convolution, with the weight packed at the first call; with CUDA it is cuDNN's.
    Under torch.compile, torch.export and for all other types it is the plain operations, one after another.
    What comes out on a CPU lies in channels_last; for CUDA move the network there first, weights and all, as
    `hrpose.deploy.optimize` does.

    >>> conv = FusedConv.of(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8).eval(), relu=True)
    >>> conv(torch.ones(1, 3, 9, 7)).shape
    torch.Size([1, 8, 5, 4])
    """

    packed: Tensor | None  # the weight as oneDNN likes it
    seen: tuple[int, int] | None  # which weight that was
    cudnn_fits: bool  # until cuDNN has refused it

    def __init__(self, folded: Folded, geometry: Geometry, *, relu: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(folded.weight, requires_grad=False)
        self.bias = nn.Parameter(folded.bias, requires_grad=False)
        self.geometry = geometry
        self.relu = relu
        self.in_channels = folded.weight.shape[1] * geometry.groups
        self.out_channels = folded.weight.shape[0]
        self._forget()

    @classmethod
    def of(cls, conv: nn.Conv2d, norm: _BatchNorm | None = None, *, relu: bool = False) -> Self:
        """`conv`, then `norm` in evaluation, then a ReLU if asked for."""
        return cls(fold(conv, norm), geometry_of(conv), relu=relu)

    def forward(self, x: Tensor, addend: Tensor | None = None, *, overwrite: bool = False) -> Tensor:
        """(N, in_channels, H, W) and what is added, of the shape of the result -> (N, out_channels, h, w).

        Args:
            overwrite: the result may be written over `addend`.
        """
        weights = self._parameters  # each look-up by name goes through torch's own, 261 times an image
        weight, bias = cast(Tensor, weights["weight"]), cast(Tensor, weights["bias"])
        if x.dtype == weight.dtype and not kernels.is_traced(x):
            if kernels.onednn_runs(x):
                packed = self._packed_weight(weight, x.shape)
                over = overwrite and addend is not None and kernels.is_channels_last(addend)
                return kernels.onednn(
                    x, packed, bias, self.geometry, addend=addend, relu=self.relu, overwrite=over
                )
            if self.cudnn_fits and kernels.cudnn_runs(x, addend, relu=self.relu):
                made = self._by_cudnn(x, weight, bias, addend)
                if made is not None:
                    return made
        return kernels.plain(x, weight, bias, self.geometry, addend=addend, relu=self.relu)

    def _packed_weight(self, weight: Tensor, size: torch.Size) -> Tensor:
        """The weight as oneDNN likes it, packed again only when it was changed."""
        seen = (weight.data_ptr(), 0 if weight.is_inference() else weight._version)
        if self.packed is None or self.seen != seen:
            self.packed, self.seen = kernels.onednn_pack(weight, self.geometry, size), seen
        return self.packed

    def _by_cudnn(self, x: Tensor, weight: Tensor, bias: Tensor, addend: Tensor | None) -> Tensor | None:
        """cuDNN's result, or None, from then on for good, where it has no kernel for these channels."""
        try:
            return kernels.cudnn(x, weight, bias, self.geometry, addend=addend)
        except torch.cuda.OutOfMemoryError:
            raise
        except RuntimeError:
            self.cudnn_fits = False
            return None

    def _forget(self) -> None:
        """Drop what was made of the weight for one device and type."""
        self.packed, self.seen, self.cudnn_fits = None, None, True

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        """Moved to another device or type: pack anew."""
        self._forget()
        moved: Self = super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # so in torch
        return moved

    def __getstate__(self) -> dict[str, Any]:
        return {
            **self.__dict__,
            "packed": None,
            "seen": None,
        }  # packed weights can be neither copied nor stored

    def extra_repr(self) -> str:
        """Shown by print."""
        shape = f"{self.in_channels}, {self.out_channels}, kernel={tuple(self.weight.shape[2:])}"
        stride = f", stride={self.geometry.stride}" if self.geometry.stride != (1, 1) else ""
        return f"{shape}{stride}{', relu' if self.relu else ''}"


class FusedDeconv(nn.Module):
    """relu(transposed convolution of x + bias).

    >>> conv = nn.ConvTranspose2d(8, 4, 4, stride=2, padding=1, bias=False)
    >>> FusedDeconv(conv, nn.BatchNorm2d(4).eval(), relu=True)(torch.ones(1, 8, 5, 6)).shape
    torch.Size([1, 4, 10, 12])
    """

    def __init__(
        self, conv: nn.ConvTranspose2d, norm: _BatchNorm | None = None, *, relu: bool = False
    ) -> None:
        super().__init__()
        folded = fold(conv, norm)
        self.weight = nn.Parameter(folded.weight, requires_grad=False)
        self.bias = nn.Parameter(folded.bias, requires_grad=False)
        self.stride, self.padding, self.dilation = pair(conv.stride), pair(conv.padding), pair(conv.dilation)
        self.output_padding, self.groups = pair(conv.output_padding), conv.groups
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        """(N, I, H, W) -> (N, O, stride * H, stride * W), where the padding is chosen so."""
        y = F.conv_transpose2d(
            x,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.output_padding,
            self.groups,
            self.dilation,
        )
        return F.relu(y) if self.relu else y


def geometry_of(conv: nn.Conv2d) -> Geometry:
    """The settings of a convolution without its channels and kernel.

    >>> geometry_of(nn.Conv2d(3, 8, 3, stride=2, padding=1)).stride
    (2, 2)
    """
    stride, padding, dilation = (pair(value) for value in (conv.stride, conv.padding, conv.dilation))
    return Geometry(stride, padding, dilation, conv.groups)


def pair(values: Any) -> tuple[int, int]:
    """Two numbers as a tuple."""
    first, second = values
    return int(first), int(second)
