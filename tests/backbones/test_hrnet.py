import copy
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from hrpose.backbones import HRNET_CONFIGS, HRNet, HRNetConfig
from hrpose.errors import ConfigError, ShapeError, UnknownNameError
from hrpose.layers import SqueezeExcite

TINY = HRNetConfig(width=4, stem_width=8, stage1_blocks=1, stage1_width=4, rounds=(1, 2), blocks=1)


def shapes(net: HRNet, height: int, width: int) -> list[tuple[int, ...]]:
    return [tuple(y.shape) for y in net(torch.randn(1, net.config.in_chans, height, width))]


@pytest.mark.parametrize("upsample", ["nearest", "bilinear"])
@pytest.mark.parametrize("size", [(64, 48), (75, 101), (33, 33), (4, 4)])
def test_any_size_gives_a_pyramid_of_rounded_up_halves(upsample, size) -> None:
    net = HRNet(replace(TINY, upsample=upsample)).eval()
    expected = [(1, 4 * 2**b, *(-(-n // (4 * 2**b)) for n in size)) for b in range(3)]
    assert shapes(net, *size) == expected


@pytest.mark.parametrize(("rounds", "branches"), [((1,), 2), ((1, 1), 3), ((1, 1, 1), 4), ((1, 1, 1, 1), 5)])
def test_each_stage_adds_a_branch(rounds, branches) -> None:
    assert len(HRNet(replace(TINY, rounds=rounds)).feature_info) == branches


@pytest.mark.parametrize(
    ("name", "channels", "blocks", "planes", "rounds"),
    [
        ("w18_small", (16, 32, 64, 128), 1, 32, (1, 1, 1)),
        ("w18_small_v2", (18, 36, 72, 144), 2, 64, (1, 3, 2)),
        ("w30", (30, 60, 120, 240), 4, 64, (1, 4, 3)),
        ("w64", (64, 128, 256, 512), 4, 64, (1, 4, 3)),
    ],
)
def test_published_settings(name, channels, blocks, planes, rounds) -> None:
    config = HRNET_CONFIGS[name]
    assert config.channels == channels
    assert (config.stage1_blocks, config.stage1_width, config.rounds) == (blocks, planes, rounds)


def test_all_published_widths_are_there() -> None:
    assert list(HRNET_CONFIGS) == [
        "w18_small",
        "w18_small_v2",
        "w18",
        "w30",
        "w32",
        "w40",
        "w44",
        "w48",
        "w64",
    ]


def test_feature_info_tells_what_is_returned() -> None:
    net = HRNet(TINY, out_indices=(0, 2))
    assert net.feature_info.channels() == [4, 16]
    assert net.feature_info.reduction() == [4, 16]
    assert net.feature_info.module_name() == ["branch0", "branch2"]
    assert shapes(net, 32, 32) == [(1, 4, 8, 8), (1, 16, 2, 2)]


@pytest.mark.parametrize("indices", [(), (3,), (-1,), 2, "0", (0.5,)])
def test_an_index_of_no_branch_is_refused(indices) -> None:
    text = f"out_indices={indices!r}, but there are 3 branches; give some of 0 to 2"
    with pytest.raises(ConfigError, match=re.escape(text)):
        HRNet(TINY, out_indices=indices)


def test_with_one_output_only_the_last_exchange_is_cut() -> None:
    net = HRNet(replace(TINY, outputs=1))
    assert len(net.stage3.rounds[0].exchange.into) == 3
    assert len(net.stage3.rounds[1].exchange.into) == 1
    assert shapes(net, 32, 32) == [(1, 4, 8, 8)]


def test_all_weights_are_used() -> None:
    net = HRNet(TINY)
    sum(y.sum() for y in net(torch.randn(2, 3, 32, 32))).backward()
    assert [name for name, p in net.named_parameters() if p.grad is None] == []


def test_widths_of_ones_own_replace_the_doubling() -> None:
    config = replace(TINY, widths=(4, 6, 10))
    assert config.channels == (4, 6, 10)
    assert [s[1] for s in shapes(HRNet(config), 32, 32)] == [4, 6, 10]


def test_bottlenecks_in_the_branches_give_four_times_the_width() -> None:
    config = replace(TINY, block="bottleneck")
    assert config.channels == (16, 32, 64)
    assert [s[1] for s in shapes(HRNet(config), 32, 32)] == [16, 32, 64]


def test_basic_units_in_stage1() -> None:
    net = HRNet(replace(TINY, stage1_block="basic", stage1_blocks=2))
    assert [unit.conv1.in_channels for unit in net.stage1] == [8, 4]


def test_other_input_channels() -> None:
    assert len(shapes(HRNet(replace(TINY, in_chans=1)), 32, 32)) == 3


def test_attention_and_drop_path_reach_every_unit_with_a_rising_rate() -> None:
    net = HRNet(replace(TINY, attention="se", drop_path=0.3))
    rounds = [module for stage in net.stages() for module in stage.rounds]
    units = [net.stage1[0], *(module.branches[0][0] for module in rounds)]
    assert [getattr(unit.drop_path, "rate", 0.0) for unit in units] == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert all(isinstance(unit.attention, SqueezeExcite) for unit in units)


def test_momentum_is_that_of_the_config() -> None:
    net = HRNet(replace(TINY, bn_momentum=0.01))
    assert {m.momentum for m in net.modules() if isinstance(m, nn.BatchNorm2d)} == {0.01}


def test_with_half_gives_the_map_at_stride_two_besides() -> None:
    net, x = HRNet(TINY).eval(), torch.randn(1, 3, 33, 47)
    half, pyramid = net.with_half(x)
    assert half.shape == (1, 8, 17, 24)
    assert all(torch.equal(a, b) for a, b in zip(pyramid, net(x), strict=True))


def test_weights_start_as_in_the_pose_code() -> None:
    torch.manual_seed(0)
    net = HRNet(HRNetConfig(width=32, rounds=(1,), blocks=1))
    assert abs(float(net.stage1[0].conv2.weight.detach().std()) - 0.001) < 5e-5


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"width": 0}, "width=0, but at least 1 is needed; give a positive number"),
        ({"blocks": 0}, "blocks=0, but at least 1 is needed; give a positive number"),
        ({"in_chans": 0}, "in_chans=0, but at least 1 is needed; give a positive number"),
        ({"width": "32"}, "width='32', but a whole number is needed; give a positive number"),
        ({"blocks": 1.5}, "blocks=1.5, but a whole number is needed; give a positive number"),
        ({"rounds": 3}, "rounds=3, but each stage needs one; give one number from 1 up a stage"),
        ({"widths": 8}, "widths=8, but rounds=(1, 4, 3) makes 4 branches; give one width from 1 up for each"),
        ({"rounds": ()}, "rounds=(), but each stage needs one; give one number from 1 up a stage"),
        ({"rounds": (1, 0)}, "rounds=(1, 0), but each stage needs one; give one number from 1 up a stage"),
        (
            {"widths": (8, 16)},
            "widths=(8, 16), but rounds=(1, 4, 3) makes 4 branches; give one width from 1 up for each",
        ),
        ({"outputs": 5}, "outputs=5, but rounds=(1, 4, 3) makes 4 branches; give outputs from 1 to 4"),
        ({"outputs": 0}, "outputs=0, but rounds=(1, 4, 3) makes 4 branches; give outputs from 1 to 4"),
        ({"drop_path": 1.0}, "drop_path=1.0, but it is a chance; give a rate from 0 to below 1"),
        ({"bn_momentum": 0.0}, "bn_momentum=0.0, but it is a share; give one above 0, at most 1"),
        ({"upsample": "cubic"}, "upsample='cubic' is not known; give 'nearest' or 'bilinear'"),
        (
            {"align_corners": True},
            "align_corners=True has no meaning with upsample='nearest'; give 'bilinear' or False",
        ),
    ],
)
def test_settings_without_meaning_are_refused(settings, text) -> None:
    with pytest.raises(ConfigError, match=re.escape(text)):
        HRNetConfig(**settings)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"block": "basics"}, "block='basics' is not known; did you mean basic?"),
        ({"stage1_block": "neck"}, "stage1_block='neck' is not known; did you mean bottleneck?"),
        ({"attention": "cbam"}, "attention='cbam' is not known; did you mean se?"),
    ],
)
def test_an_unknown_layer_is_answered_with_the_nearest(settings, text) -> None:
    with pytest.raises(UnknownNameError, match=re.escape(text)):
        HRNetConfig(**settings)


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 1, 32, 32), (1, 32, 32, 3)])
def test_what_is_no_batch_of_images_is_refused(shape) -> None:
    text = (
        f"images are {shape}, but (N, 3, H, W) was needed; "
        "add the batch axis, put channels second, or build with another in_chans"
    )
    with pytest.raises(ShapeError, match=re.escape(text)):
        HRNet(TINY)(torch.zeros(shape))


