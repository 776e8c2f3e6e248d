"""Batch norms of foreign networks, folded where torch.fx shows that it changes nothing."""

import collections
import copy
import inspect
import warnings

from torch import fx, nn

from hrpose.deploy.fold import fold, is_conv, is_norm


class Tracer(fx.Tracer):
    """Looks into foreign modules only."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Ours have been fused already."""
        return m.__module__.startswith("hrpose.") or super().is_leaf_module(m, module_qualified_name)


def fold_pairs(module: nn.Module) -> None:
    """Fold, in place, each batch norm that is all that hears a convolution.

    A network that torch.fx cannot follow is left as it is, and so are its parts: it could use them in ways
    of its own.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval()
    >>> fold_pairs(net)
    >>> net[1]
    Identity()
    """
    graph = follow(module)
    for conv_name, norm_name in [] if graph is None else pairs(module, graph):
        conv, norm = module.get_submodule(conv_name), module.get_submodule(norm_name)
        if isinstance(conv, nn.Conv2d | nn.ConvTranspose2d) and isinstance(norm, nn.BatchNorm2d):
            weight, bias = fold(conv, norm)
            conv.weight, conv.bias = nn.Parameter(weight), nn.Parameter(bias)
            module.set_submodule(norm_name, nn.Identity())


def follow(module: nn.Module) -> fx.Graph | None:
    """All that `forward` calls, or None where that depends on what comes in."""
    if any(part._forward_hooks or part._forward_pre_hooks for part in module.modules()):
        return None
    if not takes_one_input(module):  # what is left out or None could lead another way
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Tracer().trace(copy.deepcopy(module))  # a copy: forward may note things down
    except Exception:  # a foreign forward can fail in any way on a stand-in for its input
        return None


def takes_one_input(module: nn.Module) -> bool:
    """Whether `forward` has one argument and no others that may be given."""
    inputs = inspect.signature(module.forward).parameters.values()
    return [p.kind for p in inputs] == [inspect.Parameter.POSITIONAL_OR_KEYWORD]


def pairs(module: nn.Module, graph: fx.Graph) -> list[tuple[str, str]]:
    """The names of convolutions and of the batch norms that alone hear them, both used just once."""
    modules = dict(module.named_modules(remove_duplicate=False))
    calls = [node for node in graph.nodes if node.op == "call_module"]
    used = collections.Counter(id(modules[str(node.target)]) for node in calls)
    read = {str(node.target).rpartition(".")[0] for node in graph.nodes if node.op == "get_attr"}
    found = []
    for node in calls:
        before = node.args[0] if len(node.args) == 1 else None
        if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) != 1:
            continue
        names = str(before.target), str(node.target)
        conv, norm = (modules[name] for name in names)
        once = used[id(conv)] == used[id(norm)] == 1 and not read.intersection(names)
        if once and is_conv(conv) and is_norm(norm):
            found.append(names)
    return found
