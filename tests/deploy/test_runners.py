import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch

from hrpose.deploy import Exported, OnnxRunner, OpenVinoRunner, ProgramRunner
from hrpose.deploy.sheet import ExportSheet
from hrpose.deploy.verify import verify
from hrpose.errors import ConfigError, ExportError, MissingExtraError, ShapeError
from hrpose.types import PoseMaps
from tests.deploy.exporting import OneConv, topdown
from tests.deploy.networks import furthest

SIZES = [(1, 64, 48), (3, 64, 48), (2, 75, 101), (1, 33, 50)]


@pytest.fixture(scope="module")
def runners(onnx_file: Exported, program_file: Exported) -> dict[str, Any]:
    return {
        "onnxruntime": OnnxRunner(onnx_file.path, threads=1),
        "openvino": OpenVinoRunner(onnx_file.path, threads=1),
        "program": ProgramRunner(program_file.path),
    }


@pytest.mark.parametrize("name", ["onnxruntime", "openvino", "program"])
def test_a_runner_gives_what_the_model_gives(name: str, runners: dict[str, Any]) -> None:
    model = topdown()
    for batch, *size in SIZES:
        images = torch.randn(batch, 3, *size)
        came = runners[name](images)
        with torch.no_grad():
            wanted = model(images)
        assert isinstance(came, PoseMaps)
        assert furthest(came, wanted) < 1e-4
    assert runners[name].spec == model.spec


def test_answers_are_not_overwritten_by_the_next(runners: dict[str, Any]) -> None:
    one, other = torch.randn(2, 1, 3, 64, 48).unbind()
    for run in runners.values():
        first = run(one).heatmaps[0]
        kept = first.clone()
        run(other)
        assert torch.equal(first, kept)


def test_threads_are_set(runners: dict[str, Any]) -> None:
    assert runners["onnxruntime"].session.get_session_options().intra_op_num_threads == 1
    assert runners["openvino"].compiled.get_property("INFERENCE_NUM_THREADS") == 1


SHEET = ExportSheet(kind="logits", outputs=("logits",), shape=(None, 3, None, None), smallest=(17, 17))


@pytest.mark.parametrize(
    ("images", "error", "text"),
    [
        (
            torch.zeros(1, 3, 32, 32).numpy(),
            ShapeError,
            "images are a ndarray, but a tensor was needed; torch",
        ),
        (torch.zeros(3, 32, 32), ShapeError, "images are (3, 32, 32), but the file takes (N, 3, H, W); give"),
        (torch.zeros(1, 1, 32, 32), ShapeError, "images are (1, 1, 32, 32), but the file takes (N, 3, H, W)"),
        (
            torch.zeros(1, 3, 32, 16),
            ShapeError,
            "images are (1, 3, 32, 16), but the file takes at least 17 x 17 pixels (height x width); enlarge",
        ),
        (
            torch.zeros(1, 3, 32, 32).half(),
            ShapeError,
            "images are torch.float16, but the file takes torch.float32; give images.float()",
        ),
        (
            torch.zeros(1, 3, 32, 32, requires_grad=True),
            ConfigError,
            "an exported file gives no gradients; give images.detach(), or use the model",
        ),
    ],
)
def test_other_images_are_refused(images: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=re.escape(text)):
        SHEET.check(images)


def test_an_image_too_small_is_refused_by_every_runner(runners: dict[str, Any]) -> None:
    for run in runners.values():
        least = run.sheet.smallest[0]
        with pytest.raises(ShapeError, match=f"the file takes at least {least} x {least} pixels"):
            run(torch.zeros(1, 3, least - 1, 64))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda _: OnnxRunner("none.onnx"),
            "there is no file none.onnx; give one that hrpose.deploy exported",
        ),
        (lambda _: OpenVinoRunner("none.onnx"), "there is no file none.onnx"),
        (lambda _: ProgramRunner("none.pt2"), "there is no file none.pt2"),
        (
            lambda file: OnnxRunner(file, threads=0),
            "threads=0, but one at least must work; give 1 or more, or",
        ),
        (
            lambda file: OnnxRunner(file, providers=("NoSuch",)),
            "this onnxruntime has no NoSuch; give some of",
        ),
        (
            lambda file: OpenVinoRunner(file, precision="int8"),
            "precision='int8' is not known; give float32 or bfloat16",
        ),
    ],
)
def test_settings_without_meaning_are_refused(
    make: Callable[[Path], Any], text: str, onnx_file: Exported
) -> None:
    with pytest.raises(ConfigError, match=re.escape(text)):
        make(onnx_file.path)


@pytest.mark.parametrize(
    ("runner", "package", "extra"),
    [(OnnxRunner, "onnxruntime", "onnx"), (OpenVinoRunner, "openvino", "openvino")],
)
def test_a_missing_runtime_is_named(
    runner: Any, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    text = f'{runner.__name__} needs {package}; run: python -m pip install "hrpose[{extra}]"'
    with pytest.raises(MissingExtraError, match=re.escape(text)):
        runner("model.onnx")


@pytest.mark.parametrize(
    ("runner", "text"),
    [
        (OnnxRunner, "ONNX Runtime cannot read"),
        (OpenVinoRunner, "OpenVINO cannot read"),
        (ProgramRunner, "torch.export cannot read"),
    ],
)
def test_a_file_that_is_no_graph_is_refused(runner: Any, text: str, tmp_path: Path) -> None:
    file = tmp_path / ("model.pt2" if runner is ProgramRunner else "model.onnx")
    file.write_bytes(b"no graph")
    with pytest.raises(ConfigError, match=text):
        runner(file)


def test_a_graph_of_another_origin_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    value = onnx.helper.make_tensor_value_info
    sides = [1, 3, 8, 8]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Relu", ["images"], ["logits"])],
        "relu",
        [value("images", onnx.TensorProto.FLOAT, sides)],
        [value("logits", onnx.TensorProto.FLOAT, sides)],
    )
    opset = onnx.helper.make_opsetid("", 18)
    onnx.save(onnx.helper.make_model(graph, ir_version=9, opset_imports=[opset]), file)
    for runner in (OnnxRunner, OpenVinoRunner):
        with pytest.raises(ConfigError, match="does not say how hrpose exported it; export the model by"):
            runner(file)
    other = tmp_path / "model.pt2"
    torch.export.save(torch.export.export(torch.nn.ReLU(), (torch.zeros(1),)), other)
    with pytest.raises(ConfigError, match="does not say how hrpose exported it"):
        ProgramRunner(other)


def compare(made: Callable[[torch.Tensor], Any]) -> None:
    verify(OneConv(), made, [(1, 3, 8, 8)], tolerance=1e-4, what="file")


def test_a_comparison_sees_another_shape_nan_and_failure() -> None:
    compare(OneConv())
    shift = r"file: heatmaps_0 for images of \(1, 3, 8, 8\) is off by "
    for change, text in (
        (lambda maps: maps[..., :1], shift + "inf"),
        (lambda maps: maps * float("nan"), shift + "inf"),
        (lambda maps: maps * 1.01, shift + "0.01"),
    ):
        with pytest.raises(ExportError, match=text):
            compare(lambda images, change=change: PoseMaps((change(OneConv()(images).heatmaps[0]),)))

    def fail(_: torch.Tensor) -> Any:
        raise RuntimeError("out of luck\nand more")

    with pytest.raises(ExportError, match=r"file: the graph fails for images of .* \(out of luck\); the"):
        compare(fail)
