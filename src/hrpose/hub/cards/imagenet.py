"""ImageNet weights: classifiers (timm, the authors) and trunks (the pose initialisation, OpenMMLab)."""

from collections.abc import Sequence

from hrpose.backbones.hrnet import HRNET_CONFIGS
from hrpose.hub.card import Measured, ModelCard, Source, Weights
from hrpose.hub.cards.rows import hash_in_name, trunk_config
from hrpose.models.classify import ClassifierConfig

TOP1 = "ImageNet-1k val, top-1"
MIT = "repository MIT; none stated for the file"
APACHE = "code Apache-2.0; none stated for the file"
TIMM = "https://github.com/huggingface/pytorch-image-models"
AUTHORS = "https://github.com/HRNet/HRNet-Image-Classification"
OPENMMLAB = "https://download.openmmlab.com"
RELEASE = f"{AUTHORS}/releases/download/PretrainedWeights"
OPENSEG = "https://github.com/hsfzxjy/models.storage/releases/download/openseg-pytorch-pretrained"

CLASSIFIER_PARAMS = {
    "w18_small": 13_187_464,
    "w18_small_v2": 15_597_464,
    "w18": 21_299_004,
    "w30": 37_712_220,
    "w32": 41_232_680,
    "w40": 57_557_160,
    "w44": 67_064_984,
    "w48": 77_469_864,
    "w64": 128_059_944,
}
TRUNK_PARAMS = {
    "w18_small": 1_477_920,
    "w18": 9_562_260,
    "w30": 25_812_276,
    "w32": 29_305_536,
    "w40": 45_521_216,
    "w44": 54_974_640,
    "w48": 65_325_120,
    "w64": 115_697_600,
}
# a table reads by its rows
# fmt: off
TIMM_ROWS = (  # size, tag, top-1
    ("w18_small", "gluon_in1k", 73.934), ("w18_small", "ms_in1k", 72.34),
    ("w18_small_v2", "gluon_in1k", 78.202), ("w18_small_v2", "ms_in1k", 75.094),
    ("w18", "ms_aug_in1k", 78.11), ("w18", "ms_in1k", 76.77), ("w30", "ms_in1k", 78.202),
    ("w32", "ms_in1k", 78.452), ("w40", "ms_in1k", 78.928), ("w44", "ms_in1k", 78.89),
    ("w48", "ms_in1k", 79.328), ("w64", "ms_in1k", 79.458),
    ("w18", "ssld_paddle_in1k", 81.114), ("w48", "ssld_paddle_in1k", 83.656),
)
AUTHORS_ROWS = (  # size, tag, OneDrive link or file of the release, top-1
    ("w18_small", "official_in1k", "Aus8VCZ_C_33gRv2PI1vjJyn2g7G", 72.3),
    ("w18_small_v2", "official_in1k", "Aus8VCZ_C_33gRmfdPR79WBS61Qn", 75.1),
    ("w18", "official_in1k", "Aus8VCZ_C_33cMkPimlmClRvmpw", 76.8),
    ("w30", "official_in1k", "Aus8VCZ_C_33cQoACCEfrzcSaVI", 78.2),
    ("w32", "official_in1k", "Aus8VCZ_C_33dYBMemi9xOUFR0w", 78.5),
    ("w40", "official_in1k", "Aus8VCZ_C_33ck0gvo5jfoWBOPo", 78.9),
    ("w44", "official_in1k", "Aus8VCZ_C_33czZQ0woUb980gRs", 78.9),
    ("w48", "official_in1k", "Aus8VCZ_C_33dKvqI6pBZlifgJk", 79.3),
    ("w64", "official_in1k", "Aus8VCZ_C_33gQbJsUPTIj3rQu99", 79.5),
    ("w18", "official_cutmix_in1k", "HRNet_W18_C_cosinelr_cutmix_300epoch.pth.tar", 77.9),
    ("w48", "official_cutmix_in1k", "HRNet_W48_C_cosinelr_cutmix_300epoch.pth.tar", 81.1),
    ("w18", "official_ssld_in1k", "HRNet_W18_C_ssld_pretrained.pth", 81.2),
    ("w48", "official_ssld_in1k", "HRNet_W48_C_ssld_pretrained.pth", 83.6),
)
OPENMMLAB_ROWS = (  # architecture, tag, file, top-1
    ("hrnet_w32", "pose_init_in1k", "mmpose/pretrain_models/hrnet_w32-36af842e.pth", None),
    ("hrnet_w48", "pose_init_in1k", "mmpose/pretrain_models/hrnet_w48-8ef0771d.pth", None),
    ("hrnetv2_w18", "openmmlab_in1k", "pretrain/third_party/hrnetv2_w18-00eb2006.pth", None),
    ("hrnetv2_w18_small", "openmmlab_in1k", "pretrain/third_party/hrnetv2_w18_small-b5a04e21.pth", None),
    ("hrnetv2_w32", "openmmlab_in1k", "pretrain/third_party/hrnetv2_w32-dc9eeb4f.pth", None),
    ("hrnetv2_w40", "openmmlab_in1k", "pretrain/third_party/hrnetv2_w40-ed0b031c.pth", None),
    ("hrnetv2_w48", "openmmlab_in1k", "pretrain/third_party/hrnetv2_w48-d2186c55.pth", None),
    *((f"hrnet_{size}", "mmpretrain_in1k",
       f"mmclassification/v0/hrnet/hrnet-{size}_3rdparty_8xb32_in1k_20220120-{digits}.pth", top1)
      for size, digits, top1 in (
          ("w18", "0c10b180", 76.75), ("w30", "8aa3832f", 78.19), ("w32", "c394f1ab", 78.44),
          ("w40", "9a2dbfc5", 78.94), ("w44", "35d07f73", 78.88), ("w48", "e555ef50", 79.32),
          ("w64", "19126642", 79.46))),
    *((f"hrnet_{size}", "mmpretrain_ssld_in1k",
       f"mmclassification/v0/hrnet/hrnet-{size}_3rdparty_8xb32-ssld_in1k_20220120-{digits}.pth", top1)
      for size, digits, top1 in (("w18", "455f69ea", 81.06), ("w48", "d0459c38", 83.63))),
)
# fmt: on
SHA256_W48 = "0efec102d97f2ef58f0e258b2c3076b3704b93ffc2b73f64c8da5462c0037ef8"
MIRRORS = {  # of the authors' files, by size, and of the pose initialisation, by file
    **{s: (Source(url=f"{OPENSEG}/hrnetv2_{s}_imagenet_pretrained.pth"),) for s in ("w18", "w32")},
    "w48": (
        Source(url=f"{OPENSEG}/hrnetv2_w48_imagenet_pretrained.pth"),
        Source(url="https://ndownloader.figshare.com/files/67765578"),
    ),
    "w64": tuple(
        Source(repo=repo, file="hrnetv2_w64_imagenet_pretrained.pth")
        for repo in ("hr16/ControlNet-HandRefiner-pruned", "LayerNorm/DensePose-TorchScript-with-hint-image")
    ),
    **{
        file: (Source(repo="HoyerChou/PretrainedModels", file=file),)
        for file in ("hrnet_w32-36af842e.pth", "hrnet_w48-8ef0771d.pth")
    },
}


