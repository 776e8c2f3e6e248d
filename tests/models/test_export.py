from dataclasses import replace

import pytest
import torch
from torch.export import Dim

from hrpose.backbones import HRNetConfig
from hrpose.models import TopDown, TopDownConfig
from hrpose.types import PoseMaps

TINY = HRNetConfig(width=4, stem_width=8, stage1_blocks=1, stage1_width=4, rounds=(1, 1), blocks=1, outputs=1)
CONFIGS = {
    "v1": TopDownConfig(backbone=TINY, num_keypoints=5),
    "v2": TopDownConfig(
        backbone=replace(TINY, outputs=None, upsample="bilinear"), head="v2", num_keypoints=5
    ),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_pose_maps_come_out_of_an_exported_program_at_any_size(name) -> None:
    model = TopDown(CONFIGS[name]).eval()
    sizes = {0: Dim("n"), 2: Dim("h", min=33, max=512), 3: Dim("w", min=33, max=512)}
    program = torch.export.export(model, (torch.randn(2, 3, 64, 48),), dynamic_shapes=(sizes,)).module()
    for shape in ((2, 3, 64, 48), (3, 3, 75, 101)):
        x = torch.randn(shape)
        maps = program(x)
        assert isinstance(maps, PoseMaps)
        torch.testing.assert_close(maps.heatmaps[0], model(x).heatmaps[0])


def test_a_checkpointed_model_exports_as_well() -> None:
    model = TopDown(CONFIGS["v1"]).eval()
    model.set_grad_checkpointing()
    x = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        program = torch.export.export(model, (x,)).module()
        torch.testing.assert_close(program(x).heatmaps[0], model(x).heatmaps[0])
