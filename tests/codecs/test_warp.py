import numpy as np
import pytest
import torch
from torch import Tensor

from hrpose.codecs import crop_images
from hrpose.codecs.geometry import crop_matrix
from hrpose.errors import ShapeError

SIZE = (12, 9)


def matrices(number: int) -> Tensor:
    spread = torch.arange(number, dtype=torch.float64)
    center, scale = torch.stack((4 + 3 * spread, 9 - spread), 1), torch.full((number, 2), 0.08).double()
    return crop_matrix(center, scale, SIZE, rotation=25 * spread)


def bilinear(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Pixel by pixel, zero outside."""
    back = np.linalg.inv(np.vstack((matrix, (0, 0, 1))))
    crop = np.zeros((image.shape[0], *SIZE))
    for y, x in np.ndindex(SIZE):
        u, v, _ = back @ (x, y, 1)
        for i, j in np.ndindex(2, 2):
            row, column = int(np.floor(v)) + i, int(np.floor(u)) + j
            if 0 <= row < image.shape[1] and 0 <= column < image.shape[2]:
                crop[:, y, x] += image[:, row, column] * (1 - abs(v - row)) * (1 - abs(u - column))
    return crop


@pytest.mark.parametrize(("dtype", "atol"), [(torch.float32, 1e-4), (torch.float64, 1e-12)])
def test_crops_are_bilinear_and_zero_outside(dtype: torch.dtype, atol: float) -> None:
    image, maps = torch.rand(2, 17, 11, dtype=dtype), matrices(4)
    expected = np.stack([bilinear(image.numpy(), matrix) for matrix in maps.numpy()])
    got = crop_images(image, maps, SIZE)
    assert got.dtype == dtype
    np.testing.assert_allclose(got.numpy(), expected, atol=atol)


def test_whole_numbers_are_rounded() -> None:
    image = torch.randint(0, 256, (3, 17, 11), dtype=torch.uint8)
    exact = crop_images(image.double(), matrices(3), SIZE)
    got = crop_images(image, matrices(3), SIZE)
    assert got.dtype == torch.uint8
    assert (got - exact).abs().max() <= 0.5 + 1e-9


def test_half_precision_images_are_sampled_in_float32() -> None:
    image = torch.rand(3, 17, 11).half()
    got = crop_images(image, matrices(2), SIZE)
    assert got.dtype == torch.float16
    torch.testing.assert_close(got.float(), crop_images(image.float(), matrices(2), SIZE), atol=1e-3, rtol=0)


def test_each_crop_comes_from_its_own_image_whatever_their_sizes() -> None:
    images = [torch.rand(3, 20, 8), torch.rand(3, 5, 31), torch.rand(3, 9, 9)]
    maps, index = matrices(5), torch.tensor([2, 0, 2, 1, 0])
    together = crop_images(images, maps, SIZE, image_index=index)
    for row, image in enumerate(index.tolist()):
        torch.testing.assert_close(together[row], crop_images(images[image], maps[row : row + 1], SIZE)[0])


def test_many_crops_of_one_image_are_those_of_each_alone() -> None:
    image, maps = torch.rand(1, 30, 30), matrices(19)
    alone = torch.cat([crop_images(image, one[None], SIZE) for one in maps])
    torch.testing.assert_close(crop_images(image, maps, SIZE), alone)


def test_a_stack_of_images_is_a_list_of_them() -> None:
    images = torch.rand(2, 3, 20, 8)
    stacked, listed = (
        crop_images(given, matrices(2), SIZE, image_index=[1, 0]) for given in (images, list(images))
    )
    assert torch.equal(stacked, listed)


def test_a_gradient_reaches_the_image() -> None:
    image = torch.rand(1, 12, 9, requires_grad=True)
    identity = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    crop_images(image, identity, SIZE).sum().backward()
    torch.testing.assert_close(image.grad, torch.ones(1, 12, 9))


@pytest.mark.parametrize("images", [[], torch.rand(3, 20, 8)], ids=["no image", "one image"])
def test_no_people_give_no_crops(images: list[Tensor] | Tensor) -> None:
    assert crop_images(images, torch.zeros(0, 2, 3), SIZE).shape == (0, 3, *SIZE)


def test_what_does_not_fit_is_named() -> None:
    image, one = torch.rand(3, 20, 8), matrices(1)
    with pytest.raises(ShapeError, match=r"image 0 has the shape \(20, 8\), but \(C, H, W\) is needed"):
        crop_images([image[0]], one, SIZE)
    with pytest.raises(ShapeError, match=r"image 1 has the shape \(3, 0, 8\) and no pixels; leave it out"):
        crop_images([image, image[:, :0]], one, SIZE, image_index=[0])
    with pytest.raises(
        ShapeError, match=r"image 1 has 1 channels .* image 0 has 3 .* bring them to one kind"
    ):
        crop_images([image, image[:1]], one, SIZE, image_index=[0])
    with pytest.raises(ShapeError, match="image_index has 2 entries for 1 crops; give one to each"):
        crop_images(image, one, SIZE, image_index=[0, 0])
    with pytest.raises(
        ShapeError, match="2 images came without image_index; say which each crop is cut from"
    ):
        crop_images([image, image], one, SIZE)
    with pytest.raises(ShapeError, match="image_index names image 1, but there are 1; count them from 0"):
        crop_images(image, one, SIZE, image_index=[1])
    with pytest.raises(ShapeError, match="image_index names image 0, but there are 0"):
        crop_images([], one, SIZE)
