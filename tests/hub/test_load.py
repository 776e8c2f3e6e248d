"""Loading into a model: strict, with every deviation named."""

from pathlib import Path

import pytest
import torch
from torch import nn

from hrpose.backbones.hrnet import HRNet
from hrpose.codecs import MSRA, UDPOffset
from hrpose.errors import ConfigError, WeightsError
from hrpose.hub.load import adapt_input, load_weights
from hrpose.hub.report import LoadReport
from hrpose.models import PoseSpec, TopDown, TopDownConfig
from hrpose.skeletons import COCO, Skeleton
from tests.hub.small import ALL, V1, classifier, foreign, pose_v1, pose_v2, segmenter, trunk

SQUARE = MSRA(input_size=(64, 64))


def named(skeleton: Skeleton) -> TopDown:
    spec = PoseSpec(skeleton=skeleton, codec=SQUARE)
    return TopDown(TopDownConfig(backbone=V1, num_keypoints=skeleton.num_keypoints, spec=spec))


def same(a: nn.Module, b: nn.Module, part: str = "") -> bool:
    theirs = b.state_dict()
    return all(torch.equal(w, theirs[name]) for name, w in a.state_dict().items() if name.startswith(part))


def test_all_parameters_come_from_the_weights() -> None:
    old, new = pose_v1(), pose_v1()
    report = load_weights(new, foreign(old, "official_pose"))
    assert same(old, new)
    assert report.complete
    assert set(report.loaded) == set(new.state_dict())
    assert report.origin.startswith("HRNet pose")


def test_one_missing_name_is_refused_and_named() -> None:
    weights = foreign(pose_v1(), "official_pose")
    del weights["stage3.1.branches.2.0.bn1.weight"]
    model = pose_v1()
    before = {name: w.clone() for name, w in model.state_dict().items()}
    with pytest.raises(
        WeightsError, match=r"missing: backbone\.stage3\.rounds\.1\.branches\.2\.0\.bn1\.weight"
    ):
        load_weights(model, weights)
    assert all(torch.equal(w, before[name]) for name, w in model.state_dict().items())


def test_one_name_too_many_is_refused_and_named() -> None:
    weights = foreign(pose_v1(), "official_pose") | {"attention.weight": torch.ones(1)}
    with pytest.raises(WeightsError, match=r"do not fit this model:\n  unexpected: attention\.weight"):
        load_weights(pose_v1(), weights)


def test_a_wrong_shape_is_refused_and_named() -> None:
    weights = foreign(pose_v1(), "official_pose")
    weights["layer1.0.conv1.weight"] = torch.ones(5, 8, 1, 1)
    shapes = r"\(5, 8, 1, 1\) in the file, \(4, 8, 1, 1\) in the model"
    text = rf"wrong shape: backbone\.stage1\.0\.conv1\.weight: {shapes}"
    with pytest.raises(WeightsError, match=text):
        load_weights(pose_v1(), weights)


def test_the_error_says_what_to_do() -> None:
    with pytest.raises(
        WeightsError, match="from_checkpoint builds the model that fits; strict=False loads what fits"
    ):
        load_weights(pose_v1(), foreign(pose_v2(), "official_face"))


def test_not_strict_loads_what_fits_and_reports_the_rest() -> None:
    old, new = pose_v1(), pose_v1()
    weights = foreign(old, "official_pose") | {"attention.weight": torch.ones(1)}
    del weights["conv1.weight"]
    report = load_weights(new, weights, strict=False)
    assert report.missing == ("backbone.stem.0.weight",)
    assert report.unexpected == ("attention.weight",)
    assert same(old, new, "head.")


def test_names_of_no_origin_are_refused() -> None:
    with pytest.raises(
        WeightsError, match=r"the 1 names in the given state dict are of no known origin \(layer\.w\)"
    ):
        load_weights(pose_v1(), {"layer.w": torch.ones(1)})


def test_another_number_of_keypoints_leaves_the_last_layer_as_it_began_and_says_so() -> None:
    old, new = pose_v1(17), pose_v1(5)
    before = new.head.conv.weight.clone()
    report = load_weights(new, foreign(old, "official_pose"))
    assert torch.equal(new.head.conv.weight, before)
    reason = "17 outputs in the file, 5 in the model"
    assert report.reinitialised == {"head.conv.weight": reason, "head.conv.bias": reason}
    assert same(old, new, "backbone.")


