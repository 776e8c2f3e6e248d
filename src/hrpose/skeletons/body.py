"""Skeletons of the human body."""

from hrpose.skeletons.skeleton import Skeleton, chains, mirror_pairs, names

_COCO_NAMES = names(
    "nose left_eye right_eye left_ear right_ear",
    "left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist",
    "left_hip right_hip left_knee right_knee left_ankle right_ankle",
)

COCO = Skeleton(
    name="coco",
    keypoints=_COCO_NAMES,
    mirror=mirror_pairs(_COCO_NAMES),
    links=chains(
        "left_ankle left_knee left_hip right_hip right_knee right_ankle",
        "left_shoulder left_hip",
        "right_shoulder right_hip",
        "left_wrist left_elbow left_shoulder right_shoulder right_elbow right_wrist",
        "left_eye right_eye nose left_eye left_ear left_shoulder",
        "right_eye right_ear right_shoulder",
    ),
    sigmas=(
        *(0.026, 0.025, 0.025, 0.035, 0.035),
        *(0.079, 0.079, 0.072, 0.072, 0.062, 0.062),
        *(0.107, 0.107, 0.087, 0.087, 0.089, 0.089),
    ),
    upper_body=_COCO_NAMES[:11],
    grouping_order=(
        *_COCO_NAMES[:7],
        *names("left_hip right_hip left_elbow right_elbow left_wrist right_wrist"),
        *_COCO_NAMES[13:],
    ),
)
