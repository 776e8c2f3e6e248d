"""Models by name, with and without weights."""

import dataclasses
import logging
from pathlib import Path
from typing import Any

import pytest
import torch

from hrpose.backbones.hrnet import HRNet
from hrpose.codecs import DARK, MSRA, UDPOffset
from hrpose.errors import ConfigError, UnknownNameError
from hrpose.hub import find_card, registry
from hrpose.hub.card import ModelCard, Source, Weights
from hrpose.hub.cards import all_cards
from hrpose.hub.detect import from_checkpoint
from hrpose.hub.pretrained import save_pretrained
from hrpose.hub.registry import architectures, create_backbone, create_model, list_models
from hrpose.models import Classifier, PoseSpec, Segmenter, TopDown, TopDownConfig
from hrpose.skeletons import COCO, Skeleton
from tests.hub.small import V1, V2, foreign, pose_v1, pose_v2

FEW = Skeleton(name="few", keypoints=("tail", "nose", "left_hip"))


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> TopDown:
    """A small COCO net whose card, hrnet_w4.toy, serves it from a file of this package."""
    spec = PoseSpec(skeleton=COCO, codec=MSRA(input_size=(64, 64)))
    model = TopDown(TopDownConfig(backbone=V1, spec=spec))
    torch.save(foreign(model, "official_pose"), tmp_path / "toy.pth")
    monkeypatch.setattr("hrpose.hub.download.asset", lambda name, sha256=None: tmp_path / name)
    card = ModelCard(
        name="hrnet_w4.toy",
        config=model.config,
        spec=spec,
        weights=Weights(sources=(Source(asset="toy.pth"),), num_params=1, licence="MIT", origin="https://x"),
    )
    cards = {**all_cards(), card.name: card}
    monkeypatch.setattr(registry, "all_cards", lambda: cards)
    monkeypatch.setattr("hrpose.hub.cards.all_cards", lambda: cards)
    small = {"hrnet_w4": TopDownConfig(backbone=V1), "hrnetv2_w4": TopDownConfig(backbone=V2, head="v2")}
    monkeypatch.setattr(registry, "architectures", lambda: small)
    return model.eval()


def test_the_list_is_sorted_and_filtered() -> None:
    names = list_models()
    assert names == sorted(names)
    assert {"hrnet_w32", "hrnet_w32.coco_256x192", "hrnetv2_w18.wflw_256", "hrnet_w18_small_cls"} <= set(
        names
    )
    assert list_models("hrnet_w4?.coco_384x288") == ["hrnet_w48.coco_384x288"]
    assert all("." in name for name in list_models(pretrained=True))


def test_every_width_has_a_name_for_each_kind() -> None:
    kinds = {name: type(config).__name__ for name, config in architectures().items()}
    assert kinds["hrnet_w64"] == kinds["hrnetv2_w18_small_v2"] == "TopDownConfig"
    assert kinds["hrnet_w18_cls"] == "ClassifierConfig"
    assert kinds["hrnetv2_w48_seg"] == "SegmenterConfig"


def test_an_architecture_is_built_untrained() -> None:
    model = create_model("hrnet_w18_small", num_keypoints=4)
    assert isinstance(model, TopDown)
    assert model.spec is not None
    assert model.spec.skeleton == Skeleton.generic(4)
    assert isinstance(create_model("hrnet_w18_small_cls", num_classes=3), Classifier)
    assert isinstance(create_model("hrnetv2_w18_small_seg", num_classes=3), Segmenter)


def test_settings_reach_the_config_and_its_backbone() -> None:
    config = create_model("hrnet_w18_small", kernel=3, drop_path=0.1, in_chans=1).config
    assert (config.kernel, config.backbone.drop_path, config.backbone.in_chans) == (3, 0.1, 1)


def test_backbone_and_head_are_changed_together() -> None:
    config = create_model("hrnet_w18_small", head="v2", outputs=None, hidden=8).config
    assert (config.head, config.hidden, config.backbone.outputs) == ("v2", 8, None)


