"""What settings of different networks check alike."""

from collections.abc import Sequence
from typing import Any

from hrpose.errors import ConfigError


def check_positive(settings: Any, *names: str) -> None:
    """Raise ConfigError unless these settings are whole numbers from 1 up, or None."""
    for name in names:
        came = getattr(settings, name)
        if came is not None and not is_count(came):
            needed = "at least 1" if isinstance(came, int | float) and came < 1 else "a whole number"
            raise ConfigError(f"{name}={came!r}, but {needed} is needed; give a positive number")


def check_counts(name: str, given: Any, *, needed: str) -> None:
    """Raise ConfigError unless `given` is a sequence of whole numbers from 1 up."""
    listed = isinstance(given, Sequence) and not isinstance(given, str)
    if not listed or not given or not all(is_count(each) for each in given):
        raise ConfigError(f"{name}={given!r}, but {needed}")


def check_settings(network: str, given: Any, kind: type) -> None:
    """Raise ConfigError unless a network is built from settings of its own kind."""
    if not isinstance(given, kind):
        came = given if isinstance(given, str | int | None) else f"a {type(given).__name__}"
        fix = f"give {network}({kind.__name__}(...)); hrpose.create_model and create_backbone take names"
        raise ConfigError(f"{network} is built from its settings, but {came} came; {fix}")


def check_kernel(kernel: int) -> None:
    """Raise ConfigError unless a convolution of this size can keep the size of its map."""
    if kernel < 1 or kernel % 2 == 0:
        raise ConfigError(f"kernel={kernel}, but the maps must keep their size; give an odd number")


def branch_channels(channels: int | Sequence[int]) -> tuple[int, ...]:
    """The channels of each branch, finest first; one number stands for one branch.

    >>> branch_channels(32), branch_channels([32, 64])
    ((32,), (32, 64))

    Raises: ConfigError for no branch, and for what is no whole number from 1 up.
    """
    given = channels if isinstance(channels, Sequence) else (channels,)
    if not given or not all(is_count(c) for c in given):
        needed = "the channels of each branch, finest first, as backbone.feature_info.channels() does"
        raise ConfigError(f"in_channels={channels!r}; give {needed}")
    return tuple(given)


def check_out_channels(channels: int) -> None:
    """Raise ConfigError unless a convolution can have so many outputs."""
    if not is_count(channels):
        raise ConfigError(f"out_channels={channels!r}, but a head makes a number of maps; give 1 or more")


def is_count(value: Any) -> bool:
    """Whether it is a whole number from 1 up."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def check_rate(name: str, rate: float) -> None:
    """Raise ConfigError unless `rate` is a chance below 1."""
    if not 0 <= rate < 1:
        raise ConfigError(f"{name}={rate}, but it is a chance; give a rate from 0 to below 1")
