"""Give weights back under the names of their origin."""

from torch import Tensor, nn

from hrpose.errors import ConfigError, WeightsError
from hrpose.hub.convert import ORIGINS
from hrpose.hub.convert.engine import Origin
from hrpose.hub.load import KINDS
from hrpose.hub.report import some


def export_weights(model: nn.Module, origin: str = "official") -> dict[str, Tensor]:
    """The state dict of `model` as the code of `origin` names it, in its order.

    Args:
        origin: the name of an origin, or of a project ("official", "mmpose0", "mmpose1"), of which the part
            that fits the model is taken.
    Raises: WeightsError if that code has no such model; ConfigError for anything but a model.

    >>> from hrpose.backbones import HRNet, HRNetConfig
    >>> list(export_weights(HRNet(HRNetConfig(width=8, rounds=(1,), blocks=1))))[:2]
    ['conv1.weight', 'bn1.weight']
    """
    if not isinstance(model, nn.Module):
        raise ConfigError(f"{type(model).__name__} is no model; give one that create_model or TopDown makes")
    weights = dict(model.state_dict())
    kind = KINDS.get(type(model), "topdown")
    if kind == "trunk":
        weights = {f"backbone.{name}": w for name, w in weights.items()}
    able = [
        o for o in ORIGINS.values() if belongs(o, origin) and (o.kind in (kind, "any") or kind == "trunk")
    ]
    fitting = sorted(able, key=lambda o: o.kind != kind)  # a bare trunk goes by its own table if there is one
    left: tuple[str, ...] = ()
    for known in fitting:
        converted = known.export_weights(weights)
        left = left or converted.unclaimed
        if not converted.unclaimed and known.recognises(converted.weights):
            return converted.weights
    why = f"it has no names for {some(left)}" if left else f"it has no {kind} of this form"
    raise WeightsError(
        f"{origin!r} cannot name this {type(model).__name__}: {why}; origins are {', '.join(ORIGINS)}"
    )


def belongs(origin: Origin, name: str) -> bool:
    """Whether `name` is this origin, or the project that it is a part of."""
    return origin.name == name or origin.name.startswith(f"{name}_")
