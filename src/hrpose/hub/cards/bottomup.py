"""Bottom-up files: HigherHRNet, and HRNet with associative embedding."""

import dataclasses
from collections.abc import Sequence
from typing import TypeAlias

from hrpose.codecs.bottomup import HigherHRNet
from hrpose.codecs.tags import TagGrouping
from hrpose.hub.card import Measured, ModelCard, Source, Weights
from hrpose.hub.cards.networks import bottomup_config, bottomup_params
from hrpose.hub.cards.rows import hash_in_name
from hrpose.models.bottomup import BottomUpSpec
from hrpose.skeletons import COCO, Skeleton, find_skeleton

HIGHER = "https://github.com/HRNet/HigherHRNet-Human-Pose-Estimation"
MMPOSE = "https://github.com/open-mmlab/mmpose/tree/0.x"
UDP_POSE = "https://github.com/HuangJunJie2017/UDP-Pose"
HOST = "https://download.openmmlab.com/mmpose/bottom_up"
OPENVINO = "https://storage.openvinotoolkit.org/repositories/open_model_zoo/public/2022.1"
LICENCES = {
    HIGHER: "repository MIT; none stated for the file; the terms of the training data come on top",
    MMPOSE: "code Apache-2.0; none stated for the file; the terms of the training data come on top",
    UDP_POSE: "repository Apache-2.0; none stated for the file; the terms of the training data come on top",
}
COCO_AP = "COCO val2017, AP, one scale, flip test"
WHOLE_AP = "COCO-WholeBody v1.0 val, Whole_AP, one scale"
CROWD_AP = "CrowdPose test, AP, one scale"
AIC_AP = "AI Challenger val, AP, one scale"

# architecture, tag, skeleton, short side of the input, UDP, file, what was measured, the published figure
Row: TypeAlias = tuple[str, str, str, int, bool, str, str, float]

# a table reads by its rows
# fmt: off
OFFICIAL_ROWS: tuple[tuple[tuple[str, ...], Row], ...] = (  # identifiers on a drive and other places, row
    ((f"{OPENVINO}/higher-hrnet-w32-human-pose-estimation/ckpt/pose_higher_hrnet_w32_512.pth",
      "1V9Iz0ZYy9m8VeaspfKECDW0NKlGsYmO1"),
     ("higherhrnet_w32", "coco_512", "coco", 512, False, "pose_higher_hrnet_w32_512.pth", COCO_AP, 67.1)),
    (("1uEcQlm1rjV-JRgVbaP79Y5sMLqUX2ciD",),
     ("higherhrnet_w32", "coco_640", "coco", 640, False, "pose_higher_hrnet_w32_640.pth.tar", COCO_AP, 68.5)),
    (("10j9Wx_I2H6qaw-prAdlJ44fLryDtA-ah",),
     ("higherhrnet_w48", "coco_640", "coco", 640, False, "pose_higher_hrnet_w48_640.pth.tar", COCO_AP, 69.9)),
)
MMPOSE_ROWS: tuple[Row, ...] = (
    ("higherhrnet_w32", "aic_512", "aic", 512, False,
     "higher_hrnet32_aic_512x512-9a674c33_20210130.pth", AIC_AP, 31.5),
    ("higherhrnet_w32", "mmpose_coco_512", "coco", 512, False,
     "higher_hrnet32_coco_512x512-8ae85183_20200713.pth", COCO_AP, 67.7),
    ("higherhrnet_w32", "mmpose_coco_512_udp", "coco", 512, True,
     "higher_hrnet32_coco_512x512_udp-8cc64794_20210222.pth", COCO_AP, 67.8),
    ("higherhrnet_w32", "mmpose_coco_512_udp_20210104", "coco", 512, True,
     "higher_hrnet32_coco_512x512_udp-83e65040_20210104.pth", COCO_AP, 67.4),
    ("higherhrnet_w32", "mmpose_coco_640", "coco", 640, False,
     "higher_hrnet32_coco_640x640-a22fe938_20200712.pth", COCO_AP, 68.6),
    ("higherhrnet_w32", "coco_wholebody_512", "coco_wholebody", 512, False,
     "higher_hrnet32_coco_wholebody_512x512_plus-2fa137ab_20210517.pth", WHOLE_AP, 40.1),
    ("higherhrnet_w32", "crowdpose_512", "crowdpose", 512, False,
     "higher_hrnet32_crowdpose_512x512-1aa4a132_20201017.pth", CROWD_AP, 65.5),
    ("higherhrnet_w48", "coco_512", "coco", 512, False,
     "higher_hrnet48_coco_512x512-60fedcbc_20200712.pth", COCO_AP, 68.6),
    ("higherhrnet_w48", "coco_512_udp", "coco", 512, True,
     "higher_hrnet48_coco_512x512_udp-7cad61ef_20210222.pth", COCO_AP, 69.0),
    ("higherhrnet_w48", "coco_wholebody_512", "coco_wholebody", 512, False,
     "higher_hrnet48_coco_wholebody_512x512_plus-934f08aa_20210517.pth", WHOLE_AP, 48.7),
    ("hrnet_ae_w32", "aic_512", "aic", 512, False,
     "hrnet_w32_aic_512x512-77e2a98a_20210131.pth", AIC_AP, 30.3),
    ("hrnet_ae_w32", "coco_512", "coco", 512, False,
     "hrnet_w32_coco_512x512-bcb8c247_20200816.pth", COCO_AP, 65.4),
    ("hrnet_ae_w32", "mmpose_coco_512_udp", "coco", 512, True,
     "hrnet_w32_coco_512x512_udp-91663bf9_20210220.pth", COCO_AP, 67.1),
    ("hrnet_ae_w32", "mmpose_coco_512_udp_20210104", "coco", 512, True,
     "hrnet_w32_coco_512x512_udp-7f47d165_20210104.pth", COCO_AP, 66.7),
    ("hrnet_ae_w32", "coco_wholebody_512", "coco_wholebody", 512, False,
     "hrnet_w32_coco_wholebody_512x512_plus-f1f1185c_20210517.pth", WHOLE_AP, 34.2),
    ("hrnet_ae_w48", "coco_512", "coco", 512, False,
     "hrnet_w48_coco_512x512-cf72fcdf_20200816.pth", COCO_AP, 66.5),
    ("hrnet_ae_w48", "coco_512_udp", "coco", 512, True,
     "hrnet_w48_coco_512x512_udp-de08fd8c_20210222.pth", COCO_AP, 68.1),
    ("hrnet_ae_w48", "coco_wholebody_512", "coco_wholebody", 512, False,
     "hrnet_w48_coco_wholebody_512x512_plus-4de8a695_20210517.pth", WHOLE_AP, 42.2),
    ("hrnet_ae_w48", "mhp_512", "mhp", 512, False,
     "hrnet_w48_mhp_512x512-85a6ab6f_20201229.pth", "MHP v2.0 val, AP, one scale", 58.3),
)
UDP_ROWS: tuple[Row, ...] = (  # files on a drive, under names that no page states
    ("higherhrnet_w32", "coco_512_udp", "coco", 512, True, "", COCO_AP, 67.6),
    ("higherhrnet_w32", "coco_512_udp_aid", "coco", 512, True, "", COCO_AP, 69.0),
    ("hrnet_ae_w32", "coco_512_udp", "coco", 512, True, "", COCO_AP, 67.0),
    ("hrnet_ae_w32", "coco_512_udp_aid", "coco", 512, True, "", COCO_AP, 68.4),
)
# fmt: on

