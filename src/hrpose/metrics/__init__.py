"""How good points and masks are: OKS, COCO AP, mask AP, PCK and PCKh, AUC, NME and EPE."""

from hrpose.metrics.coco import coco_ap, crowdpose_ap
from hrpose.metrics.masks import mask_ap, mask_results
from hrpose.metrics.mpii import mpii_parts, mpii_pckh
from hrpose.metrics.nms import box_nms
from hrpose.metrics.oks import oks, oks_nms, pose_similarity, soft_oks_nms
from hrpose.metrics.pck import Accuracy, HeatmapAccuracy, auc, epe, heatmap_accuracy, nme, pck
from hrpose.metrics.rescore import rescore, topdown_results

__all__ = [
    "Accuracy",
    "HeatmapAccuracy",
    "auc",
    "box_nms",
    "coco_ap",
    "crowdpose_ap",
    "epe",
    "heatmap_accuracy",
    "mask_ap",
    "mask_results",
    "mpii_parts",
    "mpii_pckh",
    "nme",
    "oks",
    "oks_nms",
    "pck",
    "pose_similarity",
    "rescore",
    "soft_oks_nms",
    "topdown_results",
]
