"""OpenMMLab: mmpose 0.x and 1.x models with one head on HRNet, and the trunks of mmpretrain."""

import dataclasses

from hrpose.hub.convert.engine import Origin, under
from hrpose.hub.convert.trunk import TRUNK

INTO_BACKBONE = under(("backbone.", "backbone."), TRUNK)
TELLS = ("backbone.layer1.0.conv1.weight", "backbone.transition1.1.0.0.weight")
PREPROCESSOR = (("data_preprocessor.", "mean and std of the pictures; they stand in the model's spec"),)

MMPOSE0 = Origin(
    name="mmpose0",
    title="mmpose 0.x, top-down heatmaps from the finest branch",
    kind="topdown",
    tells=(*TELLS, "keypoint_head.final_layer.weight"),
    rules=(*INTO_BACKBONE, ("keypoint_head.final_layer.", "head.conv.")),
)

MMPOSE0_V2 = Origin(
    name="mmpose0_v2",
    title="mmpose 0.x, top-down heatmaps from all branches (HRNetV2)",
    kind="topdown",
    tells=(*TELLS, "keypoint_head.final_layer.0.weight", "keypoint_head.final_layer.3.weight"),
    rules=(
        *INTO_BACKBONE,
        ("keypoint_head.final_layer.0.", "head.mix.0."),
        ("keypoint_head.final_layer.1.", "head.mix.1."),
        ("keypoint_head.final_layer.3.", "head.conv."),
    ),
)

MMPOSE1 = Origin(
    name="mmpose1",
    title="mmpose 1.x, top-down heatmaps",
    kind="topdown",
    tells=(*TELLS, "head.final_layer.weight"),
    rules=(
        *INTO_BACKBONE,
        ("head.conv_layers.0.", "head.mix.0."),
        ("head.conv_layers.1.", "head.mix.1."),
        ("head.final_layer.", "head.conv."),
    ),
    drops=PREPROCESSOR,
)

# Heatmaps and tags come from a layer of the same name, so only their number tells: 14, 16, 17, 133 keypoints.
TAGGED = (28, 32, 34, 266)
MMPOSE0_AE = dataclasses.replace(
    MMPOSE0,
    name="mmpose0_ae",
    title="mmpose 0.x, bottom-up: heatmaps and tags from the finest branch",
    kind="bottomup",
    maps=TAGGED,
)
MMPOSE1_AE = dataclasses.replace(
    MMPOSE1,
    name="mmpose1_ae",
    title="mmpose 1.x, bottom-up: heatmaps and tags from the finest branch",
    kind="bottomup",
    maps=TAGGED,
)

OTHER_HEAD = "its convolutions have no bias, unlike the ImageNet head of all other origins"
MMPRETRAIN = Origin(
    name="mmpretrain",
    title="mmpretrain (mmcls) HRNet; the trunk only",
    kind="trunk",
    tells=(*TELLS, "head.fc.weight"),
    rules=INTO_BACKBONE,
    drops=(
        *PREPROCESSOR,
        ("neck.*", OTHER_HEAD),
        ("head.fc.", OTHER_HEAD),
    ),
)
