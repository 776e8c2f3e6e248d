"""Skeletons of animals. Names are those of each data set's own annotation files."""

from hrpose.skeletons.skeleton import Skeleton, chains, mirror_pairs, names

_AP10K_NAMES = names(
    "left_eye right_eye nose neck root_of_tail",
    "left_shoulder left_elbow left_front_paw right_shoulder right_elbow right_front_paw",
    "left_hip left_knee left_back_paw right_hip right_knee right_back_paw",
)

AP10K = Skeleton(
    name="ap10k",
    keypoints=_AP10K_NAMES,
    mirror=mirror_pairs(_AP10K_NAMES),
    links=chains(
        "left_eye right_eye nose left_eye",
        "nose neck root_of_tail",
        "neck left_shoulder left_elbow left_front_paw",
        "neck right_shoulder right_elbow right_front_paw",
        "root_of_tail left_hip left_knee left_back_paw",
        "root_of_tail right_hip right_knee right_back_paw",
    ),
    sigmas=(
        *(0.025, 0.025, 0.026, 0.035, 0.035),
        *(0.079, 0.072, 0.062, 0.079, 0.072, 0.062),
        *(0.107, 0.087, 0.089, 0.107, 0.087, 0.089),
    ),
    upper_body=(*_AP10K_NAMES[:4], *_AP10K_NAMES[5:11]),
)

_ANIMAL_POSE_HEAD = names("L_Eye R_Eye L_EarBase R_EarBase Nose Throat")
_ANIMAL_POSE_NAMES = _ANIMAL_POSE_HEAD + names(
    "TailBase Withers L_F_Elbow R_F_Elbow L_B_Elbow R_B_Elbow L_F_Knee R_F_Knee L_B_Knee R_B_Knee",
    "L_F_Paw R_F_Paw L_B_Paw R_B_Paw",
)

ANIMAL_POSE = Skeleton(
    name="animal_pose",
    keypoints=_ANIMAL_POSE_NAMES,
    mirror=mirror_pairs(_ANIMAL_POSE_NAMES),
    links=chains(
        "R_EarBase R_Eye L_Eye L_EarBase",
        "L_Eye Nose R_Eye",
        "Nose Throat Withers TailBase",
        "Throat L_F_Elbow L_F_Knee L_F_Paw",
        "Throat R_F_Elbow R_F_Knee R_F_Paw",
        "TailBase L_B_Elbow L_B_Knee L_B_Paw",
        "TailBase R_B_Elbow R_B_Knee R_B_Paw",
    ),
    sigmas=(
        *(0.025, 0.025, 0.026, 0.035, 0.035, 0.1, 0.1, 0.1),
        *(0.107, 0.107, 0.107, 0.107, 0.087, 0.087, 0.087, 0.087, 0.089, 0.089, 0.089, 0.089),
    ),
    upper_body=(
        *(*_ANIMAL_POSE_HEAD, "Withers"),
        *names("L_F_Elbow R_F_Elbow L_F_Knee R_F_Knee L_F_Paw R_F_Paw"),
    ),
)

# near and far legs are told apart by the camera, not by the horse: mirroring swaps none
HORSE10 = Skeleton(
    name="horse10",
    keypoints=names(
        "Nose Eye Nearknee Nearfrontfetlock Nearfrontfoot Offknee Offfrontfetlock Offfrontfoot",
        "Shoulder Midshoulder Elbow Girth Wither Nearhindhock Nearhindfetlock Nearhindfoot",
        "Hip Stifle Offhindhock Offhindfetlock Offhindfoot Ischium",
    ),
    links=chains(
        "Nose Eye Wither Hip Ischium Stifle Girth Elbow Shoulder Midshoulder Wither",
        "Nearknee Nearfrontfetlock Nearfrontfoot",
        "Offknee Offfrontfetlock Offfrontfoot",
        "Nearhindhock Nearhindfetlock Nearhindfoot",
        "Offhindhock Offhindfetlock Offhindfoot",
    ),
    upper_body=names(
        "Nose Eye Nearknee Nearfrontfetlock Nearfrontfoot Offknee Offfrontfetlock Offfrontfoot",
        "Shoulder Midshoulder Elbow Girth Wither",
    ),
)

_ATRW_NAMES = names(
    "left_ear right_ear nose right_shoulder right_front_paw left_shoulder left_front_paw",
    "right_hip right_knee right_back_paw left_hip left_knee left_back_paw tail center",
)

