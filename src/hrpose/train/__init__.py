"""Training and evaluation: a model and data in, better weights and their figures out."""

from hrpose.train.config import FitConfig
from hrpose.train.evaluate import evaluate
from hrpose.train.fit import fit
from hrpose.train.trainer import FitResult

__all__ = ["FitConfig", "FitResult", "evaluate", "fit"]
