"""Bottom-up networks through the hub: recognised, built, loaded, resized, given back."""

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import Tensor

from hrpose.backbones.hrnet import HRNet
from hrpose.codecs import MSRA
from hrpose.codecs.bottomup import HigherHRNet
from hrpose.errors import ConfigError, WeightsError
from hrpose.hub.detect import describe, from_checkpoint, summary
from hrpose.hub.export import export_weights
from hrpose.hub.load import load_weights
from hrpose.hub.pretrained import save_pretrained
from hrpose.hub.registry import create_model
from hrpose.models import BottomUp, BottomUpSpec, TopDown
from hrpose.skeletons import COCO, CROWDPOSE, Skeleton
from tests.hub.small import V1, foreign, higher, pose_v1, tagged, trunk

FEW = Skeleton(name="few", keypoints=("tail", "nose", "left_hip"))


def bare(model: BottomUp) -> object:
    return dataclasses.replace(model.config, spec=None)


@pytest.mark.parametrize("origin", ["official_higherhrnet", "mmpose0_higherhrnet", "hrpose"])
@pytest.mark.parametrize("keypoints", [14, 17, 9])
def test_higherhrnets_are_built_from_their_weights(origin: str, keypoints: int) -> None:
    old = higher(keypoints).eval()
    new = from_checkpoint(foreign(old, origin))
    assert isinstance(new, BottomUp)
    assert bare(new) == old.config
    images = torch.randn(1, 3, 64, 32)
    for a, b in zip(
        old(images).heatmaps + old(images).tags, new(images).heatmaps + new(images).tags, strict=True
    ):
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    "settings",
    [
        {"deconv_channels": (), "tags": (True,), "joined": (), "deconv_blocks": 4},
        {"deconv_channels": (6, 5), "tags": (True, False, False), "joined": (True, False)},
        {"deconv_channels": (6, 5), "tags": (False, False, True), "joined": (False, True)},
        {"tags": (False, True), "joined": (False,)},
        {"deconv_kernels": (2,), "kernel": 3, "deconv_blocks": 1},
        {"tag_dims": 2},
        {"shared_tags": True},
        {"shared_tags": True, "tag_dims": 3},
    ],
)
def test_every_form_of_the_head_is_read_off_the_shapes(settings: dict[str, object]) -> None:
    old = higher(5, **settings)
    assert bare(from_checkpoint(foreign(old, "official_higherhrnet"))) == old.config


@pytest.mark.parametrize("origin", ["mmpose0_ae", "mmpose1_ae"])
def test_hrnets_with_tags_are_told_from_top_down_ones(origin: str) -> None:
    model = from_checkpoint(foreign(tagged(17), origin))
    assert isinstance(model, BottomUp)
    assert bare(model) == tagged(17).config
    assert isinstance(from_checkpoint(foreign(pose_v1(17), origin.removesuffix("_ae"))), TopDown)


def test_the_caller_can_say_whether_there_are_tags() -> None:
    weights = foreign(tagged(5), "mmpose0_ae")  # ten maps: a top-down network of ten keypoints by all signs
    assert isinstance(from_checkpoint(weights), TopDown)
    assert isinstance(from_checkpoint(weights, origin="mmpose0_ae"), BottomUp)
    assert from_checkpoint(weights, skeleton=Skeleton.generic(5)).config.num_keypoints == 5
    shared = foreign(tagged(5, shared_tags=True), "mmpose0_ae")
    codec = HigherHRNet(strides=(4,), shared_tags=True)
    assert bare(from_checkpoint(shared, codec=codec)) == tagged(5, shared_tags=True).config
    assert isinstance(
        from_checkpoint(foreign(tagged(17), "mmpose0_ae"), codec=MSRA(input_size=(64, 64))), TopDown
    )


def test_the_usual_spec_is_attached_and_can_be_given() -> None:
    spec = from_checkpoint(foreign(higher(17), "official_higherhrnet")).spec
    assert isinstance(spec, BottomUpSpec)
    assert spec.skeleton is COCO
    assert spec.codec.strides == (4, 2)
    assert spec.codec.tag_strides == (4,)
    assert spec.codec.grouping.joint_order[7:9] == (11, 12)
    assert from_checkpoint(foreign(tagged(14), "mmpose0_ae")).spec.skeleton is CROWDPOSE
    assert from_checkpoint(foreign(tagged(16), "mmpose0_ae")).spec.skeleton.name == "mhp"
    given = from_checkpoint(
        foreign(higher(14), "official_higherhrnet"), skeleton="aic", codec=HigherHRNet(input_size=640)
    ).spec
    assert (given.skeleton.name, given.codec.input_size) == ("aic", 640)


