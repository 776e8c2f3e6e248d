import math

import pytest
import torch

from hrpose.codecs.geometry import (
    box_area,
    box_to_center_scale,
    crop_matrix,
    flip_back,
    invert_matrices,
    mirror_points,
    transform_points,
)
from hrpose.errors import DataError, ShapeError, UnknownNameError

CENTER, SCALE = torch.tensor([[50.0, 60.0], [7.5, -3.0]]), torch.tensor([[0.96, 1.28], [0.3, 0.4]])
FORMS = ("msra", "stretch", "dark", "udp")


def test_a_box_grows_to_the_shape_of_the_crop() -> None:
    boxes = torch.tensor([[0.0, 0.0, 100.0, 10.0], [0.0, 0.0, 10.0, 100.0]])
    _, scale = box_to_center_scale(boxes, (256, 192), padding=1.5)
    torch.testing.assert_close(scale[:, 0] / scale[:, 1], torch.full((2,), 0.75))
    torch.testing.assert_close(scale.amax(1) * 200, torch.tensor([200.0, 150.0]))


def test_a_centre_at_minus_one_is_not_padded_but_in_the_form_of_mmpose() -> None:
    boxes = torch.tensor([[-6.0, 3.0, 10.0, 10.0]])
    _, kept = box_to_center_scale(boxes, (64, 64))
    _, padded = box_to_center_scale(boxes, (64, 64), form="mmpose")
    torch.testing.assert_close(torch.cat((kept, padded)) * 200, torch.tensor([[10.0, 10.0], [12.5, 12.5]]))


def test_whole_number_boxes_are_read_as_floats() -> None:
    center, scale = box_to_center_scale(torch.tensor([[10, 20, 41, 41]]), (64, 64))
    assert center.tolist() == [[30.5, 40.5]]
    assert scale.dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_boxes_give_no_centres(dtype: torch.dtype) -> None:
    center, scale = box_to_center_scale(torch.zeros(0, 4, dtype=dtype), (256, 192))
    assert center.shape == scale.shape == (0, 2)
    assert crop_matrix(center, scale, (256, 192)).shape == (0, 2, 3)
    assert center.dtype == dtype


def test_the_area_is_that_of_the_padded_box() -> None:
    torch.testing.assert_close(box_area(torch.tensor([[0.5, 1.0]])), torch.tensor([20_000.0]))


@pytest.mark.parametrize("form", FORMS)
def test_the_inverse_undoes_the_map(form: str) -> None:
    turn = torch.tensor([30.0, -140.0])
    center, scale, points = CENTER.double(), SCALE.double(), torch.rand(2, 5, 2, dtype=torch.float64) * 100
    there = crop_matrix(center, scale, (64, 48), rotation=turn, form=form)
    back = crop_matrix(center, scale, (64, 48), rotation=turn, form=form, inverse=True)
    torch.testing.assert_close(transform_points(transform_points(points, there), back), points)
    torch.testing.assert_close(invert_matrices(there), back)


@pytest.mark.parametrize(
    ("form", "middle"), [("msra", (24.0, 32.0)), ("dark", (23.5, 31.5)), ("udp", (23.5, 31.5))]
)
def test_the_centre_lands_in_the_middle(form: str, middle: tuple[float, float]) -> None:
    matrices = crop_matrix(CENTER, SCALE, (64, 48), rotation=torch.tensor([20.0, 70.0]), form=form)
    there = transform_points(CENTER[:, None], matrices)
    torch.testing.assert_close(there, torch.tensor(middle).expand(2, 1, 2), atol=1e-4, rtol=0)


def test_udp_turns_the_other_way() -> None:
    above = CENTER[:1, None] + torch.tensor([0.0, -10.0])
    quarter = torch.tensor([90.0])
    msra, udp = (
        transform_points(above, crop_matrix(CENTER[:1], SCALE[:1], (64, 48), rotation=quarter, form=form))
        for form in ("msra", "udp")
    )
    assert msra[0, 0, 0] < 24
    assert udp[0, 0, 0] > 23.5


