"""Every card: its name, its facts, and that it builds what it says."""

import functools
import re
from typing import Any

import pytest
import torch
from torch import nn

from hrpose.backbones.hrnet import HRNet, HRNetConfig
from hrpose.errors import ConfigError, UnknownNameError
from hrpose.heads import ClassificationHead, HRNetV2Head
from hrpose.hub.card import Measured, ModelCard, Source, Weights
from hrpose.hub.cards import all_cards, by_name, find_card
from hrpose.models import (
    BottomUpConfig,
    ClassifierConfig,
    HourglassConfig,
    SegmenterConfig,
    StackedHourglass,
    TopDownConfig,
    bottomup,
)
from hrpose.models.topdown import make_head

CARDS = list(all_cards().values())
PUBLISHED = {  # as the sources state them, to the digit or in millions
    "hrnet_w32.coco_256x192": 28_536_113,
    "hrnet_w48.coco_384x288": 63_595_745,
    "hrnetv2_w18.wflw_256": 9_662_528,
    "hrnet_w18_small.ms_in1k": 13_187_464,
    "higherhrnet_w32.coco_512": 28_645_331,
    "hourglass_bearpaw_1.mpii_256": 3_586_960,
    "hrnet_w18_small_v2.ms_in1k": 15.60,
    "hrnet_w18.ms_in1k": 21.30,
    "hrnet_w30.ms_in1k": 37.71,
    "hrnet_w32.ms_in1k": 41.23,
    "hrnet_w40.ms_in1k": 57.56,
    "hrnet_w44.ms_in1k": 67.06,
    "hrnet_w48.ms_in1k": 77.47,
    "hrnet_w64.ms_in1k": 128.06,
}

each = pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)


def size(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@functools.cache
def size_of_trunk(config: HRNetConfig) -> int:
    with torch.device("meta"):
        return size(HRNet(config))


@functools.cache
def size_of_hourglass(config: HourglassConfig) -> int:
    with torch.device("meta"):
        return size(StackedHourglass(config))


def size_of_head(config: Any) -> int:
    """The head alone, since many cards share a trunk."""
    if isinstance(config, HRNetConfig):
        return 0
    channels = list(config.backbone.out_channels)
    with torch.device("meta"):
        if isinstance(config, TopDownConfig):
            return size(make_head(config, channels))
        if isinstance(config, BottomUpConfig):
            return size(bottomup.make_head(config, channels[0]))
        if isinstance(config, ClassifierConfig):
            return size(
                ClassificationHead(channels, config.num_classes, widths=config.widths, hidden=config.hidden)
            )
        return size(HRNetV2Head(channels, config.num_classes, hidden=config.hidden))


@each
def test_a_card_builds_as_many_parameters_as_it_says(card: ModelCard) -> None:
    if isinstance(card.config, HourglassConfig):
        assert size_of_hourglass(card.config) == card.weights.num_params
        return
    assert isinstance(
        card.config, TopDownConfig | BottomUpConfig | ClassifierConfig | SegmenterConfig | HRNetConfig
    )
    trunk = getattr(card.config, "backbone", card.config)
    assert size_of_trunk(trunk) + size_of_head(card.config) == card.weights.num_params


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameter_counts_are_the_published_ones(name: str) -> None:
    published, ours = PUBLISHED[name], find_card(name).weights.num_params
    assert ours == published if isinstance(published, int) else round(ours / 1e6, 2) == published


@each
def test_a_card_has_a_name_a_licence_and_a_way_to_its_file(card: ModelCard) -> None:
    assert re.fullmatch(r"((higher)?hrnet(v2)?|hourglass)[a-z0-9_]*\.[a-z0-9_]+", card.name)
    assert card.weights.licence
    assert card.weights.origin.startswith("https://")
    assert card.measured or card.name.split(".")[1].startswith(
        ("mpii", "aimet", "superanimal", "pose_init", "openmmlab")
    )


@each
def test_a_pose_card_says_what_its_points_are(card: ModelCard) -> None:
    if isinstance(card.config, TopDownConfig | BottomUpConfig | HourglassConfig):
        assert card.spec is not None
        assert card.config.spec == card.spec
        assert card.spec.skeleton.num_keypoints == card.config.num_keypoints
    else:
        assert card.spec is None


@each
def test_the_size_in_a_name_is_that_of_the_input(card: ModelCard) -> None:
    found = re.search(r"_(\d+)x(\d+)|_(256|384|512|640)(?:_|$)", card.name)
    if card.spec is not None and found:
        height, width = (found[1], found[2]) if found[1] else (found[3], found[3])
        came = card.spec.codec.input_size
        assert came == (int(height) if isinstance(came, int) else (int(height), int(width)))


def test_files_of_openmmlab_carry_their_hash() -> None:
    ours = [c for c in CARDS if any("openmmlab" in (s.url or "") for s in c.weights.sources)]
    assert len(ours) > 100
    without = [c.name for c in ours if c.weights.sha256 is None]
    assert without == ["hrnet_w32.mmpose1_exlpose_ll_256x192"]  # the file name of this one has none
    assert all(c.weights.sha256 in (c.upstream or "") for c in ours if c.weights.sha256)


def test_no_file_has_two_cards() -> None:
    urls = [s.url for c in CARDS for s in c.weights.sources if s.url]
    assert len(urls) == len(set(urls))


def test_settings_that_differ_between_the_sources_of_a_family() -> None:
    assert find_card("hrnetv2_w18.wflw_256").config.backbone.bn_momentum == 0.01
    assert find_card("hrnetv2_w18.mmpose_wflw_256").config.backbone.bn_momentum == 0.1
    assert find_card("hrnet_w32.mmpose_coco_256x192_udp_regress").config.out_channels == 51
    assert find_card("hrnet_w32.mmpose_coco_384x288_dark").spec.codec.sigma == 3
    assert find_card("hrnet_w32.coco_384x288").spec.codec.sigma == 3
    assert find_card("hrnetv2_w48.cityscapes").config.align_corners


def card_called(name: str) -> ModelCard:
    weights = Weights(sources=(Source(page="https://x"),), num_params=1, licence="MIT", origin="https://x")
    return ModelCard(
        name=name, config=HRNetConfig(), weights=weights, measured=(Measured(what="x", published=1),)
    )


def test_two_cards_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"two cards are called 'a\.b'; give one of them another tag"):
        by_name([card_called("a.b"), card_called("a.b")])


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        UnknownNameError,
        match=r"there are no weights called 'hrnet_w32\.coco'; did you mean .*hrnet_w32\.coco",
    ):
        find_card("hrnet_w32.coco")


def test_the_architecture_is_the_name_without_its_tag() -> None:
    assert card_called("hrnet_w32.coco").architecture == "hrnet_w32"


@pytest.mark.parametrize(
    ("places", "text"),
    [
        ({}, "a source has no place; give one of url, repo with file, asset, page"),
        ({"url": "u", "page": "p"}, r"a source has \['url', 'page'\]; give one of"),
        ({"repo": "a/b"}, r"a source has \['repo'\]; give one of url, repo with file"),
    ],
)
def test_a_source_is_one_place(places: dict[str, str], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        Source(**places)


def test_hashes_are_checked() -> None:
    with pytest.raises(
        ConfigError, match="sha256='ABC'; give all 64 hexadecimal digits or the first 8, in lower case"
    ):
        Source(url="u", sha256="ABC")
    with pytest.raises(ConfigError, match="weights without a source; give a page at least"):
        Weights(sources=(), num_params=1, licence="MIT", origin="https://x")
