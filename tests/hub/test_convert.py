"""Rename tables: one rule a name, both directions, every origin told from the others."""

from functools import partial

import pytest
import torch
from torch import nn

from hrpose.errors import ConfigError, UnknownNameError, WeightsError
from hrpose.hub.convert import ORIGINS, find_origin, identify
from hrpose.hub.convert.engine import Origin, Table, compile_pattern, under
from tests.hub.small import (
    HOURGLASSES,
    classifier,
    foreign,
    higher,
    hourglass,
    pose_v1,
    pose_v2,
    segmenter,
    tagged,
    trunk,
)

MODELS = {
    "hrpose": pose_v1,
    "hrpose_trunk": trunk,
    "deeplabcut": pose_v1,
    "mmpose0": pose_v1,
    "mmpose0_v2": pose_v2,
    "mmpose1": pose_v2,
    "official_pose": pose_v1,
    "official_face": pose_v2,
    "official_segmentation": segmenter,
    "official_classification": classifier,
    "official_trunk": trunk,
    "mmpretrain": trunk,
    "official_higherhrnet": higher,
    "mmpose0_higherhrnet": higher,
    "mmpose0_ae": tagged,
    "mmpose1_ae": tagged,
    **{name: partial(hourglass, name) for name in HOURGLASSES},
}


def origin_of(*rules: tuple[str, str]) -> Origin:
    return Origin(name="toy", title="toy", kind="topdown", tells=(), rules=rules)


def test_a_pattern_holds_the_same_number_wherever_a_letter_stands() -> None:
    pattern = compile_pattern("a.{s}.b.{s}.")
    assert pattern.fullmatch("a.3.b.3.weight")
    assert not pattern.fullmatch("a.3.b.4.weight")
    assert not pattern.fullmatch("a.3.b.3.deeper.weight")


def test_a_star_is_any_rest() -> None:
    assert compile_pattern("head.{n}.*").fullmatch("head.0.1.0.conv1.weight")
    assert not compile_pattern("head.{n}.*").fullmatch("head.conv.weight")


def test_a_table_reads_in_both_directions() -> None:
    origin = origin_of(("conv{n}.", "stem.{n}."), ("scale", "gain"))
    theirs = {"conv1.weight": torch.ones(1), "scale": torch.zeros(1)}
    ours = origin.import_weights(theirs).weights
    assert list(ours) == ["stem.1.weight", "gain"]
    assert list(origin.export_weights(ours).weights) == list(theirs)


def test_what_no_rule_claims_is_told() -> None:
    converted = origin_of(("a.", "b.")).import_weights({"a.weight": torch.ones(1), "other": torch.ones(1)})
    assert converted.unclaimed == ("other",)


def test_two_rules_for_one_name_are_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"two rules claim a\.0\.weight: they lead to b\. and c\..*; keep one"
    ):
        Table([("a.0.", "b."), ("a.{n}.", "c.{n}.")]).rename("a.0.weight")


def test_two_names_for_one_parameter_are_refused() -> None:
    origin = origin_of(("a.", "c."), ("b.", "c."))
    with pytest.raises(WeightsError, match=r"a\.w and b\.w both fill c\.w; leave one of them out"):
        origin.import_weights({"a.w": torch.ones(1), "b.w": torch.ones(1)})


def test_what_is_dropped_has_its_reason() -> None:
    origin = Origin(
        name="toy", title="toy", kind="trunk", tells=(), rules=(), drops=(("mean.", "of pictures"),)
    )
    assert origin.import_weights({"mean.value": torch.ones(1)}).dropped == {"mean.value": "of pictures"}


def test_swapped_axes_are_swapped_back() -> None:
    origin = Origin(
        name="toy", title="toy", kind="trunk", tells=(), rules=(("a.", "b."),), swaps=("b.weight",)
    )
    there = torch.arange(6.0).reshape(2, 3, 1, 1)
    ours = origin.import_weights({"a.weight": there}).weights
    assert ours["b.weight"].shape == (3, 2, 1, 1)
    assert torch.equal(origin.export_weights(ours).weights["a.weight"], there)


def test_prefixes_go_before_both_sides() -> None:
    assert under(("net.", "backbone."), [("a.", "b.")]) == (("net.a.", "backbone.b."),)


def test_a_wrong_origin_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        UnknownNameError, match="there is no origin 'official_poses'; did you mean official_pose"
    ):
        find_origin("official_poses")


