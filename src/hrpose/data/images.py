"""Any picture -> (H, W, 3) bytes in RGB, upright, or an error that says what is wrong with it."""

import os
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from hrpose.errors import ImageError

ImageSource: TypeAlias = "str | os.PathLike[str] | Image.Image | NDArray[Any] | Tensor"
RGB: TypeAlias = NDArray[np.uint8]  # (H, W, 3)

PAPER = 255  # what shows through a transparent pixel: white, as on a page
LEVELS = 257  # 65535 / 255: white in 16 bits becomes white in 8


def read_image(source: ImageSource) -> RGB:
    """Read a picture as (H, W, 3) bytes in the order red, green, blue.

    What is not plain RGB is brought there in one documented way:

    - EXIF: a photograph that was taken sideways is turned upright; boxes and points count in what is seen
      then.
    - Grey, palette, CMYK, YCbCr and the like: converted; grey is repeated three times.
    - Transparency: laid on white.
    - 16 bits: divided by 257 and rounded, so that white stays white. Floats: 0 to 1 becomes 0 to 255.
    - Several frames: the first.

    >>> read_image(np.full((2, 4), 0.5)).shape
    (2, 4, 3)

    Args:
        source: a path; a PIL image; an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) in RGB order (what
            OpenCV reads is BGR: pass `array[..., ::-1]`); or a tensor of the same with the channels first.
    Raises: ImageError if there is no such file, it is no picture or is cut short, or the array is empty, of
        another shape or type, or holds NaN, infinity or values out of range.
    """
    if isinstance(source, Tensor):
        return _from_array(_channels_last(source), str(tuple(source.shape)))
    if isinstance(source, np.ndarray):
        return _from_array(source, str(source.shape))
    if isinstance(source, Image.Image):
        return _from_pil(source, "the PIL image")
    if isinstance(source, str) and source.startswith(("http://", "https://")):
        raise ImageError(f"{source} is a URL; save the picture, and give its path")
    if isinstance(source, str | os.PathLike):
        return _from_file(Path(source))
    raise ImageError(f"a picture came as {type(source).__name__}; give a path, PIL image, array or tensor")


def _from_file(path: Path) -> RGB:
    if not path.exists():
        raise ImageError(
            f"there is no image file {path}; check the path, or the images folder it is read from"
        )
    if path.is_dir():
        raise ImageError(f"{path} is a folder; give the path of one image file")
    try:
        with Image.open(path) as opened:
            return _from_pil(opened, str(path))
    except UnidentifiedImageError as error:
        raise ImageError(f"{path} is not an image that Pillow can read; convert it to PNG or JPEG") from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{path} is too large to be read safely ({error}); make it smaller first") from error


def _from_pil(image: Image.Image, name: str) -> RGB:
    try:
        upright = ImageOps.exif_transpose(image)
        upright.load()
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise ImageError(f"{name} is cut short or damaged ({error}); fetch or save it again") from error
    if 0 in upright.size:
        raise ImageError(f"{name} is empty, {upright.height} x {upright.width} pixels; give one with pixels")
    if upright.mode.startswith(("I", "F")):
        return _from_array(_wide(upright), name)
    if upright.has_transparency_data:
        return _on_paper(np.asarray(upright.convert("RGBA")))
    return np.array(upright.convert("RGB"))


def _wide(image: Image.Image) -> NDArray[Any]:
    """The pixels of a picture with more than 8 bits: Pillow gives 16 of them as 16 or as 32."""
    pixels = np.asarray(image)
    inside = pixels.dtype.kind in "iu" and pixels.min() >= 0 and pixels.max() <= np.iinfo(np.uint16).max
    return pixels.astype(np.uint16) if inside else pixels


def _on_paper(rgba: NDArray[np.uint8]) -> RGB:
    color, alpha = rgba[..., :3].astype(np.float32), rgba[..., 3:].astype(np.float32) / 255
    return np.round(color * alpha + PAPER * (1 - alpha)).astype(np.uint8)


def _channels_last(tensor: Tensor) -> NDArray[Any]:
    if tensor.ndim == 3 and tensor.shape[0] not in (1, 3, 4):
        raise ImageError(
            f"an image tensor of shape {tuple(tensor.shape)} came; a tensor has its channels first, "
            "(3, H, W), (1, H, W) or (4, H, W)"
        )
    if tensor.is_floating_point():
        tensor = tensor.float()  # numpy has no bfloat16
    pixels = tensor.detach().cpu().numpy()
    return pixels.transpose(1, 2, 0) if pixels.ndim == 3 else pixels


def _from_array(pixels: NDArray[Any], name: str) -> RGB:
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (1, 3, 4)):
        raise ImageError(
            f"an image of shape {name} came; give (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), "
            "and one picture at a time"
        )
    if pixels.size == 0:
        raise ImageError(f"an image of shape {name} came, which is empty; give one with pixels")
    values = _bytes(pixels)
    if values.ndim == 2:
        values = values[..., None]
    if values.shape[2] == 4:
        return _on_paper(values)
    return np.array(np.broadcast_to(values, (*values.shape[:2], 3)))


def _bytes(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8) * 255
    if pixels.dtype.kind not in "iuf":
        raise ImageError(f"an image of type {pixels.dtype} came; give uint8, uint16, or floats from 0 to 1")
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        count = int(np.count_nonzero(~np.isfinite(pixels)))
        raise ImageError(f"the image holds {count} values that are NaN or infinite; give finite ones")
    low, high = pixels.min(), pixels.max()
    if pixels.dtype == np.uint16:
        return np.round(pixels / LEVELS).astype(np.uint8)
    top = 1 if pixels.dtype.kind == "f" else 255
    if low < 0 or high > top:
        raise ImageError(
            f"the image is {pixels.dtype} with values from {low:g} to {high:g}; give uint8, uint16, "
            "or floats from 0 to 1 (not yet normalised)"
        )
    return np.round(pixels * (255 / top)).astype(np.uint8)
