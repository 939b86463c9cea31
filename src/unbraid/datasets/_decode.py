"""Any picture file as a square of grey or RGB pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, features

Fit = Literal["crop", "pad", "stretch"]
SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".bmp", ".dib", ".gif", ".tif", ".tiff"),
    *(".webp", ".tga", ".pbm", ".pgm", ".ppm", ".pnm"),
    *((".avif",) if features.check("avif") else ()),  # where Pillow was built with it
)
# Pictures that cannot be read: a folder's reader names them.
PICTURES = frozenset(
    (
        *(".heic", ".heif", ".avif", ".jxl", ".svg", ".psd", ".xcf", ".exr", ".hdr", ".eps"),
        *(".pdf", ".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".dcm"),
    )
) - frozenset(SUFFIXES)
GREY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N")
BICUBIC = Image.Resampling.BICUBIC


def decode(path: Path, size: int, fit: Fit, channels: int, background: str) -> NDArray[np.uint8]:
    """Return a picture's pixels, (channels, size, size); of an animation, the first frame's.

    Args:
        path: the file.
        size: height and width.
        fit: what becomes of a picture that is not square, as ``folder.Config`` says.
        channels: 1 for grey (luma as ITU-R BT.601 weighs it) or 3 for RGB.
        background: the colour behind transparent pixels and beside padded pictures.

    Raises:
        ValueError: pixels of a kind that have no one meaning as a shade.
        Exception: whatever Pillow raises for a broken file.
    """
    with Image.open(path) as file:
        file.draft(None, (2 * size, 2 * size))  # large JPEGs decode at half or less, and quickly
        kind = file.format
        image = ImageOps.exif_transpose(file)
    image = _opaque(_eight_bit(image, kind), background).convert("L" if channels == 1 else "RGB")
    if fit == "crop":
        image = ImageOps.fit(image, (size, size), BICUBIC)
    elif fit == "pad":
        image = ImageOps.pad(image, (size, size), BICUBIC, color=background)
    else:
        image = image.resize((size, size), BICUBIC)
    return np.asarray(image).reshape(size, size, channels).transpose(2, 0, 1)


def is_grey(path: Path) -> bool:
    """Tell from its header whether a picture is stored in shades of grey; a broken one passes."""
    try:
        with Image.open(path) as image:
            if image.mode == "P":
                palette = np.array(image.getpalette("RGB")).reshape(-1, 3)
                return bool((palette == palette[:, :1]).all())
            return image.mode in GREY_MODES
    except Exception:  # decode tells of it, if it is not to be left out
        return True


def _eight_bit(image: Image.Image, kind: str | None) -> Image.Image:
    """Scale 16-bit grey, 0..65535, to 0..255; refuse other pixels of more than 8 bits."""
    if image.mode == "F" or (image.mode == "I" and kind not in ("PNG", "PPM")):
        raise ValueError("its pixels have 32 bits, expected 8 or 16")
    if image.mode.startswith("I"):
        return Image.fromarray(np.rint(np.asarray(image) / 257).astype(np.uint8))
    return image


def _opaque(image: Image.Image, background: str) -> Image.Image:
    """Lay a picture with transparency over the background."""
    if image.mode not in ("LA", "La", "PA", "RGBA", "RGBa") and "transparency" not in image.info:
        return image
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, background), image)
