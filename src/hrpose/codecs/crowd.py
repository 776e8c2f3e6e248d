"""What a bottom-up network should give: heatmaps that all people share, and where their tags are read."""

import torch
from torch import Tensor

from hrpose.codecs.checks import check_shape
from hrpose.errors import DataError
from hrpose.types import Heatmaps, Size

ABSENT = -1


def draw_people(
    points: Tensor,
    visible: Tensor,
    size: Size,
    sigma: float | Tensor,
    *,
    subpixel: bool = False,
    cut_corners: bool = False,
) -> Heatmaps:
    """Draw a Gaussian for each keypoint of each person; where they overlap the higher one counts.

    As in the reference code, the middle is the pixel a point is in after cutting its fraction toward zero
    (so -0.4 still lies on pixel 0), and a sigma of which 3 * sigma is not whole peaks a little below 1.

    Args:
        points: (N, M, K, 2) in heatmap pixels.
        visible: (N, M, K), 0 where nobody marked the keypoint.
        size: of the maps, (height, width).
        sigma: heatmap pixels; one for all, or one a person, (N, M).
        subpixel: keep the fraction of the points, as UDP does.
        cut_corners: cut the corners of the drawn square toward zero instead of rounding them, as the
            hourglasses do; the same where 3 * sigma is whole.
    Returns: (N, K, h, w) in float32; empty for nobody.
    Raises: ShapeError for other shapes; DataError for a sigma that is not above 0.
    Source: Cheng et al., CVPR 2020; subpixel: Huang et al., CVPR 2020.

    >>> one = draw_people(torch.tensor([[[[2.7, 1.0]]]]), torch.ones(1, 1, 1), (4, 5), 1.0)
    >>> one.shape, (one[0, 0] == 1).nonzero().tolist()
    (torch.Size([1, 1, 4, 5]), [[1, 2]])
    """
    check_people(points, visible)
    images, people, keypoints = visible.shape
    sigmas = torch.as_tensor(sigma, dtype=torch.float64, device=points.device)
    if sigmas.dim():
        check_shape("sigma", sigmas, images, people)
        sigmas = sigmas[:, :, None]
    if not (sigmas > 0).all():
        raise DataError(
            "sigma is not above 0, but a Gaussian needs a width; drop boxes without an area first"
        )
    maps = torch.zeros(images, keypoints, *size, device=points.device)
    drawn = is_inside(points, visible, size)
    image, _, keypoint = drawn.nonzero().unbind(1)
    if not len(image):
        return maps
    exact, sigmas = points[drawn].double(), sigmas.expand(visible.shape)[drawn][:, None]  # (P, 2), (P, 1)
    middle = exact if subpixel else exact.trunc()
    # the window's corner is made whole on its own, so the middle may stand between pixels
    whole = torch.trunc if cut_corners else torch.round
    first = whole(exact.trunc() - 3 * sigmas - 1)
    end = whole(exact.trunc() + 3 * sigmas + 2)
    pixels = first[:, :, None] + torch.arange(int((end - first).max()), device=points.device)  # (P, 2, W)
    offset = pixels - first[:, :, None] - (3 * sigmas + 1 + middle - exact.trunc())[:, :, None]
    extent = torch.tensor((size[1], size[0]), device=points.device)[:, None]
    within = (pixels < end[:, :, None]) & (pixels >= 0) & (pixels < extent)
    side = torch.exp(-(offset**2) / (2 * sigmas[:, :, None] ** 2)) * within
    gaussian = side[:, 1, :, None] * side[:, 0, None, :]  # (P, W, W)
    x, y = torch.minimum(pixels.clamp(min=0), extent - 1).long().unbind(1)
    place = ((image * keypoints + keypoint)[:, None] * size[0] + y)[:, :, None] * size[1] + x[:, None, :]
    maps.view(-1).scatter_reduce_(0, place.flatten(), gaussian.float().flatten(), "amax")
    return maps


def tag_places(points: Tensor, visible: Tensor, size: Size, *, shared: bool = False) -> Tensor:
    """Where the tag of each keypoint of each person is read from the tag maps.

    Args:
        points: (N, M, K, 2) in pixels of the tag maps.
        visible: (N, M, K).
        size: of the tag maps, (height, width).
        shared: there is one tag map for all keypoints.
    Returns: (N, M, K), places in the flattened maps of an image, (keypoint * h + y) * w + x, without the
        keypoint if they share a map; -1 where a keypoint is absent or outside.
    Raises: ShapeError for other shapes.

    >>> tag_places(torch.tensor([[[[1.0, 0.0], [2.5, 3.0]]]]), torch.ones(1, 1, 2), (4, 4)).tolist()
    [[[1, 30]]]
    """
    check_people(points, visible)
    inside = is_inside(points, visible, size)
    x, y = torch.where(inside[..., None], points, 0).long().unbind(-1)
    place = y * size[1] + x
    if not shared:
        place = place + torch.arange(visible.shape[2], device=points.device) * (size[0] * size[1])
    return torch.where(inside, place, ABSENT)


def mirror_in(points: Tensor, mirrored: Tensor | None, width: int) -> Tensor:
    """Points (N, M, K, 2) of maps of that width; those of mirrored images, (N,), seen in the mirror.

    Each map is mirrored about its own middle, as in the reference code. The pixels of maps of two resolutions
    do not share a middle, so the points of a mirrored image are not those of the image, divided by a stride.
    """
    if mirrored is None:
        return points
    check_shape("mirrored", mirrored, len(points))
    x, y = points.unbind(-1)
    return torch.stack((torch.where(mirrored[:, None, None], width - 1 - x, x), y), -1)


def is_inside(points: Tensor, visible: Tensor, size: Size) -> Tensor:
    """Whether each keypoint is marked and its pixel, the fraction cut toward zero, is on the map."""
    pixel = points.trunc()
    extent = points.new_tensor((size[1], size[0]))
    return (visible > 0) & ((pixel >= 0) & (pixel < extent)).all(-1)  # False where NaN


def check_people(points: Tensor, visible: Tensor) -> None:
    """Raise ShapeError unless these are points of M people in N images, and whether each is visible."""
    check_shape("points", points, "N", "M", "K", 2)
    check_shape("visible", visible, *points.shape[:3])
