"""Any picture file as a square of grey or RGB pixels."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, features

from unbraid.core import limits

Fit = Literal["crop", "pad", "stretch"]
SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".bmp", ".dib", ".gif", ".tif", ".tiff"),
    *(".webp", ".tga", ".pbm", ".pgm", ".ppm", ".pnm"),
    *((".avif",) if features.check("avif") else ()),  # where Pillow was built with it
)
# Suffixes of pictures that cannot be read, which messages name.
PICTURES = frozenset(
    (
        *(".heic", ".heif", ".avif", ".jxl", ".svg", ".psd", ".xcf", ".exr", ".hdr", ".eps"),
        *(".pdf", ".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".dcm"),
    )
) - frozenset(SUFFIXES)
GREY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N")
FORMATS = (*limits.FORMATS, *(("AVIF",) if features.check("avif") else ()))
EXIF_TURN = 0x0112  # the tag of the camera's orientation
PHOTOMETRIC = 0x0106  # the tag of a TIFF file that is 0 where 0 is white
BICUBIC = Image.Resampling.BICUBIC
LARGE = 1 << 22  # pixels from which on pictures are decoded one at a time, for their memory
_alone = threading.Lock()


class Wanted(NamedTuple):
    """What pictures are made into.

    Args:
        size: height and width.
        fit: how a picture that is not square is made square, see ``folder.Config``.
        channels: 1 for grey (luma as ITU-R BT.601 weighs it) or 3 for RGB.
        background: the colour behind transparent pixels and beside padded pictures.
    """

    size: int
    fit: Fit
    channels: int
    background: str


class Found(NamedTuple):
    """Properties of a picture file, which ``conversion_note`` counts."""

    size: tuple[int, int]  # width and height, upright
    turned: bool = False
    sixteen: bool = False
    transparent: bool = False
    grey: bool = False
    frames: bool = False


def decode(path: Path, wanted: Wanted) -> tuple[NDArray[np.uint8], Found]:
    """Return a picture file's pixels, (channels, size, size), and what it was.

    Raises:
        ValueError: pixels that are not grey, RGB or a palette of 8 or 16 bits.
        Exception: any that Pillow raises for a broken file.
    """
    with _opened(path) as file:
        size = file.size
        # large JPEGs decode at half or less, and quickly
        file.draft(None, (2 * wanted.size, 2 * wanted.size))
        limits.check_pixels(file.size)
        with _alone if file.width * file.height > LARGE else nullcontext():
            return prepared(file, wanted, size)


def _opened(path: Path) -> Image.Image:
    if not path.is_file():  # a pipe would be waited for
        raise ValueError("it is not a file")
    return Image.open(path, formats=FORMATS)


def prepared(
    image: Image.Image, wanted: Wanted, size: tuple[int, int] | None = None
) -> tuple[NDArray[np.uint8], Found]:
    """Return the pixels of a picture, (channels, size, size), and what it was.

    Of an animation or a stack, that is the first frame.

    Args:
        image: any picture of Pillow's.
        wanted: what it is made into.
        size: its width and height, if it is drawn smaller already.
    """
    kind, frames = image.format, bool(getattr(image, "is_animated", False))
    width, height = size or image.size
    turn = image.getexif().get(EXIF_TURN, 1)
    upright = _upright(image)
    found = Found(
        (height, width) if turn > 4 else (width, height),
        turn not in (0, 1),
        upright.mode.startswith("I"),
        _has_alpha(upright),
        shows_grey(upright),
        frames,
    )
    shown = _flat(upright, kind, wanted.channels, wanted.background)
    square = (wanted.size, wanted.size)
    if wanted.fit == "crop":
        shown = ImageOps.fit(shown, square, BICUBIC)
    elif wanted.fit == "pad":
        shown = ImageOps.pad(shown, square, BICUBIC, color=wanted.background)
    else:
        shown = shown.resize(square, BICUBIC)
    return np.asarray(shown).reshape(*square, wanted.channels).transpose(2, 0, 1), found


def conversion_note(found: Sequence[Found], wanted: Wanted) -> str:
    """Return one sentence on how pictures were converted, ``""`` if they were not.

    >>> wanted = Wanted(64, "crop", 3, "black")
    >>> conversion_note([Found((640, 480), transparent=True)] * 9, wanted)
    '9 images: 640 x 480 centre-cropped and scaled to 64 x 64; 9 with transparency laid over black.'
    """
    size = wanted.size
    other = [each.size for each in found if each.size != (size, size)]
    parts = []
    if other:
        sizes = Counter(each.size for each in found)
        least, most = (bound(sizes, key=lambda s: (s[0] * s[1], s)) for bound in (min, max))
        of = "{} x {}".format(*least)
        if len(sizes) > 1:
            of = f"{len(sizes):,} sizes from {of} to {most[0]} x {most[1]},"
        how = {"crop": "centre-cropped and scaled", "stretch": "stretched"}.get(
            wanted.fit, f"scaled and padded with {wanted.background}"
        )
        if all(width == height for width, height in sizes):
            how = "scaled"
        parts.append(f"{of} {how} to {size} x {size}")
    counts = {
        f"with transparency laid over {wanted.background}": [each.transparent for each in found],
        "turned upright by their EXIF tag": [each.turned for each in found],
        "of 16 bits scaled to 8": [each.sixteen for each in found],
        "in colour turned grey": [wanted.channels == 1 and not each.grey for each in found],
        "in grey turned to RGB": [wanted.channels == 3 and each.grey for each in found],
        "animations or stacks of which the first frame is taken": [each.frames for each in found],
    }
    parts += [f"{sum(which):,} {what}" for what, which in counts.items() if any(which)]
    plural = "" if len(found) == 1 else "s"
    return f"{len(found):,} image{plural}: {'; '.join(parts)}." if parts else ""


def pixels(image: Image.Image, channels: int, background: str) -> NDArray[np.uint8]:
    """Return a picture's pixels in its own size, (channels, H, W)."""
    upright = _upright(image)
    shown = np.asarray(_flat(upright, image.format, channels, background))
    return shown.reshape(*shown.shape[:2], channels).transpose(2, 0, 1)


