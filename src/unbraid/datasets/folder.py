"""Your own images in a folder; subfolders become the factor ``label``."""

from __future__ import annotations

import math
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor, UnidentifiedImageError

from unbraid import memory
from unbraid.datasets import SPLITS, Dataset
from unbraid.datasets._decode import SUFFIXES, Fit, decode, is_grey
from unbraid.datasets._images import held_out
from unbraid.errors import UnbraidError
from unbraid.factors import FactorSpec
from unbraid.files import expand, readable

LARGEST = 1024


@dataclass(frozen=True)
class Config:
    """Options of a folder of images.

    Args:
        path: the folder. Its subfolders are the values of the factor ``label``; subfolders named
            ``train`` and ``test``, if there are both, are the splits, and theirs the labels.
        size: height and width of the images made, 1 to 1024.
        fit: ``crop`` scales the shorter side to ``size`` and cuts the middle out, ``pad`` scales
            the longer side and fills up, ``stretch`` scales both.
        channels: 1 for grey, 3 for RGB, or ``auto``: 1 if every file is stored as grey, else 3.
        background: colour behind transparent pixels and beside padded images, as a name or
            ``#rrggbb``.
        skip_broken: leave out files that cannot be read, with a warning that counts them.
        split_seed: draws the tenth of the images that is the test set, if they come without one.
        full: all images in the order of their paths, in either split.
    """

    path: str
    size: int = 64
    fit: Fit = "crop"
    channels: Literal["auto", 1, 3] = "auto"
    background: str = "white"
    skip_broken: bool = False
    split_seed: int = 0
    full: bool = False


class Picture(NamedTuple):
    """An image file and the subfolder it lies in, ``""`` if in none."""

    path: Path
    label: str


def load(config: Config, split: str = "train") -> Dataset:
    """Load images uint8 (N, 1 or 3, size, size), with a factor ``label`` if there are subfolders.

    Raises:
        UnbraidError: no such folder, no images in it, a file that cannot be read, images both in
            subfolders and beside them, or an option out of range.
    """
    _check(config)
    root = _innermost(expand(config.path))
    pictures, rows = _of_split(root, split, config)
    labels = _label_values(pictures)
    channels = config.channels
    with ThreadPoolExecutor() as threads:
        if channels == "auto":  # judged by all pictures, so that both splits agree
            channels = 1 if all(threads.map(is_grey, (each.path for each in pictures))) else 3
        chosen = [pictures[row] for row in rows]
        images, kept = _decoded(chosen, config, channels, threads)
    name = expand(config.path).resolve().name
    if not labels:
        return Dataset(name, images, split=split)
    factors = np.array([[labels.index(chosen[row].label)] for row in kept], np.int64)
    return Dataset(
        name,
        images,
        factors,
        (FactorSpec("label", "categorical", tuple(map(readable, labels))),),
        split,
    )


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


def _of_split(root: Path, split: str, config: Config) -> tuple[list[Picture], list[int]]:
    """Return all pictures and the rows of those in the split."""
    halves = {each.name.lower(): each for each in _visible(root) if each.is_dir()}
    if not all(half in halves for half in SPLITS):
        pictures = _pictures(root)
        rows = held_out(len(pictures), split, config.split_seed, config.full, str(root))
        return pictures, rows.tolist()
    train, test = (_pictures(halves[half]) for half in SPLITS)
    pictures = train + test
    if config.full:
        return pictures, list(range(len(pictures)))
    first = 0 if split == "train" else len(train)
    return pictures, list(range(first, first + len(train if split == "train" else test)))


def _innermost(root: Path) -> Path:
    """Step into folders that hold one folder and nothing else, as unpacked archives do."""
    if not root.is_dir():
        raise UnbraidError(f"{root} is not a folder: give the folder that holds the images.")
    while len(inside := _visible(root)) == 1 and inside[0].is_dir():
        root = inside[0]
    return root


def _visible(folder: Path) -> list[Path]:
    try:
        return [each for each in folder.iterdir() if not _is_hidden(each.name)]
    except OSError as error:
        raise _unreadable(error) from error


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))


def _unreadable(error: OSError) -> UnbraidError:
    return UnbraidError(f"cannot read {error.filename}: {error.strerror}.")


def _pictures(root: Path) -> list[Picture]:
    """Return the image files below a folder, sorted by path; hidden and other files do not count.

    Links to folders are not followed.
    """

    def stop(error: OSError) -> None:
        raise _unreadable(error) from error

    files: list[Path] = []
    for folder, subfolders, names in os.walk(root, onerror=stop):
        subfolders[:] = [name for name in subfolders if not _is_hidden(name)]
        files += [Path(folder, name) for name in names if not _is_hidden(name)]
    images = sorted(file for file in files if file.suffix.lower() in SUFFIXES)
    if not images:
        others = sorted({file.suffix or file.name for file in files})[:5]
        found = f"{len(files)} files ({', '.join(others)})" if files else "no files"
        raise UnbraidError(
            f"found no images in {root}: it holds {found}, expected some in .png, .jpg or another "
            f"of the formats {', '.join(SUFFIXES[3:])}."
        )
    parents = [image.relative_to(root).parent.parts for image in images]
    return [
        Picture(image, parts[0] if parts else "")
        for image, parts in zip(images, parents, strict=True)
    ]


def _label_values(pictures: list[Picture]) -> tuple[str, ...]:
    """Return the sorted names of the subfolders, none if there are not several."""
    example = {picture.label: picture.path for picture in pictures}
    if len(example) > 1 and "" in example:
        outside = example.pop("")
        raise UnbraidError(
            f"{outside} lies beside the subfolders that give images their labels (such as "
            f"{next(iter(example.values())).parent}): move it into one, or out of the folder."
        )
    return tuple(sorted(example)) if len(example) > 1 else ()


def _decoded(
    pictures: list[Picture], config: Config, channels: int, threads: ThreadPoolExecutor
) -> tuple[NDArray[np.uint8], list[int]]:
    """Return the images that can be read and their rows in ``pictures``."""
    shape = len(pictures), channels, config.size, config.size
    what = f"{shape[0]:,} images of {config.size} by {config.size} pixels"
    memory.check(math.prod(shape), what, "set a smaller size, or use fewer images")
    images = np.empty(shape, np.uint8)

    def read(row: int) -> str | None:
        try:
            images[row] = decode(
                pictures[row].path, config.size, config.fit, channels, config.background
            )
        except UnidentifiedImageError:
            return "its content is in no known format"
        except Exception as error:  # a broken file can make Pillow raise anything
            return str(error) or type(error).__name__
        return None

    reasons = list(threads.map(read, range(len(pictures))))
    kept = [row for row, reason in enumerate(reasons) if reason is None]
    if len(kept) == len(pictures):
        return images, kept
    first = next(row for row, reason in enumerate(reasons) if reason)
    broken = len(pictures) - len(kept)
    more = f", nor can {broken - 1} more of {len(pictures)} files" if broken > 1 else ""
    told = f"{pictures[first].path} cannot be read as an image ({reasons[first]}){more}"
    if not config.skip_broken:
        raise UnbraidError(
            f"{told}: replace or delete it, or leave such files out with skip_broken=True."
        )
    if not kept:
        raise UnbraidError(f"{told}: no image is left.")
    warnings.warn(f"left out {broken} of {len(pictures)} files: {told}.", stacklevel=3)
    return images[kept], kept
