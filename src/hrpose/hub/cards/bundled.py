"""The weights that come with hrpose: tiny, for demonstrations and tests."""

import dataclasses

from hrpose.backbones.hrnet import HRNetConfig
from hrpose.codecs import DARK, HigherHRNet
from hrpose.codecs.tags import TagGrouping
from hrpose.hub.card import Measured, ModelCard, Source, Weights
from hrpose.models.bottomup import BottomUpConfig, BottomUpSpec
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
CROWD_SPEC = BottomUpSpec(
    skeleton=COCO,
    codec=HigherHRNet(
        input_size=384,
        tag_dims=2,
        grouping=TagGrouping(
            joint_order=TagGrouping.joint_order_of(COCO),
            # these three gave the best AP on the validation crowds
            detection_threshold=0.3,
            tag_threshold=2.0,
            assignment="scipy",
        ),
    ),
)
CROWD = BottomUpConfig(
    backbone=dataclasses.replace(TINY, widths=(32, 48, 64, 96), rounds=(1, 2, 2)),
    deconv_channels=(16,),
    deconv_blocks=1,
    tag_dims=2,
    spec=CROWD_SPEC,
)
SPEC = PoseSpec(skeleton=COCO, codec=DARK(input_size=(128, 96), sigma=1.5, kernel=5, padding=1.15))


def measured(seed: str, ap: float) -> Measured:
    """An average precision of our own."""
    return Measured(
        what=f"300 drawn pictures of {seed}: AP, annotated boxes, flip test", published=None, ours=ap
    )


def crowds(test: str, ap: float) -> Measured:
    """The same of crowds."""
    return Measured(what=f"300 drawn crowds of {test}: AP, flip test", published=None, ours=ap)


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
    ModelCard(
        name="higherhrnet_tiny.synthetic_384",
        config=CROWD,
        spec=CROWD_SPEC,
        measured=(
            crowds("seed 4242, looked at when all was decided, scales 1 and 4/3", 81.1),
            crowds("seed 3, scales 1 and 4/3", 80.5),
            crowds("seed 777, scales 1 and 4/3", 81.2),
            crowds("seed 3, one scale", 79.4),
            crowds("seed 777, one scale", 80.4),
        ),
        weights=Weights(
            sources=(Source(asset="higherhrnet_tiny_synthetic.safetensors"),),
            sha256="807b16dde096d639d02449c8e6e2cd72be5412ef14fb976c0ec424355f85007e",
            num_params=1_502_148,
            licence="Apache-2.0, as hrpose",
            origin="https://github.com/hrpose/hrpose",
            notes="Knows drawn crowds of 1 to 12 figures who overlap (hrpose.data.crowds) and nothing else: "
            "of no use for photographs. Made by `python examples/train_tiny_higherhrnet.py --output out "
            "--threads 2`, seed 0, in several processes, each of which took up where the one before had "
            "ended, some with one thread. The third round, the thresholds of the grouping and the second "
            "scale were chosen by the AP on the validation crowds (seed 2); one scale on seeds 3 and 777 had "
            "been looked at before the last.",
        ),
    ),
)