def is_grey(path: Path) -> bool:
    """Whether a picture's header says that it is grey; True for a broken one."""
    try:
        with _opened(path) as image:
            return shows_grey(image)
    except Exception:  # decode reports it, unless such files are left out
        return True


def _upright(image: Image.Image) -> Image.Image:
    """Return a picture as its EXIF tag turns it, with 0 as black."""
    upright = ImageOps.exif_transpose(image)
    sixteen = image.format == "TIFF" and upright.mode.startswith("I;16")
    if not sixteen or image.getexif().get(PHOTOMETRIC) != 0:
        return upright
    # Pillow inverts 8 bits, but not 16
    return Image.fromarray(np.uint16(65535) - np.asarray(upright).astype(np.uint16))


def _flat(image: Image.Image, kind: str | None, channels: int, background: str) -> Image.Image:
    """Return a picture in 8 bits, grey or RGB, without transparency."""
    shown = _opaque(_eight_bit(image, kind), background)
    return shown.convert("L" if channels == 1 else "RGB")


def shows_grey(image: Image.Image) -> bool:
    """Whether a picture is stored in shades of grey."""
    if image.mode == "P":
        palette = np.array(image.getpalette("RGB")).reshape(-1, 3)
        return bool((palette == palette[:, :1]).all())
    return image.mode in GREY_MODES


def _eight_bit(image: Image.Image, kind: str | None) -> Image.Image:
    """Scale 16-bit grey, 0..65535, to 0..255; refuse other pixels of more than 8 bits."""
    if image.mode == "F" or (image.mode == "I" and kind not in ("PNG", "PPM")):
        raise ValueError("its pixels have 32 bits, expected 8 or 16")
    if image.mode.startswith("I"):
        shades = np.asarray(image).astype(np.float32)
        shades /= 257
        grey = Image.fromarray(np.rint(shades, out=shades).astype(np.uint8))
        clear = image.info.get("transparency")
        if clear is None:
            return grey
        alpha = np.where(np.asarray(image) == clear, np.uint8(0), np.uint8(255))
        return Image.merge("LA", (grey, Image.fromarray(alpha)))
    return image


def _opaque(image: Image.Image, background: str) -> Image.Image:
    """Lay a picture with transparency over the background."""
    if not _has_alpha(image):
        return image
    image = image if image.mode == "RGBA" else image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, background), image)


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info
