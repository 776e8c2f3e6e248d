"""Peers: networks of other code that are timed beside ours, by name."""

import importlib
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from hrpose.errors import ConfigError, MissingExtraError, UnknownNameError, nearest

TIMM = "timm"


def peer(name: str, device: torch.device | None = None) -> Callable[[Any], object]:
    """A network to compare with.

    Args:
        name: "timm:hrnet_w32", the trunk of a timm HRNet or the feature extractor of any other timm network;
            or "package.module:callable" of your own: a network, or what makes one when it is called without
            arguments.
        device: where it shall run.
    Returns: what is called with images; a module is in evaluation mode.
    Raises: UnknownNameError if there is no such module, attribute or timm network; ConfigError for a name of
        another form, or if the callable fails or gives nothing that can be called; MissingExtraError without
        timm.

    >>> type(peer("torch.nn:Identity")).__name__
    'Identity'
    """
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise ConfigError(f"peer {name!r} has no such form; give timm:NAME or package.module:callable")
    found = timm_network(attribute) if module == TIMM else own(module, attribute)
    if isinstance(found, nn.Module):
        return found.eval().to(device)
    return found


def timm_network(name: str) -> nn.Module:
    """A timm network as maps; of an HRNet the trunk alone, as timm's extractor else widens its four maps."""
    try:
        import timm
    except ImportError as error:
        raise MissingExtraError(f"peer timm:{name} needs timm; run: python -m pip install timm") from error
    if not timm.is_model(name):
        raise UnknownNameError(f"timm has no {name!r}; {nearest(name, timm.list_models())}")
    trunk: dict[str, Any] = {"feature_location": ""} if name.startswith("hrnet_") else {}
    try:
        network: nn.Module = timm.create_model(name, features_only=True, **trunk)
    except (RuntimeError, AttributeError, AssertionError, ValueError) as error:
        raise ConfigError(f"timm gives no maps of {name!r} ({error}); choose another network") from error
    return network


def own(module: str, attribute: str) -> Callable[[Any], object]:
    """A network of the user's, or what makes one."""
    try:
        holder: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = f"peer {module}:{attribute}: {error}"
        raise UnknownNameError(f"{missing}; install it, or add its folder to PYTHONPATH") from error
    for part in attribute.split("."):
        if not hasattr(holder, part):
            raise UnknownNameError(f"{module} has no {attribute!r}; {nearest(part, dir(holder))}")
        holder = getattr(holder, part)
    found = holder if isinstance(holder, nn.Module) else _made(module, attribute, holder)
    if not callable(found):
        came = f"{module}:{attribute} gives a {type(found).__name__}, which cannot be called with images"
        raise ConfigError(f"{came}; give a network, or a function without arguments that makes one")
    return found


def _made(module: str, attribute: str, maker: Any) -> Any:
    try:
        return maker()
    except TypeError as error:
        came = f"{module}:{attribute} cannot be called without arguments ({error})"
        raise ConfigError(
            f"{came}; give a network, or a function without arguments that makes one"
        ) from error