def test_one_heatmap_more_than_names_is_the_centre() -> None:
    spec = from_checkpoint(foreign(higher(18), "official_higherhrnet"), skeleton="coco").spec
    assert spec.codec.center


def test_a_codec_of_another_family_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="codec 'msra' does not read a bottom-up network; give a HigherHRNet"
    ):
        from_checkpoint(foreign(higher(), "official_higherhrnet"), codec=MSRA(input_size=(64, 64)))
    with pytest.raises(
        ConfigError, match="'higherhrnet' does not read a top-down network; give a TopDownCodec"
    ):
        create_model("hrnet_w18_small", skeleton="coco", codec=HigherHRNet())
    with pytest.raises(
        ConfigError,
        match="the weights give 34 maps, which leaves no tags beside 34 heatmaps; give the skeleton",
    ):
        from_checkpoint(
            foreign(tagged(17), "mmpose0_ae"), skeleton=Skeleton.generic(34), codec=HigherHRNet(strides=(4,))
        )


def test_a_missing_name_is_refused() -> None:
    weights = foreign(higher(), "official_higherhrnet")
    del weights["deconv_layers.0.1.0.bn2.bias"]
    with pytest.raises(WeightsError, match=r"missing: head\.deconvs\.0\.1\.bn2\.bias"):
        from_checkpoint(weights)
    del weights["deconv_layers.0.0.0.weight"]
    with pytest.raises(WeightsError, match=r"lacks head\.deconvs\.0\.0\.0\.weight; the file is not whole"):
        from_checkpoint(weights)


def test_half_precision_training_leaves_a_wrapper_that_is_peeled() -> None:
    weights = {f"1.{name}": w for name, w in foreign(higher(), "official_higherhrnet").items()}
    told = describe({"state_dict": {f"module.{name}": w for name, w in weights.items()}})
    assert told.peeled == ("['state_dict']", "module.", "1.")
    assert summary(told.config) == (
        "BottomUp HRNet of other widths or depths, head higher, 2 resolutions, 17 keypoints, coco, "
        "codec higherhrnet"
    )


def test_other_keypoints_start_all_layers_that_give_or_read_maps_anew() -> None:
    new = higher(5)
    before = new.head.outputs[1].weight.clone()
    report = load_weights(new, foreign(higher(17), "official_higherhrnet"))
    assert torch.equal(new.head.outputs[1].weight, before)
    assert report.reinitialised == {
        "head.outputs.0.weight": "34 outputs in the file, 10 in the model",
        "head.outputs.0.bias": "34 outputs in the file, 10 in the model",
        "head.outputs.1.weight": "17 outputs in the file, 5 in the model",
        "head.outputs.1.bias": "17 outputs in the file, 5 in the model",
        "head.deconvs.0.0.0.weight": "38 input channels in the file, 14 in the model",
    }


def assert_same_sums(got: Tensor, wanted: Tensor) -> None:
    """Equal but for the order in which a convolution adds, which depends on its width and the threads."""
    assert (got - wanted).abs().max() <= 1e-12 * wanted.abs().max()


@pytest.mark.parametrize("settings", [{}, {"tag_dims": 2}, {"shared_tags": True, "tag_dims": 2}])
def test_keypoints_taken_from_the_file_keep_their_heatmaps_and_tags(settings: dict[str, object]) -> None:
    old, new = higher(5, **settings).double().eval(), higher(3, **settings).double().eval()
    report = load_weights(new, old, keypoints=(4, 2, 0))
    assert report.reshaped["head.deconvs.0.0.0.weight"] == "3 of 3 keypoints from the file, the others new"
    images = torch.randn(1, 3, 64, 32, dtype=torch.float64)
    theirs, ours = old(images), new(images)
    assert_same_sums(ours.heatmaps[0], theirs.heatmaps[0][:, [4, 2, 0]])
    rows = [4, 2, 0, 9, 7, 5] if "tag_dims" in settings else [4, 2, 0]
    wanted = theirs.tags[0] if "shared_tags" in settings else theirs.tags[0][:, rows]
    assert_same_sums(ours.tags[0], wanted)
    width = V1.width  # the channels of features pass as they are
    assert torch.equal(new.head.deconvs[0][0][0].weight[:width], old.head.deconvs[0][0][0].weight[:width])


