"""A handful of figures and the smallest of networks."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from hrpose.backbones.hrnet import HRNetConfig
from hrpose.codecs import DARK
from hrpose.data.augment import TopDownAugment
from hrpose.data.coco import CocoKeypoints
from hrpose.data.synthetic import write_coco
from hrpose.data.topdown import TopDownDataset
from hrpose.models import TopDown, TopDownConfig

CODEC = DARK(input_size=(64, 48), sigma=1.0, kernel=3)
SMALL = HRNetConfig(
    widths=(16, 16),
    stem_width=8,
    stage1_block="basic",
    stage1_blocks=1,
    stage1_width=16,
    rounds=(1,),
    blocks=1,
    outputs=1,
)
MakeData = Callable[..., TopDownDataset]


@pytest.fixture(scope="session")
def annotated(tmp_path_factory: pytest.TempPathFactory) -> CocoKeypoints:
    folder = tmp_path_factory.mktemp("figures")
    return CocoKeypoints.from_file(write_coco(folder, 6, seed=20, size=(96, 96)), folder / "images")


@pytest.fixture
def make_data(annotated: CocoKeypoints) -> MakeData:
    def make(count: int = 6, *, augment: TopDownAugment | None = None) -> TopDownDataset:
        return TopDownDataset(annotated.people[:count], CODEC, annotated.skeleton, augment=augment, seed=1)

    return make


@pytest.fixture
def model() -> TopDown:
    return small_model()


def small_model(seed: int = 0, **settings: int) -> TopDown:
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return TopDown(TopDownConfig(backbone=SMALL, **settings))  # type: ignore[arg-type]


def folder_of(path: Path) -> set[str]:
    """Names of the files in a folder, with the folders below it."""
    return {str(p.relative_to(path)) for p in path.rglob("*") if p.is_file()}
