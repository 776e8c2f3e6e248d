"""Segmentation without OCR: the authors' HRNetV2-W48 files."""

import dataclasses

from hrpose.hub.card import Measured, ModelCard, Source, Weights
from hrpose.hub.cards.rows import trunk_config
from hrpose.models.segment import SegmenterConfig

HOST = "https://github.com/hsfzxjy/models.storage/releases/download/HRNet-OCR"
TRUNK = 65_325_120 + 720 * 720 + 3 * 720  # and the head's first convolution and batch norm

# a table reads by its rows
# fmt: off
ROWS = (  # tag, classes, file, data, mean IoU
    ("cityscapes", 19, "hrnet_cs_8090_torch11.pth", "Cityscapes val", 80.9),
    ("lip", 20, "hrnet_lip_5583_torch04.pth", "LIP val, flip", 55.83),
    ("pascal_context", 59, "hrnet_pascal_ctx_5410_torch11.pth", "PASCAL-Context, multi-scale and flip", 54.1),
    ("coco_stuff", 171, "hrnet_cocostuff_3617_torch04.pth", "COCO-Stuff", 36.2),
    ("ade20k", 150, "hrnet_ade20k_4312_torch04.pth", "ADE20K", 43.1),
)
# fmt: on


def card(tag: str, classes: int, file: str, data: str, iou: float) -> ModelCard:
    """The card of one file; its code upsamples with aligned corners."""
    trunk = dataclasses.replace(trunk_config("hrnetv2_w48"), align_corners=True)
    return ModelCard(
        name=f"hrnetv2_w48.{tag}",
        config=SegmenterConfig(backbone=trunk, num_classes=classes, align_corners=True),
        measured=(Measured(what=f"{data}, mean IoU", published=iou),),
        upstream=file,
        weights=Weights(
            sources=(Source(url=f"{HOST}/{file}"),),
            num_params=TRUNK + classes * 721,
            licence="repository MIT; none stated for the file; the terms of the training data come on top",
            origin="https://github.com/HRNet/HRNet-Semantic-Segmentation",
        ),
    )


CARDS = tuple(card(*row) for row in ROWS)
