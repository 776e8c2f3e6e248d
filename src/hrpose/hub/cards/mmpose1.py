"""mmpose 1.x: files that were trained or published anew."""

from hrpose.hub.card import ModelCard, Source
from hrpose.hub.cards.rows import PoseRow, hash_in_name, pose_card

HOST = "https://download.openmmlab.com/mmpose/"
LICENCE = "code Apache-2.0; none stated for the file; the terms of the training data come on top"

# a table reads by its rows
# fmt: off
ROWS: dict[tuple[str, str], tuple[PoseRow, ...]] = {  # architecture, folder
    ("hrnet_w32", "v1/animal_2d_keypoint/topdown_heatmap/animal_kingdom"): (
        ("mmpose1_animalkingdom_p1_256x256", "animal_kingdom", (256, 256), "msra 2",
         "td-hm_hrnet-w32_8xb32-300e_animalkingdom_P1-256x256-08bf96cb_20230519.pth",
         "AnimalKingdom val, PCK@0.05", 63.23),
        ("mmpose1_animalkingdom_p2_256x256", "animal_kingdom", (256, 256), "msra 2",
         "td-hm_hrnet-w32_8xb32-300e_animalkingdom_P2-256x256-2396cc58_20230519.pth",
         "AnimalKingdom val, PCK@0.05", 37.41),
        ("mmpose1_animalkingdom_p3_amphibian_256x256", "animal_kingdom", (256, 256), "msra 2",
         "td-hm_hrnet-w32_8xb32-300e_animalkingdom_P3_amphibian-256x256-845085f9_20230519.pth",
         "AnimalKingdom val, PCK@0.05", 53.58),
        ("mmpose1_animalkingdom_p3_bird_256x256", "animal_kingdom", (256, 256), "msra 2",
         "td-hm_hrnet-w32_8xb32-300e_animalkingdom_P3_bird-256x256-566feff5_20230519.pth",
         "AnimalKingdom val, PCK@0.05", 76.71),
        ("mmpose1_animalkingdom_p3_fish_256x256", "animal_kingdom", (256, 256), "msra 2",
         "td-hm_hrnet-w32_8xb32-300e_animalkingdom_P3_fish-256x256-76c3999f_20230519.pth",
         "AnimalKingdom val, PCK@0.05", 64.06),
        ("mmpose1_animalkingdom_p3_mammal_256x256", "animal_kingdom", (256, 256), "msra 2",
         "td-hm_hrnet-w32_8xb32-300e_animalkingdom_P3_mammal-256x256-e8aadf02_20230519.pth",
         "AnimalKingdom val, PCK@0.05", 57.1),
        ("mmpose1_animalkingdom_p3_reptile_256x256", "animal_kingdom", (256, 256), "msra 2",
         "td-hm_hrnet-w32_8xb32-300e_animalkingdom_P3_reptile-256x256-e8440c16_20230519.pth",
         "AnimalKingdom val, PCK@0.05", 51.0),
    ),
    ("hrnet_w32", "v1/body_2d_keypoint/topdown_heatmap/coco"): (
        ("mmpose1_coco_256x192", "coco", (256, 192), "msra 2",
         "td-hm_hrnet-w32_8xb64-210e_coco-256x192-81c58e40_20220909.pth",
         "COCO val2017, AP, detector boxes", 74.9),
        ("mmpose1_coco_256x192_dark", "coco", (256, 192), "dark 2",
         "td-hm_hrnet-w32_dark-8xb64-210e_coco-256x192-0e00bf12_20220914.pth",
         "COCO val2017, AP, detector boxes", 75.7),
        ("mmpose1_coco_256x192_fp16", "coco", (256, 192), "msra 2",
         "td-hm_hrnet-w32_fp16-8xb64-210e_coco-256x192-f1e84e3b_20220914.pth",
         "COCO val2017, AP, detector boxes", 74.9),
        ("mmpose1_coco_256x192_udp", "coco", (256, 192), "udp 2",
         "td-hm_hrnet-w32_udp-8xb64-210e_coco-256x192-73ede547_20220914.pth",
         "COCO val2017, AP, detector boxes", 76.2),
        ("mmpose1_coco_256x192_udp_regress", "coco", (256, 192), "udp_offset",
         "td-hm_hrnet-w32_udp-regress-8xb64-210e_coco-256x192-9c0b77b4_20220926.pth",
         "COCO val2017, AP, detector boxes", 75.9),
        ("mmpose1_coco_384x288", "coco", (384, 288), "msra 3",
         "td-hm_hrnet-w32_8xb64-210e_coco-384x288-ca5956af_20220909.pth",
         "COCO val2017, AP, detector boxes", 76.1),
        ("mmpose1_coco_384x288_dark", "coco", (384, 288), "dark 3",
         "td-hm_hrnet-w32_dark-8xb64-210e_coco-384x288-9bab4c9b_20220917.pth",
         "COCO val2017, AP, detector boxes", 76.6),
        ("mmpose1_coco_384x288_udp", "coco", (384, 288), "udp 3",
         "td-hm_hrnet-w32_udp-8xb64-210e_coco-384x288-9a3f7c85_20220914.pth",
         "COCO val2017, AP, detector boxes", 76.8),
        ("mmpose1_coco_aic_combine_256x192", "coco_aic", (256, 192), "msra 2",
         "td-hm_hrnet-w32_8xb64-210e_coco-aic-256x192-combine-458125cc_20230818.pth",
         "COCO val2017, AP, detector boxes", 75.5),
        ("mmpose1_coco_aic_combine_256x192_20221026", "coco_aic", (256, 192), "msra 2",
         "td-hm_hrnet-w32_8xb64-210e_coco-aic-256x192-combine-4ce66880_20221026.pth", "COCO, AP", 75.6),
        ("mmpose1_coco_aic_merge_256x192", "coco", (256, 192), "msra 2",
         "td-hm_hrnet-w32_8xb64-210e_coco-aic-256x192-merge-a9ea6d77_20230818.pth",
         "COCO val2017, AP, detector boxes", 75.6),
        ("mmpose1_coco_aic_merge_256x192_20221025", "coco", (256, 192), "msra 2",
         "td-hm_hrnet-w32_8xb64-210e_coco-aic-256x192-merge-b05435b9_20221025.pth", "COCO, AP", 75.7),
    ),
    ("hrnet_w32", "v1/body_2d_keypoint/topdown_heatmap/exlpose"): (
        ("mmpose1_exlpose_ll_256x192", "exlpose", (256, 192), "msra 2",
         "td-hm_hrnet-w32_8xb64-210e_exlpose-ll-256x192.pth",
         "ExLPose-LLA val, AP, ground truth boxes", 40.1),
    ),
    ("hrnet_w32", "v1/body_2d_keypoint/topdown_heatmap/human_art"): (
        ("mmpose1_humanart_256x192", "human_art", (256, 192), "msra 2",
         "td-hm_hrnet-w32_8xb64-210e_humanart-256x192-0773ef0b_20230614.pth",
         "Human-Art val, AP, detector boxes", 39.9),
    ),
    ("hrnet_w32", "v1/wholebody_2d_keypoint/ubody"): (
        ("mmpose1_ubody_coco_256x192", "ubody", (256, 192), "msra 2",
         "td-hm_hrnet-w32_8xb64-210e_ubody-coco-256x192-7c227391_20230807.pth",
         "COCO-WholeBody v1.0 val, Whole_AP, detector boxes", 54.9),
    ),
    ("hrnet_w48", "v1/body_2d_keypoint/topdown_heatmap/coco"): (
        ("mmpose1_coco_256x192", "coco", (256, 192), "msra 2",
         "td-hm_hrnet-w48_8xb32-210e_coco-256x192-0e67c616_20220913.pth",
         "COCO val2017, AP, detector boxes", 75.6),
        ("mmpose1_coco_256x192_dark", "coco", (256, 192), "dark 2",
         "td-hm_hrnet-w48_dark-8xb32-210e_coco-256x192-e1ebdd6f_20220913.pth",
         "COCO val2017, AP, detector boxes", 76.4),
        ("mmpose1_coco_256x192_udp", "coco", (256, 192), "udp 2",
         "td-hm_hrnet-w48_udp-8xb32-210e_coco-256x192-3feaef8f_20220913.pth",
         "COCO val2017, AP, detector boxes", 76.8),
        ("mmpose1_coco_384x288", "coco", (384, 288), "msra 3",
         "td-hm_hrnet-w48_8xb32-210e_coco-384x288-c161b7de_20220915.pth",
         "COCO val2017, AP, detector boxes", 76.7),
        ("mmpose1_coco_384x288_dark", "coco", (384, 288), "dark 3",
         "td-hm_hrnet-w48_dark-8xb32-210e_coco-384x288-39c3c381_20220916.pth",
         "COCO val2017, AP, detector boxes", 77.2),
        ("mmpose1_coco_384x288_udp", "coco", (384, 288), "udp 3",
         "td-hm_hrnet-w48_udp-8xb32-210e_coco-384x288-70d7ab01_20220913.pth",
         "COCO val2017, AP, detector boxes", 77.3),
    ),
    ("hrnet_w48", "v1/fashion_2d_keypoint/topdown_heatmap/deepfashion"): (
        ("mmpose1_deepfashion_full_256x192_udp", "deepfashion_full", (256, 192), "udp 2",
         "td-hm_hrnet-w48_udp_8xb32-210e_deepfashion_full-256x192-7ab504c7_20230810.pth",
         "DeepFashion val, PCK@0.2", 98.3),
        ("mmpose1_deepfashion_lower_256x192_udp", "deepfashion_lower", (256, 192), "udp 2",
         "td-hm_hrnet-w48_udp_8xb32-210e_deepfashion_lower-256x192-ddaf747d_20230810.pth",
         "DeepFashion val, PCK@0.2", 97.8),
        ("mmpose1_deepfashion_upper_256x192_udp", "deepfashion_upper", (256, 192), "udp 2",
         "td-hm_hrnet-w48_udp_8xb32-210e_deepfashion_upper-256x192-de7c0eb1_20230810.pth",
         "DeepFashion val, PCK@0.2", 96.1),
    ),
    ("hrnet_w48", "v1/body_2d_keypoint/topdown_heatmap/human_art"): (
        ("mmpose1_humanart_256x192", "human_art", (256, 192), "msra 2",
         "td-hm_hrnet-w48_8xb32-210e_humanart-256x192-05178983_20230614.pth",
         "Human-Art val, AP, detector boxes", 41.7),
    ),
    ("hrnetv2_w18", "v1/face_2d_keypoint/topdown_heatmap/300wlp"): (
        ("mmpose1_300wlp_256", "300wlp", (256, 256), "msra 1.5",
         "hrnetv2_w18_300wlp_256x256-fb433d21_20230922.pth", "300W-LP, NME_test", 0.04125),
    ),
}
# fmt: on

MIRRORS = {  # copies in Spaces of the Hub, which may go at any time
    "td-hm_hrnet-w48_8xb32-210e_coco-256x192-0e67c616_20220913.pth": (
        ("ChrisGrant/mmpose-webui", "mmpose/td-hm_hrnet-w48_8xb32-210e_coco-256x192-0e67c616_20220913.pth"),
        ("SokWith/mmpose-webui", "mmpose/td-hm_hrnet-w48_8xb32-210e_coco-256x192-0e67c616_20220913.pth"),
    ),
}


def card(architecture: str, folder: str, row: PoseRow) -> ModelCard:
    """The card of one file of mmpose 1.x."""
    file = row[4]
    spaces = tuple(Source(repo=repo, file=path, repo_type="space") for repo, path in MIRRORS.get(file, ()))
    return pose_card(
        architecture,
        row,
        (Source(url=f"{HOST}{folder}/{file}"), *spaces),
        sha256=hash_in_name(file),
        licence=LICENCE,
        origin="https://github.com/open-mmlab/mmpose/tree/main",
        mmpose=True,
    )


CARDS = tuple(card(*place, row) for place, rows in ROWS.items() for row in rows)
