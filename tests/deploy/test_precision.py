"""Half precision moves few keypoints, and those little; other ways to multiply move none."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

import hrpose
from hrpose.data.synthetic import synthetic_pictures
from hrpose.deploy import fuse, optimize
from hrpose.deploy.compile import make_job
from hrpose.deploy.lacks import lacks_native
from hrpose.models.topdown import TopDown


@pytest.fixture(scope="module")
def model() -> TopDown:
    made = hrpose.create_model("hrnet_tiny.synthetic_128x96", pretrained=True).eval()
    assert isinstance(made, TopDown)
    return made


def gaps(model: TopDown, heatmaps: Callable[[Tensor], Tensor]) -> Tensor:
    """How far each keypoint above 0.3 lies from where the model itself sees it, in heatmap pixels."""
    assert model.spec is not None
    codec = model.spec.codec
    mean, std = (torch.tensor(each).view(-1, 1, 1) for each in (model.spec.mean, model.spec.std))
    found = []
    for picture in synthetic_pictures(10, seed=7, people=(2, 3)):
        boxes = torch.tensor([person.box for person in picture.people], dtype=torch.float32)
        image = torch.from_numpy(picture.image.copy()).permute(2, 0, 1)
        crops = codec.crop(image, codec.matrices(*codec.center_scale(boxes)))
        images = (crops / 255 - mean) / std
        with torch.no_grad():
            points, scores = codec.decode(model(images).heatmaps[0])
            came, _ = codec.decode(heatmaps(images))
        found.append((came - points).abs().amax(2)[scores > 0.3])
    apart = torch.cat(found)
    assert len(apart) > 300
    return apart


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_confident_keypoints_stay_within_a_tenth_of_a_heatmap_pixel(
    model: TopDown, dtype: torch.dtype
) -> None:
    fast = fuse(model).eval().to(dtype)
    apart = gaps(model, lambda images: fast(images.to(dtype)).heatmaps[0])
    assert (apart > 0.1).sum() <= 2  # of the whole count in docs/deploy.md, 3 in 5,000
    assert apart.max() < 0.5


def test_own_kernels_leave_every_confident_keypoint_where_it_was(model: TopDown) -> None:
    example = torch.randn(1, 3, 128, 96)
    lacking = lacks_native(make_job(model, example, None, None, 1, Path()))
    if lacking:
        pytest.skip(lacking)
    fast = optimize(model, example, backend="native")
    assert gaps(model, lambda images: fast(images).heatmaps[0]).max() < 1e-3
