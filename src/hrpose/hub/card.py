"""What is known of one published checkpoint: a record with no behaviour of its own."""

import re
from dataclasses import dataclass
from typing import TypeAlias

from hrpose.backbones.hrnet import HRNetConfig
from hrpose.errors import ConfigError
from hrpose.models.bottomup import BottomUpConfig
from hrpose.models.classify import ClassifierConfig
from hrpose.models.hourglass import HourglassConfig
from hrpose.models.segment import SegmenterConfig
from hrpose.models.spec import PoseSpec
from hrpose.models.topdown import TopDownConfig

ModelConfig: TypeAlias = (
    TopDownConfig | BottomUpConfig | HourglassConfig | ClassifierConfig | SegmenterConfig | HRNetConfig
)

SHA256 = re.compile(r"[0-9a-f]{8}([0-9a-f]{56})?")


@dataclass(frozen=True, kw_only=True)
class Source:
    """One place that serves a file: a URL, a Hub repository, an asset of this package, or a page for people.

    Raises: ConfigError unless exactly one of them is given.

    >>> str(Source(repo="timm/hrnet_w32.ms_in1k", file="model.safetensors"))
    'hf-hub:timm/hrnet_w32.ms_in1k/model.safetensors'
    """

    url: str | None = None
    repo: str | None = None
    file: str | None = None  # in the repository
    revision: str | None = None
    repo_type: str = "model"  # or "space"
    asset: str | None = None  # a file of src/hrpose/assets
    page: str | None = None  # where a person can download it; no program can
    sha256: str | None = None  # of this file, if it differs from the card's

    def __post_init__(self) -> None:
        given = [name for name in ("url", "repo", "asset", "page") if getattr(self, name) is not None]
        if len(given) != 1 or (self.repo is None) != (self.file is None):
            raise ConfigError(
                f"a source has {given or 'no place'}; give one of url, repo with file, asset, page"
            )
        check_sha256(self.sha256)

    def __str__(self) -> str:
        revision = f"@{self.revision}" if self.revision else ""
        repo = f"hf-hub:{self.repo}/{self.file}{revision}"
        return repo if self.repo else self.url or self.page or f"asset {self.asset}"


@dataclass(frozen=True, kw_only=True)
class Weights:
    """The file of a checkpoint: where it lies, in the order to try, and how to know it.

    Args:
        sha256: all 64 digits, or the first 8 where only they are published.
        num_params: trainable numbers of the model, counted by a test.
        origin: the page or repository that published it.
    """

    sources: tuple[Source, ...]
    sha256: str | None = None
    num_params: int
    licence: str
    origin: str
    notes: str = ""

    def __post_init__(self) -> None:
        if not self.sources:
            raise ConfigError("weights without a source; give a page at least")
        check_sha256(self.sha256)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One published figure, as its source lists it, and ours where we have measured it."""

    what: str  # for instance "COCO val2017, AP, detector boxes"
    published: float | None
    ours: float | None = None


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """A name, the network it builds, how pictures go in and points come out, and its weights."""

    name: str  # architecture.tag
    config: ModelConfig
    weights: Weights
    spec: PoseSpec | None = None
    measured: tuple[Measured, ...] = ()
    upstream: str = ""  # the name that the file goes by where it comes from

    @property
    def architecture(self) -> str:
        """The name without its tag."""
        return self.name.partition(".")[0]


def check_sha256(digits: str | None) -> None:
    """Raise ConfigError unless `digits` is a whole SHA-256 or its first eight digits."""
    if digits is not None and not SHA256.fullmatch(digits):
        raise ConfigError(f"sha256={digits!r}; give all 64 hexadecimal digits or the first 8, in lower case")