def test_every_origin_is_tried_here() -> None:
    assert MODELS.keys() == ORIGINS.keys()


@pytest.mark.parametrize("name", MODELS)
def test_every_origin_is_recognised_and_comes_back(name: str) -> None:
    model: nn.Module = MODELS[name]()
    theirs = foreign(model, name)
    if name == "mmpretrain":  # a whole file has a head, which is dropped
        theirs |= {"head.fc.weight": torch.ones(2, 3), "neck.final_layer.bn.weight": torch.ones(3)}
    found = identify(theirs)
    assert found is not None
    assert found.name == name
    converted = found.import_weights(theirs)
    ours = {
        n.removeprefix("backbone.") if found.kind == "trunk" else n: w for n, w in converted.weights.items()
    }
    assert converted.unclaimed == ()
    assert sorted(ours) == sorted(model.state_dict())
    assert all(torch.equal(w, ours[n]) for n, w in model.state_dict().items())


def test_names_of_no_origin_are_not_recognised() -> None:
    assert identify(["layer.weight"]) is None


def test_names_come_in_the_order_of_their_modules() -> None:
    origin = Origin(
        name="toy",
        title="toy",
        kind="hourglass",
        tells=(),
        rules=(("b.{s}.", "stacks.{s}.b."), ("a.{s}.", "stacks.{s}.a."), ("c.", "c.")),
        order=("a.{s}.*", "b.{s}.*"),
    )
    ours = ("c.w", "stacks.0.b.w", "stacks.0.a.w", "stacks.10.a.w", "stacks.2.a.w")
    theirs = origin.export_weights(dict.fromkeys(ours, torch.ones(1))).weights
    assert list(theirs) == ["a.0.w", "a.2.w", "a.10.w", "b.0.w", "c.w"]


@pytest.mark.parametrize("origin", ["mmpose0", "mmpose1"])
def test_the_number_of_maps_of_published_files_tells_of_tags(origin: str) -> None:
    made = [(tagged(k), f"{origin}_ae") for k in (14, 16, 17, 133)]
    made += [(pose_v1(k), origin) for k in (17, 133, 5)]
    for model, wanted in made:
        found = identify(foreign(model, wanted))
        assert found is not None
        assert found.name == wanted
    by_names = identify(list(foreign(tagged(), f"{origin}_ae")))  # names alone do not tell
    assert by_names is not None
    assert by_names.name == origin


def test_every_unused_shortcut_of_princeton_is_dropped_with_its_reason() -> None:
    theirs = foreign(hourglass(), "princeton_hourglass")
    kept = {name for name in theirs if "skip_layer" in name}
    assert kept == {f"pre.{k}.skip_layer.conv.{word}" for k in (1, 4) for word in ("weight", "bias")}
    unused = {"hgs.0.0.up1.skip_layer.conv.weight": torch.ones(8, 8, 1, 1)}
    unused["hgs.0.0.up1.skip_layer.conv.bias"] = torch.ones(8)
    converted = find_origin("princeton_hourglass").import_weights(theirs | unused)
    assert set(converted.dropped) == set(unused)
    assert "never uses it" in next(iter(converted.dropped.values()))
    assert converted.unclaimed == ()


def test_the_way_to_a_next_stack_is_dropped_where_there_is_none() -> None:
    inter = {"backbone.inters.0.conv1.weight": torch.ones(8, 8, 3, 3)}
    one = foreign(hourglass("mmpose0_hourglass", stacks=1), "mmpose0_hourglass")
    converted = find_origin("mmpose0_hourglass").import_weights(one | inter)
    assert converted.dropped == {next(iter(inter)): "it leads to the next stack, and there is only one"}
    three = foreign(hourglass("mmpose0_hourglass"), "mmpose0_hourglass")
    assert {f"backbone.inters.{s}.conv1.weight" for s in (0, 1)} <= set(three)
    assert not find_origin("mmpose0_hourglass").import_weights(three).dropped


@pytest.mark.parametrize("levels", [1, 3, 5])
@pytest.mark.parametrize("origin", ["princeton_hourglass", "bearpaw_hourglass"])
def test_hourglasses_of_any_depth_are_renamed(origin: str, levels: int) -> None:
    old = hourglass(origin, widths=(8,) * (levels + 1))
    back = find_origin(origin).import_weights(foreign(old, origin))
    assert back.unclaimed == ()
    assert sorted(back.weights) == sorted(old.state_dict())