def classifier_card(
    size: str,
    tag: str,
    sources: Sequence[Source],
    top1: float,
    *,
    licence: str,
    origin: str,
    sha256: str | None = None,
) -> ModelCard:
    """The card of a classifier of 1000 classes."""
    return ModelCard(
        name=f"hrnet_{size}.{tag}",
        config=ClassifierConfig(backbone=HRNET_CONFIGS[size]),
        measured=(Measured(what=TOP1, published=top1),),
        weights=Weights(
            sources=tuple(sources),
            sha256=sha256,
            num_params=CLASSIFIER_PARAMS[size],
            licence=licence,
            origin=origin,
        ),
    )


def timm_card(size: str, tag: str, top1: float) -> ModelCard:
    """The card of a repository of timm."""
    repo = f"timm/hrnet_{size}.{tag}"
    if "ssld" in tag:  # there the dot stands further right
        repo = f"timm/hrnet_{size}_{tag}".replace("ssld_", "ssld.")
    licence = "Apache-2.0" if tag.startswith("gluon") else "MIT"
    sources = [Source(repo=repo, file=file) for file in ("model.safetensors", "pytorch_model.bin")]
    return classifier_card(size, tag, sources, top1, licence=licence, origin=TIMM)


def authors_card(size: str, tag: str, file: str, top1: float) -> ModelCard:
    """The card of a file of the classification repository."""
    if file.startswith("HRNet"):
        return classifier_card(
            size, tag, (Source(url=f"{RELEASE}/{file}"),), top1, licence=MIT, origin=AUTHORS
        )
    sources = (*MIRRORS.get(size, ()), Source(page=f"https://1drv.ms/u/s!{file}"))
    sha256 = SHA256_W48 if size == "w48" else None
    return classifier_card(size, tag, sources, top1, licence=MIT, origin=AUTHORS, sha256=sha256)


def trunk_card(architecture: str, tag: str, file: str, top1: float | None) -> ModelCard:
    """The card of a trunk; what else its file holds is left out when it is loaded."""
    name = file.rpartition("/")[2]
    size = architecture.partition("_")[2]
    return ModelCard(
        name=f"{architecture}.{tag}",
        config=trunk_config(architecture, pose=False),
        measured=() if top1 is None else (Measured(what=TOP1, published=top1),),
        upstream=name,
        weights=Weights(
            sources=(Source(url=f"{OPENMMLAB}/{file}"), *MIRRORS.get(name, ())),
            sha256=hash_in_name(name),
            num_params=TRUNK_PARAMS[size],
            licence=APACHE,
            origin="https://github.com/open-mmlab",
            notes="the trunk only; the published accuracy is that of the whole classifier",
        ),
    )


CARDS = (
    *(timm_card(*row) for row in TIMM_ROWS),
    *(authors_card(*row) for row in AUTHORS_ROWS),
    *(trunk_card(*row) for row in OPENMMLAB_ROWS),
)
