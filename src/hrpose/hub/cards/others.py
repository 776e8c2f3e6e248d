"""Pose files of projects that trained HRNets of their own: EasyCV, AIMET, DeepLabCut."""

from hrpose.hub.card import ModelCard, Source
from hrpose.hub.cards.rows import PoseRow, pose_card

APACHE = "code Apache-2.0; none stated for the file; the terms of the training data come on top"
EASYCV = "https://github.com/alibaba/EasyCV"
EASYCV_HOST = "http://pai-vision-data-hz.oss-cn-zhangjiakou.aliyuncs.com/EasyCV/modelzoo/pose"
AIMET = "https://github.com/quic/aimet-model-zoo"
AIMET_FILE = "hrnet_posenet_FP32_state_dict.pth"
QUALCOMM = "https://qaihub-public-assets.s3.us-west-2.amazonaws.com/qai-hub-models/models"
DEEPLABCUT = "https://github.com/DeepLabCut/DeepLabCut"
ZOO = "mwmathis/DeepLabCutModelZoo-SuperAnimal"

# a table reads by its rows
# fmt: off
EASYCV_ROWS: tuple[tuple[str, str, PoseRow], ...] = (  # architecture, folder, row
    ("hrnet_w48", "top_down_hrnet",
     ("easycv_coco_256x192_udp", "coco", (256, 192), "udp 2", "epoch_210.pth", "COCO val, AP", 78.1)),
    ("hrnet_w48", "wholebody/hrnet",
     ("easycv_coco_wholebody_384x288_dark", "coco_wholebody", (384, 288), "dark 3", "epoch_290.pth",
      "COCO-WholeBody val, Whole_AP", 68.4)),
    ("hrnetv2_w18", "hand/hrnet",
     ("easycv_coco_wholebody_hand_256_dark", "coco_wholebody_hand", (256, 256), "dark 2",
      "hrnet_w18_256x256.pth", "COCO-WholeBody-Hand val, PCK", 81.6)),
)
AIMET_ROW: PoseRow = ("aimet_coco_256x192", "coco", (256, 192), "msra 2", AIMET_FILE, "", None)
ANIMAL_ROWS: tuple[tuple[str, PoseRow], ...] = (
    (f"{ZOO}-Quadruped",
     ("superanimal_quadruped", "superanimal_quadruped", (256, 256), "msra 2",
      "superanimal_quadruped_hrnet_w32.pt", "", None)),
    (f"{ZOO}-TopViewMouse",
     ("superanimal_topviewmouse", "superanimal_topviewmouse", (256, 256), "msra 2",
      "superanimal_topviewmouse_hrnet_w32.pt", "", None)),
)
# fmt: on


def easycv_card(architecture: str, folder: str, row: PoseRow) -> ModelCard:
    """The card of a file of EasyCV, which names its modules as mmpose 0.x does."""
    sources = (Source(url=f"{EASYCV_HOST}/{folder}/{row[4]}"),)
    return pose_card(architecture, row, sources, sha256=None, licence=APACHE, origin=EASYCV, mmpose=True)


def aimet_card() -> ModelCard:
    """The card of the float weights that AIMET starts from."""
    url = f"{AIMET}/releases/download/phase_2_march_artifacts/{AIMET_FILE}"
    sources = (Source(url=url), Source(url=f"{QUALCOMM}/hrnet_pose/v2/{AIMET_FILE}"))
    licence = "the zoo's own licence file; none stated for the weights"
    return pose_card("hrnet_w32", AIMET_ROW, sources, sha256=None, licence=licence, origin=AIMET)


def animal_card(repo: str, row: PoseRow) -> ModelCard:
    """The card of a SuperAnimal model."""
    licence = "see the model card of the repository; code LGPL-3.0"
    notes = "the crop size is not published in code; the file's own configuration states it"
    sources = (Source(repo=repo, file=row[4]),)
    return pose_card("hrnet_w32", row, sources, sha256=None, licence=licence, origin=DEEPLABCUT, notes=notes)


CARDS = (
    *(easycv_card(*row) for row in EASYCV_ROWS),
    aimet_card(),
    *(animal_card(*row) for row in ANIMAL_ROWS),
)
