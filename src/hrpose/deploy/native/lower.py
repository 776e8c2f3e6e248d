"""lower: the graph of a network for one shape -> operations on maps."""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from hrpose.deploy.native.operations import Value
from hrpose.deploy.native.rules import RULES
from hrpose.deploy.native.straight import Call, Straight, as_map
from hrpose.deploy.results import tensors_of
from hrpose.errors import ConfigError


class Flat(nn.Module):
    """A network that returns its tensors one after another."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Images (N, C, H, W) -> every tensor of the result."""
        return tuple(tensors_of(self.network(images)))


def lower(network: nn.Module, images: Tensor) -> Straight:
    """The operations of a network for images of this shape.

    Raises: ConfigError for what there is no operation for.
    """
    program = torch.export.export(Flat(network).eval(), (images,), strict=False)
    known = {**program.state_dict, **program.constants}
    signature = program.graph_signature
    lifted = {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }
    straight = Straight(image=Value(shape=as_map(images.shape)))
    made: dict[torch.fx.Node, Any] = {}
    for node in program.graph.nodes:
        if node.op == "placeholder":
            made[node] = known[lifted[node.name]].detach() if node.name in lifted else straight.image
        elif node.op == "call_function":
            made[node] = one(node, straight, made)
            if is_in_place(node) and isinstance(made[node], Value):
                replace(made, made[node.args[0]], made[node])
        elif node.op == "output":
            straight.outputs = [straight.map(made[each]) for each in node.args[0]]
    return straight


def is_in_place(node: torch.fx.Node) -> bool:
    """Whether it writes its result over what it was given."""
    return isinstance(node.target, torch._ops.OpOverload) and node.target._schema.is_mutable


def replace(made: dict[torch.fx.Node, Any], old: Value, new: Value) -> None:
    """From here on a value is another.

    Raises: ConfigError if parts of it were taken, which would change with it.
    """
    parts = [each for each in made.values() if isinstance(each, Value | list)]
    bases = [each.base for held in parts for each in (held if isinstance(held, list) else [held])]
    if old.base is not None or old in bases:
        raise ConfigError("there is no kernel here that writes over a part of a map")
    made |= {node: new for node, value in made.items() if value is old}


def one(node: torch.fx.Node, straight: Straight, made: dict[torch.fx.Node, Any]) -> Any:
    """What a node of the graph gives."""
    args, kwargs = torch.fx.node.map_arg((node.args, node.kwargs), lambda each: made[each])
    if not any(isinstance(made[each], Value | list) for each in node.all_input_nodes):
        return cast(Callable[..., Any], node.target)(*args, **kwargs)  # of constants alone
    change = RULES.get(node.target)
    if change is None:
        raise ConfigError(f"there is no kernel here for {node.target}")
    given = [each for each in node.args[1:] if isinstance(each, torch.fx.Node)]
    weight = given[0].name if given and given[0].op == "placeholder" else ""
    shape = getattr(node.meta["val"], "shape", ())
    return change(Call(straight, tuple(shape), weight), *args, **kwargs)
