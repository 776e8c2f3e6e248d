"""The authors' code: pose (V1), faces and segmentation (V2), ImageNet (timm has the same names)."""

from hrpose.hub.convert.engine import Origin, under
from hrpose.hub.convert.trunk import TRUNK

INTO_BACKBONE = under(("", "backbone."), TRUNK)

POSE = Origin(
    name="official_pose",
    title="HRNet pose (leoxiaobin/deep-high-resolution-net.pytorch), also in LibreYOLO files",
    kind="topdown",
    tells=("layer1.0.conv1.weight", "transition1.1.0.0.weight", "final_layer.weight"),
    rules=(*INTO_BACKBONE, ("final_layer.", "head.conv.")),
)

FACE = Origin(
    name="official_face",
    title="HRNetV2 faces (HRNet/HRNet-Facial-Landmark-Detection)",
    kind="topdown",
    tells=("layer1.0.conv1.weight", "head.0.weight", "head.3.weight"),
    rules=(
        *INTO_BACKBONE,
        ("head.0.", "head.mix.0."),
        ("head.1.", "head.mix.1."),
        ("head.3.", "head.conv."),
    ),
    bn_momentum=0.01,
)

SEGMENTATION = Origin(
    name="official_segmentation",
    title="HRNetV2 segmentation (HRNet/HRNet-Semantic-Segmentation)",
    kind="segmenter",
    tells=("layer1.0.conv1.weight", "last_layer.0.weight", "last_layer.3.weight"),
    rules=(
        *INTO_BACKBONE,
        ("last_layer.0.", "head.mix.0."),
        ("last_layer.1.", "head.mix.1."),
        ("last_layer.3.", "head.conv."),
    ),
    align_corners=True,  # as in the branch that most published files come from
)

CLASSIFICATION = Origin(
    name="official_classification",
    title="HRNet on ImageNet (HRNet/HRNet-Image-Classification, timm)",
    kind="classifier",
    tells=("layer1.0.conv1.weight", "incre_modules.0.0.conv1.weight", "classifier.weight"),
    rules=(
        *INTO_BACKBONE,
        ("incre_modules.{b}.{i}.conv{n}.", "head.increase.{b}.{i}.conv{n}."),
        ("incre_modules.{b}.{i}.bn{n}.", "head.increase.{b}.{i}.bn{n}."),
        ("incre_modules.{b}.{i}.downsample.{n}.", "head.increase.{b}.{i}.shortcut.{n}."),
        ("downsamp_modules.{b}.{n}.", "head.downsample.{b}.{n}."),
        ("final_layer.{n}.", "head.final.{n}."),
        ("classifier.", "head.classifier."),
    ),
)

OF_CLASSIFIER = "part of an ImageNet classifier, which is not whole here or goes by names of its own"
BACKBONE = Origin(
    name="official_trunk",
    title="HRNet trunk without a head (ImageNet initialisation files, timm features)",
    kind="trunk",
    tells=("layer1.0.conv1.weight", "transition1.1.0.0.weight", "stage2.0.branches.0.0.conv1.weight"),
    rules=INTO_BACKBONE,
    drops=(
        ("head.{k}.{b}.*", OF_CLASSIFIER),  # in the initialisation files of the pose code
        ("fc.*", OF_CLASSIFIER),
        ("incre_modules.*", OF_CLASSIFIER),
        ("downsamp_modules.*", OF_CLASSIFIER),
        ("final_layer.{k}.*", OF_CLASSIFIER),
    ),
)