def test_aligned_corners_reach_the_exchange_and_a_head_that_has_them() -> None:
    v1 = create_model("hrnet_w18_small", upsample="bilinear", align_corners=True).config
    v2 = create_model("hrnetv2_w18_small", align_corners=True).config
    assert (v1.backbone.align_corners, v1.align_corners) == (True, False)
    assert (v2.backbone.align_corners, v2.align_corners) == (True, True)


def test_the_trunk_of_a_pose_net_can_have_all_branches(
    tiny: TopDown, caplog: pytest.LogCaptureFixture
) -> None:
    for name, source in (("hrnet_w4", "hrnet_w4.toy"), ("hrnet_w4.toy", True)):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            trunk = create_backbone(name, pretrained=source, outputs=None)
        assert trunk.feature_info.reduction() == [4, 8, 16, 32]
        assert torch.equal(trunk.stem[0].weight, tiny.backbone.stem[0].weight)
        assert "leads to branch 3, which these weights do not make" in caplog.text


def test_keypoints_of_other_names_do_not_pass_for_the_old_ones(
    tiny: TopDown, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        model = create_model("hrnet_w4.toy", pretrained=True, skeleton=Skeleton.generic(17))
    assert not torch.equal(model.head.conv.weight, tiny.head.conv.weight)
    assert "none of the keypoints comes from the file" in caplog.text


def test_wrong_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"there is no model 'hrnet_w31'; did you mean .*hrnet_w32"):
        create_model("hrnet_w31")
    with pytest.raises(ConfigError, match="TopDownConfig has no setting 'drop_rate'; did you mean drop_path"):
        create_model("hrnet_w18_small", drop_rate=0.1)
    with pytest.raises(
        ConfigError, match="ClassifierConfig has no setting 'num_clases'; did you mean num_classes"
    ):
        create_model("hrnet_w18_small_cls", num_clases=3)


@pytest.mark.parametrize("name", [None, 32, Path("hrnet_w32")])
def test_what_is_no_name_is_answered_with_names(name: object) -> None:
    with pytest.raises(UnknownNameError, match=r"there is no model .*; did you mean "):
        create_model(name)  # type: ignore[arg-type]


def test_a_codec_or_skeleton_that_is_none_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="codec 'msra' does not read a top-down network; give a TopDownCodec"
    ):
        create_model("hrnet_w18_small", codec="msra")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="skeleton=17 is none; give a Skeleton, or the name of a known one"):
        create_model("hrnet_w18_small", skeleton=17)  # type: ignore[arg-type]


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(
        ConfigError, match="skeleton 'few' has 3 keypoints, but num_keypoints=4; give one of the two"
    ):
        create_model("hrnet_w18_small", skeleton=FEW, num_keypoints=4)
    with pytest.raises(
        ConfigError, match="hrnet_w18_small_cls finds no keypoints; leave out skeleton, num_keypoints"
    ):
        create_model("hrnet_w18_small_cls", num_keypoints=4)
    with pytest.raises(
        ConfigError, match=r"hrnet_w32 has no weights of its own; .* name of some: hrnet_w32\.aimet"
    ):
        create_model("hrnet_w32", pretrained=True)
    with pytest.raises(
        ConfigError, match=r"give pretrained the name of some: see list_models\(pretrained=True\)"
    ):
        create_model("hrnetv2_w64", pretrained=True)


def test_a_codec_brings_its_maps() -> None:
    model = create_model("hrnet_w18_small", skeleton="coco", codec=UDPOffset(input_size=(64, 64)))
    assert model.config.out_channels == 51


def test_a_card_fills_its_model(tiny: TopDown) -> None:
    model = create_model("hrnet_w4.toy", pretrained=True).eval()
    images = torch.randn(1, 3, 64, 64)
    assert torch.equal(model(images).heatmaps[0], tiny(images).heatmaps[0])
    assert model.config == tiny.config
    assert create_model("hrnet_w4.toy").config == tiny.config


def test_a_card_by_name_is_enough(tiny: TopDown) -> None:
    assert from_checkpoint("hrnet_w4.toy").config == tiny.config


