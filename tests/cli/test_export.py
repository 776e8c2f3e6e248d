from pathlib import Path

import pytest
import torch

from hrpose.deploy import ProgramRunner
from tests.cli.conftest import hrpose, tiny_model


def test_a_checkpoint_becomes_a_graph(weights: str, tmp_path: Path) -> None:
    file = tmp_path / "sub" / "model.pt2"
    shown = hrpose("export", weights, file, "--decode", "--fuse", "--tolerance", "0.001")
    assert shown.exit_code == 0, shown.output
    assert f"{file}: points, scores; compared on 2x3x64x48, 1x3x64x48, at most" in shown.output
    run, images = ProgramRunner(file), torch.randn(1, 3, 64, 48)
    model = tiny_model().eval()
    with torch.no_grad():
        _, scores = run.spec.codec.decode(model(images).heatmaps[0]) if run.spec is not None else (None, None)
    torch.testing.assert_close(run(images).scores, scores, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        (
            "model.safetensors",
            (),
            "ends in '.safetensors', which is no graph; give a file ending in .onnx or .pt2; `hrpose",
        ),
        ("model.pt2", ("--size", "64"), "--size '64' is no size; give HEIGHTxWIDTH, such as 256x192"),
        (
            "model.pt2",
            ("--size", "32x32", "--decode"),
            "example has 32 x 32 pixels, but the codec reads crops",
        ),
    ],
)
def test_what_makes_no_graph_is_refused(
    name: str, options: tuple[str, ...], text: str, weights: str, tmp_path: Path
) -> None:
    shown = hrpose("export", weights, tmp_path / name, *options)
    assert shown.exit_code == 2
    assert text in shown.output
    assert list(tmp_path.iterdir()) == []
