"""Run exported files: images in, what the model returns out."""

import abc
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hrpose.deploy.named import join_outputs
from hrpose.deploy.sheet import FILE, KEY, ExportSheet
from hrpose.errors import ConfigError, MissingExtraError, first_line
from hrpose.models.spec import PoseSpec
from hrpose.types import Images


class ExportRunner(abc.ABC):
    """An exported file, called as the model is."""

    sheet: ExportSheet

    @property
    def spec(self) -> PoseSpec | None:
        """Keypoint names, codec and normalisation, where the model had them."""
        return self.sheet.spec

    def __call__(self, images: Images) -> Any:
        """Images (N, C, H, W), float32 -> what the model returns for them, on the CPU.

        Raises: ShapeError for images of another shape or dtype; ConfigError if they ask for a gradient.
        """
        self.sheet.check(images)
        return join_outputs(self.sheet.kind, dict(zip(self.sheet.outputs, self.run(images), strict=True)))

    @abc.abstractmethod
    def run(self, images: Images) -> list[Tensor]:
        """The outputs in the order of `sheet.outputs`, for images that were checked."""


class OnnxRunner(ExportRunner):
    """ONNX Runtime on a file of `export_onnx`.

    Args:
        threads: of one call; as many as ONNX Runtime likes if None.
        providers: where it runs, best first, such as ("CUDAExecutionProvider", "CPUExecutionProvider").
    Raises: MissingExtraError without onnxruntime; ConfigError for a file that is missing or was not made by
        export_onnx, for a number of threads below 1, and for a provider that is not installed.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        threads: int | None = None,
        providers: Sequence[str] = ("CPUExecutionProvider",),
    ) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            advice = 'python -m pip install "hrpose[onnx]"'
            raise MissingExtraError(f"OnnxRunner needs onnxruntime; run: {advice}") from error
        check_file(path, threads)
        known = onnxruntime.get_available_providers()
        absent = [name for name in providers if name not in known]
        if absent:
            raise ConfigError(f"this onnxruntime has no {', '.join(absent)}; give some of {', '.join(known)}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3  # errors: warnings about its own graph rewriting help nobody
        try:
            self.session = onnxruntime.InferenceSession(str(path), options, providers=list(providers))
        except Exception as error:  # its errors have no common parent but this
            raise ConfigError(
                f"ONNX Runtime cannot read {path} ({first_line(error)}); export it anew"
            ) from error
        stored = self.session.get_modelmeta().custom_metadata_map.get(KEY)
        self.sheet = ExportSheet.from_json(stored, str(path))

    def run(self, images: Images) -> list[Tensor]:
        """The outputs in the order of `sheet.outputs`."""
        fed = images.detach().cpu().contiguous().numpy()
        made = self.session.run(list(self.sheet.outputs), {"images": fed})
        return [torch.from_numpy(part) for part in made]


class OpenVinoRunner(ExportRunner):
    """OpenVINO on a file of `export_onnx`.

    Args:
        threads: of one call; as many as OpenVINO likes if None.
        precision: that it computes in, "float32" or "bfloat16". Left to itself, OpenVINO takes bfloat16 on
            processors that have it, which moves heatmaps by about a hundredth of their largest value.
    Raises: MissingExtraError without openvino; ConfigError for a file that is missing or was not made by
        export_onnx, for a number of threads below 1, and for another precision.
    """

    def __init__(self, path: str | Path, *, threads: int | None = None, precision: str = "float32") -> None:
        try:
            import openvino
        except ImportError as error:
            advice = 'python -m pip install "hrpose[openvino]"'
            raise MissingExtraError(f"OpenVinoRunner needs openvino; run: {advice}") from error
        check_file(path, threads)
        if precision not in PRECISIONS:
            raise ConfigError(f"precision={precision!r} is not known; give {' or '.join(PRECISIONS)}")
        options: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": PRECISIONS[precision],
            "PERFORMANCE_HINT": "LATENCY",
        }
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = threads
        core = openvino.Core()
        try:
            model = core.read_model(str(path))
        except RuntimeError as error:
            raise ConfigError(f"OpenVINO cannot read {path} ({first_line(error)}); export it anew") from error
        self.sheet = ExportSheet.from_json(_openvino_text(model), str(path))
        self.compiled: Any = core.compile_model(model, "CPU", options)

    def run(self, images: Images) -> list[Tensor]:
        """The outputs in the order of `sheet.outputs`."""
        made = self.compiled(images.detach().cpu().contiguous().numpy())
        return [torch.from_numpy(made[name]) for name in self.sheet.outputs]


class ProgramRunner(ExportRunner):
    """torch.export's graph in a file of `export_program`.

    Raises: ConfigError for a file that is missing or was not made by export_program.
    """

    def __init__(self, path: str | Path) -> None:
        check_file(path, None)
        held = {FILE: ""}
        try:
            program = torch.export.load(str(path), extra_files=held)
        except (RuntimeError, ValueError, zipfile.BadZipFile) as error:
            raise ConfigError(
                f"torch.export cannot read {path} ({first_line(error)}); export it anew"
            ) from error
        self.sheet = ExportSheet.from_json(held[FILE] or None, str(path))
        self.module = program.module()

    def run(self, images: Images) -> list[Tensor]:
        """The outputs in the order of `sheet.outputs`."""
        with torch.no_grad():
            made = self.module(images)
        return [made[name] for name in self.sheet.outputs]


PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}


def _openvino_text(model: Any) -> str | None:
    """The sheet, where OpenVINO keeps the metadata of an ONNX file."""
    place = ["framework", KEY]
    return str(model.get_rt_info(place).astype(str)) if model.has_rt_info(place) else None


def check_file(path: str | Path, threads: int | None) -> None:
    """Raise ConfigError unless there is such a file, and the number of threads is one."""
    if not Path(path).is_file():
        raise ConfigError(f"there is no file {path}; give one that hrpose.deploy exported")
    if threads is not None and threads < 1:
        raise ConfigError(f"threads={threads}, but one at least must work; give 1 or more, or None")