def test_another_number_of_classes_leaves_the_last_layer_as_it_began() -> None:
    report = load_weights(classifier(3), foreign(classifier(10), "official_classification"))
    assert set(report.reinitialised) == {"head.classifier.weight", "head.classifier.bias"}


def test_a_last_layer_can_be_filled_by_index() -> None:
    old, new = pose_v1(17), pose_v1(3)
    before = new.head.conv.weight[1].clone()
    report = load_weights(new, old, keypoints=(5, None, 0))
    assert torch.equal(new.head.conv.weight[0], old.head.conv.weight[5])
    assert torch.equal(new.head.conv.weight[1], before)
    assert torch.equal(new.head.conv.bias[2], old.head.conv.bias[0])
    assert report.reshaped["head.conv.bias"] == "2 of 3 keypoints from the file, the others new"


def test_a_last_layer_can_be_filled_by_name(tmp_path: Path) -> None:
    from hrpose.hub.pretrained import save_pretrained

    old, new = named(COCO), named(Skeleton(name="few", keypoints=("tail", "nose", "left_hip")))
    load_weights(new, f"local-dir:{save_pretrained(old, tmp_path)}", keypoints="names")
    assert torch.equal(new.head.conv.weight[1], old.head.conv.weight[COCO.index("nose")])
    assert torch.equal(new.head.conv.weight[2], old.head.conv.weight[COCO.index("left_hip")])


def test_a_module_brings_its_names() -> None:
    old, new = named(COCO), named(Skeleton(name="few", keypoints=("nose",)))
    load_weights(new, old, keypoints="names")
    assert torch.equal(new.head.conv.bias[0], old.head.conv.bias[0])


def test_several_maps_to_a_keypoint_move_together() -> None:
    config = TopDownConfig(backbone=V1, num_keypoints=4, maps_per_keypoint=3)
    old, new = TopDown(config), TopDown(config)
    load_weights(new, old, keypoints=(3, 2, 1, 0))
    assert torch.equal(new.head.conv.weight[:3], old.head.conv.weight[9:])


def test_a_keypoint_map_that_does_not_fit_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="keypoints has 2 entries, but the model has 3 keypoints; give one for each"
    ):
        load_weights(pose_v1(3), pose_v1(17), keypoints=(0, 1))
    with pytest.raises(
        ConfigError, match=r"keypoints=\[0, 1, 17\], but those of the file go from 0 to 16; give such"
    ):
        load_weights(pose_v1(3), pose_v1(17), keypoints=(0, 1, 17))
    with pytest.raises(ConfigError, match="but the keypoints of the model have no names; give their indices"):
        load_weights(pose_v1(3), pose_v1(17), keypoints="names")
    with pytest.raises(ConfigError, match="but the keypoints of a TopDown have no names; give their indices"):
        load_weights(named(COCO), pose_v1(17), keypoints="names")


@pytest.mark.parametrize("in_chans", [1, 2, 4, 7])
def test_another_number_of_input_channels_adapts_the_first_layer_as_timm_does(in_chans: int) -> None:
    from timm.models import adapt_input_conv

    old = trunk()
    new = HRNet(type(ALL)(**vars(ALL) | {"in_chans": in_chans}))
    report = load_weights(new, foreign(old, "official_trunk"))
    assert torch.equal(new.stem[0].weight, adapt_input_conv(in_chans, old.stem[0].weight))
    assert report.reshaped == {"stem.0.weight": f"3 input channels in the file, {in_chans} in the model"}
    assert not report.complete


def test_the_response_to_a_grey_picture_stays() -> None:
    weight = torch.randn(4, 3, 3, 3)
    assert torch.allclose(adapt_input(weight, 1), weight.sum(1, keepdim=True))


