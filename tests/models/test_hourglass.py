"""Stacked hourglasses: the published ones, and what every one of them does."""

import dataclasses

import pytest
import torch

from hrpose.codecs import Princeton
from hrpose.codecs.aggregate import Pass
from hrpose.codecs.pose_ae import AEHourglass
from hrpose.errors import ConfigError, ShapeError, UnknownNameError
from hrpose.layers import Hourglass
from hrpose.losses.tags import AELoss
from hrpose.models import (
    HOURGLASS_CONFIGS,
    HourglassAESpec,
    HourglassConfig,
    PoseSpec,
    StackedHourglass,
    build,
    config_from_dict,
    config_to_dict,
)
from hrpose.skeletons import Skeleton
from hrpose.types import PoseMaps, PoseTargets

TINY = HourglassConfig(num_keypoints=5, stem=(4, 8), widths=(8, 8, 8))
KINDS = {
    "preact": TINY,
    "basic": dataclasses.replace(TINY, unit="basic", depths=(2, 2, 3)),
    "conv": dataclasses.replace(TINY, unit="conv", widths=(8, 10, 12), tags=5, spare=2),
    "conv_bn": dataclasses.replace(TINY, unit="conv_bn", stem=(4, 8, 8, 8), tags=5),
}
# The manifests count the skip convolutions and the inter-stack block that are never used as well.
PARAMETERS = {
    ("princeton", 2): 8_429_088 - 1_858_688,
    ("bearpaw", 1): 3_586_960,
    ("hourglass52", 1): 94_847_889 - 1_180_672,
    ("pose_ae", 2): 69_668_232,
}


def published(name: str, stacks: int) -> HourglassConfig:
    return dataclasses.replace(HOURGLASS_CONFIGS[name], stacks=stacks)


@pytest.mark.parametrize(("name", "stacks"), PARAMETERS)
def test_published_networks_have_the_published_number_of_parameters(name: str, stacks: int) -> None:
    with torch.device("meta"):
        net = StackedHourglass(published(name, stacks))
    assert sum(p.numel() for p in net.parameters()) == PARAMETERS[name, stacks]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(32, 48), (37, 50)])
def test_every_stack_gives_its_maps_at_a_quarter_of_the_size(kind: str, size: tuple[int, int]) -> None:
    config = KINDS[kind]
    maps = StackedHourglass(config).eval()(torch.randn(2, 3, *size))
    quarter = maps.heatmaps[0].shape[-2:]
    assert abs(quarter[0] - size[0] / 4) < 1
    assert abs(quarter[1] - size[1] / 4) < 1
    assert [tuple(y.shape) for y in maps.heatmaps] == [(2, 5, *quarter)] * 2
    assert [tuple(y.shape) for y in maps.tags] == [(2, 5, *quarter)] * (2 if config.tags else 0)


def test_the_maps_of_a_stack_reach_the_next_one_spare_ones_too() -> None:
    net = StackedHourglass(KINDS["conv"]).eval()
    images = torch.randn(1, 3, 32, 32)
    before = net(images)
    with torch.no_grad():
        net.stacks[0].predict.bias[-1] += 1  # a spare map
    after = net(images)
    assert torch.equal(before.heatmaps[0], after.heatmaps[0])
    assert not torch.allclose(before.heatmaps[1], after.heatmaps[1])


def test_predictions_are_heatmaps_then_tags_then_spare_maps() -> None:
    net = StackedHourglass(KINDS["conv"]).eval()
    images = torch.randn(1, 3, 32, 32)
    made, maps = net.predictions(images), net(images)
    assert made[0].shape[1] == net.config.out_channels == 12
    assert torch.equal(made[1][:, :5], maps.heatmaps[1])
    assert torch.equal(made[1][:, 5:10], maps.tags[1])


