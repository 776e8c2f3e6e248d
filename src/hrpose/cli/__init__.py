"""The command line: `hrpose list`, `show`, `predict`, `train`, `evaluate`, `convert`, `doctor`, `demo`."""

from hrpose.cli.main import main

__all__ = ["main"]
