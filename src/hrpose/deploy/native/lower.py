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
    straight = Straight(image=Value(shape=as_map(images.shape)))
    lowering = Lowering(program, straight)
    for node in program.graph.nodes:
        lowering.take(node)
    return straight


class Lowering:
    """What the nodes of a graph have given so far."""

    def __init__(self, program: torch.export.ExportedProgram, straight: Straight) -> None:
        signature = program.graph_signature
        self.named = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
        self.lifted = {**self.named, **signature.inputs_to_lifted_tensor_constants}
        self.known = {**program.state_dict, **program.constants}
        self.straight = straight
        self.made: dict[torch.fx.Node, Any] = {}  # values, lists of them, or tensors that never change

    def take(self, node: torch.fx.Node) -> None:
        """The next node."""
        if node.op == "placeholder":
            held = self.lifted.get(node.name)
            self.made[node] = self.straight.image if held is None else self.known[held].detach()
        elif node.op == "call_function":
            self.made[node] = self._called(node)
            if is_in_place(node):
                self._replace(self.made[cast(torch.fx.Node, node.args[0])], self.made[node])
        elif node.op == "output":
            results = cast(tuple[torch.fx.Node, ...], node.args[0])
            self.straight.outputs = [self.straight.map(self.made[each]) for each in results]

    def _called(self, node: torch.fx.Node) -> Any:
        """What an operator gives."""
        args, kwargs = torch.fx.node.map_arg((node.args, node.kwargs), lambda each: self.made[each])
        if not any(isinstance(self.made[each], Value | list) for each in node.all_input_nodes):
            if is_in_place(node):
                raise ConfigError("there is no kernel here for a network that writes over its own weights")
            return cast(Callable[..., Any], node.target)(*args, **kwargs)  # of constants alone
        change = RULES.get(node.target)
        if change is None:
            raise ConfigError(f"there is no kernel here for {node.target}")
        shape = tuple(getattr(node.meta["val"], "shape", ()))
        try:
            return change(Call(self.straight, shape, self._weights(node)), *args, **kwargs)
        except (TypeError, AttributeError) as error:  # settings or kinds of arguments that no rule knows
            raise ConfigError(
                f"there is no kernel here for {node.target} as it was called: {error}"
            ) from error

    def _weights(self, node: torch.fx.Node) -> str:
        """The names of its weights; none where one was computed, or may be another for other images."""
        given = [each for each in node.args[1:] if isinstance(each, torch.fx.Node)]
        names = [self.named.get(each.name, "") for each in given]
        return " ".join(names) if all(names) else ""

    def _replace(self, old: Any, new: Value) -> None:
        """From here on a value is another.

        Raises: ConfigError if parts of it were taken, which would change with it.
        """
        held = [each if isinstance(each, list) else [each] for each in self.made.values()]
        bases = [each.base for some in held for each in some if isinstance(each, Value)]
        if not isinstance(old, Value) or old.base is not None or old in bases:
            raise ConfigError("there is no kernel here that writes over a constant or a part of a map")
        self.made |= {node: new for node, value in self.made.items() if value is old}


def is_in_place(node: torch.fx.Node) -> bool:
    """Whether it writes its result over what it was given."""
    return isinstance(node.target, torch._ops.OpOverload) and node.target._schema.is_mutable
