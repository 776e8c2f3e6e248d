"""DeepLabCut 3 (SuperAnimal): a timm trunk, and a transposed convolution of one pixel, which is a 1x1 one."""

from hrpose.hub.convert.engine import Origin, under
from hrpose.hub.convert.trunk import TRUNK

DEEPLABCUT = Origin(
    name="deeplabcut",
    title="DeepLabCut top-down HRNet",
    kind="topdown",
    tells=("backbone.model.layer1.0.conv1.weight", "heads.bodypart.heatmap_head.deconv_layers.0.weight"),
    rules=(
        *under(("backbone.model.", "backbone."), TRUNK),
        ("heads.bodypart.heatmap_head.deconv_layers.0.", "head.conv."),
    ),
    swaps=("head.conv.weight",),  # a transposed convolution is (in, out, 1, 1)
)
