"""Backbone + head, made from settings that can be stored."""

from hrpose.models.bottomup import BottomUp, BottomUpConfig, BottomUpSpec
from hrpose.models.classify import Classifier, ClassifierConfig
from hrpose.models.families import build, config_from_dict, config_to_dict
from hrpose.models.hourglass import (
    HOURGLASS_CONFIGS,
    HourglassAESpec,
    HourglassConfig,
    StackedHourglass,
)
from hrpose.models.instances import InstanceConfig, InstanceSegmenter, InstanceSpec
from hrpose.models.segment import Segmenter, SegmenterConfig
from hrpose.models.spec import PoseSpec
from hrpose.models.topdown import TopDown, TopDownConfig

__all__ = [
    "HOURGLASS_CONFIGS",
    "BottomUp",
    "BottomUpConfig",
    "BottomUpSpec",
    "Classifier",
    "ClassifierConfig",
    "HourglassAESpec",
    "HourglassConfig",
    "InstanceConfig",
    "InstanceSegmenter",
    "InstanceSpec",
    "PoseSpec",
    "Segmenter",
    "SegmenterConfig",
    "StackedHourglass",
    "TopDown",
    "TopDownConfig",
    "build",
    "config_from_dict",
    "config_to_dict",
]