ASSUMED = "layers and names as in mmpose 0.x, which the repository builds on; the file was not seen"


def make_spec(skeleton: Skeleton, strides: Sequence[int], side: int, *, unbiased: bool) -> BottomUpSpec:
    """Codec and names. UDP's files are tested without projecting the maps to the size of the input.

    Other keypoints than those of COCO are visited as they are listed, as in the code of these files.
    """
    order = TagGrouping.joint_order_of(COCO) if skeleton is COCO else ()
    codec = HigherHRNet(
        input_size=side,
        strides=tuple(strides),
        project=not unbiased,
        unbiased=unbiased,
        grouping=TagGrouping(joint_order=order),
    )
    return BottomUpSpec(skeleton=skeleton, codec=codec)


def bottomup_card(row: Row, sources: Sequence[Source], *, origin: str, notes: str = "") -> ModelCard:
    """The card of one row."""
    architecture, tag, name, side, unbiased, file, what, published = row
    skeleton = find_skeleton(name)
    strides = (4, 2) if architecture.startswith("higher") else (4,)
    spec = make_spec(skeleton, strides, side, unbiased=unbiased)
    config = bottomup_config(architecture, skeleton.num_keypoints)
    return ModelCard(
        name=f"{architecture}.{tag}",
        config=dataclasses.replace(config, spec=spec),
        spec=spec,
        measured=(Measured(what=what, published=published),),
        upstream=file,
        weights=Weights(
            sources=tuple(sources),
            sha256=hash_in_name(file),
            num_params=bottomup_params(architecture, skeleton.num_keypoints),
            licence=LICENCES[origin],
            origin=origin,
            notes=notes,
        ),
    )


def place(name: str) -> Source:
    """A URL, or a file on Google Drive that a person can download."""
    if name.startswith("https://"):
        return Source(url=name)
    return Source(page=f"https://drive.google.com/file/d/{name}/view")


CARDS = (
    *(bottomup_card(row, [place(name) for name in names], origin=HIGHER) for names, row in OFFICIAL_ROWS),
    *(bottomup_card(row, [Source(url=f"{HOST}/{row[5]}")], origin=MMPOSE) for row in MMPOSE_ROWS),
    *(bottomup_card(row, [Source(page=UDP_POSE)], origin=UDP_POSE, notes=ASSUMED) for row in UDP_ROWS),
)