def test_rows_beyond_the_file_are_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"keypoints=\[0, 5\], but those of the file go from 0 to 4; give such"
    ):
        load_weights(higher(2), higher(5), keypoints=(0, 5))


def test_one_head_leaves_another_as_it_began() -> None:
    old, new = pose_v1(17), higher(17)
    report = load_weights(new, foreign(old, "official_pose"))
    assert "the head of a topdown, which this BottomUp lacks" in set(report.dropped.values())
    assert {name for name in new.state_dict() if name.startswith("head.")} == set(report.reinitialised)
    assert torch.equal(new.backbone.stem[0].weight, old.backbone.stem[0].weight)
    report = load_weights(HRNet(V1), foreign(higher(), "official_higherhrnet"))
    assert report.dropped["head.outputs.0.bias"] == "this model is a trunk, without a head"
    assert load_weights(higher(), foreign(trunk(), "official_trunk")).reinitialised


def test_weights_of_a_top_down_net_start_the_trunk_of_one_with_tags() -> None:
    report = load_weights(tagged(17), foreign(pose_v1(17), "mmpose0"))
    assert report.reinitialised == dict.fromkeys(
        ("head.conv.weight", "head.conv.bias"), "17 outputs in the file, 34 in the model"
    )


def test_other_channels_adapt_the_first_layer() -> None:
    grey = BottomUp(dataclasses.replace(tagged().config, backbone=dataclasses.replace(V1, in_chans=1)))
    report = load_weights(grey, foreign(tagged(), "mmpose0_ae"))
    assert report.reshaped == {"backbone.stem.0.weight": "3 input channels in the file, 1 in the model"}


@pytest.mark.parametrize(
    ("project", "part"), [("official", "official_higherhrnet"), ("mmpose0", "mmpose0_higherhrnet")]
)
def test_a_project_names_higherhrnet(project: str, part: str) -> None:
    model = higher()
    exported, wanted = export_weights(model, project), foreign(model, part)
    assert list(exported) == list(wanted)


def test_a_project_names_hrnet_with_tags() -> None:
    assert list(export_weights(tagged(5), "mmpose1"))[-1] == "head.final_layer.bias"
    with pytest.raises(
        WeightsError, match=r"cannot name this BottomUp: it has no names for head\.conv\.weight"
    ):
        export_weights(tagged(5), "official")


def test_a_saved_model_comes_back(tmp_path: Path) -> None:
    model = from_checkpoint(foreign(higher(14), "official_higherhrnet"))
    save_pretrained(model, tmp_path)
    assert from_checkpoint(tmp_path).config == model.config
    given = from_checkpoint(tmp_path, skeleton="aic", bn_momentum=0.2)
    assert (given.spec.skeleton.name, given.config.backbone.bn_momentum) == ("aic", 0.2)
    save_pretrained(higher(14), tmp_path)
    assert from_checkpoint(tmp_path, skeleton="aic").spec.codec.strides == (4, 2)


def test_names_build_networks_for_any_keypoints() -> None:
    with torch.device("meta"):
        model = create_model("higherhrnet_w18_small", skeleton=FEW, in_chans=1)
        again = create_model("hrnet_ae_w32.coco_512", num_keypoints=4)
        codec = create_model("higherhrnet_w32.coco_512", codec=HigherHRNet(tag_dims=2, input_size=640)).config
    assert model.config.deconv_channels == (16,)
    assert (model.spec.skeleton, model.spec.codec.grouping.joint_order) == (FEW, (0, 1, 2))
    assert len(model.spec.mean) == 1
    assert (again.config.num_keypoints, again.spec.codec.strides) == (4, (4,))
    assert again.spec.codec.grouping.joint_order == (0, 1, 2, 3)
    assert (codec.tag_dims, codec.spec.codec.input_size, codec.spec.skeleton) == (2, 640, COCO)
