"""From weights alone to the model that fits them."""

import dataclasses
from pathlib import Path

import pytest
import torch

from hrpose.backbones.hrnet import HRNet, HRNetConfig
from hrpose.codecs import DARK, MSRA, Face, UDPOffset
from hrpose.errors import ConfigError, WeightsError
from hrpose.hub.detect import describe, from_checkpoint, summary
from hrpose.hub.pretrained import save_pretrained
from hrpose.models import Classifier, Segmenter, TopDown, TopDownConfig
from hrpose.skeletons import COCO, WFLW, Skeleton
from tests.hub.small import ALL, V1, V2, classifier, foreign, pose_v1, pose_v2, segmenter, trunk


@pytest.mark.parametrize("origin", ["official_pose", "mmpose0", "mmpose1", "deeplabcut", "hrpose"])
def test_v1_pose_nets(origin: str) -> None:
    old = pose_v1(14)
    new = from_checkpoint(foreign(old, origin))
    assert isinstance(new, TopDown)
    assert dataclasses.replace(new.config, spec=None) == old.config
    assert not new.training
    images = torch.randn(1, 3, 64, 32)
    assert torch.equal(new(images).heatmaps[0], old.eval()(images).heatmaps[0])


@pytest.mark.parametrize("origin", ["official_face", "mmpose0_v2", "mmpose1", "hrpose"])
@pytest.mark.parametrize("hidden", [None, 7])
def test_v2_pose_nets(origin: str, hidden: int | None) -> None:
    old = pose_v2(21, hidden)
    new = from_checkpoint(foreign(old, origin))
    momentum = 0.01 if origin == "official_face" else 0.1
    wanted = dataclasses.replace(old.config, backbone=dataclasses.replace(V2, bn_momentum=momentum))
    assert dataclasses.replace(new.config, spec=None) == wanted


def test_classifiers_segmenters_and_trunks() -> None:
    for old, origin, kind in (
        (classifier(), "official_classification", Classifier),
        (segmenter(7), "official_segmentation", Segmenter),
        (trunk(), "official_trunk", HRNet),
        (trunk(), "mmpretrain", HRNet),
        (trunk(), "hrpose_trunk", HRNet),
    ):
        extra = {"head.fc.weight": torch.ones(2, 3)} if origin == "mmpretrain" else {}
        new = from_checkpoint(foreign(old, origin) | extra, align_corners=False)
        assert type(new) is kind
        assert new.config == old.config


@pytest.mark.parametrize(
    "trunk_config",
    [
        dataclasses.replace(V1, widths=(4, 6, 10, 14)),
        dataclasses.replace(V1, rounds=(2, 1, 3), blocks=2, stage1_blocks=2),
        dataclasses.replace(V1, rounds=(1, 1), in_chans=1),
        dataclasses.replace(V1, block="bottleneck", width=2),
        dataclasses.replace(V1, stage1_block="basic", stage1_width=10),
        dataclasses.replace(V1, attention="se"),
    ],
)
def test_unusual_trunks(trunk_config: HRNetConfig) -> None:
    old = TopDown(TopDownConfig(backbone=trunk_config, kernel=3))
    new = from_checkpoint(old)
    found = new.config.backbone
    assert dataclasses.replace(found, width=trunk_config.width) == trunk_config
    assert new.config.kernel == 3
    assert new.config.spec is not None
    assert len(new.config.spec.mean) == trunk_config.in_chans


def test_what_weights_cannot_tell_follows_from_the_origin_and_can_be_given() -> None:
    faces, segments = foreign(pose_v2(), "official_face"), foreign(segmenter(), "official_segmentation")
    assert from_checkpoint(faces).config.backbone.bn_momentum == 0.01
    assert from_checkpoint(faces, bn_momentum=0.1).head.mix[1].momentum == 0.1
    assert from_checkpoint(segments).config.align_corners
    assert not from_checkpoint(segments, align_corners=False).config.backbone.align_corners
    assert (
        from_checkpoint(foreign(pose_v1(), "official_pose"), upsample="bilinear").config.backbone.upsample
        == "bilinear"
    )


def test_small_segmentation_nets_are_of_the_older_code() -> None:
    old = Segmenter(type(segmenter().config)(backbone=dataclasses.replace(V2, stage1_blocks=1)))
    new = from_checkpoint(foreign(old, "official_segmentation"))
    assert (new.config.align_corners, new.config.backbone.bn_momentum) == (False, 0.01)


