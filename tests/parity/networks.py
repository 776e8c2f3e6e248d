"""What the reference folder knows of each original network: its weights, and what it computes with them."""

import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hrpose.hub.detect import from_checkpoint
from hrpose.models import BottomUp, Classifier, Segmenter, StackedHourglass, TopDown
from tests.parity.fill import fill_input, state_dict
from tests.parity.reference import reference_folder

FAMILIES = (
    *("pose_hrnet", "face_hrnetv2", "seg_hrnet", "timm_hrnet", "mmpose_topdown"),
    *("higher_hrnet", "mmpose_ae_higher"),
    *("princeton_hourglass", "anibali_hourglass", "mmpose_hourglass", "pose_ae"),
)
# Families that this version does not have; a family that stands neither here nor above fails.
OTHER_FAMILIES: dict[str, str] = {}


@dataclass(frozen=True)
class Reference:
    """One manifest, and the arrays beside it."""

    path: Path

    @functools.cached_property
    def manifest(self) -> dict[str, Any]:
        return json.loads(self.path.read_text(encoding="utf-8"))

    @functools.cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        with np.load(self.path.parent / self.manifest["data"]) as z:
            return {name: z[name] for name in z.files}

    @property
    def family(self) -> str:
        return self.manifest["family"]

    @property
    def runs(self) -> list[dict[str, Any]]:
        return self.manifest["runs"]

    def aligned(self, run: Mapping[str, Any]) -> bool | None:
        """The align_corners that a run, or the whole manifest, states."""
        notes = " ".join([run.get("note", ""), *self.manifest.get("notes", [])])
        stated = re.search(r"align_corners=(True|False)", notes)
        return stated[1] == "True" if stated else None


def references(part: str) -> list[Reference]:
    """The manifests of models/ or training/."""
    return [Reference(path) for path in sorted((reference_folder() / part).glob("*.json"))]


@functools.lru_cache(maxsize=1)
def weights_of(path: Path) -> dict[str, Tensor]:
    """The filled state dict of a manifest, once for all tests that follow each other."""
    return {name: torch.as_tensor(a) for name, a in state_dict(Reference(path).manifest).items()}


def wrapped(weights: Mapping[str, Tensor], checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """A state dict as the authors' files hold it."""
    named = {checkpoint["prefix"] + name: w for name, w in weights.items()}
    return named if checkpoint["container"] is None else {checkpoint["container"]: named}


@functools.lru_cache(maxsize=1)
def model_of(path: Path, aligned: bool | None) -> nn.Module:
    """The model that the wrapped weights alone lead to."""
    reference = Reference(path)
    return from_checkpoint(wrapped(weights_of(path), reference.manifest["checkpoint"]), align_corners=aligned)


def images_of(run: Mapping[str, Any], dtype: torch.dtype) -> Tensor:
    """The input of a run."""
    return torch.as_tensor(fill_input(run["input"]["shape"], run["input"]["seed"])).to(dtype)


def outputs(model: nn.Module, images: Tensor, names: Iterable[str]) -> dict[str, Tensor]:
    """The outputs that the manifests call by these names; a pose model runs once for all of them."""
    if isinstance(model, TopDown):
        maps = list(model(images).heatmaps)
    elif isinstance(model, BottomUp):
        maps = resolutions(model, images)
    elif isinstance(model, StackedHourglass):
        maps = list(model.predictions(images))
    else:
        return {name: inner_output(model, images, name) for name in names}
    split = {name: re.fullmatch(r"(heatmaps|preds|out)(\d*)", name) for name in names}
    stacked = isinstance(model, StackedHourglass)  # (N, stacks, maps, h, w)
    return {
        n: maps[int(m[2] or 0)] if m[2] or not stacked else torch.stack(maps, 1) for n, m in split.items()
    }


def resolutions(model: BottomUp, images: Tensor) -> list[Tensor]:
    """The maps of each resolution as the original gives them: heatmaps, then tags if it has any."""
    maps, config = model(images), model.config
    has_tags = config.tags if config.head == "higher" else (True,)
    tags = iter(maps.tags)
    return [
        torch.cat([heatmaps, next(tags)], 1) if has else heatmaps
        for heatmaps, has in zip(maps.heatmaps, has_tags, strict=True)
    ]


def inner_output(model: nn.Module, images: Tensor, name: str) -> Tensor:
    """An output of a network for whole pictures, which may come from its inside."""
    if isinstance(model, Classifier | Segmenter) and name == "logits":
        return model(images)
    if isinstance(model, Classifier):
        inner = {
            "pre_logits": model.pre_logits,
            "features_final": lambda x: model.head.final_map(model.backbone(x)),
        }
        if name in inner:
            return inner[name](images)
        maps = {"feature": model.features, "raw": lambda x: [x, *model.backbone(x)]}
        word, number = re.fullmatch(r"([a-z_]+?)(\d+)", name).groups()  # type: ignore[union-attr]
        return maps[word](images)[int(number)]
    raise AssertionError(f"nothing computes {name!r} of a {type(model).__name__}")


def strided(array: np.ndarray, info: Mapping[str, Any]) -> np.ndarray:
    """The part of an output that is stored."""
    return array[tuple(slice(None, None, s) for s in info.get("strides", ()))]


def off_by(got: Tensor, stored: np.ndarray, info: Mapping[str, Any]) -> float:
    """The largest difference, in standard deviations of the output."""
    assert list(got.shape) == info["shape"]
    return float(np.abs(strided(got.detach().numpy(), info) - stored).max() / info["std"])


def first_difference(model: nn.Module, images: Tensor, reference: Reference, run: Mapping[str, Any]) -> str:
    """Where two networks part: the first inner output whose means differ, for the text of a failure."""
    if isinstance(model, StackedHourglass):
        return first_difference_of_stacks(model, images, reference, run)
    inner: dict[str, Tensor] = {}
    trunk = model.backbone
    hooks = [trunk.stage1.register_forward_hook(lambda *args: inner.__setitem__("layer1", args[2]))]
    for s, stage in enumerate(trunk.stages(), start=2):
        hooks.append(
            stage.register_forward_hook(
                lambda *args, s=s: inner.update({f"stage{s}[{b}]": y for b, y in enumerate(args[2])})
            )
        )
    model(images)
    for hook in hooks:
        hook.remove()
    return first_unlike(inner, reference, run)


def first_difference_of_stacks(
    model: StackedHourglass, images: Tensor, reference: Reference, run: Mapping[str, Any]
) -> str:
    """As `first_difference`; the inner outputs go by the names of the authors."""
    inner: dict[str, Tensor] = {}
    named = {"pre": model.stem}
    for s, stack in enumerate(model.stacks):
        named |= {f"hgs.{s}": stack.hourglass, f"features.{s}": stack.neck}
    hooks = [
        module.register_forward_hook(lambda *args, name=name: inner.__setitem__(name, args[2]))
        for name, module in named.items()
    ]
    model(images)
    for hook in hooks:
        hook.remove()
    return first_unlike(inner, reference, run)


def first_unlike(inner: Mapping[str, Tensor], reference: Reference, run: Mapping[str, Any]) -> str:
    """The first inner output that is not that of the original."""
    for name, info in (run.get("probes") or {}).items():
        means = reference.arrays[f"{run['name']}/probe/{name}#mean"]
        got = inner[name].mean((0, 2, 3)).numpy()
        if got.shape != means.shape or np.abs(got - means).max() > 1e-4 * info["std"]:
            return f"parts from the original at {name}"
    return "no inner output differs"
