"""mmpose 0.x: faces, hands and animals (some of these files are listed by 1.x as well)."""

from hrpose.hub.card import ModelCard, Source
from hrpose.hub.cards.rows import PoseRow, hash_in_name, pose_card

HOST = "https://download.openmmlab.com/mmpose/"
LICENCE = "code Apache-2.0; none stated for the file; the terms of the training data come on top"

# a table reads by its rows
# fmt: off
ROWS: dict[tuple[str, str], tuple[PoseRow, ...]] = {  # architecture, folder
    ("hrnet_w32", "animal/hrnet"): (
        ("mmpose_animalpose_256x256", "animal_pose", (256, 256), "msra 2",
         "hrnet_w32_animalpose_256x256-1aa7f075_20210426.pth", "AnimalPose val, AP", 73.6),
        ("mmpose_ap10k_256x256", "ap10k", (256, 256), "msra 2",
         "hrnet_w32_ap10k_256x256-18aac840_20211029.pth", "AP-10K val, AP", 72.2),
        ("mmpose_atrw_256x256", "atrw", (256, 256), "msra 2",
         "hrnet_w32_atrw_256x256-f027f09a_20210414.pth", "ATRW val, AP", 91.2),
        ("mmpose_horse10_256x256_split1", "horse10", (256, 256), "msra 2",
         "hrnet_w32_horse10_256x256_split1-401d901a_20210405.pth", "Horse-10 test, NME", 0.122),
        ("mmpose_horse10_256x256_split2", "horse10", (256, 256), "msra 2",
         "hrnet_w32_horse10_256x256_split2-04840523_20210405.pth", "Horse-10 test, NME", 0.116),
        ("mmpose_horse10_256x256_split3", "horse10", (256, 256), "msra 2",
         "hrnet_w32_horse10_256x256_split3-4db47400_20210405.pth", "Horse-10 test, NME", 0.153),
        ("mmpose_macaque_256x192", "macaque", (256, 192), "msra 2",
         "hrnet_w32_macaque_256x192-f7e9e04f_20210407.pth", "MacaquePose, AP, ground truth boxes", 81.4),
    ),
    ("hrnet_w48", "animal/hrnet"): (
        ("mmpose_animalpose_256x256", "animal_pose", (256, 256), "msra 2",
         "hrnet_w48_animalpose_256x256-34644726_20210426.pth", "AnimalPose val, AP", 73.7),
        ("mmpose_ap10k_256x256", "ap10k", (256, 256), "msra 2",
         "hrnet_w48_ap10k_256x256-d95ab412_20211029.pth", "AP-10K val, AP", 73.1),
        ("mmpose_atrw_256x256", "atrw", (256, 256), "msra 2",
         "hrnet_w48_atrw_256x256-ac088892_20210414.pth", "ATRW val, AP", 91.1),
        ("mmpose_horse10_256x256_split1", "horse10", (256, 256), "msra 2",
         "hrnet_w48_horse10_256x256_split1-3c950d3b_20210405.pth", "Horse-10 test, NME", 0.095),
        ("mmpose_horse10_256x256_split2", "horse10", (256, 256), "msra 2",
         "hrnet_w48_horse10_256x256_split2-8ef72b5d_20210405.pth", "Horse-10 test, NME", 0.101),
        ("mmpose_horse10_256x256_split3", "horse10", (256, 256), "msra 2",
         "hrnet_w48_horse10_256x256_split3-0232ec47_20210405.pth", "Horse-10 test, NME", 0.128),
        ("mmpose_macaque_256x192", "macaque", (256, 192), "msra 2",
         "hrnet_w48_macaque_256x192-9b34b02a_20210407.pth", "MacaquePose, AP, ground truth boxes", 81.8),
    ),
    ("hrnetv2_w18", "face/hrnetv2"): (
        ("mmpose_300w_256", "face_300w", (256, 256), "msra 1.5",
         "hrnetv2_w18_300w_256x256-eea53406_20211019.pth", "300W, NME_test", 3.97),
        ("mmpose_aflw_256", "aflw", (256, 256), "msra 2",
         "hrnetv2_w18_aflw_256x256-f2bbc62b_20210125.pth", "AFLW, NME_full", 1.41),
        ("mmpose_coco_wholebody_face_256", "coco_wholebody_face", (256, 256), "msra 2",
         "hrnetv2_w18_coco_wholebody_face_256x256-c1ca469b_20210909.pth",
         "COCO-WholeBody-Face val, NME", 0.0569),
        ("mmpose_cofw_256", "cofw", (256, 256), "msra 1.5",
         "hrnetv2_w18_cofw_256x256-49243ab8_20211019.pth", "COFW test, NME", 3.4),
        ("mmpose_wflw_256", "wflw", (256, 256), "msra 2",
         "hrnetv2_w18_wflw_256x256-2bf032a6_20210125.pth", "WFLW test, NME_test", 4.06),
        ("mmpose_wflw_256_awing", "wflw", (256, 256), "msra 2",
         "hrnetv2_w18_wflw_256x256_awing-5af5055c_20211212.pth", "WFLW test, NME_test", 4.02),
    ),
    ("hrnetv2_w18", "face/darkpose"): (
        ("mmpose_aflw_256_dark", "aflw", (256, 256), "dark 2",
         "hrnetv2_w18_aflw_256x256_dark-219606c0_20210125.pth", "AFLW, NME_full", 1.34),
        ("mmpose_coco_wholebody_face_256_dark", "coco_wholebody_face", (256, 256), "dark 2",
         "hrnetv2_w18_coco_wholebody_face_256x256_dark-3d9a334e_20210909.pth",
         "COCO-WholeBody-Face val, NME", 0.0513),
        ("mmpose_wflw_256_dark", "wflw", (256, 256), "dark 2",
         "hrnetv2_w18_wflw_256x256_dark-3f8e0c2c_20210125.pth", "WFLW test, NME_test", 3.98),
    ),
    ("hrnetv2_w18", "hand/hrnetv2"): (
        ("mmpose_coco_wholebody_hand_256", "coco_wholebody_hand", (256, 256), "msra 2",
         "hrnetv2_w18_coco_wholebody_hand_256x256-1c028db7_20210908.pth",
         "COCO-WholeBody-Hand val, PCK@0.2", 81.3),
        ("mmpose_onehand10k_256", "onehand10k", (256, 256), "msra 2",
         "hrnetv2_w18_onehand10k_256x256-30bc9c6b_20210330.pth", "OneHand10K val, PCK@0.2", 99.0),
        ("mmpose_panoptic_256", "panoptic_hand", (256, 256), "msra 2",
         "hrnetv2_w18_panoptic_256x256-53b12345_20210330.pth", "CMU Panoptic HandDB val, PCKh@0.7", 99.9),
        ("mmpose_rhd2d_256", "rhd", (256, 256), "msra 2",
         "hrnetv2_w18_rhd2d_256x256-95b20dd8_20210330.pth", "RHD test, PCK@0.2", 99.2),
    ),
    ("hrnetv2_w18", "hand/dark"): (
        ("mmpose_coco_wholebody_hand_256_dark", "coco_wholebody_hand", (256, 256), "dark 2",
         "hrnetv2_w18_coco_wholebody_hand_256x256_dark-a9228c9c_20210908.pth",
         "COCO-WholeBody-Hand val, PCK@0.2", 81.4),
        ("mmpose_onehand10k_256_dark", "onehand10k", (256, 256), "dark 2",
         "hrnetv2_w18_onehand10k_256x256_dark-a2f80c64_20210330.pth", "OneHand10K val, PCK@0.2", 99.0),
        ("mmpose_panoptic_256_dark", "panoptic_hand", (256, 256), "dark 2",
         "hrnetv2_w18_panoptic_256x256_dark-1f1e4b74_20210330.pth",
         "CMU Panoptic HandDB val, PCKh@0.7", 99.9),
        ("mmpose_rhd2d_256_dark", "rhd", (256, 256), "dark 2",
         "hrnetv2_w18_rhd2d_256x256_dark-4df3a347_20210330.pth", "RHD test, PCK@0.2", 99.2),
    ),
    ("hrnetv2_w18", "hand/udp"): (
        ("mmpose_onehand10k_256_udp", "onehand10k", (256, 256), "udp 2",
         "hrnetv2_w18_onehand10k_256x256_udp-0d1b515d_20210330.pth", "OneHand10K val, PCK@0.2", 99.0),
        ("mmpose_panoptic_256_udp", "panoptic_hand", (256, 256), "udp 2",
         "hrnetv2_w18_panoptic_256x256_udp-f9e15948_20210330.pth", "CMU Panoptic HandDB val, PCKh@0.7", 99.8),
        ("mmpose_rhd2d_256_udp", "rhd", (256, 256), "udp 2",
         "hrnetv2_w18_rhd2d_256x256_udp-63ba6007_20210330.pth", "RHD test, PCKh@0.7", 99.2),
    ),
}
# fmt: on


def card(architecture: str, folder: str, row: PoseRow) -> ModelCard:
    """The card of one file of mmpose 0.x."""
    file = row[4]
    return pose_card(
        architecture,
        row,
        (Source(url=f"{HOST}{folder}/{file}"),),
        sha256=hash_in_name(file),
        licence=LICENCE,
        origin="https://github.com/open-mmlab/mmpose/tree/0.x",
        mmpose=True,
    )


CARDS = tuple(card(*place, row) for place, rows in ROWS.items() for row in rows)
