"""Images as pictures: grey or colour as they are shown, sheets of them, PNG files."""

from __future__ import annotations

import reprlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core import limits
from unbraid.core.errors import UnbraidError
from unbraid.core.files import atomic, expand
from unbraid.core.signals import Signal

if TYPE_CHECKING:
    from PIL import Image


def as_pictures(images: Any, signal: Signal | None = None) -> NDArray[np.uint8]:
    """Return images as they are shown: (..., C, H, W), uint8 or on [0, 1], to (..., H, W, 3).

    One channel is grey, three are RGB and four RGB with alpha, laid over white. Two have no common
    meaning: the first is shown in magenta, the second in green, which every reader can tell apart.

    Of a ``signal`` that is sound, each channel is shown in its colour map, one below the other.

    >>> as_pictures(np.ones((2, 1, 4, 5))).shape
    (2, 4, 5, 3)
    """
    array = np.asarray(images)
    if array.dtype != np.uint8:
        array = np.rint(np.clip(array, 0, 1) * 255).astype(np.uint8)
    if signal is not None and signal.kind == "sound":
        return _sound(array, signal)
    array = np.moveaxis(array, -3, -1)
    channels = array.shape[-1]
    if channels == 4:
        alpha = array[..., 3:].astype(np.float32) / 255
        over = array[..., :3] * alpha + 255 * (1 - alpha)
        return np.rint(over).astype(np.uint8)
    order = {1: [0, 0, 0], 2: [0, 1, 0], 3: [0, 1, 2]}[channels]
    return np.asarray(array[..., order])


def _sound(array: NDArray[np.uint8], signal: Signal) -> NDArray[np.uint8]:
    """Return sounds (..., C, H, W) in colours, (..., C (H + 1) - 1, W, 3): a line between two."""
    from matplotlib import colormaps

    table = np.rint(colormaps[signal.colormap](np.arange(256))[:, :3] * 255).astype(np.uint8)
    shown = table[array[..., ::-1, :] if signal.upwards else array]  # (..., C, H, W, 3)
    *lead, channels, height, width, _ = shown.shape
    lined = np.full((*lead, channels, height + 1, width, 3), 255, np.uint8)
    lined[..., :height, :, :] = shown
    return lined.reshape(*lead, channels * (height + 1), width, 3)[..., :-1, :, :]


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
    from PIL import Image, PngImagePlugin

    check_png(path)
    about = PngImagePlugin.PngInfo()
    if image.shape[-1] == 3 and image.dtype == np.uint8:
        shown = Image.fromarray(image)
        about.add_text("Software", "unbraid")  # a sheet, which is no image to train on
    else:
        array = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
        shown = Image.fromarray(array[0] if len(array) == 1 else as_pictures(array))
    with atomic(expand(path)) as temporary:
        shown.save(temporary, format="PNG", pnginfo=about)


def read_png(path: Path, shape: tuple[int, int, int]) -> tuple[NDArray[np.uint8], str]:
    """Read an image file for a model; transparent pixels lie over black.

    Args:
        path: a PNG, or any picture that Pillow reads.
        shape: (C, H, W) that the model takes.

    Returns:
        The image, uint8 (1, C, H, W), and a sentence where it was brought to that (see
        ``fitted``), empty if it had it.

    Raises:
        UnbraidError: no picture.
    """
    from PIL import Image, UnidentifiedImageError

    channels = shape[0]
    path = expand(path)
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            kind = "folder" if path.is_dir() else "pipe or device"
            raise UnbraidError(f"{path} is a {kind}, expected an image: give a PNG or JPEG file.")
        with Image.open(path, formats=limits.FORMATS) as file:
            limits.check_pixels(file.size)
            file.load()
            image: Image.Image = file
    except UnbraidError:
        raise
    except FileNotFoundError as error:
        raise UnbraidError(f"{path} does not exist, expected an image: give a PNG file.") from error
    except limits.Implausible as error:
        raise UnbraidError(f"{path} is too large: {error}; scale it down.") from error
    except UnidentifiedImageError as error:
        raise _broken(path, "its format is unknown") from error
    except Exception as error:  # a broken file can make Pillow raise anything
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise _broken(path, reason) from error
    pixels = np.moveaxis(_pixels(image, channels, path), -1, 0)[None]
    return fitted(pixels, shape, str(path))


def _broken(path: Path, reason: str) -> UnbraidError:
    return UnbraidError(
        f"{path} cannot be read as an image ({reason}), expected a whole PNG, JPEG or similar "
        "file: copy it again, or save it as PNG."
    )


