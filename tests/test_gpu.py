"""The same numbers on CUDA as on the CPU; skipped where there is no CUDA device."""

from pathlib import Path

import pytest
import torch

from hrpose import DARK, MSRA, UDP, CocoKeypoints, HRNetConfig, Predictor, TopDown, TopDownConfig, fit
from hrpose.codecs import TopDownCodec
from hrpose.data.synthetic import write_coco

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

SMALL = HRNetConfig(width=8, stem_width=16, stage1_blocks=1, stage1_width=8, rounds=(1, 1), blocks=1)
CODECS = [codec(input_size=(128, 96)) for codec in (MSRA, UDP, DARK)]


@pytest.fixture
def exact_convolutions() -> None:
    """TF32 rounds products to 10 bits, which is a choice of speed and no fault of the library."""
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
def test_a_codec_does_the_same_on_both(codec: TopDownCodec) -> None:
    torch.manual_seed(0)
    points, visible = torch.rand(4, 17, 2) * torch.tensor([90.0, 120.0]) + 3, torch.ones(4, 17)
    maps, _ = codec.encode(points, visible)
    there, _ = codec.encode(points.cuda(), visible.cuda())
    torch.testing.assert_close(there.cpu(), maps, rtol=1e-5, atol=1e-5)
    read, scores = codec.decode(maps)
    read_there, scores_there = codec.decode(maps.cuda())
    assert read_there.is_cuda
    torch.testing.assert_close(read_there.cpu(), read, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(scores_there.cpu(), scores, rtol=1e-5, atol=1e-5)


def test_a_crop_is_the_same_on_both() -> None:
    torch.manual_seed(0)
    image, boxes = torch.randint(0, 256, (3, 150, 200), dtype=torch.uint8), torch.tensor([[20.0, 30, 80, 90]])
    codec = MSRA(input_size=(128, 96))
    here = codec.crop([image], codec.matrices(*codec.center_scale(boxes)))
    there = codec.crop([image.cuda()], codec.matrices(*codec.center_scale(boxes.cuda())))
    assert (here.int() - there.cpu().int()).abs().max() <= 1


@pytest.mark.usefixtures("exact_convolutions")
def test_a_network_gives_the_same_maps_on_both() -> None:
    torch.manual_seed(0)
    model = TopDown(TopDownConfig(backbone=SMALL)).eval()
    images = torch.randn(2, 3, 128, 96)
    with torch.no_grad():
        here = model(images).heatmaps[0]
        there = model.cuda()(images.cuda()).heatmaps[0].cpu()
    assert (here - there).abs().max() <= 1e-4 * here.std()


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_training_in_half_precision_and_predicting_run_on_cuda(precision: str, tmp_path: Path) -> None:
    file = write_coco(tmp_path / "data", 4, seed=0)
    data = CocoKeypoints.from_file(file, tmp_path / "data/images")
    model = TopDown(TopDownConfig(backbone=SMALL))
    crops = data.crops(MSRA(input_size=(128, 96)))
    result = fit(
        model,
        crops,
        output=tmp_path / "run",
        epochs=2,
        batch_size=4,
        device="cuda",
        precision=precision,  # type: ignore[arg-type]
        progress=False,
    )
    assert result.history[-1]["loss"] < result.history[0]["loss"]
    people = Predictor(model)(data.people[0].image_path, [data.people[0].box], box_format="xywh")
    assert people.keypoints.shape == (1, 17, 2)
