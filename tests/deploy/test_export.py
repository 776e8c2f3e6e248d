import importlib.util
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hrpose.codecs import DARK, MSRA, UDP, AEHourglass, TopDownCodec, UDPOffset, transform_points
from hrpose.codecs.geometry import crop_matrix
from hrpose.deploy import Exported, OnnxRunner, PosePeaks, ProgramRunner, export_onnx, export_program
from hrpose.deploy.decoding import WithPoints, with_decoding
from hrpose.deploy.named import name_outputs
from hrpose.deploy.sheet import ExportSheet
from hrpose.errors import ConfigError, ExportError, MissingExtraError, ShapeError
from tests.deploy.exporting import SIZE, OneConv, bottomup, topdown
from tests.deploy.networks import furthest, network


def untouched(folder: Path) -> bool:
    return not list(folder.iterdir())


@pytest.mark.parametrize(
    ("name", "outputs"),
    [
        ("topdown v2", ["heatmaps_0"]),
        ("higherhrnet", ["heatmaps_0", "heatmaps_1", "tags_0"]),
        ("hourglass ae", ["heatmaps_0", "heatmaps_1", "tags_0", "tags_1"]),
        ("backbone", ["maps_0", "maps_1", "maps_2", "maps_3"]),
        ("classifier", ["logits"]),
        ("segmenter", ["logits"]),
    ],
)
def test_outputs_have_names(name: str, outputs: list[str]) -> None:
    with torch.no_grad():
        assert list(name_outputs(network(name)(torch.zeros(1, 3, 64, 64)))) == outputs


def test_what_was_compared_is_told(program_file: Exported, onnx_file: Exported) -> None:
    for made in (program_file, onnx_file):
        assert made.path.is_file()
        sizes = "2x3x64x48, 1x3x64x48, 3x3x96x80, 1x3x77x109"
        assert f"{made.path}: heatmaps_0; compared on {sizes}, at most" in str(made)
        assert max(check.difference for check in made.checks) < 1e-5
    assert list(program_file.path.parent.glob(".*")) == []


def test_a_file_says_what_it_is(onnx_file: Exported) -> None:
    sheet = OnnxRunner(onnx_file.path).sheet
    assert sheet == onnx_file.sheet
    assert (sheet.shape_text, sheet.fused, sheet.decode) == ("(N, 3, H, W)", True, None)
    assert sheet.spec == topdown().spec


def test_the_program_runs_without_hrpose_and_names_its_outputs(program_file: Exported) -> None:
    made = torch.export.load(program_file.path).module()(torch.zeros(1, 3, 70, 50))
    assert {name: tuple(tensor.shape) for name, tensor in made.items()} == {"heatmaps_0": (1, 5, 18, 13)}


@pytest.mark.parametrize(
    "codec", [MSRA(input_size=SIZE), DARK(input_size=SIZE, kernel=5), UDPOffset(input_size=SIZE, kernel=5)]
)
def test_points_come_out_of_the_graph(codec: TopDownCodec, tmp_path: Path) -> None:
    model, images = OneConv(codec), torch.randn(3, 3, *SIZE)
    made = export_program(model, tmp_path / "points.pt2", decode="heatmap")
    assert made.sheet.shape == (None, 3, *SIZE)
    points, scores = codec.decode(model(images).heatmaps[0].detach())
    came = ProgramRunner(made.path)(images)
    torch.testing.assert_close(came.points, points)
    torch.testing.assert_close(came.scores, scores)


def test_points_come_out_of_onnx(tmp_path: Path) -> None:
    codec, images = UDP(input_size=SIZE, kernel=5), torch.randn(1, 3, *SIZE)
    made = export_onnx(OneConv(codec), tmp_path / "points.onnx", decode=True)
    assert made.sheet.decode == "crop"
    points, scores = codec.decode(OneConv(codec)(images).heatmaps[0].detach())
    came = OnnxRunner(made.path, threads=1)(images)
    torch.testing.assert_close(came.points, codec.to_crop(points), rtol=1e-3, atol=1e-2)
    torch.testing.assert_close(came.scores, scores)