def test_images_without_a_pixel_are_refused() -> None:
    text = "images are (1, 3, 0, 32), without a pixel; give a height and width above 0"
    with pytest.raises(ShapeError, match=re.escape(text)):
        HRNet(TINY)(torch.zeros(1, 3, 0, 32))


def test_what_is_no_tensor_is_refused() -> None:
    text = "images are a ndarray, but a tensor was needed; normalise pictures and stack them, or let"
    with pytest.raises(ShapeError, match=text):
        HRNet(TINY)(np.zeros((1, 3, 32, 32), np.float32))


def test_a_name_in_place_of_settings_is_refused() -> None:
    text = (
        "HRNet is built from its settings, but w32 came; "
        "give HRNet(HRNetConfig(...)); hrpose.create_model and create_backbone take names"
    )
    with pytest.raises(ConfigError, match=re.escape(text)):
        HRNet("w32")


def test_bytes_are_refused() -> None:
    text = "images are torch.uint8, but floats were needed; scale to 0..1 and normalise them"
    with pytest.raises(ShapeError, match=text):
        HRNet(TINY)(torch.zeros(1, 3, 32, 32, dtype=torch.uint8))


def train_step(net: HRNet) -> list[torch.Tensor]:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 40, 36, dtype=torch.float64)
    pyramid = net.double().train()(x)
    sum(y.square().sum() for y in pyramid).backward()
    return [*pyramid, *(p.grad for p in net.parameters()), *net.buffers()]


