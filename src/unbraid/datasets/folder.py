"""Your own images in a folder; subfolders and the columns of a table are their factors."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor, UnidentifiedImageError

from unbraid.core import memory
from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset
from unbraid.datasets import _folder as files
from unbraid.datasets._decode import Fit, Found, Wanted, conversion_note, decode, is_grey
from unbraid.datasets._names import called
from unbraid.datasets._walk import IMAGES

LARGEST = 1024


@dataclass(frozen=True)
class Config(files.Options):
    """Options of a folder of images.

    Args:
        size: height and width of the images made, 1 to 1024.
        fit: ``crop`` scales the shorter side to ``size`` and crops the centre, ``pad`` scales the
            longer side and pads the shorter one, ``stretch`` scales both.
        channels: 1 for grey, 3 for RGB, or ``auto``: 1 if every file is stored as grey, else 3.
        background: colour behind transparent pixels and beside padded images, as a name or
            ``#rrggbb``.
    """

    size: int = 64
    fit: Fit = "crop"
    channels: Literal["auto", 1, 3] = "auto"
    background: str = "white"


def load(config: Config, split: str = "train") -> Dataset:
    """Load images uint8 (N, 1 or 3, size, size), with the factors of subfolders and a table.

    Raises:
        UnbraidError: no such folder, no images in it, a file that cannot be read, images both in
            subfolders and beside them, a table that does not match the images or contradicts
            itself, or an option out of range.
    """
    _check(config)
    found = files.find(config, split, IMAGES)
    channels = config.channels
    with ThreadPoolExecutor() as threads:
        if channels == "auto":  # by the pictures of both splits, so that these agree
            channels = 1 if all(threads.map(is_grey, (each.path for each in found.items))) else 3
        wanted = Wanted(config.size, config.fit, channels, config.background)
        chosen = [found.items[row].path for row in found.rows]
        images, kept, done = decoded(chosen, wanted, config.skip_broken, threads)
    notes = (*found.before, done, *found.after)
    title = called("folder", {"path": config.path, "title": config.title})
    factors = found.factors(kept)
    specs, said = found.labels.specs, tuple(filter(None, notes))
    groups = found.groups_of(kept)
    return Dataset(title, images, factors, specs, split, said, groups=groups)


def _check(config: Config) -> None:
    wrong = None
    if not 1 <= config.size <= LARGEST:
        wrong = f"size is {config.size}, expected 1 to {LARGEST}"
    else:
        try:
            ImageColor.getrgb(config.background)
        except ValueError:
            wrong = f"background is '{config.background}', expected a colour's name or #rrggbb"
    if wrong:
        raise UnbraidError(f"dataset folder: {wrong}.")


def decoded(
    paths: list[Path], wanted: Wanted, skip_broken: bool | None, threads: ThreadPoolExecutor
) -> tuple[NDArray[np.uint8], list[int], str]:
    """Return the images that can be read, their rows in ``paths`` and what was done to them."""
    shape = len(paths), wanted.channels, wanted.size, wanted.size
    what = f"{shape[0]:,} images of {wanted.size} by {wanted.size} pixels"
    memory.check(math.prod(shape), what, "set a smaller size, or use fewer images")
    images = np.empty(shape, np.uint8)
    done: list[Found | None] = [None] * len(paths)

    def read(row: int) -> str | None:
        try:
            images[row], done[row] = decode(paths[row], wanted)
        except UnidentifiedImageError:
            return "its format is unknown"
        except Exception as error:  # a broken file can make Pillow raise anything
            return str(error) or type(error).__name__
        return None

    kept = files.read_each(paths, read, skip_broken, threads)
    note = conversion_note([each for each in done if each], wanted)
    return (images if len(kept) == len(paths) else images[kept]), kept, note