def test_other_keypoints_start_from_those_of_equal_names(
    tiny: TopDown, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        model = create_model("hrnet_w4.toy", pretrained=True, skeleton=FEW)
    assert torch.equal(model.head.conv.weight[1], tiny.head.conv.weight[COCO.index("nose")])
    assert "2 of 3 keypoints from the file, the others new" in caplog.text


def test_a_number_of_keypoints_starts_the_last_layer_anew_and_says_so(
    tiny: TopDown, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        model = create_model("hrnet_w4.toy", pretrained=True, num_keypoints=5)
    assert model.config.num_keypoints == 5
    assert "17 outputs in the file, 5 in the model" in caplog.text
    assert torch.equal(model.backbone.stem[0].weight, tiny.backbone.stem[0].weight)


def test_other_channels_adapt_the_first_layer(tiny: TopDown, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        model = create_model("hrnet_w4.toy", pretrained=True, in_chans=1)
    assert torch.allclose(model.backbone.stem[0].weight, tiny.backbone.stem[0].weight.sum(1, keepdim=True))
    assert len(model.spec.mean) == 1
    assert "3 input channels in the file, 1 in the model" in caplog.text


def test_weights_come_from_anywhere(tiny: TopDown, tmp_path: Path) -> None:
    save_pretrained(tiny, tmp_path / "saved")
    sources: list[Any] = [
        "hrnet_w4.toy",
        f"local-dir:{tmp_path / 'saved'}",
        tmp_path / "toy.pth",
        tiny.state_dict(),
    ]
    for source in sources:
        model = create_model("hrnet_w4", pretrained=source)
        assert torch.equal(model.head.conv.weight, tiny.head.conv.weight)


def test_a_backbone_returns_its_pyramid(tiny: TopDown) -> None:
    whole = create_backbone("hrnet_w4")
    assert isinstance(whole, HRNet)
    assert whole.feature_info.reduction() == [4, 8, 16, 32]
    finest = create_backbone("hrnet_w4.toy", pretrained=True)
    assert finest.feature_info.reduction() == [4]
    assert torch.equal(finest.stem[0].weight, tiny.backbone.stem[0].weight)
    chosen = create_backbone("hrnetv2_w4", out_indices=(1, 3), in_chans=4, pretrained=pose_v2().state_dict())
    assert (chosen.feature_info.reduction(), chosen.config.in_chans) == ([8, 32], 4)


def test_a_backbone_of_another_kind_is_refused(tiny: TopDown, monkeypatch: pytest.MonkeyPatch) -> None:
    from hrpose.backbones import TimmConfig

    config = TopDownConfig(backbone=TimmConfig(name="resnet18", out_indices=(1,)))
    monkeypatch.setattr(registry, "architectures", lambda: {"other": dataclasses.replace(config)})
    monkeypatch.setattr(registry, "find_config", lambda name: config.backbone)
    monkeypatch.setattr(registry, "architectures", dict)
    with pytest.raises(
        ConfigError, match=r"the backbone of other is no HRNet; build it with hrpose\.backbones"
    ):
        create_backbone("other")


def test_another_codec_keeps_the_names(tiny: TopDown) -> None:
    spec = create_model("hrnet_w4.toy", codec=DARK(input_size=(64, 64))).spec
    assert (spec.skeleton, spec.codec.name) == (COCO, "dark")


def test_an_untouched_architecture_is_as_its_config() -> None:
    assert create_model("hrnet_w18_small").config == architectures()["hrnet_w18_small"]
    assert pose_v1().config.num_keypoints == 17


def test_a_filter_that_is_no_text_is_refused() -> None:
    with pytest.raises(ConfigError, match="filter=None is no pattern"):
        list_models(None)  # type: ignore[arg-type]


def test_a_bare_architecture_takes_over_the_spec_of_its_weights(tmp_path: Path) -> None:
    trained = create_model("hrnet_w18_small", skeleton="coco")
    save_pretrained(trained, tmp_path)
    assert create_model("hrnet_w18_small").spec is None
    assert create_model("hrnet_w18_small", pretrained=f"local-dir:{tmp_path}").spec == trained.spec


def test_a_spec_of_other_keypoints_or_another_kind_of_network_is_left_alone() -> None:
    model = create_model("hrnet_w18_small")  # 17 keypoints
    registry.take_spec(model, create_model("hrnet_w18_small", skeleton="mpii").spec)
    registry.take_spec(model, find_card("higherhrnet_w32.coco_512").spec)
    assert model.spec is None
