"""High-resolution pose networks: import them, load published weights, fine-tune, predict."""

from hrpose.version import __version__

__all__ = ["__version__"]
