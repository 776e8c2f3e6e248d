import builtins

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hrpose.errors import ConfigError, MissingExtraError
from hrpose.predict import TorchvisionDetector


class Fixed(nn.Module):
    """Answers as torchvision's detectors do."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, images: list[Tensor]) -> list[dict[str, Tensor]]:
        assert images[0].shape == (3, 20, 30)
        assert 0 <= images[0].min() <= images[0].max() <= 1
        boxes = torch.tensor([[1.0, 2, 3, 4], [5, 6, 7, 8], [9, 9, 12, 12]])
        return [{"boxes": boxes, "labels": torch.tensor([1, 2, 1]), "scores": torch.tensor([0.9, 0.8, 0.1])}]


def test_people_above_the_score_are_kept() -> None:
    found = TorchvisionDetector(Fixed())(np.full((20, 30, 3), 255, np.uint8))
    assert found.boxes_xyxy.tolist() == [[1, 2, 3, 4]]
    assert found.scores.tolist() == pytest.approx([0.9])


def test_another_class_can_be_asked_for() -> None:
    found = TorchvisionDetector(Fixed(), label=2, min_score=0.0, device="cpu")(
        np.zeros((20, 30, 3), np.uint8)
    )
    assert found.boxes_xyxy.tolist() == [[5, 6, 7, 8]]


@pytest.mark.slow
def test_a_detector_of_torchvision_builds_without_weights() -> None:
    detector = TorchvisionDetector("ssdlite320_mobilenet_v3_large", weights=None)
    assert detector(np.zeros((64, 64, 3), np.uint8)).boxes_xyxy.shape[1] == 4


def test_an_unknown_detector_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        ConfigError, match=r"torchvision has no detector 'yolo'; it has .*fasterrcnn_resnet50_fpn"
    ):
        TorchvisionDetector("yolo")


def test_without_torchvision_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = builtins.__import__

    def without(name: str, *rest):
        if name.startswith("torchvision"):
            raise ImportError(name)
        return genuine(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match="TorchvisionDetector needs torchvision; run: python -m pip"):
        TorchvisionDetector()
