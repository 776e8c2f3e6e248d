"""Drawn crowds: the maps have the form of a network's, and the people in them are found."""

import pytest
import torch

from hrpose.codecs import MSRA
from hrpose.codecs.bottomup import HigherHRNet
from hrpose.deploy.crowd import crowd_maps, finding_people
from hrpose.errors import ConfigError
from hrpose.models.bottomup import BottomUpSpec
from hrpose.models.spec import PoseSpec
from hrpose.skeletons import COCO


def test_about_as_many_people_are_found_as_were_drawn() -> None:
    spec = BottomUpSpec(skeleton=COCO, codec=HigherHRNet())
    found = finding_people(spec, 5, size=(256, 256))(None)[0]
    sure = found.person_scores > 0.4
    assert 4 <= int(sure.sum()) <= 6


def test_the_maps_fit_the_codec() -> None:
    codec = HigherHRNet(tag_strides=(4, 2), tag_dims=2, shared_tags=False)
    maps = crowd_maps(codec, 3, 2, size=(64, 96))
    assert [tuple(each.shape) for each in maps.heatmaps] == [(1, 3, 16, 24), (1, 3, 32, 48)]
    assert [tuple(each.shape) for each in maps.tags] == [(1, 6, 16, 24), (1, 6, 32, 48)]
    shared = crowd_maps(HigherHRNet(shared_tags=True), 3, 2, size=(64, 64))
    assert shared.tags[0].shape[1] == 1


def test_the_same_seed_draws_the_same_crowd() -> None:
    ones, others = (crowd_maps(HigherHRNet(), 3, 2, size=(64, 64), seed=seed) for seed in (1, 1))
    assert torch.equal(ones.heatmaps[0], others.heatmaps[0])


def test_only_a_higherhrnet_with_a_codec_puts_people_together() -> None:
    for spec in (None, PoseSpec(skeleton=COCO, codec=MSRA(input_size=(64, 48)))):
        with pytest.raises(ConfigError, match="by a HigherHRNet with a codec; choose such a model"):
            finding_people(spec, 3, size=(64, 64))
    with pytest.raises(ConfigError, match="people=0; give at least 1"):
        finding_people(BottomUpSpec(skeleton=COCO, codec=HigherHRNet()), 0, size=(64, 64))