def test_a_shift_is_a_part_of_the_box() -> None:
    moved = crop_matrix(CENTER, SCALE, (64, 48), shift=(0.1, -0.2))
    there = transform_points((CENTER + SCALE * 200 * torch.tensor([0.1, -0.2]))[:, None], moved)
    torch.testing.assert_close(there, torch.tensor([24.0, 32.0]).expand(2, 1, 2), atol=1e-4, rtol=0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("broken", [0.0, -1.0, math.nan, math.inf])
def test_a_box_without_size_is_named(form: str, broken: float) -> None:
    scale = SCALE.clone()
    scale[1] = broken
    with pytest.raises(DataError, match=r"box 1 is .* a size above 0; drop such boxes first"):
        crop_matrix(CENTER, scale, (64, 48), form=form)


def test_a_box_nowhere_is_named() -> None:
    with pytest.raises(DataError, match=r"box 0 is .* around \[nan, 1.0\] .* needs a finite centre"):
        crop_matrix(torch.tensor([[math.nan, 1.0]]), SCALE[:1], (64, 48))


def test_a_pixel_wide_box_has_no_dark_crop() -> None:
    with pytest.raises(DataError, match="box 0 is"):
        crop_matrix(CENTER[:1], torch.tensor([[0.005, 0.005]], dtype=torch.float64), (64, 48), form="dark")


@pytest.mark.parametrize(
    "broken", [[[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]], [[1.0, 2.0, 0.0], [2.0, 4.0, 0.0]], [[math.nan] * 3] * 2]
)
def test_a_map_without_an_inverse_is_named(broken: list[list[float]]) -> None:
    good = [[1.0, 0.0, 3.0], [0.0, 1.0, 4.0]]
    with pytest.raises(DataError, match=r"matrix 1 is \[\[.*, which has no inverse; give finite maps that"):
        invert_matrices(torch.tensor([good, broken]))


def test_mirroring_points_twice_changes_nothing() -> None:
    points, index = torch.rand(2, 3, 2) * 10, (0, 2, 1)
    mirrored = mirror_points(points, 10, index)
    torch.testing.assert_close(mirrored[:, 1, 0], 9 - points[:, 2, 0])
    torch.testing.assert_close(mirror_points(mirrored, 10, index), points)


def test_flipping_back_swaps_the_sides_and_keeps_the_first_column_of_a_shift() -> None:
    maps = torch.rand(1, 3, 4, 5)
    back = flip_back(maps, (0, 2, 1))
    assert torch.equal(back[:, 1], maps[:, 2].flip(2))
    shifted = flip_back(maps, (0, 2, 1), shift=True)
    assert torch.equal(shifted[..., 1:], back[..., :-1])
    assert torch.equal(shifted[..., 0], back[..., 0])


def test_wrong_shapes_are_named() -> None:
    with pytest.raises(ShapeError, match=r"boxes has the shape \(4,\), but \(M, 4\) is needed"):
        box_to_center_scale(torch.zeros(4), (64, 64))
    with pytest.raises(ShapeError, match=r"scale has the shape \(2,\), but \(2, 2\) is needed"):
        crop_matrix(CENTER, SCALE[:, 0], (64, 48))
    with pytest.raises(ShapeError, match=r"matrices has the shape \(1, 2, 3\), but \(2, 2, 3\) is needed"):
        transform_points(torch.zeros(2, 5, 2), torch.zeros(1, 2, 3))
    with pytest.raises(
        ShapeError, match=r"heatmaps has the shape \(1, 2, 4, 4\), but \(N, 3, h, w\) is needed"
    ):
        flip_back(torch.zeros(1, 2, 4, 4), (0, 2, 1))


def test_another_form_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="no form is called 'upd'; did you mean udp"):
        crop_matrix(CENTER, SCALE, (64, 48), form="upd")
    with pytest.raises(UnknownNameError, match="no box form is called 'udp'"):
        box_to_center_scale(torch.zeros(1, 4), (64, 48), form="udp")
