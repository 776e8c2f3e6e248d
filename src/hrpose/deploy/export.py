"""export_program and export_onnx: a trained model as one file, compared with the model before it is kept."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hrpose.deploy.decoding import WithPeaks, WithPoints, with_decoding
from hrpose.deploy.files import replacing
from hrpose.deploy.fuse import fuse as fused_copy
from hrpose.deploy.named import kind_of, name_outputs
from hrpose.deploy.onnx import write_onnx
from hrpose.deploy.runners import OnnxRunner, ProgramRunner
from hrpose.deploy.sheet import FILE, ExportSheet
from hrpose.deploy.tracing import Dynamic, axes_of, check_shapes, example_shape, smallest_size, trace
from hrpose.deploy.verify import Check, Shape, verify
from hrpose.errors import ConfigError
from hrpose.models.families import config_to_dict
from hrpose.types import Size

TOLERANCE = 1e-4  # of the largest value of an output


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A file that was written: what it says of itself, and how it compared with the model."""

    path: Path
    sheet: ExportSheet
    checks: tuple[Check, ...]

    def __str__(self) -> str:
        shapes = ", ".join(dict.fromkeys("x".join(map(str, check.shape)) for check in self.checks))
        worst = max(check.difference for check in self.checks)
        outputs = ", ".join(self.sheet.outputs)
        return f"{self.path}: {outputs}; compared on {shapes}, at most {worst:.1e} of the largest value apart"


def export_program(
    model: nn.Module,
    path: str | Path,
    example: Tensor | None = None,
    *,
    dynamic: Dynamic = True,
    decode: bool | str = False,
    fuse: bool = False,
    tolerance: float = TOLERANCE,
) -> Exported:
    """Write a model as a graph of torch.export, a .pt2 file; `ProgramRunner` runs it.

    torch.export.load runs it too, without hrpose: the outputs come as a dict of named tensors.

    Args:
        model: in evaluation mode, float32, on the CPU: a pose model, a backbone, a classifier, a segmenter,
            or a module of your own that takes images and returns a tensor, a list of them or PoseMaps.
        example: images (N, C, H, W) of the shape to trace with; None takes the input size of the codec.
        dynamic: True leaves batch, height and width open, "batch" the batch alone, False nothing.
        decode: put the decoding into the graph; see `with_decoding`. Top-down models then take the input
            size of their codec alone.
        fuse: export `hrpose.deploy.fuse(model)`; it is compared with the model itself.
        tolerance: how far an output may be from the model's, as part of its largest value.
    Raises: ConfigError for a model in training mode or elsewhere than on the CPU, for settings that do not
        fit, and where nothing can be written; ShapeError for an example that the model does not take;
        ExportError if the model makes no graph, or one that gives something else. A file that stood at
        `path` is replaced only by one that passed.
    """
    job = _Job.of(model, example, dynamic, decode, fuse)
    with replacing(path, ".pt2") as beside:
        program = job.trace()
        sheet = job.sheet(smallest_size(program))
        torch.export.save(program, beside, extra_files={FILE: sheet.to_json()})
        checks = job.verify(ProgramRunner(beside), tolerance, str(path))
    return Exported(path=Path(path), sheet=sheet, checks=checks)


def export_onnx(
    model: nn.Module,
    path: str | Path,
    example: Tensor | None = None,
    *,
    dynamic: Dynamic = True,
    decode: bool | str = False,
    fuse: bool = False,
    tolerance: float = TOLERANCE,
) -> Exported:
    """Write a model as a graph of ONNX; `OnnxRunner` and `OpenVinoRunner` run it, as does what reads ONNX.

    The input is called images, the outputs heatmaps_0, heatmaps_1, tags_0 ... (pose models), maps_0, maps_1
    ... (backbones), logits (classifiers and segmenters), points and scores (`decode`, top-down), heatmaps,
    tags, peaks and peak_tags (`decode`, bottom-up).

    Args: as `export_program`.
    Raises: as `export_program`; MissingExtraError without onnx, onnxscript or onnxruntime.
    """
    job = _Job.of(model, example, dynamic, decode, fuse)
    with replacing(path, ".onnx") as beside:
        program = job.trace()
        sheet = job.sheet(smallest_size(program))
        write_onnx(program, sheet, beside)
        checks = job.verify(OnnxRunner(beside), tolerance, str(path))
    return Exported(path=Path(path), sheet=sheet, checks=checks)


@dataclass(frozen=True)
class _Job:
    """What is exported: the model as it was given, with its decoding, and the network that is traced."""

    model: nn.Module  # what the graph is compared with
    network: nn.Module  # what becomes a graph: fused if that was asked for
    shape: Shape
    axes: tuple[int, ...]
    config: Any
    fused: bool

    @classmethod
    def of(
        cls, model: nn.Module, example: Tensor | None, dynamic: Dynamic, decode: bool | str, fuse: bool
    ) -> "_Job":
        check_model(model)
        axes, shape = axes_of(dynamic), example_shape(model, example)
        source = fused_copy(model) if fuse else model
        config = getattr(model, "config", None)
        if not decode:
            return cls(model, source, shape, axes, config, fuse)
        decoded, network = with_decoding(model, decode), with_decoding(source, decode)
        if isinstance(decoded, WithPoints):
            axes = tuple(axis for axis in axes if axis == 0)  # the reading is of one size of maps
            check_input_size(shape, decoded.codec.input_size)
        return cls(decoded.eval(), network.eval(), shape, axes, config, fuse)

    def trace(self) -> torch.export.ExportedProgram:
        return trace(self.network, self.shape, self.axes)

    def sheet(self, smallest: Size) -> ExportSheet:
        with torch.no_grad():
            output = self.model(torch.zeros(self.shape))
        return ExportSheet(
            kind=kind_of(output),
            outputs=tuple(name_outputs(output)),
            shape=tuple(None if k in self.axes else side for k, side in enumerate(self.shape)),
            smallest=smallest,
            decode=self._decode(),
            fused=self.fused,
            config=stored_config(self.config),
        )

    def _decode(self) -> str | None:
        if isinstance(self.model, WithPeaks):
            return "peaks"
        return self.model.frame if isinstance(self.model, WithPoints) else None

    def verify(self, made: Callable[[Tensor], Any], tolerance: float, what: str) -> tuple[Check, ...]:
        shapes = check_shapes(self.shape, self.axes)
        return verify(self.model, made, shapes, tolerance=tolerance, what=what)


def check_model(model: nn.Module) -> None:
    """Raise ConfigError unless the model can be exported as it stands."""
    if any(module.training for module in model.modules()):
        raise ConfigError(
            f"this {type(model).__name__} is in training mode; call model.eval() before exporting"
        )
    for weight in model.parameters():
        if weight.device.type != "cpu" or weight.dtype != torch.float32:
            came = f"weights are {weight.dtype} on {weight.device}"
            raise ConfigError(f"{came}, but float32 on the CPU is exported; give model.float().cpu()")


def check_input_size(shape: Shape, size: Size) -> None:
    """Raise ConfigError unless images of that shape are what the codec reads maps of."""
    if tuple(shape[2:]) != tuple(size):
        came = (
            f"example has {shape[2]} x {shape[3]} pixels, but the codec reads crops of {size[0]} x {size[1]}"
        )
        raise ConfigError(f"{came}; give an example of that size, or decode=False")


def stored_config(config: Any) -> dict[str, Any] | None:
    """Settings as in config.json; None for those of a model that is not of hrpose."""
    try:
        return config_to_dict(config)
    except ConfigError:
        return None
