import json

import pytest
import torch

from hrpose.backbones.hrnet import HRNetConfig
from hrpose.codecs.bottomup import HigherHRNet
from hrpose.codecs.tags import TagGrouping
from hrpose.errors import ConfigError
from hrpose.models import BottomUp, BottomUpConfig, BottomUpSpec, build, config_from_dict, config_to_dict
from hrpose.skeletons import COCO, Skeleton

SMALL = HRNetConfig(width=8, stem_width=8, stage1_blocks=1, stage1_width=8, rounds=(1,), blocks=1, outputs=1)
TINY = BottomUpConfig(backbone=SMALL, num_keypoints=3, deconv_channels=(8,), deconv_blocks=1)


def test_the_published_networks_have_their_published_size() -> None:
    with torch.device("meta"):
        sizes = {
            name: sum(p.numel() for p in BottomUp(config).parameters())
            for name, config in {
                "higherhrnet_w32": BottomUpConfig(),
                "higherhrnet_w48": BottomUpConfig(
                    backbone=HRNetConfig(width=48, outputs=1), deconv_channels=(48,)
                ),
                "hrnet_ae_w32": BottomUpConfig(head="ae"),
            }.items()
        }
    assert sizes["higherhrnet_w32"] == 28_645_331
    assert sizes["higherhrnet_w48"] == 63_827_139
    assert sizes["hrnet_ae_w32"] == 28_535_552 + 34 * 33


def test_a_network_learns_every_map() -> None:
    model = BottomUp(TINY)
    codec = HigherHRNet(input_size=64)
    people = torch.rand(2, 2, 3, 2) * 64
    maps = model(torch.rand(2, 3, 64, 96))
    terms = model.loss(maps, codec.encode(people, torch.ones(2, 2, 3), (64, 96)))
    assert list(terms) == ["heatmaps_0", "heatmaps_1", "push_0", "pull_0"]
    torch.stack(list(terms.values())).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize("size", [(64, 64), (73, 90)])
def test_targets_have_the_size_of_the_maps(size: tuple[int, int]) -> None:
    maps = BottomUp(TINY).eval()(torch.zeros(1, 3, *size))
    targets = HigherHRNet().encode(torch.zeros(1, 1, 3, 2), torch.ones(1, 1, 3), size)
    assert [y.shape for y in maps.heatmaps] == [y.shape for y in targets.heatmaps]


def test_settings_survive_json() -> None:
    skeleton = Skeleton(name="arm", keypoints=("hand", "elbow", "shoulder"))
    codec = HigherHRNet(grouping=TagGrouping(joint_order=(2, 1, 0)))
    for config in (
        TINY,
        BottomUpConfig(backbone=SMALL, num_keypoints=3, spec=BottomUpSpec(skeleton=skeleton, codec=codec)),
    ):
        assert config_from_dict(json.loads(json.dumps(config_to_dict(config)))) == config
        assert isinstance(build(config), BottomUp)


def test_the_spec_can_be_set_later() -> None:
    model = BottomUp(BottomUpConfig(backbone=SMALL, deconv_channels=(8,), deconv_blocks=1))
    assert model.spec is None
    model.spec = BottomUpSpec(skeleton=COCO, codec=HigherHRNet())
    assert model.spec.skeleton is COCO


def test_the_centre_is_a_heatmap_more_than_the_skeleton_names() -> None:
    spec = BottomUpSpec(skeleton=COCO, codec=HigherHRNet(center=True))
    assert BottomUpConfig(num_keypoints=18, spec=spec).num_keypoints == 18
    with pytest.raises(ConfigError, match="names 17 keypoints, but num_keypoints=16"):
        BottomUpConfig(num_keypoints=17, spec=spec)


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        (HigherHRNet(strides=(4,)), "the codec speaks of 1 strides, but the network makes 2"),
        (HigherHRNet(tag_strides=(4, 2)), "the codec speaks of 2 tag_strides, but the network makes 1"),
        (HigherHRNet(tag_dims=2), "the codec speaks of 2 tag_dims, but the network makes 1"),
        (HigherHRNet(shared_tags=True), "the codec speaks of True shared_tags, but the network makes False"),
        (
            HigherHRNet(grouping=TagGrouping(joint_order=(0, 1))),
            r"joint_order=\(0, 1\) is not an order of 17",
        ),
    ],
)
def test_a_codec_of_another_network_is_refused(codec: HigherHRNet, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        BottomUpConfig(spec=BottomUpSpec(skeleton=COCO, codec=codec))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"head": "low"}, "head='low' is not known; give 'higher' or 'ae'"),
        ({"backbone": HRNetConfig()}, "a bottom-up head reads one map, but the backbone makes 4"),
        ({"num_keypoints": 0}, "num_keypoints=0, but at least 1 is needed"),
        ({"tags": (True,)}, r"tags=\(True,\), but"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        BottomUpConfig(**settings)  # type: ignore[arg-type]
