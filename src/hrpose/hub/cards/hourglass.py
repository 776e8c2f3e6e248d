"""Hourglasses: the authors' own files, with and without tags, bearpaw's, and mmpose's."""

import dataclasses
from typing import TypeAlias

from hrpose.codecs import MSRA, AEHourglass, HourglassGrouping, Princeton
from hrpose.codecs.tags import TagGrouping
from hrpose.hub.card import Measured, ModelCard, Source, Weights
from hrpose.hub.cards.networks import HOURGLASSES
from hrpose.hub.cards.rows import hash_in_name
from hrpose.hub.guess import HOURGLASS_FIGURES, guess_hourglass_codec
from hrpose.models.hourglass import HourglassAESpec
from hrpose.models.spec import PoseSpec
from hrpose.skeletons import COCO, MPII, find_skeleton

LICENCE = "none stated for the file; the terms of the training data come on top"
PRINCETON = "https://github.com/princeton-vl/pytorch_stacked_hourglass"
POSE_AE = "https://github.com/princeton-vl/pose-ae-train"
ANIBALI = "https://github.com/anibali/pytorch-stacked-hourglass"
MMPOSE = "https://github.com/open-mmlab/mmpose/tree/0.x"
HOME = "http://www-personal.umich.edu/~cnris"
HOST = "https://download.openmmlab.com/mmpose"
DRIVE = "https://drive.google.com/file/d/1xTiTAyEcd5vj3Ru8Uq_0AvlV-pOOlm8e/view"
SQUARE = (256, 256)
PCKH = "MPII val, PCKh"

# tag, skeleton, side of the input, sigma, folder and file, what was measured, published figure, parameters
Row: TypeAlias = tuple[str, str, int, float, str, str, float, int]

# a table reads by its rows
# fmt: off
PRINCETON_ROWS: tuple[tuple[int, float, int], ...] = (  # stacks, PCKh, parameters
    (2, 88.3, 6_570_400),
    (8, 90.2, 25_434_112),
)
BEARPAW_ROWS: tuple[tuple[int, str, float | None, int], ...] = (  # stacks, file, PCKh, parameters
    (1, "bearpaw_hg1-ce125879.pth", None, 3_586_960),
    (2, "bearpaw_hg2-15e342d9.pth", 87.33, 6_730_912),
    (8, "bearpaw_hg8-90e5d470.pth", None, 25_594_624),
)
MMPOSE_ROWS: tuple[Row, ...] = (
    ("coco_256", "coco", 256, 2, "top_down/hourglass/hourglass52_coco_256x256-4ec713ba_20200709.pth",
     "COCO val2017, AP, detector boxes", 72.6, 93_667_217),
    ("coco_384", "coco", 384, 3, "top_down/hourglass/hourglass52_coco_384x384-be91ba2b_20200812.pth",
     "COCO val2017, AP, detector boxes", 74.6, 93_667_217),
    ("mpii_256", "mpii", 256, 2, "top_down/hourglass/hourglass52_mpii_256x256-ae358435_20200812.pth",
     "MPII val, Mean", 88.9, 93_666_960),
    ("mpii_384", "mpii", 384, 3, "top_down/hourglass/hourglass52_mpii_384x384-04090bc3_20200812.pth",
     "MPII val, Mean", 89.4, 93_666_960),
    ("coco_wholebody_face_256", "coco_wholebody_face", 256, 2,
     "face/hourglass/hourglass52_coco_wholebody_face_256x256-6994cf2e_20210909.pth",
     "COCO-WholeBody-Face val, NME", 5.86, 93_680_324),
    ("coco_wholebody_hand_256", "coco_wholebody_hand", 256, 2,
     "hand/hourglass/hourglass52_coco_wholebody_hand_256x256-7b05c6db_20210909.pth",
     "COCO-WholeBody-Hand val, PCK@0.2", 80.4, 93_668_245),
)
# fmt: on


def hourglass_card(
    architecture: str, tag: str, spec: PoseSpec, measured: tuple[Measured, ...], file: str, weights: Weights
) -> ModelCard:
    """A card of an hourglass for the keypoints of `spec`."""
    config, keypoints = HOURGLASSES[architecture], spec.skeleton.num_keypoints
    tags = keypoints if config.tags else 0
    return ModelCard(
        name=f"{architecture}.{tag}",
        config=dataclasses.replace(config, num_keypoints=keypoints, tags=tags, spec=spec),
        spec=spec,
        measured=measured,
        upstream=file,
        weights=weights,
    )


