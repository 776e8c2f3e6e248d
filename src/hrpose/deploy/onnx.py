"""A graph of torch.export as a graph of ONNX."""

import importlib.util
from pathlib import Path
from typing import Any

import torch

from hrpose.deploy.sheet import KEY, ExportSheet
from hrpose.errors import ExportError, MissingExtraError, first_line

PACKAGES = ("onnx", "onnxscript", "onnxruntime")  # the last one to compare with the model
AXES = {0: "batch", 2: "height", 3: "width"}


def write_onnx(program: torch.export.ExportedProgram, sheet: ExportSheet, path: Path) -> None:
    """Write the graph with the sheet among its metadata.

    Raises: MissingExtraError without the packages for it; ExportError if ONNX lacks an operation.
    """
    check_packages()
    open_axes = {axis: name for axis, name in AXES.items() if sheet.shape[axis] is None}
    try:
        made: Any = torch.onnx.export(
            program,
            (),
            dynamo=True,
            input_names=["images"],
            output_names=list(sheet.outputs),
            dynamic_shapes={"images": open_axes},
            verbose=False,
        )
    except torch.onnx.errors.OnnxExporterError as error:
        raise ExportError(
            f"torch.onnx makes no graph of it ({first_line(error)}); try export_program"
        ) from error
    made.model.metadata_props[KEY] = sheet.to_json()
    made.save(path)


def check_packages() -> None:
    """Raise MissingExtraError unless all that writes ONNX and runs it is installed."""
    absent = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if absent:
        advice = 'python -m pip install "hrpose[onnx]"'
        raise MissingExtraError(f"export_onnx needs {', '.join(absent)}; run: {advice}")