def test_the_usual_spec_is_attached_and_can_be_given() -> None:
    coco = from_checkpoint(foreign(pose_v1(17), "official_pose")).spec
    assert coco.skeleton is COCO
    assert coco.codec == MSRA(input_size=(256, 192))
    mmpose = from_checkpoint(foreign(pose_v1(16), "mmpose1")).spec
    assert (mmpose.skeleton.name, mmpose.codec) == ("mpii", MSRA(input_size=(256, 256), form="mmpose"))
    faces = from_checkpoint(foreign(pose_v2(98), "official_face")).spec
    assert faces.skeleton is WFLW
    assert faces.codec == Face(input_size=(256, 256))
    assert from_checkpoint(foreign(pose_v1(41), "mmpose0")).spec.skeleton == Skeleton.generic(41)
    given = from_checkpoint(pose_v1(17), skeleton="macaque", codec=DARK(input_size=(64, 64))).spec
    assert (given.skeleton.name, given.codec) == ("macaque", DARK(input_size=(64, 64)))


def test_three_maps_to_a_keypoint_are_told_by_the_codec_or_the_skeleton() -> None:
    weights = foreign(pose_v1(51), "mmpose0")
    codec = UDPOffset(input_size=(64, 64))
    config = from_checkpoint(weights, codec=codec).config
    assert (config.num_keypoints, config.maps_per_keypoint) == (17, 3)
    assert from_checkpoint(weights, skeleton="coco", codec=codec).spec.skeleton is COCO
    with pytest.raises(ConfigError, match="the weights give 50 maps, which 17 keypoints do not share evenly"):
        from_checkpoint(foreign(pose_v1(50), "mmpose0"), skeleton="coco")


def test_a_saved_model_brings_its_own_settings(tmp_path: Path) -> None:
    old = TopDown(TopDownConfig(backbone=dataclasses.replace(V1, drop_path=0.2), num_keypoints=5))
    save_pretrained(old, tmp_path)
    assert from_checkpoint(tmp_path).config == old.config
    assert from_checkpoint(tmp_path / "model.safetensors").config == old.config


def test_the_settings_of_a_saved_model_can_be_overruled(tmp_path: Path) -> None:
    save_pretrained(pose_v2(21), tmp_path)
    codec = DARK(input_size=(64, 64))
    config = from_checkpoint(
        tmp_path, align_corners=True, bn_momentum=0.2, codec=codec, skeleton="rhd"
    ).config
    assert (config.align_corners, config.backbone.align_corners, config.backbone.bn_momentum) == (
        True,
        True,
        0.2,
    )
    assert (config.spec.skeleton.name, config.spec.codec) == ("rhd", codec)
    save_pretrained(trunk(), tmp_path)
    assert from_checkpoint(tmp_path, upsample="bilinear").config.upsample == "bilinear"


def test_weights_of_no_known_origin_are_refused() -> None:
    with pytest.raises(WeightsError, match=r"are of no known origin \(layer\.w\); rename them"):
        from_checkpoint({"layer.w": torch.ones(1)})
    with pytest.raises(ConfigError, match="hold no stage with several branches; they are no HRNet"):
        from_checkpoint({"stem.0.weight": torch.ones(8, 3, 3, 3)})


def test_a_missing_name_is_refused() -> None:
    weights = foreign(pose_v1(), "official_pose")
    del weights["stage2.0.branches.1.0.bn2.bias"]
    with pytest.raises(
        WeightsError, match=r"missing: backbone\.stage2\.rounds\.0\.branches\.1\.0\.bn2\.bias"
    ):
        from_checkpoint(weights)


@pytest.mark.parametrize("name", ["conv1.weight", "stage4.0.branches.2.0.conv1.weight"])
def test_a_missing_name_that_tells_the_shape_is_refused(name: str) -> None:
    weights = foreign(pose_v1(), "official_pose")
    del weights[name]
    with pytest.raises(WeightsError, match=r"\(HRNet pose .* lacks backbone\..*; the file is not whole"):
        from_checkpoint(weights)


def test_a_description_reads_well() -> None:
    model = pose_v1(17)
    inside = {f"module.{name}": w for name, w in foreign(model, "official_pose").items()}
    inside |= {"loss.weight": torch.ones(1), "module.extra.weight": torch.ones(1)}
    described = str(describe({"state_dict": inside, "epoch": 3})).splitlines()
    assert described[0] == "the given state dict"
    assert described[1].startswith("  origin: HRNet pose")
    assert (
        described[2]
        == "  model: TopDown HRNet of other widths or depths, head v1, 17 keypoints, coco, codec msra"
    )
    assert described[3] == f"  parameters: {sum(p.numel() for p in model.parameters()):,}"
    assert described[4:] == [
        "  peeled: ['state_dict'] module.",
        "  dropped: loss.weight (part of the training loss)",
        "  unexpected: extra.weight",
    ]


def test_a_summary_names_known_architectures() -> None:
    assert summary(classifier(5).config) == "Classifier HRNet of other widths or depths, 5 classes"
    assert summary(HRNetConfig(width=48)) == "hrnet_w48"
    assert summary(ALL) == "HRNet of other widths or depths"
