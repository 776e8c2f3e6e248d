"""mmpose 0.x: bodies and whole bodies (some of these files are listed by 1.x as well)."""

from hrpose.hub.card import ModelCard, Source
from hrpose.hub.cards.rows import PoseRow, hash_in_name, pose_card

HOST = "https://download.openmmlab.com/mmpose/"
LICENCE = "code Apache-2.0; none stated for the file; the terms of the training data come on top"

# a table reads by its rows
# fmt: off
ROWS: dict[tuple[str, str], tuple[PoseRow, ...]] = {  # architecture, folder
    ("hrnet_w32", "top_down/hrnet"): (
        ("mmpose_aic_256x192", "aic", (256, 192), "msra 2",
         "hrnet_w32_aic_256x192-30a4e465_20200826.pth", "AI Challenger val, AP, ground truth boxes", 32.3),
        ("mmpose_coco_256x192", "coco", (256, 192), "msra 2",
         "hrnet_w32_coco_256x192-c78dce93_20200708.pth", "COCO val2017, AP, detector boxes", 74.6),
        ("mmpose_coco_256x192_dark", "coco", (256, 192), "dark 2",
         "hrnet_w32_coco_256x192_dark-07f147eb_20200812.pth", "COCO val2017, AP, detector boxes", 75.7),
        ("mmpose_coco_256x192_fp16_dynamic", "coco", (256, 192), "msra 2",
         "hrnet_w32_coco_256x192_fp16_dynamic-290efc2e_20210430.pth",
         "COCO val2017, AP, detector boxes", 74.6),
        ("mmpose_coco_384x288", "coco", (384, 288), "msra 3",
         "hrnet_w32_coco_384x288-d9f0d786_20200708.pth", "COCO val2017, AP, detector boxes", 76.0),
        ("mmpose_coco_384x288_dark", "coco", (384, 288), "dark 3",
         "hrnet_w32_coco_384x288_dark-307dafc2_20210203.pth", "COCO val2017, AP, detector boxes", 76.6),
        ("mmpose_coco_384x288_dark_20200812", "coco", (384, 288), "dark 3",
         "hrnet_w32_coco_384x288_dark-459422a4_20200812.pth", "COCO val2017, AP, detector boxes", 76.7),
        ("mmpose_coco_wholebody_256x192", "coco_wholebody", (256, 192), "msra 2",
         "hrnet_w32_coco_wholebody_256x192-853765cd_20200918.pth",
         "COCO-WholeBody v1.0 val, Whole_AP, detector boxes", 55.3),
        ("mmpose_coco_wholebody_256x192_dark", "coco_wholebody", (256, 192), "dark 2",
         "hrnet_w32_coco_wholebody_256x192_dark-469327ef_20200922.pth",
         "COCO-WholeBody v1.0 val, Whole_AP, detector boxes", 58.2),
        ("mmpose_coco_wholebody_384x288", "coco_wholebody", (384, 288), "msra 3",
         "hrnet_w32_coco_wholebody_384x288-78cacac3_20200922.pth",
         "COCO-WholeBody v1.0 val, Whole_AP, detector boxes", 58.6),
        ("mmpose_crowdpose_256x192", "crowdpose", (256, 192), "msra 2",
         "hrnet_w32_crowdpose_256x192-960be101_20201227.pth", "CrowdPose test, AP, detector boxes", 67.5),
        ("mmpose_h36m_256x256", "h36m", (256, 256), "msra 2",
         "hrnet_w32_h36m_256x256-d3206675_20210621.pth", "Human3.6M test (2D), PCK", 91.1),
        ("mmpose_mpii_256x256", "mpii", (256, 256), "msra 2",
         "hrnet_w32_mpii_256x256-6c4f923f_20200812.pth", "MPII val, Mean", 90.0),
        ("mmpose_mpii_256x256_dark", "mpii", (256, 256), "dark 2",
         "hrnet_w32_mpii_256x256_dark-f1601c5b_20200927.pth", "MPII val, Mean", 90.4),
        ("mmpose_posetrack18_256x192", "posetrack18", (256, 192), "msra 2",
         "hrnet_w32_posetrack18_256x192-1ee951c4_20201028.pth",
         "PoseTrack18 val, Total, ground truth boxes", 83.0),
        ("mmpose_posetrack18_384x288", "posetrack18", (384, 288), "msra 3",
         "hrnet_w32_posetrack18_384x288-806f00a3_20211130.pth",
         "PoseTrack18 val, Total, ground truth boxes", 83.6),
    ),
    ("hrnet_w32", "top_down/augmentation"): (
        ("mmpose_coco_256x192_coarsedropout", "coco", (256, 192), "msra 2",
         "hrnet_w32_coco_256x192_coarsedropout-0f16a0ce_20210320.pth",
         "COCO val2017, AP, detector boxes", 75.3),
        ("mmpose_coco_256x192_gridmask", "coco", (256, 192), "msra 2",
         "hrnet_w32_coco_256x192_gridmask-868180df_20210320.pth", "COCO val2017, AP, detector boxes", 75.2),
        ("mmpose_coco_256x192_photometric", "coco", (256, 192), "msra 2",
         "hrnet_w32_coco_256x192_photometric-308cf591_20210320.pth",
         "COCO val2017, AP, detector boxes", 75.3),
    ),
    ("hrnet_w32", "top_down/udp"): (
        ("mmpose_coco_256x192_udp", "coco", (256, 192), "udp 2",
         "hrnet_w32_coco_256x192_udp-aba0be42_20210220.pth", "COCO val2017, AP, detector boxes", 76.0),
        ("mmpose_coco_256x192_udp_20210104", "coco", (256, 192), "udp 2",
         "hrnet_w32_coco_256x192_udp-b96728a7_20210104.pth", "COCO val2017, AP, detector boxes", 75.8),
        ("mmpose_coco_256x192_udp_regress", "coco", (256, 192), "udp_offset",
         "hrnet_w32_coco_256x192_udp_regress-be2dbba4_20210222.pth",
         "COCO val2017, AP, detector boxes", 75.8),
        ("mmpose_coco_256x192_udp_regress_20210104", "coco", (256, 192), "udp_offset",
         "hrnet_w32_coco_256x192_udp_regress-b26ea62f_20210104.pth",
         "COCO val2017, AP, detector boxes", 76.0),
        ("mmpose_coco_384x288_udp", "coco", (384, 288), "udp 3",
         "hrnet_w32_coco_384x288_udp-e97c1a0f_20210223.pth", "COCO val2017, AP, detector boxes", 76.9),
    ),
    ("hrnet_w48", "top_down/hrnet"): (
        ("mmpose_coco_256x192", "coco", (256, 192), "msra 2",
         "hrnet_w48_coco_256x192-b9e0b3ab_20200708.pth", "COCO val2017, AP, detector boxes", 75.6),
        ("mmpose_coco_256x192_dark", "coco", (256, 192), "dark 2",
         "hrnet_w48_coco_256x192_dark-8cba3197_20200812.pth", "COCO val2017, AP, detector boxes", 76.4),
        ("mmpose_coco_384x288", "coco", (384, 288), "msra 3",
         "hrnet_w48_coco_384x288-314c8528_20200708.pth", "COCO val2017, AP, detector boxes", 76.7),
        ("mmpose_coco_384x288_dark", "coco", (384, 288), "dark 3",
         "hrnet_w48_coco_384x288_dark-e881a4b6_20210203.pth", "COCO val2017, AP, detector boxes", 77.2),
        ("mmpose_coco_384x288_dark_20200812", "coco", (384, 288), "dark 3",
         "hrnet_w48_coco_384x288_dark-741844ba_20200812.pth", "COCO val2017, AP, detector boxes", 77.3),
        ("mmpose_coco_wholebody_256x192", "coco_wholebody", (256, 192), "msra 2",
         "hrnet_w48_coco_wholebody_256x192-643e18cb_20200922.pth",
         "COCO-WholeBody v1.0 val, Whole_AP, detector boxes", 57.9),
        ("mmpose_coco_wholebody_384x288", "coco_wholebody", (384, 288), "msra 3",
         "hrnet_w48_coco_wholebody_384x288-6e061c6a_20200922.pth",
         "COCO-WholeBody v1.0 val, Whole_AP, detector boxes", 63.1),
        ("mmpose_coco_wholebody_384x288_dark", "coco_wholebody", (384, 288), "dark 3",
         "hrnet_w48_coco_wholebody_384x288_dark-f5726563_20200918.pth",
         "COCO-WholeBody v1.0 val, Whole_AP, detector boxes", 66.1),
        ("mmpose_h36m_256x256", "h36m", (256, 256), "msra 2",
         "hrnet_w48_h36m_256x256-78e88d08_20210621.pth", "Human3.6M test (2D), PCK", 93.2),
        ("mmpose_halpe_384x288_dark_plus", "halpe", (384, 288), "dark 3",
         "hrnet_w48_halpe_384x288_dark_plus-d13c2588_20211021.pth",
         "Halpe v1.0 val, Whole_AP, detector boxes", 52.7),
        ("mmpose_mpii_256x256", "mpii", (256, 256), "msra 2",
         "hrnet_w48_mpii_256x256-92cab7bd_20200812.pth", "MPII val, Mean", 90.1),
        ("mmpose_mpii_256x256_dark", "mpii", (256, 256), "dark 2",
         "hrnet_w48_mpii_256x256_dark-0decd39f_20200927.pth", "MPII val, Mean", 90.5),
        ("mmpose_posetrack18_256x192", "posetrack18", (256, 192), "msra 2",
         "hrnet_w48_posetrack18_256x192-b5d9b3f1_20211130.pth",
         "PoseTrack18 val, Total, ground truth boxes", 84.4),
        ("mmpose_posetrack18_384x288", "posetrack18", (384, 288), "msra 3",
         "hrnet_w48_posetrack18_384x288-5fd6d3ff_20211130.pth",
         "PoseTrack18 val, Total, ground truth boxes", 84.5),
    ),
    ("hrnet_w48", "top_down/udp"): (
        ("mmpose_coco_256x192_udp", "coco", (256, 192), "udp 2",
         "hrnet_w48_coco_256x192_udp-2554c524_20210223.pth", "COCO val2017, AP, detector boxes", 76.7),
        ("mmpose_coco_384x288_udp", "coco", (384, 288), "udp 3",
         "hrnet_w48_coco_384x288_udp-0f89c63e_20210223.pth", "COCO val2017, AP, detector boxes", 77.2),
    ),
}
# fmt: on

