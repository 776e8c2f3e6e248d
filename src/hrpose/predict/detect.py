"""A torchvision detector as a source of boxes."""

from typing import Any

import torch
from torch import nn

from hrpose.data.images import RGB
from hrpose.errors import ConfigError, MissingExtraError
from hrpose.predict.boxes import Detections


class TorchvisionDetector:
    """Find boxes with a torchvision detector; pass it as `boxes=` to a predictor.

    torchvision is not a dependency of hrpose and is imported here alone.

    Args:
        detector: a name in `torchvision.models.detection`, or a detector that is built already.
        weights: as torchvision takes it; None leaves the detector untrained (and downloads nothing).
        label: the class that counts as a person: 1 in COCO.
        min_score: boxes below it are dropped.
    Raises: MissingExtraError without torchvision; ConfigError for an unknown name.
    """

    def __init__(
        self,
        detector: str | nn.Module = "fasterrcnn_mobilenet_v3_large_fpn",
        *,
        weights: str | None = "DEFAULT",
        label: int = 1,
        min_score: float = 0.5,
        device: str | torch.device | None = None,
    ) -> None:
        self.detector = (_build(detector, weights) if isinstance(detector, str) else detector).eval()
        self.label, self.min_score = label, min_score
        if device is not None:
            self.detector.to(device)

    @torch.inference_mode()
    def __call__(self, image: RGB) -> Detections:
        """The boxes of one picture (H, W, 3), best first."""
        device = next(self.detector.parameters()).device
        pixels = torch.from_numpy(image).to(device).permute(2, 0, 1).float() / 255
        found: dict[str, torch.Tensor] = self.detector([pixels])[0]
        kept = (found["labels"] == self.label) & (found["scores"] >= self.min_score)
        return Detections(found["boxes"][kept].cpu(), found["scores"][kept].cpu())


def _build(name: str, weights: str | None) -> nn.Module:
    try:
        from torchvision.models import detection, get_model, list_models  # type: ignore[import-untyped]
    except ImportError as error:
        advice = "python -m pip install torchvision"
        raise MissingExtraError(f"TorchvisionDetector needs torchvision; run: {advice}") from error
    known = list_models(module=detection)
    if name not in known:
        raise ConfigError(f"torchvision has no detector {name!r}; it has {', '.join(known)}")
    settings: dict[str, Any] = {"weights": weights}
    if weights is None:
        settings["weights_backbone"] = None  # torchvision would otherwise download one
    model: nn.Module = get_model(name, **settings)
    return model
