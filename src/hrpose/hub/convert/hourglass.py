"""Stacked hourglasses of five code bases: three networks with heatmaps, two that have tags as well."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from torch import Tensor

from hrpose.hub.convert.engine import Origin, Rule, compile_pattern, under

LEVELS = 8  # halvings that the tables know; published networks have 4 or 5

RESIDUAL = (("bn{n}.", "bn{n}."), ("conv{n}.conv.", "conv{n}."), ("skip_layer.conv.", "shortcut."))
BOTTLENECK = (("bn{n}.", "bn{n}."), ("conv{n}.", "conv{n}."), ("downsample.0.", "shortcut."))
BASIC = (("bn{n}.", "bn{n}."), ("conv{n}.", "conv{n}."), ("downsample.{n}.", "shortcut.{n}."))
CONV = (("conv.", "0."),)
CONV_BN = (("conv.", "0."), ("bn.", "1."))


def levels(outer: Rule, parts: Iterable[Rule], innermost: Rule, unit: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Rules for an hourglass whose inner ones are called `low2` there and `middle` here, down to any depth.

    Args:
        outer: prefixes of the hourglass.
        parts: prefixes of the units of a level.
        innermost: prefixes of the units where the last level has no hourglass inside.
        unit: rules of one unit.
    """
    found: list[Rule] = []
    for depth in range(LEVELS):
        place = (outer[0] + "low2." * depth, outer[1] + "middle." * depth)
        inside = [*parts, ("low2." + innermost[0], "middle." + innermost[1])]
        found += [rule for part in inside for rule in under(place, under(part, unit))]
    return tuple(found)


class Princeton(Origin):
    """Every residual unit has a convolution for its shortcut, also where the shortcut is the input itself."""

    def reason(self, name: str, theirs: Mapping[str, Tensor]) -> str | None:
        """Why this name is left out: a convolution that changes no width is never used."""
        module, _, _ = name.rpartition(".")
        weight = theirs.get(f"{module}.weight")
        if module.endswith("skip_layer.conv") and weight is not None and weight.shape[0] == weight.shape[1]:
            return "its unit keeps the width, so that the code passes the input by and never uses it"
        return super().reason(name, theirs)


ONE_EACH = (("up1.", "upper.0."), ("low1.", "enter.1."), ("low3.", "leave.0."))
MERGES = (
    ("outs.{s}.conv.", "stacks.{s}.predict."),
    ("merge_features.{s}.conv.conv.", "links.{s}.features."),
    ("merge_preds.{s}.conv.conv.", "links.{s}.maps."),
)

PRINCETON = Princeton(
    name="princeton_hourglass",
    title="stacked hourglass (princeton-vl/pytorch_stacked_hourglass)",
    kind="hourglass",
    tells=("pre.0.conv.weight", "hgs.0.0.up1.bn1.weight", "outs.0.conv.weight"),
    rules=(
        ("pre.0.conv.", "stem.0.0."),
        ("pre.0.bn.", "stem.0.1."),
        *(rule for k in (1, 3, 4) for rule in under((f"pre.{k}.", f"stem.{k}.0."), RESIDUAL)),
        *levels(("hgs.{s}.0.", "stacks.{s}.hourglass."), ONE_EACH, ("", "0."), RESIDUAL),
        *under(("features.{s}.0.", "stacks.{s}.neck.0."), RESIDUAL),
        ("features.{s}.1.conv.", "stacks.{s}.neck.1.0."),
        ("features.{s}.1.bn.", "stacks.{s}.neck.1.1."),
        *MERGES,
    ),
    order=("pre.*", "hgs.*", "features.*", "outs.*", "merge_features.*", "merge_preds.*"),
)