ATRW = Skeleton(
    name="atrw",
    keypoints=_ATRW_NAMES,
    mirror=mirror_pairs(_ATRW_NAMES),
    links=chains(
        "left_ear nose right_ear",
        "nose center tail",
        "left_front_paw left_shoulder center right_shoulder right_front_paw",
        "right_back_paw right_knee right_hip tail left_hip left_knee left_back_paw",
    ),
    sigmas=(
        *(0.0277, 0.0823, 0.0831, 0.0202, 0.0716, 0.0263, 0.0646, 0.0302),
        *(0.0440, 0.0316, 0.0333, 0.0547, 0.0263, 0.0683, 0.0539),
    ),
    upper_body=_ATRW_NAMES[:7],
)

_KINGDOM_UPPER = names(
    "Head_Mid_Top Eye_Left Eye_Right Mouth_Front_Top Mouth_Back_Left Mouth_Back_Right Mouth_Front_Bottom",
    "Shoulder_Left Shoulder_Right Elbow_Left Elbow_Right Wrist_Left Wrist_Right Torso_Mid_Back",
)
_KINGDOM_LOWER = names(
    "Hip_Left Hip_Right Knee_Left Knee_Right Ankle_Left Ankle_Right Tail_Top_Back Tail_Mid_Back Tail_End_Back"
)

ANIMAL_KINGDOM = Skeleton(
    name="animal_kingdom",
    keypoints=_KINGDOM_UPPER + _KINGDOM_LOWER,
    mirror=mirror_pairs(_KINGDOM_UPPER + _KINGDOM_LOWER),
    links=chains(
        "Eye_Left Head_Mid_Top Eye_Right",
        "Mouth_Front_Top Mouth_Back_Left Mouth_Front_Bottom Mouth_Back_Right Mouth_Front_Top",
        "Head_Mid_Top Torso_Mid_Back Tail_Top_Back Tail_Mid_Back Tail_End_Back",
        "Wrist_Left Elbow_Left Shoulder_Left Head_Mid_Top Shoulder_Right Elbow_Right Wrist_Right",
        "Ankle_Left Knee_Left Hip_Left Tail_Top_Back Hip_Right Knee_Right Ankle_Right",
    ),
    sigmas=(0.025,) * 23,
    upper_body=_KINGDOM_UPPER,
)

_QUADRUPED_NAMES = names(
    "nose upper_jaw lower_jaw mouth_end_right mouth_end_left",
    "right_eye right_earbase right_earend right_antler_base right_antler_end",
    "left_eye left_earbase left_earend left_antler_base left_antler_end",
    "neck_base neck_end throat_base throat_end back_base back_end back_middle tail_base tail_end",
    "front_left_thai front_left_knee front_left_paw front_right_thai front_right_knee front_right_paw",
    "back_left_paw back_left_thai back_right_thai back_left_knee back_right_knee back_right_paw",
    "belly_bottom body_middle_right body_middle_left",
)

SUPERANIMAL_QUADRUPED = Skeleton(
    name="superanimal_quadruped",
    keypoints=_QUADRUPED_NAMES,
    mirror=mirror_pairs(_QUADRUPED_NAMES),
    links=chains(
        "left_earend left_earbase left_eye nose right_eye right_earbase right_earend",
        "left_earbase left_antler_base left_antler_end",
        "right_earbase right_antler_base right_antler_end",
        "mouth_end_left upper_jaw mouth_end_right lower_jaw mouth_end_left",
        "nose neck_base neck_end back_base back_middle back_end tail_base tail_end",
        "lower_jaw throat_base throat_end",
        "throat_end front_left_thai front_left_knee front_left_paw",
        "throat_end front_right_thai front_right_knee front_right_paw",
        "back_end back_left_thai back_left_knee back_left_paw",
        "back_end back_right_thai back_right_knee back_right_paw",
        "body_middle_left belly_bottom body_middle_right",
    ),
)

_MOUSE_NAMES = names(
    "nose left_ear right_ear left_ear_tip right_ear_tip left_eye right_eye neck",
    "mid_back mouse_center mid_backend mid_backend2 mid_backend3",
    "tail_base tail1 tail2 tail3 tail4 tail5",
    "left_shoulder left_midside left_hip right_shoulder right_midside right_hip tail_end head_midpoint",
)

SUPERANIMAL_TOPVIEWMOUSE = Skeleton(
    name="superanimal_topviewmouse",
    keypoints=_MOUSE_NAMES,
    mirror=mirror_pairs(_MOUSE_NAMES),
    links=chains(
        "nose head_midpoint neck mid_back mouse_center mid_backend mid_backend2 mid_backend3 tail_base",
        "tail_base tail1 tail2 tail3 tail4 tail5 tail_end",
        "left_ear_tip left_ear head_midpoint right_ear right_ear_tip",
        "left_eye nose right_eye",
        "neck left_shoulder left_midside left_hip tail_base",
        "neck right_shoulder right_midside right_hip tail_base",
    ),
)