@pytest.mark.parametrize("codec", [MSRA(input_size=SIZE), DARK(input_size=SIZE), UDP(input_size=SIZE)])
def test_points_of_the_crop_lead_back_to_the_picture(codec: TopDownCodec) -> None:
    center, scale = codec.center_scale(torch.tensor([[40.0, 30.0, 90.0, 160.0]]))
    crops = torch.randn(1, 3, *SIZE)
    frames: dict[str, Any] = {
        frame: WithPoints(OneConv(codec), codec, frame) for frame in ("crop", "heatmap")
    }
    with torch.no_grad():
        points = {frame: module(crops).points for frame, module in frames.items()}
    back = crop_matrix(center, scale, SIZE, form=codec.crop_form, inverse=True)
    there = codec.to_image(points["heatmap"], center, scale)
    torch.testing.assert_close(transform_points(points["crop"], back), there, rtol=1e-4, atol=1e-3)


def test_people_are_put_together_from_the_peaks(peaks_file: Exported) -> None:
    model, images = bottomup(), torch.randn(2, 3, 80, 72)
    came: PosePeaks = OnnxRunner(peaks_file.path, threads=1)(images)
    with torch.no_grad():
        wanted = with_decoding(model, True)(images)
    assert peaks_file.sheet.decode == "peaks"
    assert tuple(came.peaks.shape) == (2, 5, 4, 3)
    assert furthest(came.merged(), wanted.merged()) < 1e-4
    codec: Any = model.spec.codec if model.spec is not None else None
    assert len(codec.decode(came.merged())) == 2


