"""Bottom-up networks and hourglasses by their names, and how many parameters they have."""

import dataclasses

from hrpose.hub.cards.rows import TRUNK_PARAMS, trunk_config
from hrpose.models.bottomup import BottomUpConfig
from hrpose.models.hourglass import HOURGLASS_CONFIGS, HourglassConfig

STACKS = (1, 2, 4, 8)
FORMS = {  # what a name begins with: networks that share the word hourglass and little else
    "hourglass": "princeton",
    "hourglass_bearpaw": "bearpaw",
    "hourglass_ae": "pose_ae",
    "hourglass_ae_mmpose": "mmpose_ae",
}
HOURGLASSES: dict[str, HourglassConfig] = {
    **{
        f"{name}_{stacks}": dataclasses.replace(HOURGLASS_CONFIGS[form], stacks=stacks)
        for name, form in FORMS.items()
        for stacks in STACKS
    },
    "hourglass52": HOURGLASS_CONFIGS["hourglass52"],
    "hourglass104": dataclasses.replace(HOURGLASS_CONFIGS["hourglass52"], stacks=2),
}


def bottomup_config(architecture: str, num_keypoints: int = 17) -> BottomUpConfig:
    """The network behind higherhrnet_* or hrnet_ae_*.

    >>> bottomup_config("higherhrnet_w48").deconv_channels, bottomup_config("hrnet_ae_w18").head
    ((48,), 'ae')
    """
    family, _, size = architecture.rpartition("_w")
    trunk = trunk_config(f"hrnet_w{size}")
    if family == "hrnet_ae":
        return BottomUpConfig(backbone=trunk, head="ae", num_keypoints=num_keypoints)
    return BottomUpConfig(backbone=trunk, deconv_channels=trunk.channels[:1], num_keypoints=num_keypoints)


def bottomup_params(architecture: str, num_keypoints: int) -> int:
    """Trainable numbers of a bottom-up network; the published figures are these sums.

    >>> bottomup_params("higherhrnet_w32", 17)
    28645331
    """
    family, _, size = architecture.rpartition("_w")
    width, k = int(size), num_keypoints
    both = 2 * k * (width + 1)  # heatmaps and tags at 1/4
    if family == "hrnet_ae":
        return TRUNK_PARAMS[f"hrnet_w{size}"] + both
    grow = (width + 2 * k) * width * 16 + 2 * width
    units = 4 * (2 * 9 * width**2 + 4 * width)
    return TRUNK_PARAMS[f"hrnet_w{size}"] + both + grow + units + k * (width + 1)
