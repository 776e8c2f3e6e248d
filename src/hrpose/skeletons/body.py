"""Skeletons of the human body. Sources: the data sets named, and the tables of mmpose (facts only)."""

import dataclasses

from hrpose.skeletons.skeleton import Skeleton, chains, mirror_pairs, names

_HEAD = names("nose left_eye right_eye left_ear right_ear")
_HEAD_SIGMAS = (0.026, 0.025, 0.025, 0.035, 0.035)
_ARMS = names("left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist")
_LEGS = names("left_hip right_hip left_knee right_knee left_ankle right_ankle")
_LIMB_SIGMAS = (0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089, 0.089)
_LIMBS = chains(
    "left_ankle left_knee left_hip right_hip right_knee right_ankle",
    "left_shoulder left_hip",
    "right_shoulder right_hip",
    "left_wrist left_elbow left_shoulder right_shoulder right_elbow right_wrist",
)
_FACE = chains("left_eye right_eye nose left_eye left_ear", "right_eye right_ear")

COCO = Skeleton(
    name="coco",
    keypoints=_HEAD + _ARMS + _LEGS,
    mirror=mirror_pairs(_HEAD + _ARMS + _LEGS),
    links=_LIMBS + _FACE + chains("left_ear left_shoulder", "right_ear right_shoulder"),
    sigmas=_HEAD_SIGMAS + _LIMB_SIGMAS,
    upper_body=_HEAD + _ARMS,
    grouping_order=(*_HEAD, *_ARMS[:2], *_LEGS[:2], *_ARMS[2:], *_LEGS[2:]),
)

MACAQUE = dataclasses.replace(COCO, name="macaque")
HUMAN_ART = dataclasses.replace(COCO, name="human_art")

CROWDPOSE = Skeleton(
    name="crowdpose",
    keypoints=(*_ARMS, *_LEGS, "head", "neck"),
    mirror=mirror_pairs(_ARMS + _LEGS),
    links=_LIMBS + chains("head neck left_shoulder", "neck right_shoulder"),
    sigmas=(*_LIMB_SIGMAS, 0.079, 0.079),
    upper_body=(*_ARMS, "head", "neck"),
    # HigherHRNet takes the places of COCO's order here too, whatever stands at them: so it was trained
    grouping_order=(*_ARMS, "left_hip", "right_ankle", "head", "right_hip", *_LEGS[2:5], "neck"),
)

EXLPOSE = dataclasses.replace(CROWDPOSE, name="exlpose")

_MPII_LEGS = names("right_ankle right_knee right_hip left_hip left_knee left_ankle")
_MPII_TRUNK = names("pelvis thorax upper_neck head_top")
_MPII_ARMS = names("right_wrist right_elbow right_shoulder left_shoulder left_elbow left_wrist")

MPII = Skeleton(
    name="mpii",
    keypoints=_MPII_LEGS + _MPII_TRUNK + _MPII_ARMS,
    mirror=mirror_pairs(_MPII_LEGS + _MPII_ARMS),
    links=chains(
        "right_ankle right_knee right_hip pelvis left_hip left_knee left_ankle",
        "pelvis thorax upper_neck head_top",
        "right_wrist right_elbow right_shoulder upper_neck left_shoulder left_elbow left_wrist",
    ),
    sigmas=(
        *(0.089, 0.083, 0.107, 0.107, 0.083, 0.089),
        *(0.026, 0.026, 0.026, 0.026),
        *(0.062, 0.072, 0.179, 0.179, 0.072, 0.062),
    ),
    upper_body=_MPII_TRUNK[1:] + _MPII_ARMS,
)

MHP = dataclasses.replace(MPII, name="mhp")

_AIC_NAMES = names(
    "right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist",
    "right_hip right_knee right_ankle left_hip left_knee left_ankle head_top neck",
)

AIC = Skeleton(
    name="aic",
    keypoints=_AIC_NAMES,
    mirror=mirror_pairs(_AIC_NAMES),
    links=chains(
        "right_wrist right_elbow right_shoulder neck left_shoulder left_elbow left_wrist",
        "right_ankle right_knee right_hip left_hip left_knee left_ankle",
        "head_top neck",
        "right_shoulder right_hip",
        "left_shoulder left_hip",
    ),
    sigmas=(  # of the challenge, for its own OKS
        *(0.01388152, 0.01515228, 0.01057665, 0.01417709, 0.01497891, 0.01402144, 0.03909642),
        *(0.03686941, 0.01981803, 0.03843971, 0.03412318, 0.02415081, 0.01291456, 0.01236173),
    ),
    upper_body=(*_AIC_NAMES[:6], "head_top", "neck"),
)

COCO_AIC = Skeleton(
    name="coco_aic",
    keypoints=(*COCO.keypoints, "head_top", "neck"),
    mirror=COCO.mirror,
    links=COCO.links + chains("head_top neck"),
    sigmas=(*COCO.sigmas, 0.026, 0.026),
    upper_body=(*COCO.upper_body, "head_top", "neck"),
)

_JHMDB_NAMES = names(
    "neck belly head right_shoulder left_shoulder right_hip left_hip right_elbow left_elbow",
    "right_knee left_knee right_wrist left_wrist right_ankle left_ankle",
)

JHMDB = Skeleton(
    name="jhmdb",
    keypoints=_JHMDB_NAMES,
    mirror=mirror_pairs(_JHMDB_NAMES),
    links=chains(
        "right_ankle right_knee right_hip belly left_hip left_knee left_ankle",
        "belly neck head",
        "right_wrist right_elbow right_shoulder neck left_shoulder left_elbow left_wrist",
    ),
    sigmas=(
        *(0.025, 0.107, 0.025, 0.079, 0.079, 0.107, 0.107, 0.072),
        *(0.072, 0.087, 0.087, 0.062, 0.062, 0.089, 0.089),
    ),
    upper_body=(*_JHMDB_NAMES[:5], *names("right_elbow left_elbow right_wrist left_wrist")),
)

_POSETRACK_HEAD = names("nose head_bottom head_top left_ear right_ear")

POSETRACK18 = Skeleton(
    name="posetrack18",
    keypoints=_POSETRACK_HEAD + _ARMS + _LEGS,
    mirror=mirror_pairs(_POSETRACK_HEAD + _ARMS + _LEGS),
    links=_LIMBS + chains("head_top nose head_bottom left_shoulder", "head_bottom right_shoulder"),
    sigmas=_HEAD_SIGMAS + _LIMB_SIGMAS,
    upper_body=_POSETRACK_HEAD + _ARMS,
)

_H36M_NAMES = names(
    "root right_hip right_knee right_foot left_hip left_knee left_foot spine thorax neck_base head",
    "left_shoulder left_elbow left_wrist right_shoulder right_elbow right_wrist",
)

H36M = Skeleton(
    name="h36m",
    keypoints=_H36M_NAMES,
    mirror=mirror_pairs(_H36M_NAMES),
    links=chains(
        "right_foot right_knee right_hip root left_hip left_knee left_foot",
        "root spine thorax neck_base head",
        "right_wrist right_elbow right_shoulder thorax left_shoulder left_elbow left_wrist",
    ),
    upper_body=_H36M_NAMES[7:],
)