def test_no_more_peaks_than_there_are() -> None:
    model = bottomup()
    with torch.no_grad():
        maps: Any = with_decoding(model, True).maps(torch.zeros(1, 3, 64, 64))
    heatmaps = torch.zeros_like(maps.heatmaps)
    heatmaps[0, 1, 20, 30] = 0.5
    peaks: Any = with_decoding(model, True).read(maps._replace(heatmaps=heatmaps))
    assert peaks.peaks[0, 1].tolist() == [[30, 20, 0.5], [0, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert float(peaks.peak_tags[0, 1, 0]) == float(maps.tags[0][0, 1, 20, 30])
    assert not peaks.peak_tags[0, 1, 1:].any()


class Fickle(OneConv):
    """Another answer each time."""

    calls = 0.0

    def forward(self, images: Tensor) -> Any:
        self.calls += 1
        return super().forward(images).heatmaps[0] * self.calls


def test_a_graph_that_differs_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "model.pt2"
    path.write_text("as it was")
    text = r"logits for images of \(2, 3, 64, 48\) is off by .*, but at most tolerance=0.0001 of its largest"
    with pytest.raises(
        ExportError, match=text + " value is allowed; the file was not kept; give dynamic='batch'"
    ):
        export_program(Fickle(), path, torch.zeros(2, 3, *SIZE))
    assert path.read_text() == "as it was"
    assert [file.name for file in tmp_path.iterdir()] == ["model.pt2"]


class OneSize(nn.Module):
    """Takes images of one size alone."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3 * 8 * 8, 4)
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        return self.linear(images.flatten(1))


def test_a_network_of_one_size_says_what_to_do(tmp_path: Path) -> None:
    example = torch.zeros(2, 3, 8, 8)
    text = (
        r"the model itself fails for images of \(3, 3, 40, 40\) \(.*\); the file was not kept; give dynamic="
    )
    with pytest.raises(ExportError, match=text):
        export_program(OneSize(), tmp_path / "model.pt2", example)
    assert untouched(tmp_path)
    made = export_program(OneSize(), tmp_path / "model.pt2", example[:1], dynamic="batch")
    assert made.sheet.shape_text == "(N, 3, 8, 8)"
    assert {check.shape[0] for check in made.checks} == {1, 3}


class Undecided(OneConv):
    """Goes one way or the other by what it sees."""

    def forward(self, images: Tensor) -> Any:
        return super().forward(images if images.sum() > 0 else -images)


def test_a_network_that_cannot_be_traced_is_told(tmp_path: Path) -> None:
    text = r"torch.export makes no graph of this Undecided with dynamic axes \(0, 2, 3\) \(.*\); try dynamic="
    with pytest.raises(ExportError, match=text):
        export_program(Undecided(), tmp_path / "model.pt2", torch.zeros(2, 3, *SIZE))
    assert untouched(tmp_path)


@pytest.mark.parametrize(
    ("model", "settings", "error", "text"),
    [
        (OneConv().train(), {}, ConfigError, "this OneConv is in training mode; call model.eval() before"),
        (OneConv().double(), {}, ConfigError, "weights are torch.float64 on cpu, but float32 on the CPU is"),
        (
            OneConv(),
            {"dynamic": "size"},
            ConfigError,
            "dynamic='size' is not known; give True, 'batch' or False",
        ),
        (OneConv(), {"decode": "image"}, ConfigError, "decode='image' is not known; give True, 'crop' or"),
        (
            OneConv(),
            {"decode": True},
            ConfigError,
            "this OneConv has no codec to decode by; set model.spec, or",
        ),
        (
            OneConv(MSRA(input_size=SIZE)),
            {"decode": True, "example": torch.zeros(1, 3, 32, 32)},
            ConfigError,
            "example has 32 x 32 pixels, but the codec reads crops of 64 x 48; give an example of that size",
        ),
        (
            OneConv(),
            {"example": torch.zeros(3, 64, 48)},
            ShapeError,
            "example is (3, 64, 48) of torch.float32, but (N, C, H, W) of torch.float32 was needed; give",
        ),
        (OneConv(), {"example": [1]}, ShapeError, "example is a list, but (N, C, H, W)"),
        (
            topdown(),
            {"example": torch.zeros(1, 4, 64, 48)},
            ShapeError,
            "images are (1, 4, 64, 48), but (N, 3",
        ),
    ],
)
def test_what_cannot_be_exported_is_refused_before_a_file_is_made(
    model: nn.Module, settings: dict[str, Any], error: type[Exception], text: str, tmp_path: Path
) -> None:
    for export, name in ((export_program, "model.pt2"), (export_onnx, "model.onnx")):
        with pytest.raises(error, match=re.escape(text)):
            export(model, tmp_path / name, **settings)
    assert untouched(tmp_path)


def test_a_codec_whose_reading_depends_on_values_is_refused(tmp_path: Path) -> None:
    model: Any = OneConv()
    model.spec = replace(bottomup().spec or None, codec=AEHourglass(input_size=64))  # type: ignore[type-var]
    text = (
        "AEHourglass reads maps in a way that depends on their values, which no graph can hold; export with"
    )
    with pytest.raises(ConfigError, match=text):
        export_program(model, tmp_path / "model.pt2", decode=True)


def test_an_output_without_names_is_refused(tmp_path: Path) -> None:
    class Odd(OneConv):
        def forward(self, images: Tensor) -> Any:
            return {"heatmaps": self.conv(images)}

    with pytest.raises(ConfigError, match="the model returns a dict, which has no names; return a tensor"):
        export_program(Odd(), tmp_path / "model.pt2")
    assert untouched(tmp_path)


def test_a_place_where_nothing_can_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.pt2").mkdir()
    for name, text in (
        ("file/model.pt2", r"cannot write .*model.pt2 \(.*\); give a file in a folder that you may write to"),
        ("folder.pt2", "folder.pt2: a folder is in the way; give another name"),
        ("model.pth", "model.pth ends in '.pth'; give a file ending in .pt2"),
    ):
        with pytest.raises(ConfigError, match=text):
            export_program(OneConv(), tmp_path / name)


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "onnxscript" else find(name, *rest)
    )
    text = 'export_onnx needs onnxscript; run: python -m pip install "hrpose[onnx]"'
    with pytest.raises(MissingExtraError, match=re.escape(text)):
        export_onnx(OneConv(), tmp_path / "model.onnx")
    assert untouched(tmp_path)


def test_an_operation_that_onnx_lacks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise torch.onnx.errors.OnnxExporterError("no such operation\nlong story")

    monkeypatch.setattr(torch.onnx, "export", fail)
    with pytest.raises(ExportError, match=r"makes no graph of it \(no such operation\); try export_program"):
        export_onnx(OneConv(), tmp_path / "model.onnx", torch.zeros(2, 3, *SIZE))
    assert untouched(tmp_path)


SHEET = ExportSheet(kind="logits", outputs=("logits",), shape=(None, 3, None, None))


def test_a_sheet_returns_from_its_text() -> None:
    assert ExportSheet.from_json(SHEET.to_json(), "file") == SHEET


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        (None, "file does not say how hrpose exported it; export the model by hrpose.deploy"),
        ("{", "file was not exported as hrpose"),
        ("{}", "file was not exported as hrpose"),
        (json.dumps({**json.loads(SHEET.to_json()), "later": 1}), "file was not exported as hrpose"),
        (replace(SHEET, kind="Later").to_json(), "file returns 'Later', which hrpose"),
    ],
)
def test_a_file_of_another_origin_is_refused(stored: str | None, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        ExportSheet.from_json(stored, "file")
