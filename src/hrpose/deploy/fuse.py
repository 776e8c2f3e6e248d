"""fuse: a trained network with less to do, and the same results."""

import copy
import functools
from typing import Any, Self, TypeVar, cast

import torch
from torch import Tensor, nn

from hrpose.deploy.walk import fused
from hrpose.errors import ConfigError

M = TypeVar("M", bound=nn.Module)


def fuse(model: M) -> M:
    """A copy of `model` that computes the same with fewer and larger operations; for evaluation only.

    Batch norms are folded into convolutions, convolutions that share an input are merged, the sums of an
    exchange towards a finer branch are made at the lower resolution, and convolution, bias, sum and ReLU are
    one kernel where oneDNN (CPU) or cuDNN has it. The result is called as before, returns the same type, and
    keeps `config` and `spec`; `torch.compile`, `torch.export` and ONNX see plain operations.

    All networks of the library are fused whole. Of a timm backbone, and of modules of your own, the batch
    norms are folded that torch.fx shows to follow a convolution alone; where it cannot follow, they are left
    as they are, as are all parts that have hooks.

    Raises: ConfigError if it is no module, or if it or a part of it is in training mode. The fused network
        raises ConfigError for an input that needs a gradient, and when it shall be trained.

    >>> from hrpose.backbones import HRNet, HRNetConfig
    >>> model = HRNet(HRNetConfig(width=8, rounds=(1,), blocks=1)).eval()
    >>> x = torch.rand(1, 3, 64, 48)
    >>> all(torch.allclose(a, b, atol=1e-5) for a, b in zip(fuse(model)(x), model(x)))
    True
    """
    check_model(model)
    if isinstance(model, Fused):
        return copy.deepcopy(model)
    with torch.inference_mode(False), torch.no_grad():
        made = fused(copy.deepcopy(model)).eval().requires_grad_(False)
    kind: Any = type(made)
    made.__class__ = evaluated(kind)
    return cast(M, made)


def check_model(model: Any) -> None:
    """Raise ConfigError unless it is a module, and all of it is in evaluation."""
    if not isinstance(model, nn.Module):
        came = f"a {type(model).__name__}"
        raise ConfigError(f"{came} cannot be fused; give a network, such as hrpose.create_model makes")
    training = [name for name, part in model.named_modules() if part.training]
    if training:
        where = f"its part {training[0]!r}" if training[0] else "the model"
        needed = "batch norms fold only as they are in evaluation"
        raise ConfigError(f"{where} is in training mode, but {needed}; call model.eval() first")


class Fused(nn.Module):
    """What sets a fused network apart from one of its class: it cannot learn."""

    def train(self, mode: bool = True) -> Self:
        """Raises: ConfigError for mode=True."""
        if mode:
            fix = "train the network that it was made of, and fuse it again"
            raise ConfigError(f"a fused network has no batch norms left to train; {fix}")
        return super().train(mode)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Raises: ConfigError for requires_grad=True."""
        if requires_grad:
            fix = "train the network that it was made of, and fuse it again"
            raise ConfigError(f"the weights of a fused network get no gradient; {fix}")
        return super().requires_grad_(requires_grad)

    def __reduce__(self) -> Any:
        # its class was made on the fly, so it is not found by name
        return blank, (type(self).__mro__[2],), self.__dict__


@functools.cache
def evaluated(kind: Any) -> type[nn.Module]:
    """The class of networks fused from those of `kind`: `kind` itself, but for evaluation only."""

    @functools.wraps(kind.forward)
    def forward(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        if torch.compiler.is_compiling():
            return kind.forward(self, *args, **kwargs)
        refuse_gradients((*args, *kwargs.values()))
        with torch.no_grad():
            return kind.forward(self, *args, **kwargs)

    members = {"forward": forward, "__doc__": kind.__doc__, "__module__": kind.__module__}
    return type(f"Fused{kind.__name__}", (Fused, kind), members)


def blank(kind: Any) -> nn.Module:
    """A fused network of `kind` with nothing in it yet, as pickle and copy need it."""
    made = evaluated(kind)
    return made.__new__(made)


def refuse_gradients(inputs: tuple[Any, ...]) -> None:
    """Raise ConfigError if a gradient is wanted for any of `inputs`, or for a tensor in a list of them."""
    if not torch.is_grad_enabled():
        return
    for x in inputs:
        for tensor in x if isinstance(x, list | tuple) else (x,):
            if isinstance(tensor, Tensor) and tensor.requires_grad:
                fix = "call it under torch.no_grad(), give x.detach(), or use the network that it was made of"
                raise ConfigError(f"the input needs a gradient, but a fused network has none to give; {fix}")