def test_a_trunk_alone_leaves_the_head_as_it_began() -> None:
    old, new = trunk(), pose_v1(5)
    report = load_weights(new, foreign(old, "official_trunk"))
    assert set(report.reinitialised) == {"head.conv.weight", "head.conv.bias"}
    assert set(report.reinitialised.values()) == {"weights of a trunk have no such head"}
    assert torch.equal(new.backbone.stem[0].weight, old.stem[0].weight)


def test_the_old_classifier_in_pose_initialisation_files_is_dropped() -> None:
    weights = foreign(trunk(), "official_trunk") | {
        "head.0.2.0.bn1.bias": torch.ones(1),
        "fc.bias": torch.ones(1),
    }
    report = load_weights(trunk(), weights)
    assert {"head.0.2.0.bn1.bias", "fc.bias"} == set(report.dropped)
    assert "part of an ImageNet classifier" in report.dropped["fc.bias"]


def test_a_trunk_with_all_branches_serves_a_pose_net_that_reads_one() -> None:
    report = load_weights(pose_v1(), foreign(trunk(), "official_trunk"))
    spare = {name for name in report.dropped if ".exchange.into.1." in name}
    assert spare
    assert {report.dropped[name] for name in spare} == {"leads to branch 1, which this model does not return"}


def test_a_pose_net_leaves_the_ways_to_coarser_branches_of_a_trunk_as_they_began() -> None:
    old, new = pose_v1(), trunk()
    report = load_weights(new, foreign(old, "official_pose"))
    rows = {name[: len("stage4.rounds.0.exchange.into.1")]: why for name, why in report.reinitialised.items()}
    into = "stage4.rounds.0.exchange.into"
    assert rows == {f"{into}.{d}": f"leads to branch {d}, which these weights do not make" for d in (1, 2, 3)}
    assert (report.missing, report.unexpected, report.complete) == ((), (), False)
    assert len(report.loaded) + len(report.reinitialised) == len(new.state_dict())
    images = torch.randn(1, 3, 64, 64)
    finest = new.eval()(images)[0]
    assert torch.equal(finest, old.backbone.eval()(images)[0])


def test_only_the_coarser_ways_of_the_last_exchange_may_be_absent() -> None:
    weights = foreign(trunk(), "official_trunk")
    for gone in ("stage4.0.fuse_layers.1.", "stage3.1.fuse_layers.2."):
        with pytest.raises(WeightsError, match=r"missing: stage[34]"):
            load_weights(trunk(), {n: w for n, w in weights.items() if not n.startswith(gone)})


def test_not_strict_reports_what_has_another_shape() -> None:
    weights = foreign(pose_v1(), "official_pose") | {"conv2.weight": torch.zeros(3, 3, 3, 3)}
    report = load_weights(pose_v1(), weights, strict=False)
    reason = "(3, 3, 3, 3) in the file, (8, 8, 3, 3) in the model"
    assert report.reinitialised == {"backbone.stem.3.weight": reason}
    assert (report.missing, report.complete) == ((), False)


def test_weights_of_wrapped_and_averaged_models_load() -> None:
    old = pose_v1()
    averaged = torch.optim.swa_utils.AveragedModel(old)
    compiled = {f"_orig_mod.{name}": w for name, w in old.state_dict().items()}
    for source in (nn.DataParallel(old), averaged, averaged.state_dict(), compiled):
        new = pose_v1()
        assert load_weights(new, source).complete
        assert same(old, new)


def test_a_keypoint_map_of_the_wrong_type_is_refused() -> None:
    with pytest.raises(ConfigError, match="keypoints='name' is not known; give 'names' or indices"):
        load_weights(named(COCO), named(COCO), keypoints="name")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"keypoints=\[0\.5\]; give whole numbers, and None for a new"):
        load_weights(pose_v1(1), pose_v1(17), keypoints=(0.5,))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="keypoints=5; give 'names', or an index or None for each"):
        load_weights(pose_v1(1), pose_v1(17), keypoints=5)  # type: ignore[arg-type]


def test_a_name_in_place_of_the_model_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"fills a module, but 'hrnet_w32' came; hrpose.create_model\(name"):
        load_weights("hrnet_w32", pose_v1(1))  # type: ignore[arg-type]


