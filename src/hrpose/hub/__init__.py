"""Published weights: where they lie, how they are read, renamed, checked and loaded."""

from hrpose.hub.card import Measured, ModelCard, Source, Weights
from hrpose.hub.cards import all_cards, find_card
from hrpose.hub.detect import Description, describe, from_checkpoint
from hrpose.hub.export import export_weights
from hrpose.hub.load import load_weights
from hrpose.hub.pretrained import from_pretrained, push_to_hub, save_pretrained
from hrpose.hub.read import read_weights
from hrpose.hub.registry import create_backbone, create_model, list_models
from hrpose.hub.report import LoadReport
from hrpose.hub.timm import register_timm

__all__ = [
    "Description",
    "LoadReport",
    "Measured",
    "ModelCard",
    "Source",
    "Weights",
    "all_cards",
    "create_backbone",
    "create_model",
    "describe",
    "export_weights",
    "find_card",
    "from_checkpoint",
    "from_pretrained",
    "list_models",
    "load_weights",
    "push_to_hub",
    "read_weights",
    "register_timm",
    "save_pretrained",
]
