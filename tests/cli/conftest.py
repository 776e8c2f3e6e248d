from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from hrpose.backbones.hrnet import HRNetConfig
from hrpose.cli import main
from hrpose.codecs import MSRA, HigherHRNet
from hrpose.codecs.tags import TagGrouping
from hrpose.data.synthetic import write_coco
from hrpose.hub import save_pretrained
from hrpose.models import BottomUp, BottomUpConfig, BottomUpSpec
from hrpose.models.spec import PoseSpec
from hrpose.models.topdown import TopDown, TopDownConfig
from hrpose.skeletons import COCO


def tiny_model() -> TopDown:
    torch.manual_seed(0)
    spec = PoseSpec(skeleton=COCO, codec=MSRA(input_size=(64, 48)))
    trunk = HRNetConfig(width=4, rounds=(1,), blocks=1, stage1_blocks=1, outputs=1)
    return TopDown(TopDownConfig(backbone=trunk, spec=spec))


def tiny_bottomup() -> BottomUp:
    torch.manual_seed(0)
    codec = HigherHRNet(input_size=64, grouping=TagGrouping(detection_threshold=0.0))
    trunk = HRNetConfig(width=4, rounds=(1,), blocks=1, stage1_blocks=1, outputs=1)
    return BottomUp(
        BottomUpConfig(
            backbone=trunk,
            deconv_channels=(4,),
            deconv_blocks=1,
            spec=BottomUpSpec(skeleton=COCO, codec=codec),
        )
    )


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A checkpoint as the command line takes it."""
    folder = tmp_path_factory.mktemp("weights")
    save_pretrained(tiny_model(), folder)
    return f"local-dir:{folder}"


@pytest.fixture(scope="session")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A COCO-format folder with four pictures."""
    return write_coco(tmp_path_factory.mktemp("figures"), 4, seed=1, size=(96, 96), people=(1, 2)).parent


def hrpose(*words: str | Path) -> Result:
    """The command line in this process; what is not an error of hrpose is raised."""
    return CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