MIRRORS = {  # copies in Spaces of the Hub, which may go at any time
    "hrnet_w48_coco_256x192-b9e0b3ab_20200708.pth": (
        ("jonigata/PoseMaker2", "hrnet_w48_coco_256x192-b9e0b3ab_20200708.pth"),
        ("Source4/yuan", "hrnet_w48_coco_256x192-b9e0b3ab_20200708.pth"),
        ("test1444/test_mmpose", "hrnet_w48_coco_256x192-b9e0b3ab_20200708.pth"),
        ("test1444/Pose_Video", "hrnet_w48_coco_256x192-b9e0b3ab_20200708.pth"),
        ("YueMafighting/mmpose-estimation", "hrnet_w48_coco_256x192-b9e0b3ab_20200708.pth"),
    ),
}


def card(architecture: str, folder: str, row: PoseRow) -> ModelCard:
    """The card of one file of mmpose 0.x."""
    file = row[4]
    spaces = tuple(Source(repo=repo, file=path, repo_type="space") for repo, path in MIRRORS.get(file, ()))
    return pose_card(
        architecture,
        row,
        (Source(url=f"{HOST}{folder}/{file}"), *spaces),
        sha256=hash_in_name(file),
        licence=LICENCE,
        origin="https://github.com/open-mmlab/mmpose/tree/0.x",
        mmpose=True,
    )


CARDS = tuple(card(*place, row) for place, rows in ROWS.items() for row in rows)
