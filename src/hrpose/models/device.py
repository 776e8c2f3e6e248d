"""as_device: the device that a user named, checked before anything is moved there."""

import torch

from hrpose.errors import ConfigError


def as_device(wanted: str | torch.device | None) -> torch.device:
    """The device called `wanted`; None takes CUDA where there is one, else the CPU.

    Raises: ConfigError for no name of a device, or for CUDA where torch finds none.

    >>> as_device("cpu")
    device(type='cpu')
    """
    has_cuda = torch.cuda.is_available()
    if wanted is None:
        return torch.device("cuda" if has_cuda else "cpu")
    try:
        device = torch.device(wanted)
    except (RuntimeError, TypeError) as error:
        raise ConfigError(
            f"device={wanted!r} is no device of torch; give 'cpu', 'cuda' or 'cuda:1'"
        ) from error
    if device.type == "cuda" and not has_cuda:
        raise ConfigError(
            f"device={wanted!r}, but torch finds no CUDA device here; leave it out or give 'cpu'"
        )
    return device
