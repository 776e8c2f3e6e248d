import re
from dataclasses import replace

import pytest
import torch
from torch import nn

from hrpose.backbones import HRNET_CONFIGS, HRNetConfig, TimmConfig
from hrpose.codecs import MSRA, HigherHRNet, UDPOffset
from hrpose.errors import ConfigError
from hrpose.losses.heatmap import HeatmapMSE, HeatmapOHKM, OffsetMSE
from hrpose.models import BottomUpSpec, PoseSpec, TopDown, TopDownConfig, config_from_dict, config_to_dict
from hrpose.skeletons import COCO, Skeleton
from hrpose.types import PoseMaps, PoseTargets

TINY = HRNetConfig(width=4, stem_width=8, stage1_blocks=1, stage1_width=4, rounds=(1, 1), blocks=1, outputs=1)
V1 = TopDownConfig(backbone=TINY, num_keypoints=5)
V2 = TopDownConfig(backbone=replace(TINY, outputs=None, upsample="bilinear"), head="v2", num_keypoints=5)
ARM = Skeleton(name="arm", keypoints=tuple("abcde"))
SPEC = PoseSpec(skeleton=ARM, codec=MSRA(input_size=(64, 48)))


def count(config: TopDownConfig) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in TopDown(config).parameters())


@pytest.mark.parametrize(
    ("config", "published"),
    [
        (TopDownConfig(), 28_536_113),
        (TopDownConfig(backbone=HRNetConfig(width=48, outputs=1)), 63_595_745),
        (
            TopDownConfig(backbone=HRNetConfig(width=18, upsample="bilinear"), head="v2", num_keypoints=98),
            9_662_528,
        ),
    ],
)
def test_parameter_counts_are_the_published_ones(config, published) -> None:
    assert count(config) == published


