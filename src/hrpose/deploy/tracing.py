"""A network as a graph for any batch, height and width."""

from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from hrpose.codecs.topdown import TopDownCodec
from hrpose.deploy.named import Named
from hrpose.deploy.verify import Shape
from hrpose.errors import ConfigError, ExportError, HRPoseError, ShapeError, first_line
from hrpose.types import Size

Dynamic: TypeAlias = bool | Literal["batch"]
AXES: dict[Dynamic, tuple[int, ...]] = {True: (0, 2, 3), "batch": (0,), False: ()}
PLAIN_SIZE = (128, 96)  # of the images a network is traced with where nothing tells their size


def example_shape(model: nn.Module, example: Tensor | None) -> Shape:
    """The shape of the images to trace with: of `example`, or as the codec has it.

    Raises: ShapeError for an example that is not a batch of images.
    """
    if example is None:
        codec = getattr(getattr(model, "spec", None), "codec", None)
        size = codec.input_size if isinstance(codec, TopDownCodec) else PLAIN_SIZE
        return (2, in_chans(model), *size)
    if not isinstance(example, Tensor) or example.ndim != 4 or example.dtype != torch.float32:
        came = f"a {type(example).__name__}"
        if isinstance(example, Tensor):
            came = f"{tuple(example.shape)} of {example.dtype}"
        raise ShapeError(f"example is {came}, but (N, C, H, W) of torch.float32 was needed; give such images")
    return tuple(example.shape)


def in_chans(model: nn.Module) -> int:
    """Channels of the images, as the settings say; 3 where they do not."""
    config: Any = getattr(model, "config", None)
    return int(getattr(getattr(config, "backbone", config), "in_chans", 3))


def axes_of(dynamic: Dynamic) -> tuple[int, ...]:
    """The axes of the images that may have any length. Raises: ConfigError for another choice."""
    if dynamic not in AXES:
        raise ConfigError(f"dynamic={dynamic!r} is not known; give True, 'batch' or False")
    return AXES[dynamic]


def check_shapes(shape: Shape, axes: tuple[int, ...]) -> list[Shape]:
    """What the exported network is run on: one image, several, and other sizes, among them odd ones.

    >>> check_shapes((2, 3, 64, 48), (0, 2, 3))
    [(2, 3, 64, 48), (1, 3, 64, 48), (3, 3, 96, 80), (1, 3, 77, 109)]
    """
    batch, channels, height, width = shape
    shapes = [shape]
    if 0 in axes:
        shapes.append((1 if batch > 1 else 3, channels, height, width))
    if 2 in axes:
        shapes += [(3, channels, height + 32, width + 32), (1, channels, height + 13, width + 61)]
    return shapes


def trace(model: nn.Module, shape: Shape, axes: tuple[int, ...]) -> torch.export.ExportedProgram:
    """The graph of a model, its outputs a dict of named tensors.

    Raises: ShapeError if the model does not take images of that shape; ExportError if it cannot be traced,
        or not with these axes left open.
    """
    named = Named(model).eval()
    images = torch.zeros(shape)
    longer = images.repeat(2, 1, 1, 1) if 0 in axes else images  # a batch of 1 would be taken as fixed
    spec = {"images": dict.fromkeys(axes, torch.export.Dim.DYNAMIC)}
    with torch.no_grad():
        named(images)  # the errors of the model itself are clearer than those of tracing
        try:
            return _unshared(torch.export.export(named, (longer,), dynamic_shapes=spec))
        except HRPoseError:
            raise
        except Exception as error:  # torch.export raises errors of many kinds
            came = f"torch.export makes no graph of this {type(model).__name__} with dynamic axes {axes}"
            fix = "try dynamic='batch', or dynamic=False"
            raise ExportError(f"{came} ({first_line(error)}); {fix}") from error


def _unshared(program: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    """The same with every weight in plain memory of its own: torch.export.save warns of all others."""
    for held in (program.state_dict, program.constants):
        for name, tensor in held.items():
            if isinstance(tensor, Tensor) and not _stands_alone(tensor):
                plain = tensor.detach().clone(memory_format=torch.contiguous_format)
                held[name] = nn.Parameter(plain, False) if isinstance(tensor, nn.Parameter) else plain
    return program


def _stands_alone(tensor: Tensor) -> bool:
    return tensor.is_contiguous() and tensor.untyped_storage().nbytes() == tensor.nbytes


def smallest_size(program: torch.export.ExportedProgram) -> Size:
    """The least height and width that the graph was made for."""
    held = next(node for node in program.graph.nodes if node.op == "placeholder" and node.name == "images")
    sides: list[int] = []
    for side in held.meta["val"].shape[2:]:
        bounds = None if isinstance(side, int) else program.range_constraints.get(side.node.expr)
        sides.append(int(bounds.lower) if bounds is not None else int(side))
    return sides[0], sides[1]
