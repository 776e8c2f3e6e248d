"""Stacked hourglasses through the hub: recognised, built, loaded, resized, given back."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from hrpose.codecs import MSRA, AEHourglass, Princeton
from hrpose.codecs.bottomup import HigherHRNet
from hrpose.errors import ConfigError, WeightsError
from hrpose.hub.detect import from_checkpoint, summary
from hrpose.hub.export import export_weights
from hrpose.hub.load import load_weights
from hrpose.hub.pretrained import save_pretrained
from hrpose.hub.registry import create_backbone, create_model
from hrpose.models import HourglassAESpec, StackedHourglass
from hrpose.skeletons import COCO, MPII, Skeleton
from hrpose.types import IMAGENET_MEAN
from tests.hub.small import HOURGLASSES, foreign, hourglass

FEW = Skeleton(name="few", keypoints=("tail", "nose", "left_hip"))
each = pytest.mark.parametrize("origin", HOURGLASSES)


@each
@pytest.mark.parametrize("stacks", [1, 3])
def test_hourglasses_are_built_from_their_weights(origin: str, stacks: int) -> None:
    old = hourglass(origin, stacks=stacks).eval()
    new = from_checkpoint(foreign(old, origin))
    assert isinstance(new, StackedHourglass)
    assert dataclasses.replace(new.config, spec=None) == old.config
    images = torch.randn(1, 3, 32, 48)
    for a, b in zip(old.predictions(images), new.predictions(images), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    "settings",
    [
        {"skip": "concat"},
        {"depths": (2, 1, 3)},
        {"in_chans": 1},
        {"stem": (4, 8)},
        {"stem": (4, 5, 6, 7, 8), "num_keypoints": 9},
        {"widths": (8, 10, 12, 14)},
    ],
)
def test_our_own_forms_are_read_off_the_shapes(settings: dict[str, Any]) -> None:
    old = hourglass(**settings)
    assert dataclasses.replace(from_checkpoint(dict(old.state_dict())).config, spec=None) == old.config


def test_several_residual_units_in_a_row_are_read_off_bearpaws_names() -> None:
    old = hourglass("bearpaw_hourglass", stacks=2, depths=(3, 3, 3)).eval()
    weights = foreign(old, "bearpaw_hourglass")
    ends = ("hg.1.hg.0.3.2.conv3.bias", "hg.0.hg.1.1.2.conv1.weight", "res.0.2.bn1.bias", "fc.1.0.weight")
    assert all(name in weights for name in ends)
    new = from_checkpoint(weights)
    assert new.config.depths == (3, 3, 3)
    images = torch.randn(1, 3, 32, 48)
    assert torch.equal(new(images).heatmaps[1], old(images).heatmaps[1])


@pytest.mark.parametrize("made", [34, 56, 68])
def test_the_maps_of_an_hourglass_with_tags_are_told_apart(made: int) -> None:
    keypoints = {34: 17, 56: 14, 68: 17}[made]
    old = hourglass("pose_ae", num_keypoints=keypoints, tags=keypoints, spare=made - 2 * keypoints)
    weights = foreign(old, "pose_ae")
    assert dataclasses.replace(from_checkpoint(weights).config, spec=None) == old.config
    few = from_checkpoint(weights, skeleton=FEW).config
    assert (few.num_keypoints, few.tags, few.spare) == (3, 3, made - 6)
    plain = from_checkpoint(weights, codec=MSRA(input_size=(64, 64))).config
    assert (plain.num_keypoints, plain.tags) == (made, 0)
    with pytest.raises(
        ConfigError, match=f"the weights give {made} maps, too few for the tags of 40 keypoints"
    ):
        from_checkpoint(weights, skeleton=Skeleton.generic(40))


def test_the_usual_spec_is_that_of_the_origin() -> None:
    def spec(origin: str, **settings: Any) -> Any:
        return from_checkpoint(foreign(hourglass(origin, **settings), origin)).spec

    princeton = spec("princeton_hourglass", num_keypoints=16)
    assert princeton.skeleton is MPII
    assert princeton.codec == Princeton(input_size=(256, 256))
    assert (princeton.mean, princeton.std) == ((0, 0, 0), (1, 1, 1))
    assert spec("princeton_hourglass", in_chans=1).std == (1,)
    bearpaw = spec("bearpaw_hourglass", num_keypoints=16)
    assert bearpaw.mean == (0.4404, 0.444, 0.4327)
    assert spec("bearpaw_hourglass", num_keypoints=17).mean == IMAGENET_MEAN
    mmpose = spec("mmpose1_hourglass", num_keypoints=17)
    assert mmpose.codec == MSRA(input_size=(256, 256), form="mmpose")
    tagged = spec("pose_ae", num_keypoints=17, tags=17, spare=34)
    assert isinstance(tagged, HourglassAESpec)
    assert isinstance(tagged.codec, AEHourglass)
    assert (tagged.skeleton, tagged.mean) == (COCO, (0, 0, 0))
    other = spec("mmpose0_hourglass_ae", num_keypoints=17, tags=17)
    assert isinstance(other.codec, HigherHRNet)
    assert (other.codec.heatmap_maps, other.codec.tag_maps, other.mean) == ((2,), (2,), IMAGENET_MEAN)


def test_wishes_that_do_not_fit_are_refused() -> None:
    weights = foreign(hourglass(), "princeton_hourglass")
    with pytest.raises(ConfigError, match="an hourglass has no setting upsample, bn_momentum; leave it out"):
        from_checkpoint(weights, upsample="bilinear", bn_momentum=0.1)
    with pytest.raises(ConfigError, match="skeleton 'coco' names 17 keypoints, but num_keypoints=5"):
        from_checkpoint(weights, skeleton="coco")
    with pytest.raises(
        ConfigError, match="codec 'msra' does not read an hourglass with tags; give a HigherHRNet"
    ):
        create_model("hourglass_ae_1", skeleton=FEW, codec=MSRA(input_size=(64, 64)))
    with pytest.raises(ConfigError, match="'higherhrnet' does not read an hourglass without tags"):
        create_model("hourglass_1", skeleton=FEW, codec=HigherHRNet())


def test_a_file_that_is_not_whole_is_refused() -> None:
    weights = foreign(hourglass(), "princeton_hourglass")
    del weights["merge_preds.1.conv.conv.bias"]
    with pytest.raises(WeightsError, match=r"missing: links\.1\.maps\.bias"):
        from_checkpoint(weights)
    with pytest.raises(WeightsError, match=r"lacks stacks\.0\.hourglass\.upper\.0; the file is not whole"):
        from_checkpoint({"stacks.0.predict.weight": torch.ones(5, 8, 1, 1)})


@each
def test_other_keypoints_start_what_gives_and_reads_maps_anew(origin: str) -> None:
    tagged = HOURGLASSES[origin].tags > 0
    new = hourglass(origin, num_keypoints=3, tags=3 if tagged else 0)
    report = load_weights(new, foreign(hourglass(origin), origin))
    wanted = {f"stacks.{s}.predict.{word}" for s in range(3) for word in ("weight", "bias")}
    inputs = {name for name in new.state_dict() if ".maps." in name and new.state_dict()[name].ndim == 4}
    assert set(report.reinitialised) == wanted | inputs
    assert len(inputs) == (0 if HOURGLASSES[origin].unit == "basic" else 2)
    assert "outputs in the file" in report.reinitialised["stacks.0.predict.bias"]
    assert all("input channels in the file" in report.reinitialised[name] for name in inputs)


@each
def test_keypoints_taken_from_the_file_keep_their_maps(origin: str) -> None:
    config = HOURGLASSES[origin]
    old = hourglass(origin, stacks=1).eval()
    new = hourglass(origin, stacks=1, num_keypoints=2, tags=2 if config.tags else 0).eval()
    load_weights(new, old, keypoints=(4, 1))
    images = torch.randn(1, 3, 32, 32)
    theirs, ours = old(images), new(images)
    assert torch.allclose(ours.heatmaps[0], theirs.heatmaps[0][:, [4, 1]], atol=1e-6)
    if config.tags:
        assert torch.allclose(ours.tags[0], theirs.tags[0][:, [4, 1]], atol=1e-6)


def test_spare_maps_and_links_move_with_the_keypoints() -> None:
    old, new = hourglass("pose_ae"), hourglass("pose_ae", num_keypoints=2, tags=2)
    load_weights(new, old, keypoints=(3, None))
    assert torch.equal(new.stacks[0].predict.bias[-10:], old.stacks[0].predict.bias[-10:])
    assert torch.equal(new.links[0].maps.weight[:, 0], old.links[0].maps.weight[:, 3])
    assert torch.equal(new.links[0].maps.weight[:, 2], old.links[0].maps.weight[:, 8])


def test_other_channels_adapt_the_first_layer() -> None:
    old, new = hourglass(), hourglass(in_chans=1)
    report = load_weights(new, foreign(old, "princeton_hourglass"))
    assert report.reshaped == {"stem.0.0.weight": "3 input channels in the file, 1 in the model"}
    assert torch.allclose(new.stem[0][0].weight, old.stem[0][0].weight.sum(1, keepdim=True))


@pytest.mark.parametrize(
    ("origin", "project"),
    [
        ("princeton_hourglass", "princeton"),
        ("bearpaw_hourglass", "bearpaw"),
        ("pose_ae", "pose_ae"),
        ("mmpose0_hourglass", "mmpose0"),
        ("mmpose1_hourglass", "mmpose1"),
        ("mmpose0_hourglass_ae", "mmpose0"),
        ("hrpose_hourglass", "hrpose"),
    ],
)
def test_a_project_names_its_hourglass(origin: str, project: str) -> None:
    model = hourglass(origin)
    exported, wanted = export_weights(model, project), foreign(model, origin)
    assert list(exported) == list(wanted)
    assert all(torch.equal(w, wanted[name]) for name, w in exported.items())


def test_an_hourglass_that_a_project_does_not_have_is_refused() -> None:
    with pytest.raises(
        WeightsError, match="'official' cannot name this StackedHourglass: it has no hourglass"
    ):
        export_weights(hourglass())
    with pytest.raises(WeightsError, match=r"it has no names for stem\.0\.1\.weight"):
        export_weights(hourglass(), "pose_ae")


def test_a_saved_hourglass_comes_back(tmp_path: Path) -> None:
    model = from_checkpoint(foreign(hourglass("pose_ae"), "pose_ae"))
    save_pretrained(model, tmp_path)
    assert from_checkpoint(tmp_path).config == model.config
    codec = AEHourglass(input_size=256)
    given = from_checkpoint(tmp_path, skeleton=Skeleton.generic(5), codec=codec).spec
    assert (given.skeleton.num_keypoints, given.codec) == (5, codec)
    with pytest.raises(ConfigError, match="an hourglass has no setting align_corners; leave it out"):
        from_checkpoint(tmp_path, align_corners=True)
    save_pretrained(hourglass(), tmp_path)
    assert from_checkpoint(tmp_path, skeleton=Skeleton.generic(5)).spec.codec.name == "princeton"


def test_names_build_hourglasses_for_any_keypoints() -> None:
    with torch.device("meta"):
        two = create_model("hourglass_2.mpii_256", skeleton=FEW, in_chans=1)
        tagged = create_model("hourglass_ae_4.coco_512", num_keypoints=4)
        bare = create_model("hourglass_bearpaw_8", skeleton="coco", stacks=3)
        mmpose = create_model("hourglass52")
    assert (two.config.num_keypoints, two.config.stacks, two.spec.mean, two.spec.std) == (3, 2, (0,), (1,))
    assert (tagged.config.tags, tagged.config.spare, tagged.spec.mean) == (4, 34, (0, 0, 0))
    assert tagged.spec.codec.grouping.joint_order == (0, 1, 2, 3)
    assert (bare.config.stacks, bare.spec.codec.name, bare.spec.mean) == (3, "princeton", IMAGENET_MEAN)
    assert mmpose.config.num_keypoints == 17


def test_an_hourglass_has_no_trunk_of_its_own() -> None:
    with pytest.raises(ConfigError, match="the backbone of hourglass_2 is no HRNet; build it with"):
        create_backbone("hourglass_2")


def test_a_summary_names_the_units_and_stacks() -> None:
    config = from_checkpoint(foreign(hourglass(num_keypoints=16), "princeton_hourglass")).config
    assert (
        summary(config) == "StackedHourglass of preact units, 3 stacks, 16 keypoints, mpii, codec princeton"
    )