@pytest.mark.parametrize("settings", [{}, {"drop_path": 0.5, "attention": "se"}, {"upsample": "bilinear"}])
def test_a_step_with_checkpointing_is_a_step_without(settings) -> None:
    plain = HRNet(replace(TINY, **settings))
    again = copy.deepcopy(plain)
    again.set_grad_checkpointing()
    assert all(torch.equal(a, b) for a, b in zip(train_step(plain), train_step(again), strict=True))


def test_checkpointing_keeps_fewer_activations_and_can_be_switched_off() -> None:
    def kept(net: HRNet) -> int:
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t):
            net(x)
        return sum(sizes)

    net, x = HRNet(replace(TINY, rounds=(1, 3))), torch.randn(1, 3, 64, 64)
    plain = kept(net)
    net.set_grad_checkpointing()
    assert kept(net) < 0.6 * plain
    net.set_grad_checkpointing(False)
    assert kept(net) == plain


def test_frozen_parts_keep_weights_and_statistics_through_train() -> None:
    net = HRNet(TINY)
    net.freeze(("stem", "stage1"))
    net.train()
    before = copy.deepcopy(net.state_dict())
    sum(y.sum() for y in net(torch.randn(2, 3, 32, 32))).backward()
    torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=1.0).step()
    changed = {name.split(".")[0] for name, t in net.state_dict().items() if not torch.equal(t, before[name])}
    assert changed == {"stage2", "stage3"}


def test_frozen_parts_stay_frozen_inside_a_larger_model() -> None:
    net = HRNet(TINY)
    net.freeze(["stage1"])
    nn.Sequential(net).train()
    assert net.training
    assert not net.stage1.training
    assert net.stem.training


def test_one_part_can_be_frozen_by_its_name() -> None:
    net = HRNet(TINY)
    net.freeze("stem")
    assert net.frozen == ("stem",)
    assert not any(p.requires_grad for p in net.stem.parameters())


@pytest.mark.parametrize("nonsense", [1, None, [1], ["stem", None]])
def test_what_is_no_name_cannot_be_frozen(nonsense: object) -> None:
    net = HRNet(TINY)
    with pytest.raises(
        ConfigError, match=r"freeze takes names of parts, but (1|None) came; see backbone\.parts"
    ):
        net.freeze(nonsense)
    assert net.frozen == ()


def test_each_freeze_states_the_whole() -> None:
    net = HRNet(TINY)
    net.freeze(("stem",))
    net.freeze(("stage2",))
    assert {n.split(".")[0] for n, p in net.named_parameters() if not p.requires_grad} == {"stage2"}
    net.freeze(())
    assert all(p.requires_grad for p in net.parameters())
    assert all(m.training for m in net.modules())


def test_an_unknown_part_cannot_be_frozen() -> None:
    net = HRNet(TINY)
    with pytest.raises(UnknownNameError, match=r"there is no part 'stage4' to freeze; did you mean stage3"):
        net.freeze(("stem", "stage4"))
    assert all(p.requires_grad for p in net.parameters())


def test_layers_hold_each_parameter_once_in_order_of_depth() -> None:
    net = HRNet(TINY)
    listed = [id(p) for layer in net.layers() for part in layer for p in part.parameters()]
    assert len(listed) == len(set(listed)) == len(list(net.parameters()))
    assert len(net.layers()) == 2 + sum(TINY.rounds)


def test_layer_decay_slows_the_stem_most() -> None:
    net = HRNet(TINY)
    groups = net.parameter_groups(lr=1.0, layer_decay=0.5, weight_decay=0.1)
    stem = next(g for g in groups if any(p is net.stem[0].weight for p in g["params"]))
    deepest = net.stage3.rounds[1].branches[0][0].conv1.weight
    last = next(g for g in groups if any(p is deepest for p in g["params"]))
    assert (stem["lr"], last["lr"]) == (0.5**4, 1.0)
    torch.optim.AdamW(groups)


def test_exact_names_of_the_weights() -> None:
    names = {re.sub(r"\.(weight|bias|running_\w+|num_\w+)$", "", name) for name in HRNet(TINY).state_dict()}
    assert {
        *("stem.0", "stem.1", "stem.3", "stem.4"),
        *("stage1.0.conv1", "stage1.0.bn3", "stage1.0.shortcut.0", "stage1.0.shortcut.1"),
        *("stage2.transition.into.0.0", "stage2.transition.into.1.0.0", "stage3.transition.into.2.0.1"),
        *("stage3.rounds.1.branches.2.0.conv2", "stage3.rounds.1.exchange.into.0.paths.2.0"),
        *("stage3.rounds.0.exchange.into.2.paths.0.1.0", "stage3.rounds.0.exchange.into.2.paths.0.1.1"),
    } <= names
