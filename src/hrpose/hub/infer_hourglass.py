"""The settings of a stacked hourglass, read off the names and shapes of its weights (under our names)."""

import dataclasses
import itertools

from hrpose.codecs import TopDownCodec
from hrpose.errors import ConfigError
from hrpose.hub.convert.engine import Origin
from hrpose.hub.counting import Weights, count
from hrpose.hub.guess import Wishes, guess_hourglass_spec
from hrpose.layers.hourglass import Unit
from hrpose.models.hourglass import HourglassConfig

FIRST = "stacks.0.hourglass."
# the first and the last convolution of each kind of unit
ENTRY = {"preact": "conv1", "basic": "conv1", "conv": "0", "conv_bn": "0"}
WIDENING = {"preact": "conv3", "basic": "conv2", "conv": "0", "conv_bn": "0"}


def infer_hourglass(weights: Weights, known: Origin, wishes: Wishes) -> HourglassConfig:
    """The settings that names, shapes, the origin and the caller lead to.

    Raises: ConfigError for wishes that an hourglass has no setting for.
    """
    refuse_trunk_wishes(wishes)
    unit = infer_unit(weights)
    levels = [FIRST + "middle." * depth for depth in range(inner_levels(weights))]
    places = [f"{level}upper." for level in levels] + [f"{levels[-1]}middle."]
    depths = tuple(count(weights, place) for place in places)
    made = weights["stacks.0.predict.weight"].shape[0]
    keypoints, tags = infer_parts(made, unit, wishes)
    config = HourglassConfig(
        num_keypoints=keypoints,
        stacks=count(weights, "stacks."),
        tags=tags,
        spare=made - keypoints - tags,
        unit=unit,
        stem=infer_stem(weights, unit),
        widths=tuple(weights[f"{place}0.{ENTRY[unit]}.weight"].shape[1] for place in places),
        depths=None if set(depths) == {1} else depths,
        skip="concat" if f"{FIRST}merge.weight" in weights else "add",
        in_chans=weights["stem.0.0.weight"].shape[1],
    )
    return dataclasses.replace(config, spec=guess_hourglass_spec(config, known.name, wishes))


def refuse_trunk_wishes(wishes: Wishes) -> None:
    """Raise ConfigError for settings that only an HRNet has."""
    asked = [n for n in ("upsample", "align_corners", "bn_momentum") if getattr(wishes, n) is not None]
    if asked:
        raise ConfigError(f"an hourglass has no setting {', '.join(asked)}; leave it out")


def infer_unit(weights: Weights) -> Unit:
    """What the hourglass is built from."""
    unit = f"{FIRST}upper.0."
    if f"{unit}conv3.weight" in weights:
        return "preact"
    if f"{unit}conv2.weight" in weights:
        return "basic"
    return "conv_bn" if f"{unit}1.weight" in weights else "conv"


def inner_levels(weights: Weights) -> int:
    """How often it halves.

    Raises: KeyError, naming the weight that is missing, if it never does.
    """
    here = (any(n.startswith(f"{FIRST}{'middle.' * d}upper.") for n in weights) for d in itertools.count())
    levels = sum(1 for _ in itertools.takewhile(bool, here))
    if not levels:
        raise KeyError(f"{FIRST}upper.0")
    return levels


def infer_stem(weights: Weights, unit: Unit) -> tuple[int, ...]:
    """Widths before the first hourglass."""
    places = [f"stem.{k}.0.{WIDENING[unit]}.weight" for k in range(1, count(weights, "stem.") + 2)]
    later = [weights[place].shape[0] for place in places if place in weights]
    return (weights["stem.0.0.weight"].shape[0], *later)


def infer_parts(made: int, unit: Unit, wishes: Wishes) -> tuple[int, int]:
    """Keypoints and tags among the maps of a stack.

    Plain convolutions make tags, one a keypoint, and the authors' code as many maps again that mean nothing.

    Raises: ConfigError if the keypoints leave no maps for their tags.
    """
    tagged = unit in ("conv", "conv_bn")
    if wishes.codec is not None:
        tagged = not isinstance(wishes.codec, TopDownCodec)
    if not tagged:
        return made, 0
    parts = 4 if unit == "conv" and made % 4 == 0 else 2
    keypoints = wishes.skeleton.num_keypoints if wishes.skeleton else made // parts
    if 2 * keypoints > made:
        raise ConfigError(f"the weights give {made} maps, too few for the tags of {keypoints} keypoints")
    return keypoints, keypoints
