"""All skeletons by name."""

from hrpose.errors import ConfigError, UnknownNameError, nearest
from hrpose.skeletons import animal, body, face, fashion, hand, wholebody
from hrpose.skeletons.skeleton import Skeleton

_ALL = (
    *(body.COCO, body.CROWDPOSE, body.MPII, body.AIC, body.COCO_AIC, body.JHMDB, body.POSETRACK18, body.H36M),
    *(body.MHP, body.EXLPOSE, body.HUMAN_ART, body.MACAQUE),
    *(wholebody.COCO_WHOLEBODY, wholebody.HALPE),
    *(face.FACE_300W, face.WFLW, face.COFW, face.AFLW),
    *(hand.HAND_21, hand.RHD, hand.INTERHAND2D),
    *(animal.AP10K, animal.ANIMAL_POSE, animal.HORSE10, animal.ATRW, animal.ANIMAL_KINGDOM),
    *(animal.SUPERANIMAL_QUADRUPED, animal.SUPERANIMAL_TOPVIEWMOUSE),
    *(fashion.DEEPFASHION_FULL, fashion.DEEPFASHION_UPPER, fashion.DEEPFASHION_LOWER),
)

SKELETONS: dict[str, Skeleton] = {skeleton.name: skeleton for skeleton in _ALL}

ALIASES: dict[str, str] = {  # data sets that share a skeleton
    "onehand10k": "hand_21",
    "freihand": "hand_21",
    "panoptic_hand": "hand_21",
    "coco_wholebody_hand": "hand_21",
    "300w": "face_300w",
    "300wlp": "face_300w",
    "coco_wholebody_face": "face_300w",
    "ubody": "coco_wholebody",
    "ochuman": "coco",
}


def find_skeleton(name: str) -> Skeleton:
    """The skeleton that goes by `name`, or that the data set of this name uses.

    >>> find_skeleton("coco").num_keypoints, find_skeleton("onehand10k").name
    (17, 'hand_21')

    Raises: UnknownNameError, with the nearest names.
    """
    found = SKELETONS.get(ALIASES.get(name, name)) if isinstance(name, str) else None
    if found is None:
        raise UnknownNameError(f"there is no skeleton {name!r}; {nearest(name, (*SKELETONS, *ALIASES))}")
    return found


def as_skeleton(given: Skeleton | str | None) -> Skeleton | None:
    """A skeleton or None as it came, or the skeleton that goes by a name.

    >>> as_skeleton("mpii").num_keypoints
    16

    Raises: UnknownNameError, with the nearest names; ConfigError for what is neither name nor skeleton.
    """
    if given is None or isinstance(given, Skeleton):
        return given
    if isinstance(given, str):
        return find_skeleton(given)
    raise ConfigError(f"skeleton={given!r} is none; give a Skeleton, or the name of a known one")