def princeton_card(stacks: int, pckh: float, num_params: int) -> ModelCard:
    """The card of a file on the author's own page."""
    mean, std = HOURGLASS_FIGURES["princeton_hourglass"]
    spec = PoseSpec(skeleton=MPII, codec=Princeton(input_size=SQUARE), mean=mean, std=std)
    weights = Weights(
        sources=(Source(url=f"{HOME}/original_{stacks}hg/checkpoint.pt"), Source(page=PRINCETON)),
        num_params=num_params,
        licence=f"code BSD-3-Clause; {LICENCE}",
        origin=PRINCETON,
        notes="a personal page over plain http, and no published hash",
    )
    figures = (Measured(what=PCKH, published=pckh),)
    return hourglass_card(f"hourglass_{stacks}", "mpii_256", spec, figures, "checkpoint.pt", weights)


def bearpaw_card(stacks: int, file: str, pckh: float | None, num_params: int) -> ModelCard:
    """The card of a file that bearpaw trained and anibali released."""
    mean, std = HOURGLASS_FIGURES["bearpaw_hourglass"]
    spec = PoseSpec(skeleton=MPII, codec=Princeton(input_size=SQUARE), mean=mean, std=std)
    weights = Weights(
        sources=(Source(url=f"{ANIBALI}/releases/download/v0.0.0/{file}"),),
        sha256=hash_in_name(file),
        num_params=num_params,
        licence=f"code GPL-3.0; {LICENCE}",
        origin=ANIBALI,
        notes="trained by bearpaw/pytorch-pose",
    )
    figures = () if pckh is None else (Measured(what=PCKH, published=pckh),)
    return hourglass_card(f"hourglass_bearpaw_{stacks}", "mpii_256", spec, figures, file, weights)


def mmpose_card(row: Row) -> ModelCard:
    """The card of an Hourglass-52 of mmpose."""
    tag, skeleton, side, sigma, path, what, published, num_params = row
    codec = MSRA(input_size=(side, side), sigma=sigma, form="mmpose")
    spec = PoseSpec(skeleton=find_skeleton(skeleton), codec=codec)
    figures = (Measured(what=what, published=published),)
    file = path.rpartition("/")[2]
    return hourglass_card("hourglass52", tag, spec, figures, file, mmpose_weights(path, num_params))


def mmpose_weights(path: str, num_params: int) -> Weights:
    """A file of mmpose."""
    return Weights(
        sources=(Source(url=f"{HOST}/{path}"),),
        sha256=hash_in_name(path),
        num_params=num_params,
        licence=f"code Apache-2.0; {LICENCE}",
        origin=MMPOSE,
    )


def pose_ae_card() -> ModelCard:
    """The card of the authors' hourglass with tags, which lies in an archive on a drive."""
    mean, std = HOURGLASS_FIGURES["pose_ae"]
    grouping = HourglassGrouping(joint_order=TagGrouping.joint_order_of(COCO))
    spec = HourglassAESpec(skeleton=COCO, codec=AEHourglass(grouping=grouping), mean=mean, std=std)
    weights = Weights(
        sources=(Source(page=DRIVE),),
        num_params=138_893_840,
        licence=f"code BSD-3-Clause; {LICENCE}",
        origin=POSE_AE,
        notes="an archive to unpack; the figure is that of the README, rounded there",
    )
    figures = (Measured(what="COCO, the repository's own validation part, AP, one scale", published=59.0),)
    return hourglass_card("hourglass_ae_4", "coco_512", spec, figures, "checkpoint.pth.tar", weights)


def mmpose_ae_card() -> ModelCard:
    """The card of mmpose's hourglass with tags."""
    config = HOURGLASSES["hourglass_ae_mmpose_4"]
    codec = guess_hourglass_codec(config, COCO, "mmpose0_hourglass_ae")
    spec = HourglassAESpec(skeleton=COCO, codec=codec)  # type: ignore[arg-type]  # of this unit, HigherHRNet's
    file = "hourglass_ae_coco_512x512-90af499f_20210920.pth"
    weights = mmpose_weights(f"bottom_up/hourglass_ae/{file}", 138_863_560)
    figures = (Measured(what="COCO val2017, AP, one scale, flip test", published=61.3),)
    return hourglass_card("hourglass_ae_mmpose_4", "coco_512", spec, figures, file, weights)


CARDS = (
    *(princeton_card(*row) for row in PRINCETON_ROWS),
    *(bearpaw_card(*row) for row in BEARPAW_ROWS),
    *(mmpose_card(row) for row in MMPOSE_ROWS),
    pose_ae_card(),
    mmpose_ae_card(),
)