def test_keypoints_of_another_number_of_maps_start_anew() -> None:
    spec = PoseSpec(skeleton=COCO, codec=UDPOffset(input_size=(64, 64)))
    old = TopDown(TopDownConfig(backbone=V1, maps_per_keypoint=3, spec=spec))
    report = load_weights(named(COCO), old, keypoints="names")
    assert set(report.reinitialised.values()) == {"3 maps to a keypoint in the file, 1 in the model"}


def test_no_common_keypoint_means_a_new_last_layer() -> None:
    report = load_weights(named(Skeleton(name="few", keypoints=("tail",))), named(COCO), keypoints="names")
    assert set(report.reinitialised.values()) == {"none of the keypoints comes from the file"}


def test_a_classifier_gives_its_trunk_to_a_pose_net() -> None:
    old, new = classifier(), pose_v2()
    report = load_weights(new, foreign(old, "official_classification"))
    assert same(old.backbone, new.backbone)
    assert report.dropped["head.classifier.weight"] == "the head of a classifier, which this TopDown lacks"
    assert {n for n in new.state_dict() if n.startswith("head.")} == set(report.reinitialised)


def test_a_segmenter_gives_its_mixing_layer_to_a_face_net() -> None:
    old, new = segmenter(), pose_v2()
    report = load_weights(new, foreign(old, "official_segmentation"))
    assert same(old.head.mix, new.head.mix)
    assert set(report.reinitialised) == {"head.conv.weight", "head.conv.bias"}


def test_a_bare_trunk_takes_the_trunk_of_a_pose_net() -> None:
    report = load_weights(HRNet(V1), foreign(pose_v1(), "mmpose1"))
    assert report.dropped["head.conv.weight"] == "this model is a trunk, without a head"


def test_old_files_without_batch_counters_load() -> None:
    old, new = pose_v1(), pose_v1()
    weights = {
        n: w for n, w in foreign(old, "official_pose").items() if not n.endswith("num_batches_tracked")
    }
    report = load_weights(new, weights)
    assert set(report.reinitialised.values()) == {"the file has no batch counters"}
    assert same(old, new)


def test_one_missing_batch_counter_is_refused() -> None:
    weights = foreign(pose_v1(), "official_pose")
    del weights["bn1.num_batches_tracked"]
    with pytest.raises(WeightsError, match=r"missing: backbone\.stem\.1\.num_batches_tracked"):
        load_weights(pose_v1(), weights)


def test_half_precision_weights_take_the_dtype_of_the_model() -> None:
    weights = {name: w.half() for name, w in foreign(pose_v1(), "official_pose").items()}
    model = pose_v1()
    load_weights(model, weights)
    assert model.head.conv.weight.dtype == torch.float32


def test_our_own_weights_of_any_kind_are_strict() -> None:
    for make in (pose_v1, pose_v2, segmenter, classifier, trunk):
        assert load_weights(make(), make()).complete
    weights = segmenter().state_dict()
    del weights["head.mix.0.weight"]
    with pytest.raises(WeightsError, match=r"missing: head\.mix\.0\.weight"):
        load_weights(segmenter(), weights)


def test_weights_of_any_module_with_our_names_load() -> None:
    old, new = nn.Linear(2, 3), nn.Linear(2, 3)
    assert load_weights(new, old).complete
    assert torch.equal(old.weight, new.weight)


def test_a_report_reads_well() -> None:
    report = LoadReport(
        source="w.pth",
        origin="toy",
        loaded=("a", "b"),
        reinitialised={"head.w": "new", "head.b": "new"},
        reshaped={"stem": "3 to 1"},
        missing=("c",),
        unexpected=tuple("defghi"),
        dropped={"loss.w": "part of the loss"},
        peeled=("['state_dict']", "module."),
        stubs=("mmengine.Log",),
    )
    assert str(report).splitlines() == [
        "w.pth: toy",
        "  loaded: 2 tensors",
        "  peeled: ['state_dict'] module.",
        "  not run: mmengine.Log",
        "  reinitialised: head.w, head.b (new)",
        "  reshaped: stem (3 to 1)",
        "  dropped: loss.w (part of the loss)",
        "  missing: c",
        "  unexpected: d, e, f, g, h and 1 more",
    ]
