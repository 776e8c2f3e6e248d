"""HigherHRNet: heatmaps at several resolutions, and tags."""

from hrpose.hub.convert.engine import Origin, under
from hrpose.hub.convert.trunk import TRUNK

HEAD = (
    ("final_layers.{i}.", "head.outputs.{i}."),
    ("deconv_layers.{i}.0.{n}.", "head.deconvs.{i}.0.{n}."),
    ("deconv_layers.{i}.{k}.0.conv{n}.", "head.deconvs.{i}.{k}.conv{n}."),  # a Sequential of one block
    ("deconv_layers.{i}.{k}.0.bn{n}.", "head.deconvs.{i}.{k}.bn{n}."),
)

HIGHER = Origin(
    name="official_higherhrnet",
    title="HigherHRNet (HRNet/HigherHRNet-Human-Pose-Estimation)",
    kind="bottomup",
    tells=("layer1.0.conv1.weight", "transition1.1.0.0.weight", "final_layers.0.weight"),
    rules=(*under(("", "backbone."), TRUNK), *HEAD),
)

MMPOSE0_HIGHER = Origin(
    name="mmpose0_higherhrnet",
    title="mmpose 0.x, bottom-up: HigherHRNet",
    kind="bottomup",
    tells=(
        "backbone.layer1.0.conv1.weight",
        "backbone.transition1.1.0.0.weight",
        "keypoint_head.final_layers.0.weight",
    ),
    rules=(*under(("backbone.", "backbone."), TRUNK), *under(("keypoint_head.", ""), HEAD)),
)
