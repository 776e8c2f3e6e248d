"""The weights that come with hrpose: tiny, for demonstrations and tests."""

from hrpose.backbones.hrnet import HRNetConfig
from hrpose.codecs import DARK
from hrpose.hub.card import Measured, ModelCard, Source, Weights
from hrpose.models.spec import PoseSpec
from hrpose.models.topdown import TopDownConfig
from hrpose.skeletons import COCO

TINY = HRNetConfig(
    widths=(32, 48, 64),
    stem_width=16,
    stage1_block="basic",
    stage1_blocks=1,
    stage1_width=32,
    rounds=(1, 2),
    blocks=1,
    outputs=1,
)
SPEC = PoseSpec(skeleton=COCO, codec=DARK(input_size=(128, 96), sigma=1.5, kernel=5, padding=1.15))

CARDS = (
    ModelCard(
        name="hrnet_tiny.synthetic_128x96",
        config=TopDownConfig(backbone=TINY, spec=SPEC),
        spec=SPEC,
        measured=(
            Measured(
                what="300 held-out pictures of drawn figures (seed 3), AP, annotated boxes, flip test",
                published=None,
                ours=89.3,
            ),
        ),
        weights=Weights(
            sources=(Source(asset="hrnet_tiny_synthetic.safetensors"),),
            sha256="3a0763a385c9ca1b665fc265c7453e28aca6d0f7d134b59fb47998c54ebeb38a",
            num_params=483_873,
            licence="Apache-2.0, as hrpose",
            origin="https://github.com/hrpose/hrpose",
            notes="Knows drawn figures (hrpose.data.synthetic) and nothing else: of no use for photographs. "
            "Made by `python examples/train_tiny_hrnet.py --output out`, seed 0.",
        ),
    ),
)
