"""Masks are those of pycocotools, pixel for pixel."""

import numpy as np
import pytest
from pycocotools import mask as theirs

from hrpose.data.masks import polygon_mask, region_mask, run_lengths
from hrpose.errors import DataError

SIZE = (37, 51)
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # pycocotools with numpy 2


def expected(polygon: list[float]) -> np.ndarray:
    return theirs.decode(theirs.frPyObjects([polygon], *SIZE))[:, :, 0] > 0


@pytest.mark.parametrize("seed", range(12))
def test_polygons_are_filled_as_pycocotools_fills_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for corners in (3, 4, 7, 20):
        polygon = (rng.uniform(-0.3, 1.3, (corners, 2)) * (SIZE[1], SIZE[0])).round(2).ravel().tolist()
        np.testing.assert_array_equal(polygon_mask(polygon, SIZE), expected(polygon))


def test_several_polygons_are_one_region() -> None:
    first, second = [2.0, 3, 20, 3, 20, 30, 2, 30], [15.0, 20, 50, 20, 50, 36, 15, 36]
    np.testing.assert_array_equal(region_mask([first, second], SIZE), expected(first) | expected(second))
    assert not region_mask([], SIZE).any()


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_run_lengths_are_read_plain_and_compressed(share: float) -> None:
    mask = np.random.default_rng(3).random((130, 170)) < share
    mask[20:90, 30:160] ^= True
    packed = theirs.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert isinstance(packed["counts"], bytes)
    text = packed | {"counts": packed["counts"].decode()}
    flat = mask.T.ravel().astype(int)
    ends = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff([0, *ends, flat.size]).tolist()
    plain = {"counts": runs if not flat[0] else [0, *runs], "size": [130, 170]}
    for form in (packed, text, plain):
        np.testing.assert_array_equal(region_mask(form, (130, 170)), mask)


@pytest.mark.parametrize(
    ("segmentation", "text"),
    [
        (7, "segmentation is a int; give a list of polygons, or run lengths as"),
        ("PYP", "segmentation is a str; give a list of polygons"),
        ([[1.0, 2.0, 3.0, 4.0]], "a polygon of 4 numbers encloses nothing; give x, y of three corners"),
        ([[1.0, 2.0, 3.0, 4.0, float("nan"), 1.0]], "a polygon of 6 numbers encloses nothing; .* all finite"),
        (
            {"counts": [6], "size": [2, 3]},
            r"run lengths of an image of \(2, 3\) \(height, width\) came for one of \(37, 51\); mend",
        ),
        (
            {"counts": [6], "size": [37, 51]},
            r"run lengths add up to 6, but an image of \(37, 51\) has 1887 pixels; mend the file",
        ),
    ],
)
def test_what_outlines_nothing_is_an_error(segmentation: object, text: str) -> None:
    with pytest.raises(DataError, match=text):
        region_mask(segmentation, SIZE)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_masks_are_packed_as_pycocotools_packs_them(share: float) -> None:
    rng = np.random.default_rng(4)
    for size in ((1, 1), (1, 40), (37, 51), (130, 170)):
        mask = rng.random(size) < share
        packed = run_lengths(mask)
        wanted = theirs.encode(np.asfortranarray(mask.astype(np.uint8)))
        assert packed == {"size": list(size), "counts": wanted["counts"].decode()}
        np.testing.assert_array_equal(region_mask(packed, size), mask)


def test_one_mask_is_packed_at_a_time() -> None:
    with pytest.raises(DataError, match=r"a mask came as \(2, 3, 4\); give \(height, width\), one mask at"):
        run_lengths(np.zeros((2, 3, 4), bool))
