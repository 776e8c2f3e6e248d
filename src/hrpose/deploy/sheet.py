"""ExportSheet: what an exported file says of itself, so that a runner knows what it runs."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hrpose.deploy.named import MAPS, TENSOR, TUPLES
from hrpose.errors import ConfigError, ShapeError
from hrpose.models.families import config_from_dict
from hrpose.models.spec import PoseSpec
from hrpose.types import Size
from hrpose.version import __version__

KEY = "hrpose"  # in the metadata of an ONNX file
FILE = "hrpose.json"  # beside the graph in a .pt2 file


@dataclass(frozen=True, kw_only=True)
class ExportSheet:
    """The shape that a file takes, what it returns, and the settings of the model in it."""

    kind: str  # of the output: one of TUPLES, such as "PoseMaps", or "maps" or "logits"
    outputs: tuple[str, ...]  # their names, in order
    shape: tuple[int | None, ...]  # of images, (N, C, H, W); None where any fits
    smallest: Size = (1, 1)  # height and width from which the graph was made
    decode: str | None = None  # "crop" or "heatmap": what points count; "peaks"; None: maps as they are
    fused: bool = False
    config: dict[str, Any] | None = None  # settings of the model as in config.json, if hrpose has it
    version: str = __version__

    @property
    def spec(self) -> PoseSpec | None:
        """Keypoint names, codec and normalisation, where the model had them."""
        return None if self.config is None else getattr(config_from_dict(self.config), "spec", None)

    def check(self, images: Tensor) -> None:
        """Raise ShapeError unless the graph takes these images, ConfigError if a gradient is asked for."""
        if not isinstance(images, Tensor):
            fix = "torch.from_numpy makes one of an array"
            raise ShapeError(f"images are a {type(images).__name__}, but a tensor was needed; {fix}")
        fits = images.ndim == 4 and all(
            wanted in (None, came) for came, wanted in zip(images.shape, self.shape, strict=True)
        )
        if not fits:
            fix = "give images of that shape, or export for others"
            raise ShapeError(f"images are {tuple(images.shape)}, but the file takes {self.shape_text}; {fix}")
        if any(came < least for came, least in zip(images.shape[2:], self.smallest, strict=True)):
            needed = f"at least {self.smallest[0]} x {self.smallest[1]} pixels (height x width)"
            raise ShapeError(f"images are {tuple(images.shape)}, but the file takes {needed}; enlarge them")
        if images.dtype != torch.float32:
            raise ShapeError(
                f"images are {images.dtype}, but the file takes torch.float32; give images.float()"
            )
        if images.requires_grad and torch.is_grad_enabled():
            raise ConfigError("an exported file gives no gradients; give images.detach(), or use the model")

    @property
    def shape_text(self) -> str:
        """The shape with letters where any size fits.

        >>> ExportSheet(kind="logits", outputs=("logits",), shape=(None, 3, 256, 192)).shape_text
        '(N, 3, 256, 192)'
        """
        sides = (
            letter if side is None else str(side) for letter, side in zip("NCHW", self.shape, strict=True)
        )
        return f"({', '.join(sides)})"

    def to_json(self) -> str:
        """As it stands in the file."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str | None, where: str) -> "ExportSheet":
        """What `to_json` wrote.

        Args:
            text: None where the file holds none.
            where: the file, for the error.
        Raises: ConfigError if hrpose did not write the file, or a later version did.
        """
        fix = "export the model by hrpose.deploy"
        if text is None:
            raise ConfigError(f"{where} does not say how hrpose exported it; {fix}")
        try:
            stored = json.loads(text)
            lists = {name: tuple(stored[name]) for name in ("outputs", "shape", "smallest")}
            sheet = cls(**{**stored, **lists})
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"{where} was not exported as hrpose {__version__} does ({error}); {fix}"
            ) from error
        if sheet.kind not in (*TUPLES, MAPS, TENSOR):
            raise ConfigError(f"{where} returns {sheet.kind!r}, which hrpose {__version__} lacks; {fix}")
        return sheet
