"""Pictures: what is written reads back, whatever kind of PNG it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unbraid.core.errors import UnbraidError
from unbraid.pictures import fitted, read_png, sheet, write_png


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_what_is_written_reads_back(channels: int, tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (channels, 16, 20), np.uint8)
    path = tmp_path / "image.png"
    if channels == 4:  # shown over white, so write it as it is
        Image.fromarray(np.moveaxis(image, 0, -1)).save(path)
    else:
        write_png(path, image / 255)
    np.testing.assert_array_equal(read_png(path, (channels, 16, 20))[0][0], image)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "I;16"])
def test_any_kind_of_picture_becomes_grey(mode: str, tmp_path: Path) -> None:
    grey = np.zeros((16, 16), np.uint8)
    grey[4:12, 4:12] = 255
    image = Image.fromarray(grey)
    if mode == "I;16":
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    elif mode in ("LA", "RGBA"):  # transparent where it is black
        image = image.convert(mode)
        image.putalpha(Image.fromarray(grey))
    else:
        image = image.convert(mode)
    image.save(tmp_path / "image.png")
    np.testing.assert_array_equal(read_png(tmp_path / "image.png", (1, 16, 16))[0][0, 0], grey)


def test_sheets_are_square_and_enlarged() -> None:
    images = np.ones((5, 1, 32, 32), np.float32)
    made = sheet(images)
    assert made.shape == (2 * 99, 3 * 99, 3)
    assert sheet(images, columns=5).shape == (99, 5 * 99, 3)
    assert sheet(np.ones((1, 3, 200, 100))).shape == (204, 104, 3)


def test_what_cannot_be_read_or_written(tmp_path: Path) -> None:
    with pytest.raises(UnbraidError, match=r"the path ends in \.png, found '\.jpg'"):
        write_png(tmp_path / "image.jpg", np.zeros((1, 16, 16)))
    with pytest.raises(UnbraidError, match="does not exist"):
        read_png(tmp_path / "image.png", (1, 16, 16))
    with pytest.raises(UnbraidError, match="is a folder, expected an image"):
        read_png(tmp_path, (1, 16, 16))
    (tmp_path / "half.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(UnbraidError, match="as an image"):
        read_png(tmp_path / "half.png", (1, 16, 16))


def test_smaller_images_are_put_in_the_middle_of_their_borders_colour() -> None:
    images = np.full((2, 1, 28, 26), 7, np.uint8)
    images[:, 0, 10, 9] = 200
    found, told = fitted(images, (1, 32, 32), "7.png")
    assert told == "7.png is 26 by 28 pixels, the model takes 32 by 32: it was put in the middle."
    assert found.shape == (2, 1, 32, 32)
    assert found[0, 0, 12, 12] == 200
    assert (found[0, 0] != 7).sum() == 1
    same, told = fitted(found, (1, 32, 32))
    np.testing.assert_array_equal(same, found)
    assert told == ""


@pytest.mark.parametrize(
    ("size", "inside"), [((64, 64), (32, 32)), ((100, 50), (32, 16)), ((14, 10), (28, 20))]
)
def test_others_are_scaled_until_they_fit(size: tuple[int, int], inside: tuple[int, int]) -> None:
    wide, high = size
    image = np.zeros((1, 1, high, wide), np.uint8)
    image[..., high // 4 : -(high // 4), wide // 4 : -(wide // 4)] = 255
    found, told = fitted(image / 255, (1, 32, 32))
    assert f"scaled to {inside[0]} by {inside[1]}" in told
    lit = np.argwhere(found[0, 0] > 127)
    extent = np.ptp(lit, axis=0) + 1
    share = (1 - 2 * (high // 4) / high) * inside[1], (1 - 2 * (wide // 4) / wide) * inside[0]
    np.testing.assert_allclose(extent, share, atol=1.5)
    np.testing.assert_allclose(lit.mean(0), 15.5, atol=1)


def test_colours_are_made_the_models() -> None:
    colour = np.zeros((1, 3, 16, 16), np.uint8)
    colour[:, 1] = 255
    grey, told = fitted(colour, (1, 16, 16), "a.png")
    assert (grey == 150).all()
    assert told == (
        "a.png is 16 by 16 pixels, in colour, the model takes 16 by 16, grey: it was made grey."
    )
    back, told = fitted(grey, (3, 20, 20))
    assert (back == 150).all()
    assert "given three equal channels and put in the middle" in told
    with pytest.raises(UnbraidError, match="has 4 channels, but the model's images have 1"):
        fitted(np.zeros((1, 4, 16, 16), np.uint8), (1, 16, 16))
    with pytest.raises(UnbraidError, match=r"expected \(N, C, H, W\)"):
        fitted(np.zeros((16, 16), np.uint8), (1, 16, 16))


def test_a_file_of_any_size_and_colour_is_read(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), (255, 0, 0)).save(tmp_path / "red.png")
    image, told = read_png(tmp_path / "red.png", (1, 16, 16))
    assert image.shape == (1, 1, 16, 16)
    assert (image == 76).all()
    assert "red.png is 40 by 30 pixels" in told
