"""A predictor's model made fast, for the images that the predictor will feed it."""

import torch
from torch import Tensor, nn

from hrpose.models.bottomup import BottomUpSpec
from hrpose.models.spec import PoseSpec
from hrpose.predict.feed import evaluating


def optimized(model: nn.Module, spec: PoseSpec, *, batch_size: int | None) -> nn.Module:
    """The model made fast by `hrpose.deploy.optimize`, or as it is if it was made so already.

    A predictor runs its model in evaluation, whatever mode it is in, and so is it optimised.

    Raises: as `hrpose.deploy.optimize`.
    """
    from hrpose.deploy import Optimized, optimize  # deployment takes a moment to import, and few predict fast

    if isinstance(model, Optimized):
        return model
    with evaluating(model):
        return optimize(model, example_for(model, spec, batch_size=batch_size))


def example_for(model: nn.Module, spec: PoseSpec, *, batch_size: int | None) -> Tensor:
    """Images as they will come: crops, or pictures whose short and long side are those of the codec.

    One on a CPU; as many as a batch holds on CUDA, so that this size is ready when the first batch comes.
    """
    weight = next(model.parameters(), torch.empty(0))
    whole = isinstance(spec, BottomUpSpec)
    size = (spec.codec.input_size,) * 2 if isinstance(spec, BottomUpSpec) else spec.codec.input_size
    count = (batch_size or (8 if whole else 32)) if weight.is_cuda else 1
    draw = torch.Generator().manual_seed(0)  # noise, as a flat picture would show little of what differs
    images = torch.randn(count, len(spec.mean), *size, generator=draw)
    return images.to(device=weight.device, dtype=weight.dtype)
