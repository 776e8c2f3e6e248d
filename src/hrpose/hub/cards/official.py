"""The authors' own pose files: HRNet, DarkPose, UDP, HRNetV2 faces. Most lie on drives for people only."""

from collections.abc import Sequence

from hrpose.hub.card import ModelCard, Source
from hrpose.hub.cards.rows import PoseRow, pose_card

LICENCE = "repository MIT; none stated for the file; the terms of the training data come on top"
PERMISSIVE = "repository Apache-2.0; none stated for the file; the terms of the training data come on top"
HRNET = "https://github.com/leoxiaobin/deep-high-resolution-net.pytorch"
DARKPOSE = "https://github.com/ilovepose/DarkPose"
UDP_POSE = "https://github.com/HuangJunJie2017/UDP-Pose"
FACES = "https://github.com/HRNet/HRNet-Facial-Landmark-Detection"
HRNET_DRIVE = Source(page="https://drive.google.com/drive/folders/1hOTihvbyIxsm5ygDpbUuJ7O_tzv4oXjC")
DARK_DRIVE = Source(page="https://drive.google.com/drive/folders/14kAA1zXuKODYgrRiQmKnVcipbY7RedVV")
QUALCOMM = "https://qaihub-public-assets.s3.us-west-2.amazonaws.com/qai-hub-models/models"
COCO_AP = "COCO val2017, AP, detector boxes"

# a table reads by its rows
# fmt: off
HRNET_ROWS: tuple[tuple[str, PoseRow], ...] = (
    ("hrnet_w32",
     ("coco_256x192", "coco", (256, 192), "msra 2", "pose_hrnet_w32_256x192.pth", COCO_AP, 74.4)),
    ("hrnet_w32",
     ("coco_384x288", "coco", (384, 288), "msra 3", "pose_hrnet_w32_384x288.pth", COCO_AP, 75.8)),
    ("hrnet_w48",
     ("coco_256x192", "coco", (256, 192), "msra 2", "pose_hrnet_w48_256x192.pth", COCO_AP, 75.1)),
    ("hrnet_w48",
     ("coco_384x288", "coco", (384, 288), "msra 3", "pose_hrnet_w48_384x288.pth", COCO_AP, 76.3)),
    ("hrnet_w32",
     ("mpii_256x256", "mpii", (256, 256), "msra 2", "pose_hrnet_w32_256x256.pth", "MPII val, PCKh", 90.3)),
    ("hrnet_w48", ("mpii_256x256", "mpii", (256, 256), "msra 2", "pose_hrnet_w48_256x256.pth", "", None)),
)
DARK_ROWS: tuple[tuple[str, PoseRow], ...] = (
    ("hrnet_w32", ("coco_128x96_dark", "coco", (128, 96), "dark 1", "", COCO_AP, 70.7)),
    ("hrnet_w48", ("coco_128x96_dark", "coco", (128, 96), "dark 1", "", COCO_AP, 71.9)),
    ("hrnet_w32", ("coco_256x192_dark", "coco", (256, 192), "dark 2", "", COCO_AP, 75.6)),
    ("hrnet_w32", ("coco_384x288_dark", "coco", (384, 288), "dark 3", "", COCO_AP, 76.6)),
    ("hrnet_w48", ("coco_384x288_dark", "coco", (384, 288), "dark 3", "", COCO_AP, 76.8)),
    ("hrnet_w32", ("mpii_256x256_dark", "mpii", (256, 256), "dark 2", "", "MPII val, PCKh", 90.6)),
)
UDP_ROWS: tuple[tuple[str, PoseRow], ...] = (
    ("hrnet_w32", ("coco_256x192_udp", "coco", (256, 192), "udp_offset", "", COCO_AP, 76.8)),
    ("hrnet_w32", ("coco_256x192_udpv1", "coco", (256, 192), "udp_offset", "", COCO_AP, 77.2)),
    ("hrnet_w32", ("coco_256x192_udpv1_aid", "coco", (256, 192), "udp_offset", "", COCO_AP, 77.9)),
    ("hrnet_w32", ("coco_384x288_udp", "coco", (384, 288), "udp_offset", "", COCO_AP, 77.8)),
    ("hrnet_w48", ("coco_256x192_udp", "coco", (256, 192), "udp_offset", "", COCO_AP, 77.2)),
    ("hrnet_w48", ("coco_384x288_udp", "coco", (384, 288), "udp_offset", "", COCO_AP, 77.8)),
)
FACE_ROWS: tuple[tuple[str, PoseRow], ...] = (  # OneDrive link, row
    ("AiWjZ1LamlxzdFIsEUQl8jgUaMk",
     ("cofw_256", "cofw", (256, 256), "face 1.5", "HR18-COFW.pth", "COFW test, NME", 3.45)),
    ("AiWjZ1Lamlxzc7xumEw810iBLTc",
     ("aflw_256", "aflw", (256, 256), "face 1.5", "HR18-AFLW.pth", "AFLW full, NME", 1.57)),
    ("AiWjZ1LamlxzdTsr_9QZCwJsn5U",
     ("wflw_256", "wflw", (256, 256), "face 1.5", "HR18-WFLW.pth", "WFLW test, NME", 4.6)),
    ("AiWjZ1LamlxzeYLmza1XU-4WhnQ",
     ("300w_256", "face_300w", (256, 256), "face 1", "HR18-300W.pth", "300W full, NME", 3.34)),
)
SHA256 = {
    "pose_hrnet_w32_256x192.pth": "19bc083708bb8d873211e50d85d56344c10290c6e8b564c813fdde09645c4c1c",
    "pose_hrnet_w48_384x288.pth": "95e0fec3194826d5e3f806ea89be68bbb84517b114c3a32b3058c56610b5ef61",
}
# fmt: on

