"""Images as pictures: grey or colour as they are shown, sheets of them, PNG files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unbraid.errors import UnbraidError
from unbraid.files import atomic, expand

if TYPE_CHECKING:
    from PIL import Image


def as_pictures(images: Any) -> NDArray[np.uint8]:
    """Return images as they are shown: (..., C, H, W), uint8 or on [0, 1], to (..., H, W, 3).

    One channel is grey, three are RGB and four RGB with alpha, laid over white. Two have no common
    meaning: the first is shown in magenta, the second in green, which every reader can tell apart.

    >>> as_pictures(np.ones((2, 1, 4, 5))).shape
    (2, 4, 5, 3)
    """
    array = np.asarray(images)
    if array.dtype != np.uint8:
        array = np.rint(np.clip(array, 0, 1) * 255).astype(np.uint8)
    array = np.moveaxis(array, -3, -1)
    channels = array.shape[-1]
    if channels == 4:
        alpha = array[..., 3:].astype(np.float32) / 255
        over = array[..., :3] * alpha + 255 * (1 - alpha)
        return np.rint(over).astype(np.uint8)
    order = {1: [0, 0, 0], 2: [0, 1, 0], 3: [0, 1, 2]}[channels]
    return np.asarray(array[..., order])


def tile(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay pictures (R, K, H, W, 3) out in R rows of K, thin white lines between them."""
    rows, columns, height, width, _ = pictures.shape
    gap = max(1, round(width / 28))
    sheet = np.full((rows, height + gap, columns, width + gap, 3), 255, np.uint8)
    sheet[:, gap // 2 : gap // 2 + height, :, gap // 2 : gap // 2 + width] = pictures.transpose(
        0, 2, 1, 3, 4
    )
    return sheet.reshape(rows * (height + gap), columns * (width + gap), 3)


def enlarged(pictures: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """Return pictures (..., H, W, 3) with each pixel a square of ``scale`` by ``scale``.

    >>> enlarged(np.zeros((4, 5, 3), np.uint8), 2).shape
    (8, 10, 3)
    """
    return pictures.repeat(scale, -3).repeat(scale, -2)


def sheet(images: Any, columns: int = 0, least: int = 96) -> NDArray[np.uint8]:
    """Return images (N, C, H, W) in rows, enlarged until each is ``least`` pixels wide.

    >>> sheet(np.ones((5, 1, 32, 32))).shape[2]
    3
    """
    pictures = as_pictures(images)
    count, _, width, _ = pictures.shape
    columns = columns or int(np.ceil(np.sqrt(count)))
    pictures = enlarged(pictures, max(1, -(-least // width)))
    blank = np.full((-count % columns, *pictures.shape[1:]), 255, np.uint8)
    filled = np.concatenate([pictures, blank])
    return tile(filled.reshape(-1, columns, *pictures.shape[1:]))


def check_png(path: Path) -> None:
    """Raise an UnbraidError unless a path ends in .png."""
    if path.suffix.lower() != ".png":
        raise UnbraidError(
            f"cannot write '{path}': the path ends in .png, found '{path.suffix or 'no suffix'}'."
        )


def write_png(path: Path, image: NDArray[Any]) -> None:
    """Write one image as a PNG: a picture (H, W, 3) uint8, or (C, H, W) with the pixels it has.

    Raises:
        UnbraidError: a path that does not end in .png, or cannot be written.
    """
    from PIL import Image

    check_png(path)
    if image.shape[-1] == 3 and image.dtype == np.uint8:
        shown = Image.fromarray(image)
    else:
        array = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
        shown = Image.fromarray(array[0] if len(array) == 1 else as_pictures(array))
    with atomic(expand(path)) as temporary:
        shown.save(temporary, format="PNG")


def read_png(path: Path, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Read an image file for a model, uint8 (1, C, H, W); transparent pixels lie over black.

    Args:
        path: a PNG, or any picture that Pillow reads.
        shape: (C, H, W) that the model takes.

    Raises:
        UnbraidError: no picture, or of another size.
    """
    from PIL import Image

    channels, height, width = shape
    path = expand(path)
    try:
        with Image.open(path) as file:
            file.load()
            image: Image.Image = file.copy()
    except FileNotFoundError as error:
        raise UnbraidError(f"{path} does not exist: give a PNG file.") from error
    except Exception as error:  # a broken file can make Pillow raise anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnbraidError(f"cannot read {path} as an image: {reason}.") from error
    if image.size != (width, height):
        raise UnbraidError(
            f"{path} is {image.width} by {image.height} pixels, but the model's images are {width} "
            f"by {height}: bring it to that size first."
        )
    return np.moveaxis(_pixels(image, channels, path), -1, 0)[None]


def _pixels(image: Image.Image, channels: int, path: Path) -> NDArray[np.uint8]:
    """Return the pixels, (H, W, C)."""
    from PIL import Image

    if image.mode.startswith("I"):  # 16 bits
        image = Image.fromarray(np.rint(np.asarray(image) / 257).clip(0, 255).astype(np.uint8))
    modes = {1: "L", 3: "RGB", 4: "RGBA"}
    if channels not in modes or image.mode == "F":
        raise UnbraidError(f"cannot read {path} as an image of {channels} channels.")
    if channels < 4 and (image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image)
    pixels = np.asarray(image.convert(modes[channels]))
    return pixels.reshape(*pixels.shape[:2], channels)
