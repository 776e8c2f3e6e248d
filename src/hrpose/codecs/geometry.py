"""Boxes, the affine maps between image and crop, the crops themselves, and mirroring.

The reference codes disagree by half a pixel and by a direction of rotation, so every form has a name:

    form     crop corners meet      scale on both axes   positive rotation turns
    msra     pixel edges            the width's          the crop against the image
    stretch  pixel edges            each its own         the crop against the image
    dark     pixel centres          the width's          the crop against the image
    udp      box edge, pixel centre each its own         the crop with the image

`scale` is the size of the padded box in pixels divided by 200, as in HRNet's files.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hrpose.codecs.checks import check_shape, choose
from hrpose.errors import DataError
from hrpose.types import Boxes, Heatmaps, Matrices, Points, Size

PIXEL_STD = 200.0  # HRNet gives the size of a person in units of 200 pixels


@dataclass(frozen=True)
class _Form:
    box: float  # taken off the box's size: 1 counts from pixel centre to pixel centre
    crop: float  # the same for the crop
    per_axis: bool  # height has its own scale
    turn: int  # which way a positive rotation goes


_FORMS = {
    "msra": _Form(box=0, crop=0, per_axis=False, turn=-1),
    "stretch": _Form(box=0, crop=0, per_axis=True, turn=-1),
    "dark": _Form(box=1, crop=1, per_axis=False, turn=-1),
    "udp": _Form(box=0, crop=1, per_axis=True, turn=1),
}
BOX_FORMS = ("msra", "dark", "mmpose")


def box_to_center_scale(
    boxes: Boxes, size: Size, *, padding: float = 1.25, form: str = "msra"
) -> tuple[Tensor, Tensor]:
    """Give each box its centre, and the padded size that has the crop's shape.

    The shorter side grows until width / height is that of the crop, then both are padded.

    Args:
        boxes: (M, 4), (x, y, width, height) in pixels.
        size: of the crop, (height, width).
        padding: how much larger than the box the crop is.
        form: "msra"; "dark" has its centre half a pixel to the upper left; "mmpose" is "msra" without
            the quirk that a box whose centre lies at x = -1 is not padded.
    Returns: centre (M, 2) in pixels, scale (M, 2), (width, height) / 200.
    Raises: ShapeError if boxes is not (M, 4); UnknownNameError for another form.
    Source: Sun et al., CVPR 2019, and Zhang et al., CVPR 2020: the loaders of their COCO files.

    >>> center, scale = box_to_center_scale(torch.tensor([[10.0, 20.0, 40.0, 100.0]]), (256, 192))
    >>> center.tolist(), (scale * 200).tolist()
    ([[30.0, 70.0]], [[93.75, 125.0]])
    """
    choose("box form", form, BOX_FORMS)
    check_shape("boxes", boxes, "M", 4)
    boxes = boxes if boxes.is_floating_point() else boxes.to(torch.get_default_dtype())
    corner, extent = boxes[:, :2], boxes[:, 2:]
    center = corner + (extent - 1 if form == "dark" else extent) * 0.5
    aspect = size[1] / size[0]
    width, height = extent.unbind(1)
    grown = torch.stack((torch.maximum(width, height * aspect), torch.maximum(height, width / aspect)), 1)
    scale = grown / PIXEL_STD
    if form == "mmpose":
        return center, scale * padding
    unset = center[:, :1].float() == -1  # -1 once stood for "no box" in the loader of MPII
    return center, torch.where(unset, scale, scale * padding)


def box_area(scale: Tensor) -> Tensor:
    """The area in square pixels of padded boxes, given their `scale` (M, 2)."""
    return (scale * PIXEL_STD).prod(-1)


def crop_matrix(
    center: Tensor,
    scale: Tensor,
    size: Size,
    *,
    rotation: Tensor | None = None,
    shift: tuple[float, float] = (0.0, 0.0),
    form: str = "msra",
    inverse: bool = False,
) -> Matrices:
    """The affine map from image to crop, or back.

    Args:
        center: (M, 2) in image pixels.
        scale: (M, 2), padded (width, height) / 200.
        size: of the crop, (height, width).
        rotation: (M,) degrees.
        shift: moves the centre by this part of the box's (width, height).
        form: "msra", "stretch", "dark" or "udp", see the top of this file.
        inverse: the map from crop to image instead.
    Returns: (M, 2, 3).
    Raises: ShapeError for other shapes; DataError for a box without size; UnknownNameError for another form.
    Source: Sun et al., CVPR 2019; Zhang et al., CVPR 2020; Huang et al., CVPR 2020.

    >>> box = torch.tensor([[50.0, 60.0]]), torch.tensor([[0.96, 1.28]])
    >>> crop_matrix(*box, (256, 192)).int().tolist()
    [[[1, 0, 46], [0, 1, 68]]]
    """
    kind = _FORMS[choose("form", form, _FORMS)]
    check_shape("center", center, "M", 2)
    check_shape("scale", scale, len(center), 2)
    box = scale * PIXEL_STD
    ratio = _ratio(center, box, size, kind)
    angle = torch.zeros_like(center[:, 0]) if rotation is None else rotation.to(center) * (math.pi / 180)
    cos, sin = torch.cos(angle), torch.sin(angle) * kind.turn
    turned = torch.stack((cos, -sin, sin, cos), 1).view(-1, 2, 2)
    here = center + box * box.new_tensor(shift)
    there = center.new_tensor((size[1] - kind.crop, size[0] - kind.crop)) * 0.5
    if inverse:
        linear = turned.mT / ratio[:, None, :]
        return torch.cat((linear, (here - (linear * there).sum(2))[:, :, None]), 2)
    linear = turned * ratio[:, :, None]
    return torch.cat((linear, (there - (linear * here[:, None, :]).sum(2))[:, :, None]), 2)


def _ratio(center: Tensor, box: Tensor, size: Size, kind: _Form) -> Tensor:
    """Crop pixels to one image pixel on each axis, (M, 2)."""
    span = box - kind.box
    counted = 2 if kind.per_axis else 1
    good = torch.isfinite(center + box).all(1) & ((box > 0) & (span != 0))[:, :counted].all(1)
    if not good.all():
        first = int((~good).nonzero()[0])
        came = f"box {first} is {box[first].tolist()} pixels around {center[first].tolist()} after padding"
        raise DataError(f"{came}, but a crop needs a finite centre and a size above 0; drop such boxes first")
    ratio = span.new_tensor((size[1] - kind.crop, size[0] - kind.crop)) / span
    return ratio if kind.per_axis else ratio[:, :1].expand(-1, 2)


def invert_matrices(matrices: Matrices) -> Matrices:
    """The affine maps the other way round, (M, 2, 3).

    Raises: ShapeError for other shapes; DataError for a map that has no way back.
    """
    check_shape("matrices", matrices, "M", 2, 3)
    (a, b, x), (c, d, y) = (row.unbind(1) for row in matrices.unbind(1))
    over = 1 / (a * d - b * c)
    good = torch.isfinite(over + x + y)
    if not good.all():
        first = int((~good).nonzero()[0])
        came = f"matrix {first} is {matrices[first].tolist()}"
        raise DataError(f"{came}, which has no inverse; give finite maps that flatten neither side")
    a, b, c, d = d * over, -b * over, -c * over, a * over
    back = (a, b, -(a * x + b * y), c, d, -(c * x + d * y))
    return torch.stack(back, 1).view(-1, 2, 3)


def transform_points(points: Points, matrices: Matrices) -> Points:
    """Send the points of each of M crops through its map.

    Args:
        points: (M, P, 2), any number of points.
        matrices: (M, 2, 3).
    Raises: ShapeError for other shapes.

    >>> transform_points(torch.ones(1, 1, 2), torch.tensor([[[2.0, 0.0, 5.0], [0.0, 3.0, 6.0]]])).tolist()
    [[[7.0, 9.0]]]
    """
    check_shape("points", points, "M", "P", 2)
    check_shape("matrices", matrices, len(points), 2, 3)
    # Not a matmul: TF32 would cost a pixel in a thousand.
    return (points[:, :, None, :] * matrices[:, None, :, :2]).sum(3) + matrices[:, None, :, 2]


def mirror_points(points: Points, width: float, mirror_index: Sequence[int]) -> Points:
    """Points (N, K, 2) as seen in the image of that width flipped left to right, left and right renamed."""
    check_shape("points", points, "N", len(mirror_index), 2)
    x, y = points[:, list(mirror_index)].unbind(2)
    return torch.stack((width - 1 - x, y), 2)


def flip_back(heatmaps: Heatmaps, mirror_index: Sequence[int], *, shift: bool = False) -> Heatmaps:
    """Turn maps of flipped images into maps of the images.

    Args:
        heatmaps: (N, K, h, w), what the network made of images flipped left to right.
        mirror_index: the keypoint that takes each keypoint's place in a mirror.
        shift: move the result one pixel to the right, column 0 keeping its values. Crops whose edges,
            not pixel centres, meet the box are flipped about another axis than their maps; this is
            HRNet's cure.
    Raises: ShapeError if there is not one index to a map.

    >>> flip_back(torch.arange(3.0).view(1, 1, 1, 3), (0,), shift=True).tolist()
    [[[[2.0, 2.0, 1.0]]]]
    """
    check_shape("heatmaps", heatmaps, "N", len(mirror_index), "h", "w")
    back = heatmaps[:, list(mirror_index)].flip(3)
    return torch.cat((back[..., :1], back[..., :-1]), 3) if shift else back
