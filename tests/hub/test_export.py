"""Weights back under the names of their origin."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from hrpose.errors import ConfigError, WeightsError
from hrpose.hub.export import export_weights
from tests.hub.small import classifier, foreign, pose_v1, pose_v2, segmenter, trunk


@pytest.mark.parametrize(
    ("make", "project", "part"),
    [
        (pose_v1, "official", "official_pose"),
        (pose_v2, "official", "official_face"),
        (segmenter, "official", "official_segmentation"),
        (classifier, "official", "official_classification"),
        (trunk, "official", "official_trunk"),
        (pose_v1, "mmpose0", "mmpose0"),
        (pose_v2, "mmpose0", "mmpose0_v2"),
        (pose_v1, "mmpose1", "mmpose1"),
        (pose_v2, "mmpose1", "mmpose1"),
        (trunk, "hrpose", "hrpose_trunk"),
        (segmenter, "hrpose", "hrpose"),
    ],
)
def test_a_project_names_each_kind_of_model_by_the_part_that_fits(
    make: Callable[[], nn.Module], project: str, part: str
) -> None:
    model = make()
    exported, wanted = export_weights(model, project), foreign(model, part)
    assert list(exported) == list(wanted)
    assert all(torch.equal(w, wanted[name]) for name, w in exported.items())


def test_a_model_that_a_project_cannot_name_is_refused() -> None:
    with pytest.raises(
        WeightsError, match="'mmpose1' cannot name this Segmenter: it has no segmenter of this form"
    ):
        export_weights(segmenter(), "mmpose1")
    with pytest.raises(
        WeightsError, match=r"cannot name this TopDown: it has no names for head\.mix\.0\.weight"
    ):
        export_weights(pose_v2(), "official_pose")
    with pytest.raises(
        WeightsError,
        match=r"'nowhere' cannot name .*; origins are hrpose, hrpose_trunk, hrpose_hourglass, deeplabcut",
    ):
        export_weights(pose_v1(), "nowhere")


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(ConfigError, match="NoneType is no model; give one that create_model"):
        export_weights(None)  # type: ignore[arg-type]