@pytest.mark.parametrize("stacks", [1, 4])
def test_each_stack_is_supervised_and_the_terms_sum_to_their_mean(stacks: int) -> None:
    net = StackedHourglass(dataclasses.replace(TINY, stacks=stacks))
    maps = PoseMaps(tuple(torch.randn(2, 5, 4, 4) for _ in range(stacks)))
    target = torch.randn(2, 5, 4, 4)
    terms = net.loss(maps, PoseTargets((target,)))
    assert len(terms) == stacks
    wanted = torch.stack([(y - target).square().mean() for y in maps.heatmaps]).mean()
    assert torch.allclose(sum(terms.values()), wanted)


def test_concat_skips_reach_every_level() -> None:
    net = StackedHourglass(dataclasses.replace(TINY, skip="concat"))
    levels = [m for m in net.modules() if isinstance(m, Hourglass)]
    assert len(levels) == 4
    assert all(m.skip == "concat" for m in levels)


@pytest.mark.parametrize("kind", KINDS)
def test_checkpointing_changes_neither_outputs_nor_gradients_nor_statistics(kind: str) -> None:
    plain, saving = StackedHourglass(KINDS[kind]), StackedHourglass(KINDS[kind])
    saving.load_state_dict(plain.state_dict())
    saving.set_grad_checkpointing()
    images = torch.randn(2, 3, 32, 32)
    for net in (plain, saving):
        sum(y.square().mean() for y in net(images).heatmaps).backward()
    for (name, a), b in zip(plain.named_parameters(), saving.parameters(), strict=True):
        assert (a.grad is None) == (b.grad is None), name
        assert a.grad is None or torch.allclose(a.grad, b.grad, atol=1e-6), name
    for a, b in zip(plain.buffers(), saving.buffers(), strict=True):
        assert torch.allclose(a, b)


def test_layers_hold_every_parameter_once_and_the_first_learn_slowest() -> None:
    net = StackedHourglass(TINY)
    groups = net.parameter_groups(lr=1.0, layer_decay=0.5)
    assert sum(p.numel() for g in groups for p in g["params"]) == sum(p.numel() for p in net.parameters())
    assert sorted({g["lr"] for g in groups}) == [0.25, 0.5, 1.0]


@pytest.mark.parametrize("name", HOURGLASS_CONFIGS)
def test_settings_survive_being_stored(name: str) -> None:
    config = HOURGLASS_CONFIGS[name]
    assert config_from_dict(config_to_dict(config)) == config


def test_build_makes_it_from_its_settings() -> None:
    assert isinstance(build(TINY), StackedHourglass)


def test_it_can_be_exported() -> None:
    net = StackedHourglass(KINDS["conv"]).eval()
    images = torch.randn(1, 3, 32, 32)
    exported = torch.export.export(net, (images,)).module()
    assert torch.allclose(exported(images).heatmaps[1], net(images).heatmaps[1], atol=1e-6)


def test_settings_without_a_meaning_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"stacks=0, but at least 1 is needed"):
        HourglassConfig(stacks=0)
    with pytest.raises(ConfigError, match=r"tags=-1, but it counts maps; give 0 or more"):
        HourglassConfig(tags=-1)
    with pytest.raises(ConfigError, match=r"spare=-2, but it counts maps; give 0 or more"):
        HourglassConfig(spare=-2)
    with pytest.raises(ConfigError, match=r"stem=\(64,\); give at least two positive numbers"):
        HourglassConfig(stem=(64,))
    with pytest.raises(
        ConfigError, match=r"the stem gives 128 channels, but the hourglass takes 256; end stem"
    ):
        HourglassConfig(stem=(64, 128))
    with pytest.raises(ConfigError, match=r"depths=\(1, 1\), but 5 positive numbers are needed"):
        HourglassConfig(depths=(1, 1))
    with pytest.raises(UnknownNameError, match=r"unit='preactt' is not known; did you mean preact"):
        HourglassConfig(unit="preactt")


def test_anything_but_images_is_refused() -> None:
    net = StackedHourglass(TINY)
    with pytest.raises(ShapeError, match=r"images are \(1, 4, 32, 32\), but \(N, 3, H, W\) was needed"):
        net(torch.zeros(1, 4, 32, 32))
    with pytest.raises(ShapeError, match=r"a map of \(1, 1\) cannot be halved; give larger images"):
        net.eval()(torch.zeros(1, 3, 8, 8))