POSE_AE = Origin(
    name="pose_ae",
    title="hourglass with associative embedding (princeton-vl/pose-ae-train)",
    kind="hourglass",
    tells=("pre.0.conv.weight", "features.0.0.up1.conv.weight", "outs.0.conv.weight"),
    rules=(
        ("pre.0.conv.", "stem.0.0."),
        *(rule for k in (1, 3, 4) for rule in under((f"pre.{k}.", f"stem.{k}.0."), CONV)),
        *levels(("features.{s}.0.", "stacks.{s}.hourglass."), ONE_EACH, ("", "0."), CONV),
        ("features.{s}.1.conv.", "stacks.{s}.neck.0.0."),
        ("features.{s}.2.conv.", "stacks.{s}.neck.1.0."),
        *MERGES,
    ),
    order=("pre.*", "features.*", "outs.*", "merge_features.*", "merge_preds.*"),
)


class Bearpaw(Origin):
    """The levels of an hourglass are a list there, inside first, so that names depend on their number.

    Those of the neck depend on how many residual units stand in a row, `num_blocks` there.
    """

    def rules_for(self, names: Collection[str]) -> tuple[Rule, ...]:
        """The rules for a file with these names, theirs or ours."""
        depth = highest(names, r"hg\.\d+\.hg\.(\d+)\.") or max((n.count("middle.") for n in names), default=0)
        blocks = highest(names, r"(?:res\.\d+|stacks\.\d+\.hourglass\.upper)\.(\d+)\.")
        inside = (rule for n in range(depth) for rule in listed_level(n, depth, blocks))
        return (*self.rules, ("fc.{s}.{n}.", f"stacks.{{s}}.neck.{blocks}.{{n}}."), *inside)


def highest(names: Iterable[str], pattern: str) -> int:
    r"""One more than the largest number that a pattern finds at the beginning of names; 0 if it finds none.

    >>> highest(["res.0.1.bn1.weight", "fc.0.7.bias"], r"res\.0\.(\d+)\.")
    2
    """
    found = (match for match in map(re.compile(pattern).match, names) if match)
    return max((int(match[1]) + 1 for match in found), default=0)


def listed_level(n: int, depth: int, blocks: int) -> tuple[Rule, ...]:
    """The rules for entry `n` of a list of `depth` levels with `blocks` residual units in a row.

    >>> listed_level(1, 2, 1)[0]
    ('hg.{s}.hg.1.0.{b}.bn{n}.', 'stacks.{s}.hourglass.upper.{b}.bn{n}.')
    """
    place = (f"hg.{{s}}.hg.{n}.", "stacks.{s}.hourglass." + "middle." * (depth - 1 - n))
    parts = [("0.{b}.", "upper.{b}."), ("2.{b}.", "leave.{b}.")]
    parts += [(f"1.{b}.", f"enter.{b + 1}.") for b in range(blocks)]  # the pooling is the first in `enter`
    parts += [("3.{b}.", "middle.{b}.")] if n == 0 else []
    return tuple(rule for part in parts for rule in under(place, under(part, BOTTLENECK)))


BEARPAW = Bearpaw(
    name="bearpaw_hourglass",
    title="stacked hourglass (bearpaw/pytorch-pose, anibali/pytorch-stacked-hourglass)",
    kind="hourglass",
    tells=("layer1.0.bn1.weight", "hg.0.hg.0.0.0.bn1.weight", "score.0.weight"),
    rules=(
        ("conv1.", "stem.0.0."),
        ("bn1.", "stem.0.1."),
        *under(("layer1.0.", "stem.1.0."), BOTTLENECK),
        *under(("layer2.0.", "stem.3.0."), BOTTLENECK),
        *under(("layer3.0.", "stem.4.0."), BOTTLENECK),
        *under(("res.{s}.{b}.", "stacks.{s}.neck.{b}."), BOTTLENECK),
        ("score.{s}.", "stacks.{s}.predict."),
        ("fc_.{s}.", "links.{s}.features."),
        ("score_.{s}.", "links.{s}.maps."),
    ),
    order=(
        *("conv1.*", "bn1.*", "layer1.*", "layer2.*", "layer3.*", "hg.{s}.hg.{n}.{k}.{b}.*"),
        *("res.*", "fc.*", "score.*", "fc_.*", "score_.*"),
    ),
)


