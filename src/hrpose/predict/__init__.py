"""Predict: pictures and boxes in, people out."""

from hrpose.predict.boxes import Detections
from hrpose.predict.detect import TorchvisionDetector
from hrpose.predict.people import People
from hrpose.predict.predictor import Predictor

__all__ = ["Detections", "People", "Predictor", "TorchvisionDetector"]
