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


def measured(seed: str, ap: float) -> Measured:
    """An average precision of our own."""
    return Measured(
        what=f"300 drawn pictures of {seed}: AP, annotated boxes, flip test", published=None, ours=ap
    )


CARDS = (
    ModelCard(
        name="hrnet_tiny.synthetic_128x96",
        config=TopDownConfig(backbone=TINY, spec=SPEC),
        spec=SPEC,
        measured=(
            measured("seed 3, which decided how long to train", 91.9),
            measured("seed 777, looked at after training only", 91.2),
        ),
        weights=Weights(
            sources=(Source(asset="hrnet_tiny_synthetic.safetensors"),),
            sha256="738ad39a83f8e83cf1a999176c16f9cd746d92108e802f05eff29ba3d1973cc9",
            num_params=483_873,
            licence="Apache-2.0, as hrpose",
            origin="https://github.com/hrpose/hrpose",
            notes="Knows drawn figures (hrpose.data.synthetic) and nothing else: of no use for photographs. "
            "Made by `python examples/train_tiny_hrnet.py --output out`, seed 0, but not in one go: the 18 "
            "epochs were learned in two processes, the second of which took up the first's weights, and the "
            "whole command was not run once more from the start.",
        ),
    ),
)
