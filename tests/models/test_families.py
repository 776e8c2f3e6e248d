import json
import re
from dataclasses import replace

import pytest

from hrpose.backbones import HRNet, HRNetConfig, TimmConfig
from hrpose.codecs import MSRA
from hrpose.errors import ConfigError
from hrpose.models import (
    BottomUp,
    Classifier,
    ClassifierConfig,
    PoseSpec,
    Segmenter,
    SegmenterConfig,
    TopDown,
    TopDownConfig,
    build,
    config_from_dict,
    config_to_dict,
)
from hrpose.models.families import FAMILIES, KINDS
from hrpose.skeletons import COCO

TINY = HRNetConfig(width=4, stem_width=8, stage1_blocks=1, stage1_width=4, rounds=(1,), blocks=1)
SPEC = PoseSpec(skeleton=COCO, codec=MSRA(input_size=(256, 192), sigma=3.0))
CONFIGS = {
    TopDown: TopDownConfig(backbone=replace(TINY, outputs=1), spec=SPEC),
    Classifier: ClassifierConfig(backbone=TINY, widths=(4, 8)),
    Segmenter: SegmenterConfig(backbone=TINY),
    HRNet: replace(TINY, widths=(4, 6), attention="se"),
}


@pytest.mark.parametrize("network", CONFIGS)
def test_settings_build_their_network(network) -> None:
    assert type(build(CONFIGS[network])) is network


@pytest.mark.parametrize("network", [TopDown, BottomUp, Classifier, Segmenter])
def test_a_network_is_not_built_from_settings_of_another(network) -> None:
    text = f"{network.__name__} is built from its settings, but a HRNetConfig came; give {network.__name__}("
    with pytest.raises(ConfigError, match=re.escape(text)):
        network(TINY)


@pytest.mark.parametrize("network", CONFIGS)
def test_settings_come_back_from_json_as_they_were(network) -> None:
    stored = json.loads(json.dumps(config_to_dict(CONFIGS[network])))
    assert config_from_dict(stored) == CONFIGS[network]


def test_every_network_can_be_stored() -> None:
    assert set(FAMILIES) <= set(KINDS.values())


def test_every_field_is_written() -> None:
    assert config_to_dict(SegmenterConfig(backbone=TimmConfig(name="resnet18"))) == {
        "kind": "segmenter",
        "backbone": {"kind": "timm", "name": "resnet18", "in_chans": 3, "out_indices": None},
        "num_classes": 19,
        "kernel": 1,
        "hidden": None,
        "align_corners": False,
    }


def test_a_codec_is_stored_by_its_name() -> None:
    stored = config_to_dict(SPEC)
    assert stored["codec"]["kind"] == "codec.msra"
    assert stored["codec"]["sigma"] == 3.0
    assert stored["skeleton"]["keypoints"][0] == "nose"


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ({}, "kind=None is not known; did you mean"),
        ({"kind": "hrnett"}, "kind='hrnett' is not known; did you mean hrnet"),
        ({"kind": "hrnet", "widht": 32}, "hrnet has no setting 'widht'; did you mean width"),
        ({"kind": "timm"}, "timm lacks name; add it to the stored settings"),
        ({"kind": "topdown", "backbone": {"kind": "hrnet", "outpus": 1}}, "hrnet has no setting 'outpus'"),
        ({"kind": "hrnet", "width": 0}, "width=0, but at least 1 is needed"),
        ({"kind": ["hrnet"]}, "kind=['hrnet'] is not known"),
    ],
)
def test_stored_settings_that_cannot_be_read_are_refused(stored, text) -> None:
    with pytest.raises(ConfigError, match=re.escape(text)):
        config_from_dict(stored)


def test_what_is_no_network_cannot_be_built() -> None:
    with pytest.raises(
        ConfigError, match="config is a PoseSpec, but settings were needed; give one of HRNetConfig"
    ):
        build(SPEC)


def test_what_is_no_setting_cannot_be_stored() -> None:
    with pytest.raises(ConfigError, match="dict cannot be stored; give settings of"):
        config_to_dict({"width": 32})
