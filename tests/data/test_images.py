import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from hrpose.data.images import read_image
from hrpose.errors import ImageError

RED = (200, 40, 40)


def test_a_photograph_taken_sideways_is_turned_upright(tmp_path: Path) -> None:
    picture = Image.new("RGB", (40, 20), "white")
    picture.paste(RED, (0, 0, 20, 20))  # red on the left
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: left becomes top
    picture.save(tmp_path / "a.png", exif=exif)
    seen = read_image(tmp_path / "a.png")
    assert seen.shape == (40, 20, 3)
    assert (seen[:20] == RED).all()
    assert (seen[20:] == 255).all()


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "HSV", "LA", "RGB"])
def test_every_mode_of_pillow_becomes_rgb(mode: str) -> None:
    seen = read_image(Image.new("RGB", (6, 4), "white").convert(mode))
    assert seen.shape == (4, 6, 3)
    assert seen.dtype == np.uint8
    assert (seen == 255).all()


def test_cmyk_ink_is_read_as_colour(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "red.jpg", quality=100)
    assert np.abs(read_image(tmp_path / "red.jpg")[4, 4].astype(int) - (255, 0, 0)).max() <= 3


def test_transparent_pixels_show_white_paper(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (3, 1))
    picture.putdata([(0, 0, 0, 0), (0, 0, 0, 128), (*RED, 255)])
    picture.save(tmp_path / "a.png")
    expected = [[255] * 3, [127] * 3, list(RED)]
    assert read_image(tmp_path / "a.png")[0].tolist() == expected
    assert read_image(np.asarray(picture))[0].tolist() == expected


def test_a_transparent_colour_of_a_palette_shows_white_paper(tmp_path: Path) -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([0, 0, 0, *RED])
    picture.putdata([0, 1])
    picture.save(tmp_path / "a.png", transparency=0)
    assert read_image(tmp_path / "a.png")[0].tolist() == [[255] * 3, list(RED)]


def test_sixteen_bits_keep_black_and_white(tmp_path: Path) -> None:
    levels = np.array([[0, 257 * 100, 65535]], dtype=np.uint16)
    Image.fromarray(levels).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png")[0, :, 0].tolist() == [0, 100, 255]
    assert read_image(levels)[0, :, 0].tolist() == [0, 100, 255]
    assert read_image(Image.fromarray(levels.astype(np.int32)))[0, :, 0].tolist() == [0, 100, 255]


def test_the_first_frame_of_an_animation_is_read(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), color) for color in ("black", "white")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert (read_image(tmp_path / "a.gif") == 0).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, np.int64, bool])
@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1), (4, 6, 3)])
def test_arrays_of_any_type_give_the_same_picture(dtype: type, shape: tuple[int, ...]) -> None:
    top = 1 if dtype in (np.float32, np.float64, bool) else 255
    seen = read_image(np.full(shape, top, dtype=dtype))
    assert seen.shape == (4, 6, 3)
    assert (seen == 255).all()


def test_tensors_have_their_channels_first() -> None:
    pixels = torch.zeros(3, 4, 6)
    pixels[0] = 1
    assert (read_image(pixels) == (255, 0, 0)).all()
    assert (read_image(pixels.to(torch.bfloat16)) == (255, 0, 0)).all()
    assert read_image(torch.zeros(1, 4, 6)).shape == (4, 6, 3)


def test_the_result_may_be_written_to() -> None:
    source = np.zeros((2, 2, 3), dtype=np.uint8)
    read_image(source)[:] = 9
    assert (source == 0).all()


NAN = np.full((2, 2), np.nan)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (NAN, "the image holds 4 values that are NaN or infinite"),
        (torch.full((3, 2, 2), float("inf")), "the image holds 12 values that are NaN or infinite"),
        (np.zeros((0, 4, 3)), "an image of shape (0, 4, 3) came, which is empty"),
        (np.zeros((3, 8, 8)), "an image of shape (3, 8, 8) came; give (H, W)"),
        (np.zeros((1, 8, 8, 3)), "one picture at a time"),
        (torch.zeros(8, 8, 3), "a tensor has its channels first, (3, H, W)"),
        (np.full((2, 2), 200.0), "float64 with values from 200 to 200"),
        (np.full((2, 2), -1.5), "not yet normalised"),
        (np.full((2, 2), 300, dtype=np.int32), "int32 with values from 300 to 300"),
        (np.zeros((2, 2), dtype=complex), "an image of type complex128 came"),
        ([[0, 0]], "a picture came as list; give a path"),
        (Image.new("RGB", (0, 3)), "the PIL image is empty, 3 x 0 pixels"),
        (Image.fromarray(np.full((2, 2), 7.0, dtype=np.float32)), "float32 with values from 7 to 7"),
    ],
)
def test_what_is_no_picture_is_refused(source: Any, text: str) -> None:
    with pytest.raises(ImageError, match=re.escape(text)):
        read_image(source)


def test_a_url_is_not_taken_for_a_path() -> None:
    with pytest.raises(ImageError, match=r"https://host.example/a.jpg is a URL; save the picture, and give"):
        read_image("https://host.example/a.jpg")


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("no picture at all")
    for path, text in (
        (tmp_path / "gone.jpg", "there is no image file"),
        (tmp_path, "is a folder; give the path of one image file"),
        (tmp_path / "notes.jpg", "notes.jpg is not an image that Pillow can read"),
    ):
        with pytest.raises(ImageError, match=re.escape(text)):
            read_image(path)


@pytest.mark.parametrize("kind", ["jpg", "png"])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ImageError, match=f"a.{kind} is cut short or damaged"):
        read_image(path)


def test_a_picture_too_large_to_be_meant_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (64, 64)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ImageError, match=r"a\.png is too large to be read safely"):
        read_image(tmp_path / "a.png")