class Hourglass52(Origin):
    """What would stand between two stacks is made for a single one as well."""

    def reason(self, name: str, theirs: Mapping[str, Tensor]) -> str | None:
        """Why this name is left out: a single stack has no next one."""
        single = not any(other.startswith("backbone.conv1x1s.") for other in theirs)
        if single and compile_pattern("backbone.inters.*").fullmatch(name):
            return "it leads to the next stack, and there is only one"
        return super().reason(name, theirs)


IN_A_ROW = (("up1.{i}.", "upper.{i}."), ("low1.{i}.", "enter.{i}."), ("low3.{i}.", "leave.{i}."))

HOURGLASS52 = Hourglass52(
    name="mmpose0_hourglass",
    title="mmpose 0.x, Hourglass-52 and -104 (CornerNet's network)",
    kind="hourglass",
    tells=(
        "backbone.stem.0.conv.weight",
        "backbone.hourglass_modules.0.up1.0.conv1.weight",
        "keypoint_head.multi_final_layers.0.weight",
    ),
    rules=(
        ("backbone.stem.0.conv.", "stem.0.0."),
        ("backbone.stem.0.bn.", "stem.0.1."),
        *under(("backbone.stem.1.0.", "stem.1.0."), BASIC),
        *levels(
            ("backbone.hourglass_modules.{s}.", "stacks.{s}.hourglass."), IN_A_ROW, ("{i}.", "{i}."), BASIC
        ),
        ("backbone.out_convs.{s}.conv.", "stacks.{s}.neck.0.0."),
        ("backbone.out_convs.{s}.bn.", "stacks.{s}.neck.0.1."),
        *under(("backbone.conv1x1s.{s}.", "links.{s}.kept."), CONV_BN),
        *under(("backbone.remap_convs.{s}.", "links.{s}.features."), CONV_BN),
        *under(("backbone.inters.{s}.", "links.{s}.refine."), BASIC),
        ("keypoint_head.multi_final_layers.{s}.", "stacks.{s}.predict."),
    ),
    order=(
        *("backbone.stem.*", "backbone.hourglass_modules.*", "backbone.inters.*", "backbone.conv1x1s.*"),
        *("backbone.out_convs.*", "backbone.remap_convs.*"),
    ),
)
HOURGLASS52_V1 = replace(
    HOURGLASS52,
    name="mmpose1_hourglass",
    title="mmpose 1.x, Hourglass-52 and -104 (CornerNet's network)",
    tells=(*HOURGLASS52.tells[:2], "head.multi_final_layers.0.weight"),
    rules=(*HOURGLASS52.rules[:-1], ("head.multi_final_layers.{s}.", "stacks.{s}.predict.")),
    drops=(("data_preprocessor.", "mean and std of the pictures; they stand in the model's spec"),),
)

MMPOSE0_HOURGLASS_AE = Origin(
    name="mmpose0_hourglass_ae",
    title="mmpose 0.x, hourglass with associative embedding",
    kind="hourglass",
    tells=(
        "backbone.stem.0.conv.weight",
        "backbone.hourglass_modules.0.0.up1.conv.weight",
        "backbone.out_convs.0.conv.weight",
    ),
    rules=(
        *under(("backbone.stem.0.", "stem.0."), CONV_BN),
        *(rule for k in (1, 3, 4) for rule in under((f"backbone.stem.{k}.", f"stem.{k}.0."), CONV_BN)),
        *levels(
            ("backbone.hourglass_modules.{s}.0.", "stacks.{s}.hourglass."), ONE_EACH, ("", "0."), CONV_BN
        ),
        *under(("backbone.hourglass_modules.{s}.1.", "stacks.{s}.neck.0."), CONV_BN),
        *under(("backbone.hourglass_modules.{s}.2.", "stacks.{s}.neck.1."), CONV_BN),
        ("backbone.out_convs.{s}.conv.", "stacks.{s}.predict."),
        *under(("backbone.remap_out_convs.{s}.", "links.{s}.maps."), CONV_BN),
        *under(("backbone.remap_feature_convs.{s}.", "links.{s}.features."), CONV_BN),
    ),
    order=(
        *("backbone.stem.*", "backbone.hourglass_modules.*", "backbone.out_convs.*"),
        *("backbone.remap_out_convs.*", "backbone.remap_feature_convs.*"),
    ),
)
