"""Every error that hrpose raises on purpose: what came, what was needed, what to do next."""

import difflib
from collections.abc import Iterable


class HRPoseError(Exception):
    """The parent of all errors below, so that one `except` catches what the library found wrong."""


class ConfigError(HRPoseError, ValueError):
    """A setting, or a combination of settings, that has no meaning."""


class ShapeError(HRPoseError, ValueError):
    """A tensor of another shape or dtype than the one that was needed."""


class UnknownNameError(HRPoseError, LookupError):
    """A name that nothing goes by; the text gives the nearest ones."""


class ImageError(HRPoseError, ValueError):
    """A picture that cannot be read or holds no usable pixels."""


class DataError(HRPoseError, ValueError):
    """An annotation file, or one of its entries, that cannot be used as it is."""


class WeightsError(HRPoseError, RuntimeError):
    """Weights that do not fit the model, or a file that holds none."""


class UnsafeFileError(WeightsError):
    """A checkpoint that would have to run code to be read."""


class HashMismatchError(WeightsError):
    """A downloaded file whose SHA-256 is not the one that its card states; it was not kept."""


class DownloadError(HRPoseError, OSError):
    """None of the places that serve a file could be reached."""


class TrainingError(HRPoseError, RuntimeError):
    """A training run that cannot go on, or cannot be taken up again."""


class ExportError(HRPoseError, RuntimeError):
    """A model that makes no graph, or a graph that gives something else than the model; it was not kept."""


class MissingExtraError(HRPoseError, ImportError):
    """A feature whose optional dependency is not installed."""


def nearest(name: object, names: Iterable[str], *, most: int = 5) -> str:
    """The end of an error text: the names most like `name`, or where to find them all.

    >>> nearest("hrnet_w23", ["hrnet_w32", "hrnet_w48", "higherhrnet_w32"])
    'did you mean hrnet_w32, hrnet_w48, higherhrnet_w32?'
    """
    known = sorted(set(names))
    near = difflib.get_close_matches(str(name), known, n=most, cutoff=0.4) or known[:most]
    return f"did you mean {', '.join(near)}?" if near else "there are none"


def first_line(error: Exception) -> str:
    """What an error of another library says first, to stand in a text of ours.

    >>> first_line(ValueError("no such layer\\nand a long story"))
    'no such layer'
    """
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