@pytest.mark.parametrize("config", [V1, V2])
@pytest.mark.parametrize("size", [(64, 48), (75, 101)])
def test_one_heatmap_a_keypoint_at_a_quarter_of_the_size(config, size) -> None:
    maps = TopDown(config).eval()(torch.randn(2, 3, *size))
    assert isinstance(maps, PoseMaps)
    assert [tuple(m.shape) for m in maps.heatmaps] == [(2, 5, -(-size[0] // 4), -(-size[1] // 4))]
    assert maps.tags == ()


def test_several_maps_a_keypoint() -> None:
    maps = TopDown(replace(V1, maps_per_keypoint=3))(torch.randn(1, 3, 32, 32))
    assert maps.heatmaps[0].shape == (1, 15, 8, 8)


def test_the_head_shares_the_momentum_of_its_backbone() -> None:
    model = TopDown(replace(V2, backbone=replace(V2.backbone, bn_momentum=0.01)))
    assert {m.momentum for m in model.modules() if isinstance(m, nn.BatchNorm2d)} == {0.01}


def test_settings_reach_the_head() -> None:
    model = TopDown(replace(V2, kernel=3, hidden=7, align_corners=True))
    assert model.head.conv.weight.shape == (5, 7, 3, 3)
    assert model.head.resize.align_corners is True


def test_a_timm_network_can_stand_behind_either_head() -> None:
    v2 = TopDown(replace(V2, backbone=TimmConfig(name="test_resnet")))
    assert v2(torch.randn(1, 3, 64, 64)).heatmaps[0].shape == (1, 5, 16, 16)
    v1 = TopDown(replace(V1, backbone=TimmConfig(name="test_resnet", out_indices=(1,))))
    assert v1(torch.randn(1, 3, 64, 64)).heatmaps[0].shape == (1, 5, 16, 16)


def test_the_loss_falls_when_trained() -> None:
    torch.manual_seed(0)
    model = TopDown(V1)
    optimizer = torch.optim.Adam(model.parameter_groups(lr=1e-2, layer_decay=0.9))
    x, targets = torch.randn(2, 3, 32, 32), PoseTargets((torch.rand(2, 5, 8, 8),), torch.ones(2, 5))
    losses = []
    for _ in range(8):
        loss = sum(model.loss(model(x), targets).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]


def test_a_disc_with_offsets_is_learned_by_its_own_loss() -> None:
    torch.manual_seed(0)
    codec = UDPOffset(input_size=(64, 64))
    model = TopDown(replace(V1, maps_per_keypoint=3, spec=PoseSpec(skeleton=ARM, codec=codec)))
    assert isinstance(model.criterion, OffsetMSE)
    assert isinstance(TopDown(V1).criterion, HeatmapMSE)
    maps, weights = codec.encode(torch.rand(2, 5, 2) * 60, torch.ones(2, 5))
    images, targets = torch.randn(2, 3, 64, 64), PoseTargets((maps,), weights)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(8):
        loss = sum(model.loss(model(images), targets).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_another_criterion_can_be_set() -> None:
    model = TopDown(V1)
    maps, targets = PoseMaps((torch.zeros(1, 5, 4, 4),)), PoseTargets((torch.ones(1, 5, 4, 4),))
    assert model.loss(maps, targets)["heatmaps"].item() == 0.5
    model.criterion = HeatmapOHKM(topk=1)
    model.criterion.register_forward_hook(lambda *_: torch.tensor(7.0))
    assert model.loss(maps, targets)["heatmaps"].item() == 7.0


def test_the_criterion_adds_no_weights() -> None:
    assert {name.split(".")[0] for name in TopDown(V1).state_dict()} == {"backbone", "head"}


def test_checkpointing_reaches_the_backbone() -> None:
    model = TopDown(V1)
    model.set_grad_checkpointing()
    assert model.backbone.stage1.grad_checkpointing
    model.set_grad_checkpointing(False)
    assert not model.backbone.stage1.grad_checkpointing


def test_layer_decay_ends_at_the_head() -> None:
    model = TopDown(V1)
    groups = model.parameter_groups(lr=1.0, layer_decay=0.5)
    assert sum(len(g["params"]) for g in groups) == len(list(model.parameters()))
    assert next(g["lr"] for g in groups if any(p is model.head.conv.weight for p in g["params"])) == 1.0
    assert groups[0]["lr"] == 0.5**4


def test_the_spec_lives_in_the_config() -> None:
    model = TopDown(V1)
    assert model.spec is None
    model.spec = SPEC
    assert model.config == replace(V1, spec=SPEC)
    assert model.spec.skeleton is ARM


def test_a_spec_that_does_not_fit_cannot_be_set() -> None:
    model = TopDown(replace(V1, num_keypoints=4))
    with pytest.raises(ConfigError, match="skeleton 'arm' names 5 keypoints, but num_keypoints=4"):
        model.spec = SPEC
    assert model.spec is None


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"head": "v3"}, "head='v3' is not known; give 'v1' or 'v2'"),
        ({"num_keypoints": 0}, "num_keypoints=0, but at least 1 is needed; give a positive number"),
        ({"maps_per_keypoint": 0}, "maps_per_keypoint=0, but at least 1 is needed; give a positive number"),
        ({"kernel": 2}, "kernel=2, but the maps must keep their size; give an odd number"),
        ({"hidden": 8}, "hidden and align_corners are settings of head='v2'; leave them out for 'v1'"),
        (
            {"align_corners": True},
            "hidden and align_corners are settings of head='v2'; leave them out for 'v1'",
        ),
        (
            {"backbone": HRNetConfig(outputs=4)},
            "head='v1' reads one map, but the backbone makes 4; "
            "give HRNetConfig(outputs=1), TimmConfig(out_indices=(k,)) or head='v2'",
        ),
        (
            {"spec": SPEC, "num_keypoints": 17},
            "skeleton 'arm' names 5 keypoints, but num_keypoints=17; give the same number in both",
        ),
        (
            {"spec": SPEC, "maps_per_keypoint": 3},
            "codec 'msra' reads 1 maps a keypoint, but maps_per_keypoint=3; "
            "give the same number, or another codec",
        ),
        (
            {"spec": replace(SPEC, mean=(0.5,), std=(0.2,))},
            "mean and std have 1 figures, but in_chans=3; give one figure a channel",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(changes, text) -> None:
    with pytest.raises(ConfigError, match=re.escape(text)):
        replace(V1, **changes)


def test_v1_takes_the_finest_branch_of_a_published_size() -> None:
    config = TopDownConfig(backbone=HRNET_CONFIGS["w18"])
    assert config.backbone == replace(HRNET_CONFIGS["w18"], outputs=1)
    assert config_from_dict(config_to_dict(config)) == config
    assert count(TopDownConfig(backbone=HRNET_CONFIGS["w32"])) == 28_536_113


def test_v2_takes_all_branches_by_default() -> None:
    assert len(TopDownConfig(head="v2").backbone.out_channels) == 4


def test_v1_on_a_timm_network_of_several_maps_is_refused() -> None:
    with pytest.raises(ConfigError, match="head='v1' reads one map, but the backbone makes 4"):
        TopDown(replace(V1, backbone=TimmConfig(name="test_resnet")))


def test_a_codec_for_whole_pictures_is_refused() -> None:
    spec = BottomUpSpec(skeleton=COCO, codec=HigherHRNet())
    with pytest.raises(ConfigError, match="HigherHRNet, which reads whole pictures; give a codec for crops"):
        TopDownConfig(spec=spec)
