"""What settings of different networks check alike."""

from typing import Any

from hrpose.errors import ConfigError


def check_positive(settings: Any, *names: str) -> None:
    """Raise ConfigError unless these settings are 1 or more."""
    for name in names:
        came = getattr(settings, name)
        if came is not None and came < 1:
            raise ConfigError(f"{name}={came}, but at least 1 is needed; give a positive number")


def check_kernel(kernel: int) -> None:
    """Raise ConfigError unless a convolution of this size can keep the size of its map."""
    if kernel < 1 or kernel % 2 == 0:
        raise ConfigError(f"kernel={kernel}, but the maps must keep their size; give an odd number")


def check_rate(name: str, rate: float) -> None:
    """Raise ConfigError unless `rate` is a chance below 1."""
    if not 0 <= rate < 1:
        raise ConfigError(f"{name}={rate}, but it is a chance; give a rate from 0 to below 1")