def ae_targets(targets: int) -> PoseTargets:
    heatmaps, places = torch.rand(2, 5, 4, 4), torch.randint(-1, 80, (2, 3, 5))
    return PoseTargets(
        (heatmaps,) * targets, masks=(torch.ones(2, 4, 4),) * targets, tags=(places,) * targets
    )


@pytest.mark.parametrize("targets", [1, 2])
def test_tags_of_every_stack_are_pulled_and_pushed_by_the_factors_of_the_authors(targets: int) -> None:
    torch.manual_seed(0)
    net = StackedHourglass(KINDS["conv"])
    maps = PoseMaps(*(tuple(torch.randn(2, 5, 4, 4) for _ in range(2)) for _ in range(2)))
    wanted = ae_targets(targets)
    terms = net.loss(maps, wanted)
    assert sorted(terms) == [f"{name}_{k}" for name in ("heatmaps", "pull", "push") for k in (0, 1)]
    push, pull = AELoss()(maps.tags[1], wanted.tags[0])
    assert torch.allclose(terms["push_1"], push.mean() * 0.001 / 2)
    assert torch.allclose(terms["pull_1"], pull.mean() * 0.001 / 2)
    error = (maps.heatmaps[0] - wanted.heatmaps[0]).square().mean()
    assert torch.allclose(terms["heatmaps_0"], error / 2)


def test_it_learns_to_tell_two_people_apart() -> None:
    torch.manual_seed(0)
    config = dataclasses.replace(KINDS["conv"], num_keypoints=2, tags=2, spare=0, stacks=1)
    net, codec = StackedHourglass(config), AEHourglass(input_size=64)
    net.criterion.push_factors = net.criterion.pull_factors = (0.1,)
    images = torch.randn(1, 3, 64, 64)
    points = torch.tensor([[[[10.0, 20.0], [22.0, 40.0]], [[50.0, 14.0], [44.0, 50.0]]]])
    targets = codec.encode(points, torch.ones(1, 2, 2), (64, 64))
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    for _ in range(250):
        optimizer.zero_grad()
        sum(net.loss(net(images), targets).values()).backward()
        optimizer.step()
    with torch.no_grad():
        people = codec.decode(codec.merge([Pass(net(images))]))[0]
    found = codec.resized((64, 64)).to_image(people.points, (16, 16))
    assert len(found) == 2
    for person in points[0]:
        assert min(float((one - person).abs().max()) for one in found) < 4


SPEC = PoseSpec(skeleton=Skeleton.generic(5), codec=Princeton(input_size=(64, 64)))
AE_SPEC = HourglassAESpec(skeleton=Skeleton.generic(5), codec=AEHourglass(input_size=64))


def test_a_spec_is_stored_with_its_codec() -> None:
    for config in (dataclasses.replace(TINY, spec=SPEC), dataclasses.replace(KINDS["conv"], spec=AE_SPEC)):
        assert config_from_dict(config_to_dict(config)) == config
        assert StackedHourglass(config).spec == config.spec


def test_a_spec_of_another_kind_of_network_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"tags=0, but spec is a HourglassAESpec; give a PoseSpec with a top-down"
    ):
        dataclasses.replace(TINY, spec=AE_SPEC)
    with pytest.raises(
        ConfigError, match=r"tags=5, but spec is a PoseSpec; give a HourglassAESpec, whose codec"
    ):
        dataclasses.replace(KINDS["conv"], spec=SPEC)
    with pytest.raises(ConfigError, match=r"names 5 keypoints, but num_keypoints=4"):
        dataclasses.replace(TINY, num_keypoints=4, spec=SPEC)


def test_basic_blocks_hand_on_features_and_no_maps() -> None:
    net = StackedHourglass(KINDS["basic"]).eval()
    images = torch.randn(1, 3, 32, 32)
    before = net(images).heatmaps[1]
    with torch.no_grad():
        net.stacks[0].predict.bias += 1
    assert torch.equal(before, net(images).heatmaps[1])
    with torch.no_grad():
        net.links[0].features[1].bias += 1
    assert not torch.allclose(before, net(images).heatmaps[1])