MIRRORS: dict[str, tuple[Source, ...]] = {  # copies by others; LibreYOLO's hold the same tensors in a wrapper
    "pose_hrnet_w32_256x192.pth": (
        Source(
            repo="LibreYOLO/LibreHRNetw32-pose",
            file="LibreHRNetw32-pose.pt",
            revision="5a92f7f31751a74518f2d73024a96f851c9763cb",
            sha256="c9d8eb383e63ce795f87a3ee2f2b0c8aa0df9bae981573ec4b3909d63815a825",
        ),
        Source(repo="Prophetetc/cocopose", file="pose_hrnet_w32_256x192.pth"),
    ),
    "pose_hrnet_w32_384x288.pth": (Source(repo="Prophetetc/cocopose", file="pose_hrnet_w32_384x288.pth"),),
    "pose_hrnet_w48_256x192.pth": (Source(repo="Prophetetc/cocopose", file="pose_hrnet_w48_256x192.pth"),),
    "pose_hrnet_w48_384x288.pth": (
        Source(
            repo="LibreYOLO/LibreHRNetw48-pose",
            file="LibreHRNetw48-pose.pt",
            revision="93cff5a34743fc57cd3f2831ec7330810e0fde68",
            sha256="ab85504f323c43babdcbed6550f759d323efd0ffc284a0593043e108cd3c4df5",
        ),
        Source(repo="Prophetetc/cocopose", file="pose_hrnet_w48_384x288.pth"),
        Source(
            repo="Nekochu/Models", file="VirtualMarker/models/pytorch/pose_coco/pose_hrnet_w48_384x288.pth"
        ),
    ),
    "pose_hrnet_w32_256x256.pth": (Source(url=f"{QUALCOMM}/hrnet_pose/v2/pose_hrnet_w32_256x256.pth"),),
    "HR18-COFW.pth": (Source(url=f"{QUALCOMM}/hrnet_face/v1/HR18-COFW.pth"),),
}
ASSUMED = "the number of maps follows the paper; the file was not seen"


def hrnet_card(architecture: str, row: PoseRow) -> ModelCard:
    """The card of a file of the HRNet repository."""
    file = row[4]
    sources = (*MIRRORS.get(file, ()), HRNET_DRIVE)
    sha256 = SHA256.get(file)
    return pose_card(architecture, row, sources, sha256=sha256, licence=LICENCE, origin=HRNET)


def drive_card(
    architecture: str, row: PoseRow, *, pages: Sequence[Source], origin: str, notes: str = ""
) -> ModelCard:
    """The card of a file that only a drive has, under a name that no page states."""
    return pose_card(architecture, row, pages, sha256=None, licence=PERMISSIVE, origin=origin, notes=notes)


def face_card(link: str, row: PoseRow) -> ModelCard:
    """The card of a file of the face repository."""
    sources = (*MIRRORS.get(row[4], ()), Source(page=f"https://1drv.ms/u/s!{link}"))
    momentum = 0.01  # as in the face code
    return pose_card(
        "hrnetv2_w18", row, sources, sha256=None, licence=LICENCE, origin=FACES, bn_momentum=momentum
    )


CARDS = (
    *(hrnet_card(*row) for row in HRNET_ROWS),
    *(drive_card(*row, pages=(DARK_DRIVE,), origin=DARKPOSE) for row in DARK_ROWS),
    *(drive_card(*row, pages=(Source(page=UDP_POSE),), origin=UDP_POSE, notes=ASSUMED) for row in UDP_ROWS),
    *(face_card(*row) for row in FACE_ROWS),
)
