import pytest

from hrpose.backbones import HRNetConfig, build_backbone
from hrpose.backbones.base import Feature, FeatureInfo
from hrpose.errors import ConfigError


def test_feature_info_is_a_list_of_features() -> None:
    info = FeatureInfo([Feature(8, 4, "a"), Feature(16, 8, "b")])
    assert len(info) == 2
    assert info[1].channels == 16
    assert info.module_name() == ["a", "b"]


def test_settings_of_something_else_build_no_backbone() -> None:
    text = "backbone is a dict, but settings were needed; give HRNetConfig, TimmConfig"
    with pytest.raises(ConfigError, match=text):
        build_backbone({"width": 32})


def test_settings_build_their_backbone() -> None:
    config = HRNetConfig(width=8, rounds=(1,), blocks=1)
    assert build_backbone(config).config is config
