"""Your own images in a folder; subfolders become the factor ``label``."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor, UnidentifiedImageError

from unbraid.datasets import SPLITS, Dataset
from unbraid.datasets._decode import Fit, decode, is_grey
from unbraid.datasets._images import held_out
from unbraid.datasets._names import called
from unbraid.datasets._walk import Passed, Picture, innermost, pictures, visible
from unbraid.errors import UnbraidError
from unbraid.factors import FactorSpec

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
        title: what the data is called; the folder's name if not given.
    """

    path: str
    size: int = 64
    fit: Fit = "crop"
    channels: Literal["auto", 1, 3] = "auto"
    background: str = "white"
    skip_broken: bool = False
    split_seed: int = 0
    full: bool = False
    title: str | None = None


def load(config: Config, split: str = "train") -> Dataset:
    """Load images uint8 (N, 1 or 3, size, size), with a factor ``label`` if there are subfolders.

    Raises:
        UnbraidError: no such folder, no images in it, a file that cannot be read, images both in
            subfolders and beside them, or an option out of range.
    """
    _check(config)
    passed = Passed(Path(config.path).expanduser())
    root = innermost(passed.root, passed)
    found, rows = _of_split(root, split, config, passed)
    labels = _label_values(found)
    channels = config.channels
    with ThreadPoolExecutor() as threads:
        if channels == "auto":  # judged by all pictures, so that both splits agree
            channels = 1 if all(threads.map(is_grey, (each.path for each in found))) else 3
        chosen = [found[row] for row in rows]
        images, kept = _decoded(chosen, config, channels, threads)
    if passed.serious:
        warnings.warn(passed.sentence(), stacklevel=2)
    notes = (passed.sentence(),) if passed.sentence() and not passed.serious else ()
    name = called("folder", {"path": config.path, "title": config.title})
    if not labels:
        return Dataset(name, images, split=split, notes=notes)
    factors = np.array([[labels.index(chosen[row].label)] for row in kept], np.int64)
    specs = (FactorSpec("label", "categorical", labels),)
    return Dataset(name, images, factors, specs, split, notes)


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


def _of_split(
    root: Path, split: str, config: Config, passed: Passed
) -> tuple[list[Picture], list[int]]:
    """Return all pictures and the rows of those in the split."""
    halves = {each.name.lower(): each for each in visible(root) if each.is_dir()}
    if not all(half in halves for half in SPLITS):
        found = pictures(root, passed, [root])
        rows = held_out(len(found), split, config.split_seed, config.full, str(root))
        return found, rows.tolist()
    both = [halves[half] for half in SPLITS]
    train, test = (pictures(half, passed, both) for half in both)
    if config.full:
        return train + test, list(range(len(train) + len(test)))
    first = 0 if split == "train" else len(train)
    return train + test, list(range(first, first + len(train if split == "train" else test)))


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
    images = np.empty((len(pictures), channels, config.size, config.size), np.uint8)

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
