"""From files to batches: annotations, detections, crops or whole pictures with targets, and a linter."""

from hrpose.data.augment import TopDownAugment
from hrpose.data.bottomup import BottomUpDataset, PersonSigma
from hrpose.data.coco import CocoKeypoints
from hrpose.data.detections import Detections
from hrpose.data.faults import Fault
from hrpose.data.images import read_image
from hrpose.data.mpii import MPIIKeypoints
from hrpose.data.people import Person, Tally
from hrpose.data.pictures import BottomUpAugment, Picture
from hrpose.data.topdown import PeopleSource, Sample, TopDownDataset, well_centred
from hrpose.data.validate import validate_dataset

__all__ = [
    "BottomUpAugment",
    "BottomUpDataset",
    "CocoKeypoints",
    "Detections",
    "Fault",
    "MPIIKeypoints",
    "PeopleSource",
    "Person",
    "PersonSigma",
    "Picture",
    "Sample",
    "Tally",
    "TopDownAugment",
    "TopDownDataset",
    "read_image",
    "validate_dataset",
    "well_centred",
]
