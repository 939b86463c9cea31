"""Pictures: what is written reads back, whatever kind of PNG it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unbraid.errors import UnbraidError
from unbraid.pictures import read_png, sheet, write_png


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_what_is_written_reads_back(channels: int, tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (channels, 16, 20), np.uint8)
    path = tmp_path / "image.png"
    if channels == 4:  # shown over white, so write it as it is
        Image.fromarray(np.moveaxis(image, 0, -1)).save(path)
    else:
        write_png(path, image / 255)
    np.testing.assert_array_equal(read_png(path, (channels, 16, 20))[0], image)


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
    np.testing.assert_array_equal(read_png(tmp_path / "image.png", (1, 16, 16))[0, 0], grey)


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
    with pytest.raises(UnbraidError, match="cannot read"):
        read_png(tmp_path, (1, 16, 16))
    (tmp_path / "half.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(UnbraidError, match="cannot read"):
        read_png(tmp_path / "half.png", (1, 16, 16))
    Image.new("L", (8, 16)).save(tmp_path / "small.png")
    with pytest.raises(
        UnbraidError, match="is 8 by 16 pixels, but the model's images are 16 by 16"
    ):
        read_png(tmp_path / "small.png", (1, 16, 16))