def fitted(
    images: Any, shape: tuple[int, int, int], name: str = "the image"
) -> tuple[NDArray[np.uint8], str]:
    """Return images as a model takes them, and a sentence that says what was done.

    Colour is made grey and grey is repeated. Images that are larger are scaled down until they fit,
    those of half the size or less are enlarged by a whole number, and all are put in the middle,
    amid the colour of their border.

    Args:
        images: (N, C, H, W), uint8 or floats on [0, 1].
        shape: (C, H, W) that the model takes.
        name: what the sentence calls them.

    Raises:
        UnbraidError: not images of 1 to 4 channels, or of other channels than can be made.

    >>> images, told = fitted(np.zeros((1, 1, 28, 28), np.uint8), (1, 32, 32), "7.png")
    >>> told
    '7.png is 28 by 28 pixels, the model takes 32 by 32: it was put in the middle.'
    """
    array = np.asarray(images)
    if array.dtype.kind not in "buif":
        raise UnbraidError(
            f"images are {type(images).__name__} ({reprlib.repr(images)}), expected an array of "
            "numbers: read the file first, as np.asarray(PIL.Image.open(path)) does."
        )
    if array.ndim != 4 or not 1 <= array.shape[1] <= 4 or 0 in array.shape[2:]:
        raise UnbraidError(
            f"images have shape {array.shape}, expected (N, C, H, W) with 1 to 4 channels, such as "
            f"(N, {', '.join(map(str, shape))})."
        )
    if array.dtype != np.uint8:
        array = np.rint(np.clip(array, 0, 1) * 255).astype(np.uint8)
    channels, height, width = shape
    _, had, high, wide = array.shape
    done = []
    if had != channels:
        array = _recoloured(array, channels, name)
        done.append("made grey" if channels == 1 else "given three equal channels")
    if (high, wide) != (height, width):
        array, told = _placed(array, height, width)
        done += told
    if not done:
        return array, ""
    kinds = {1: "grey", 3: "in colour"}
    colours = had != channels
    was = f"{wide} by {high} pixels" + (f", {kinds[had]}" if colours else "")
    takes = f"{width} by {height}" + (f", {kinds[channels]}" if colours else "")
    return array, f"{name} is {was}, the model takes {takes}: it was {' and '.join(done)}."


def _recoloured(images: NDArray[np.uint8], channels: int, name: str) -> NDArray[np.uint8]:
    had = images.shape[1]
    if (had, channels) == (1, 3):
        return np.repeat(images, 3, 1)
    if (had, channels) == (3, 1):
        grey = np.tensordot(images, np.array([0.299, 0.587, 0.114]), (1, 0))
        return np.rint(grey).astype(np.uint8)[:, None]
    raise UnbraidError(
        f"{name} has {had} channels, but the model's images have {channels}: give one with "
        f"{channels}."
    )


def _placed(
    images: NDArray[np.uint8], height: int, width: int
) -> tuple[NDArray[np.uint8], list[str]]:
    """Return images scaled if need be and put in the middle, and what was done."""
    from PIL import Image

    high, wide = images.shape[2:]
    scale = min(height / high, width / wide)
    scale = scale if scale < 1 else float(int(scale))
    size = max(1, round(wide * scale)), max(1, round(high * scale))
    edge = np.concatenate(
        [images[:, :, 0], images[:, :, -1], images[..., 0], images[..., -1]], axis=2
    )
    border = np.median(edge, axis=2).astype(np.uint8)
    canvas = np.broadcast_to(border[:, :, None, None], (*images.shape[:2], height, width)).copy()
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    how = Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR
    for plane, image in zip(
        canvas.reshape(-1, height, width), images.reshape(-1, high, wide), strict=True
    ):
        shown = Image.fromarray(image) if scale == 1 else Image.fromarray(image).resize(size, how)
        plane[top : top + size[1], left : left + size[0]] = shown
    done = [] if scale == 1 else [f"scaled to {size[0]} by {size[1]}"]
    return canvas, done + (["put in the middle"] if size != (width, height) else [])


def _pixels(image: Image.Image, channels: int, path: Path) -> NDArray[np.uint8]:
    """Return the pixels, (H, W, C)."""
    from PIL import Image

    if image.mode.startswith("I"):  # 16 bits
        image = Image.fromarray(np.rint(np.asarray(image) / 257).clip(0, 255).astype(np.uint8))
    modes = {1: "L", 3: "RGB", 4: "RGBA"}
    if image.mode == "F":
        raise UnbraidError(
            f"{path} has pixels of 32 bits, expected 8 or 16: save it as PNG of 8 bits."
        )
    if channels not in modes:
        raise UnbraidError(
            f"the model's images have {channels} channels, and no image file has as many: give "
            "images as an array, in Python."
        )
    if channels < 4 and (image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image)
    pixels = np.asarray(image.convert(modes[channels]))
    return pixels.reshape(*pixels.shape[:2], channels)
