"""The instance segmenter: settings, maps, loss, storing."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from hrpose.backbones import HRNetConfig, TimmConfig
from hrpose.codecs import InstanceGrouping
from hrpose.errors import ConfigError
from hrpose.hub import from_pretrained, save_pretrained
from hrpose.losses import InstanceLoss
from hrpose.models import (
    InstanceConfig,
    InstanceSegmenter,
    InstanceSpec,
    build,
    config_from_dict,
    config_to_dict,
)
from hrpose.types import InstanceMaps, InstanceTargets

TINY = InstanceConfig(
    backbone=HRNetConfig(
        width=4, stem_width=8, stage1_blocks=1, stage1_width=4, rounds=(1,), blocks=1, upsample="bilinear"
    ),
    num_classes=2,
    tag_dims=2,
)
SPEC = InstanceSpec(classes=("cat", "dog"), input_size=64, grouping=InstanceGrouping(min_pixels=3))


def targets() -> InstanceTargets:
    masks = torch.zeros(1, 2, 16, 16, dtype=torch.bool)
    masks[0, 0, 2:12, 2:8] = masks[0, 1, 6:14, 8:15] = True
    return InstanceTargets(masks, torch.tensor([[1, 0]]))


@pytest.mark.parametrize(("upsample", "stride"), [(1, 4), (2, 2), (4, 1)])
def test_maps_come_at_a_quarter_or_finer(upsample, stride) -> None:
    model = InstanceSegmenter(replace(TINY, upsample=upsample))
    maps = model(torch.randn(1, 3, 64, 96))
    assert isinstance(maps, InstanceMaps)
    assert maps.logits.shape == (1, 2, 64 // stride, 96 // stride)
    assert maps.tags.shape == (1, 2, 64 // stride, 96 // stride)
    assert model.stride == stride


def test_a_timm_network_can_stand_behind_the_head() -> None:
    model = InstanceSegmenter(replace(TINY, backbone=TimmConfig(name="test_resnet")))
    maps = model(torch.randn(1, 3, 64, 64))
    assert maps.tags.shape == (1, 2, 64 // model.stride, 64 // model.stride)


def test_every_parameter_learns() -> None:
    model = InstanceSegmenter(TINY)
    sum(model.loss(model(torch.randn(1, 3, 64, 64)), targets()).values()).backward()
    assert all(weight.grad is not None for weight in model.parameters())


def test_a_generator_draws_the_same_pixels_again() -> None:
    model = InstanceSegmenter(TINY).eval()
    model.criterion = InstanceLoss(samples=5, tag_dims=2)
    maps = model(torch.randn(1, 3, 64, 64))
    first, again, other = (
        model.loss(maps, targets(), torch.Generator().manual_seed(seed))["pull"] for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    torch.manual_seed(3)
    plain = model.loss(maps, targets())["pull"]
    torch.manual_seed(3)
    assert torch.equal(model.loss(maps, targets())["pull"], plain)


def test_it_learns_one_picture_by_heart() -> None:
    torch.manual_seed(0)
    model = InstanceSegmenter(replace(TINY, coordinates=True))
    image, optimizer = torch.randn(1, 3, 64, 64), torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(60):
        optimizer.zero_grad()
        sum(model.loss(model(image), targets()).values()).backward()
        optimizer.step()
    found = InstanceGrouping().decode(*model(image))[0]
    for label, mask in zip((1, 0), targets().masks[0], strict=True):
        overlaps = (found.masks & mask).sum((1, 2)) / (found.masks | mask).sum((1, 2))
        assert overlaps.max() > 0.8
        assert found.labels[overlaps.argmax()] == label


def test_settings_come_back_from_json_and_build_the_same_network() -> None:
    config = replace(TINY, spec=SPEC)
    stored = json.loads(json.dumps(config_to_dict(config)))
    assert config_from_dict(stored) == config
    assert isinstance(build(config), InstanceSegmenter)


def test_stored_weights_bring_their_spec_along(tmp_path: Path) -> None:
    model = InstanceSegmenter(replace(TINY, spec=SPEC)).eval()
    stored = from_pretrained(save_pretrained(model, tmp_path))
    image = torch.randn(1, 3, 64, 64)
    assert stored.spec == SPEC
    assert torch.equal(stored(image).tags, model(image).tags)


def test_a_spec_can_be_set_later_and_taken_away() -> None:
    model = InstanceSegmenter(TINY)
    model.spec = SPEC
    assert model.config.spec == SPEC
    model.spec = None
    assert model.config == TINY


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"num_classes": 0}, "num_classes=0, but at least 1 is needed; give a positive number"),
        ({"tag_dims": 0}, "tag_dims=0, but at least 1 is needed"),
        ({"upsample": 0}, "upsample=0, but at least 1 is needed"),
        ({"kernel": 4}, "kernel=4, but the maps must keep their size; give an odd number"),
        ({"num_classes": 3, "spec": SPEC}, "the spec names 2 classes, but num_classes=3; give the same"),
        (
            {"num_classes": 2, "spec": replace(SPEC, mean=(0.5,), std=(0.5,))},
            "mean and std have 1 figures, but in_chans=3; give one figure a channel",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, text) -> None:
    with pytest.raises(ConfigError, match=re.escape(text)):
        InstanceConfig(**settings)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"input_size": 0}, "input_size=0, but at least 1 is needed"),
        ({"mean": (0.5,)}, "give one figure of each a channel, those of std above 0"),
        ({"std": (0.5, 0.5, 0.0)}, "give one figure of each a channel, those of std above 0"),
    ],
)
def test_a_spec_without_meaning_is_refused(settings, text) -> None:
    with pytest.raises(ConfigError, match=re.escape(text)):
        replace(SPEC, **settings)


def test_a_network_is_not_built_from_other_settings() -> None:
    with pytest.raises(ConfigError, match="InstanceSegmenter is built from its settings, but a HRNetConfig"):
        InstanceSegmenter(TINY.backbone)
