"""Keypoint names, mirror pairs, links and sigmas of the published data sets: data only."""

from hrpose.skeletons.animal import (
    ANIMAL_KINGDOM,
    ANIMAL_POSE,
    AP10K,
    ATRW,
    HORSE10,
    SUPERANIMAL_QUADRUPED,
    SUPERANIMAL_TOPVIEWMOUSE,
)
from hrpose.skeletons.body import (
    AIC,
    COCO,
    COCO_AIC,
    CROWDPOSE,
    EXLPOSE,
    H36M,
    HUMAN_ART,
    JHMDB,
    MACAQUE,
    MHP,
    MPII,
    POSETRACK18,
)
from hrpose.skeletons.face import AFLW, COFW, FACE_300W, WFLW
from hrpose.skeletons.fashion import DEEPFASHION_FULL, DEEPFASHION_LOWER, DEEPFASHION_UPPER
from hrpose.skeletons.hand import HAND_21, INTERHAND2D, RHD
from hrpose.skeletons.skeleton import DEFAULT_SIGMA, Skeleton, chains, mirror_pairs, names
from hrpose.skeletons.tables import ALIASES, SKELETONS, as_skeleton, find_skeleton
from hrpose.skeletons.wholebody import COCO_WHOLEBODY, HALPE

__all__ = [
    "AFLW",
    "AIC",
    "ALIASES",
    "ANIMAL_KINGDOM",
    "ANIMAL_POSE",
    "AP10K",
    "ATRW",
    "COCO",
    "COCO_AIC",
    "COCO_WHOLEBODY",
    "COFW",
    "CROWDPOSE",
    "DEEPFASHION_FULL",
    "DEEPFASHION_LOWER",
    "DEEPFASHION_UPPER",
    "DEFAULT_SIGMA",
    "EXLPOSE",
    "FACE_300W",
    "H36M",
    "HALPE",
    "HAND_21",
    "HORSE10",
    "HUMAN_ART",
    "INTERHAND2D",
    "JHMDB",
    "MACAQUE",
    "MHP",
    "MPII",
    "POSETRACK18",
    "RHD",
    "SKELETONS",
    "SUPERANIMAL_QUADRUPED",
    "SUPERANIMAL_TOPVIEWMOUSE",
    "WFLW",
    "Skeleton",
    "as_skeleton",
    "chains",
    "find_skeleton",
    "mirror_pairs",
    "names",
]
