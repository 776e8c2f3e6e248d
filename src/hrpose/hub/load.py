"""Load weights of any origin into a model that exists, and report what became of each of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from torch import Tensor, nn

from hrpose.backbones.hrnet import HRNet
from hrpose.errors import ConfigError, WeightsError
from hrpose.hub.convert import NATIVE, ORIGINS, find_origin, identify
from hrpose.hub.convert.engine import Origin
from hrpose.hub.maps import MapAxis, fit_maps, map_axis
from hrpose.hub.read import Checkpoint, WeightsSource, read_weights
from hrpose.hub.report import LoadReport, refuse_gaps, some
from hrpose.models.bottomup import BottomUp
from hrpose.models.classify import Classifier
from hrpose.models.families import config_from_dict
from hrpose.models.hourglass import StackedHourglass
from hrpose.models.segment import Segmenter
from hrpose.models.spec import PoseSpec

LAST_LAYERS = ("head.conv.", "head.classifier.")  # one output a keypoint or class; a new family adds its own
FIRST_LAYERS = ("backbone.stem.0.weight", "stem.0.weight", "stem.0.0.weight")
ROW = re.compile(r"(.*\.exchange\.into)\.(\d+)\..*")
KINDS: dict[type, str] = {  # all other models are "topdown"
    HRNet: "trunk",
    Classifier: "classifier",
    Segmenter: "segmenter",
    BottomUp: "bottomup",
    StackedHourglass: "hourglass",
}

KeypointMap: TypeAlias = Sequence[int | None] | Literal["names"]


def load_weights(
    model: nn.Module,
    source: WeightsSource,
    *,
    strict: bool = True,
    keypoints: KeypointMap | None = None,
    origin: str | None = None,
) -> LoadReport:
    """Fill `model` with weights of any known origin.

    What follows from a wish is done and reported: another number of keypoints or classes leaves the last
    layer as it began, another number of input channels adapts the first convolution as timm does (one
    channel: the sum over the old ones; several: repeated and scaled), weights without a head leave the head
    as it began, and weights for the finest branch alone leave what leads to the coarser ones as it began.

    Args:
        source: see `read_weights`.
        strict: refuse weights with anything missing, unexpected or of a wrong shape. Otherwise what fits is
            loaded, and the rest is as it began: see `missing` and `reinitialised` of the report.
        keypoints: fill a last layer of other keypoints from the old ones: for each keypoint of the model the
            index in the file, or None for a new one; "names" goes by equal names where both are known.
        origin: the name of the origin, where the names of the weights do not tell.
    Raises: WeightsError, naming the parameters; UnknownNameError, DownloadError, HashMismatchError.

    >>> from hrpose.backbones import HRNetConfig
    >>> tiny = HRNetConfig(width=8, rounds=(1,), blocks=1)
    >>> load_weights(HRNet(tiny), HRNet(tiny)).complete
    True
    """
    if not isinstance(model, nn.Module):
        came = f"load_weights fills a module, but {model!r} came"
        raise ConfigError(f"{came}; hrpose.create_model(name, pretrained=...) makes one")
    read = read_weights(source)
    known = find_origin(origin) if origin else identify_for(model, read)
    converted = known.import_weights(read.weights)
    fitting = Fitting(model, converted.weights)
    fitting.place(read.weights, known)
    fitting.leave_out_branches()
    fitting.start_branches()
    fitting.start_counters()
    fitting.fit_shapes(chosen_rows(model, read, keypoints), maps_in(read))
    report = fitting.report(read, known, converted.unclaimed, converted.dropped)
    if strict:
        refuse_gaps(report, fitting.wrong)
    model.load_state_dict({name: fitting.weights[name] for name in report.loaded}, strict=False)
    return report


def identify_for(model: nn.Module, read: Checkpoint) -> Origin:
    """The origin of the weights; ours if they share names with the model.

    Raises: WeightsError if they are of no known origin.
    """
    found = identify(read.weights)
    if found is not None:
        return found
    if any(name in read.weights for name in model.state_dict()):
        return NATIVE
    raise unknown_origin(read)


def unknown_origin(read: Checkpoint) -> WeightsError:
    """The error for weights that no table knows."""
    names = some(list(read.weights))
    return WeightsError(
        f"the {len(read.weights)} names in {read.source} are of no known origin ({names}); rename them to "
        f"ours or to those of one of {', '.join(ORIGINS)}"
    )


@dataclass
class Fitting:
    """Weights under our names on their way into a model, and what was done to them so far."""

    model: nn.Module
    weights: dict[str, Tensor]
    target: dict[str, Tensor] = field(init=False)
    dropped: dict[str, str] = field(default_factory=dict)
    reinitialised: dict[str, str] = field(default_factory=dict)
    reshaped: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.target = dict(self.model.state_dict())

    def drop(self, names: Sequence[str], reason: str) -> None:
        """Leave these weights out."""
        for name in names:
            del self.weights[name]
            self.dropped[name] = reason

    def place(self, theirs: Mapping[str, Tensor], origin: Origin) -> None:
        """Bring trunk and head to where the model has them, if it has them."""
        ours = KINDS.get(type(self.model), "topdown")
        if ours == "trunk":
            heads = [name for name in self.weights if not name.startswith("backbone.")]
            self.drop(heads, "this model is a trunk, without a head")
            self.weights = {name.removeprefix("backbone."): w for name, w in self.weights.items()}
            return
        kind = "classifier" if "head.classifier.weight" in self.weights else origin.kind
        if kind in (ours, "any"):
            return
        spare = [n for n in self.weights if n.startswith("head.") and n not in self.target]
        self.drop(spare, f"the head of a {kind}, which this {type(self.model).__name__} lacks")
        for name in self.target:
            if name.startswith("head.") and name not in self.weights:
                self.reinitialised[name] = f"weights of a {kind} have no such head"

    def leave_out_branches(self) -> None:
        """Drop what leads to branches that this model does not return."""
        rows = {match[1] + "." + match[2] for match in map(ROW.fullmatch, self.target) if match}
        stems = {row.rpartition(".")[0] for row in rows}
        for name in list(self.weights):
            match = ROW.fullmatch(name)
            if match and match[1] in stems and f"{match[1]}.{match[2]}" not in rows:
                self.drop([name], f"leads to branch {match[2]}, which this model does not return")

    def start_branches(self) -> None:
        """Leave as it began what leads to coarser branches than the weights make."""
        matches = {name: match for name in self.target if (match := ROW.fullmatch(name))}
        exchanges = [match[1] for match in matches.values()]
        last = max(exchanges, key=lambda path: [*map(int, re.findall(r"\d+", path))], default=None)
        rows = [int(match[2]) for match in map(ROW.fullmatch, self.weights) if match and match[1] == last]
        for name, match in matches.items():
            if match[1] == last and rows and int(match[2]) > max(rows):
                self.reinitialised[name] = f"leads to branch {match[2]}, which these weights do not make"

    def start_counters(self) -> None:
        """Files from before PyTorch 0.4.1 have no batch counters; they serve no purpose in ours."""
        counters = [name for name in self.target if name.endswith("num_batches_tracked")]
        if not any(name in self.weights for name in counters):
            self.reinitialised |= dict.fromkeys(counters, "the file has no batch counters")

    def fit_shapes(self, rows: Sequence[int | None] | None, maps: int | None) -> None:
        """Adapt the first and the last layer to another number of channels; note all other differences.

        Args:
            rows: the keypoints of the file to take.
            maps: how many maps the file has for each of its keypoints, if that is known.
        """
        for name, weight in list(self.weights.items()):
            wanted = self.target.get(name)
            if wanted is None:
                continue
            place = map_axis(self.model, name)
            if place is not None and without(weight.shape, place.axis) == without(wanted.shape, place.axis):
                self._fit_maps(name, weight, wanted, place, rows)
                continue
            is_last = name.startswith(LAST_LAYERS)
            if is_last and rows is not None and weight.shape[1:] == wanted.shape[1:]:
                self._pick_rows(name, weight, wanted, rows, maps)
            elif weight.shape != wanted.shape:
                self._reconcile(name, weight, wanted)

    def _fit_maps(
        self, name: str, weight: Tensor, wanted: Tensor, place: MapAxis, rows: Sequence[int | None] | None
    ) -> None:
        if rows is None and weight.shape == wanted.shape:
            return
        fitted, done = fit_maps(weight, wanted, place, rows)
        if fitted is None:
            del self.weights[name]
            self.reinitialised[name] = done
        else:
            self.weights[name] = fitted
            self.reshaped[name] = done

    def _reconcile(self, name: str, weight: Tensor, wanted: Tensor) -> None:
        came, needed = tuple(weight.shape), tuple(wanted.shape)
        if name in FIRST_LAYERS and without(came, 1) == without(needed, 1):
            self.weights[name] = adapt_input(weight, needed[1])
            self.reshaped[name] = f"{came[1]} input channels in the file, {needed[1]} in the model"
        elif name.startswith(LAST_LAYERS) and came[1:] == needed[1:]:
            del self.weights[name]
            self.reinitialised[name] = f"{came[0]} outputs in the file, {needed[0]} in the model"
        else:
            del self.weights[name]
            self.wrong[name] = f"{came} in the file, {needed} in the model"

    def _pick_rows(
        self,
        name: str,
        weight: Tensor,
        wanted: Tensor,
        rows: Sequence[int | None],
        theirs: int | None,
    ) -> None:
        maps = wanted.shape[0] // len(rows)  # several maps to a keypoint stand side by side
        if theirs not in (None, maps):
            del self.weights[name]
            self.reinitialised[name] = f"{theirs} maps to a keypoint in the file, {maps} in the model"
            return
        last = weight.shape[0] // maps - 1
        if any(row is not None and not 0 <= row <= last for row in rows):
            raise ConfigError(
                f"keypoints={list(rows)}, but those of the file go from 0 to {last}; give such indices"
            )
        kept = sum(row is not None for row in rows)
        if not kept:
            del self.weights[name]
            self.reinitialised[name] = "none of the keypoints comes from the file"
            return
        picked = wanted.clone()
        for k, row in enumerate(rows):
            if row is not None:
                picked[k * maps : (k + 1) * maps] = weight[row * maps : (row + 1) * maps]
        self.weights[name] = picked
        self.reshaped[name] = f"{kept} of {len(rows)} keypoints from the file, the others new"

    def report(
        self, read: Checkpoint, origin: Origin, unclaimed: tuple[str, ...], dropped: Mapping[str, str]
    ) -> LoadReport:
        """What became of each weight and each parameter."""
        left = [name for name in self.weights if name not in self.target]
        loaded = tuple(name for name in self.target if name in self.weights)
        reinitialised = {**self.reinitialised, **self.wrong}
        return LoadReport(
            source=read.source,
            origin=origin.title,
            loaded=loaded,
            reinitialised=reinitialised,
            reshaped=self.reshaped,
            missing=tuple(name for name in self.target if name not in {*loaded, *reinitialised}),
            unexpected=(*unclaimed, *left),
            dropped={**read.dropped, **dropped, **self.dropped},
            peeled=read.peeled,
            stubs=read.stubs,
        )


def without(shape: Sequence[int], axis: int) -> tuple[int, ...]:
    """A shape without one of its axes."""
    return (*shape[:axis], *shape[axis + 1 :])


def adapt_input(weight: Tensor, in_chans: int) -> Tensor:
    """The first convolution for another number of input channels, as timm does it.

    >>> from torch import ones
    >>> colour = ones(8, 3, 3, 3)
    >>> adapt_input(colour, 1)[0, 0, 0, 0].item(), adapt_input(colour, 4)[0, 0, 0, 0].item()
    (3.0, 0.75)
    """
    if in_chans == 1:
        return weight.sum(1, keepdim=True)
    old = weight.shape[1]
    repeated = weight.repeat(1, -(-in_chans // old), 1, 1)[:, :in_chans]
    return repeated * (old / in_chans)


def chosen_rows(
    model: nn.Module, read: Checkpoint, keypoints: KeypointMap | None
) -> Sequence[int | None] | None:
    """For each keypoint of the model its index in the file, if that was asked for.

    Raises: ConfigError if the map does not fit the model, or if names are asked for and not known.
    """
    if keypoints is None:
        return None
    config: Any = getattr(model, "config", None)
    count = getattr(config, "num_keypoints", None)
    if isinstance(keypoints, str) and keypoints != "names":
        raise ConfigError(f"keypoints={keypoints!r} is not known; give 'names' or indices")
    rows = rows_by_name(config, read) if isinstance(keypoints, str) else keypoints
    if not isinstance(rows, Sequence):
        raise ConfigError(f"keypoints={rows!r}; give 'names', or an index or None for each keypoint")
    if not all(row is None or isinstance(row, int) for row in rows):
        raise ConfigError(f"keypoints={list(rows)}; give whole numbers, and None for a new keypoint")
    if count is None or len(rows) != count:
        raise ConfigError(
            f"keypoints has {len(rows)} entries, but the model has {count} keypoints; give one for each"
        )
    return rows


def rows_by_name(config: Any, read: Checkpoint) -> list[int | None]:
    """Equal names of the two skeletons.

    Raises: ConfigError if one of the two has no names.
    """
    ours, theirs = getattr(config, "spec", None), known_spec(read)
    if ours is None or theirs is None:
        lacks = "the model" if ours is None else read.source
        raise ConfigError(
            f"keypoints='names', but the keypoints of {lacks} have no names; give their indices"
        )
    names = theirs.skeleton.keypoints
    return [names.index(name) if name in names else None for name in ours.skeleton.keypoints]


def maps_in(read: Checkpoint) -> int | None:
    """Maps to a keypoint in the weights, if it is known."""
    codec = getattr(known_spec(read), "codec", None)  # networks that group people have none with such maps
    return getattr(codec, "maps_per_keypoint", None)


def known_spec(read: Checkpoint) -> PoseSpec | None:
    """How the weights' keypoints are named, if their card or the config beside them says so."""
    if read.spec is None and read.config is not None:
        return getattr(config_from_dict(read.config), "spec", None)
    return read.spec
