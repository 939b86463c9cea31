"""Your own images in a folder; subfolders and the columns of a table are their factors."""

from __future__ import annotations

import math
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor, UnidentifiedImageError

from unbraid.core import memory
from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.files import expand, readable
from unbraid.datasets import SPLITS, Dataset
from unbraid.datasets._columns import Factors, read_columns
from unbraid.datasets._decode import Fit, Found, Wanted, conversion_note, decode, is_grey
from unbraid.datasets._images import held_out
from unbraid.datasets._names import called
from unbraid.datasets._table import find_table, match
from unbraid.datasets._table_files import read_table
from unbraid.datasets._walk import Picture, Skipped, pictures, unnested, visible

LARGEST = 1024


@dataclass(frozen=True)
class Config:
    """Options of a folder of images.

    Args:
        path: the folder. Its subfolders are the values of the factor ``label``; subfolders named
            ``train`` and ``test``, if there are both, are the splits, and theirs the labels.
        labels: a table of labels, a row an image and a column a factor; the ``labels.csv``,
            ``.tsv`` or ``.parquet`` in the folder if not given.
        columns: which columns of the table are factors, with commas between them; all by default.
        kinds: the kinds of factors, as in ``size=ordinal,age=continuous,angle=circular:360``;
            those of others are inferred.
        units: the units of factors, as in ``size=pixels,angle=degrees``.
        size: height and width of the images made, 1 to 1024.
        fit: ``crop`` scales the shorter side to ``size`` and crops the centre, ``pad`` scales the
            longer side and pads the shorter one, ``stretch`` scales both.
        channels: 1 for grey, 3 for RGB, or ``auto``: 1 if every file is stored as grey, else 3.
        background: colour behind transparent pixels and beside padded images, as a name or
            ``#rrggbb``.
        skip_broken: leave out files that cannot be read, with a warning that counts them.
        split_seed: draws the tenth of the images that is the test set, if they come without one.
        full: all images in the order of their paths, in either split.
        title: what the data is called; the folder's name if not given.
    """

    path: str
    labels: str | None = None
    columns: str | None = None
    kinds: str | None = None
    units: str | None = None
    size: int = 64
    fit: Fit = "crop"
    channels: Literal["auto", 1, 3] = "auto"
    background: str = "white"
    skip_broken: bool = False
    split_seed: int = 0
    full: bool = False
    title: str | None = None


def load(config: Config, split: str = "train") -> Dataset:
    """Load images uint8 (N, 1 or 3, size, size), with the factors of subfolders and a table.

    Raises:
        UnbraidError: no such folder, no images in it, a file that cannot be read, images both in
            subfolders and beside them, a table that does not match the images or contradicts
            itself, or an option out of range.
    """
    _check(config)
    skipped = Skipped(expand(config.path))
    root = unnested(skipped.root, skipped)
    found, rows = _of_split(root, split, config, skipped)
    read, warning = _labels(found, skipped, root, config)
    channels = config.channels
    with ThreadPoolExecutor() as threads:
        if channels == "auto":  # by the pictures of both splits, so that these agree
            channels = 1 if all(threads.map(is_grey, (each.path for each in found))) else 3
        wanted = Wanted(config.size, config.fit, channels, config.background)
        chosen = [found[row].path for row in rows]
        images, kept, done = decoded(chosen, wanted, config.skip_broken, threads)
    said = skipped.sentence()
    for sentence in (said if skipped.serious else "", warning):
        if sentence:
            warnings.warn(sentence, stacklevel=2)
    notes = ("" if skipped.serious else said, done, *read.notes)
    title = called("folder", {"path": config.path, "title": config.title})
    factors = None if read.factors is None else read.factors[np.array(rows)[kept]]
    return Dataset(title, images, factors, read.specs, split, tuple(filter(None, notes)))


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
    root: Path, split: str, config: Config, skipped: Skipped
) -> tuple[list[Picture], list[int]]:
    """Return all pictures and the rows of those in the split."""
    halves = {each.name.lower(): each for each in visible(root) if each.is_dir()}
    if not all(half in halves for half in SPLITS):
        found = pictures(root, skipped, [root])
        rows = held_out(len(found), split, config.split_seed, config.full, str(root))
        return found, rows.tolist()
    both = [halves[half] for half in SPLITS]
    train, test = (pictures(half, skipped, both) for half in both)
    if config.full:
        return train + test, list(range(len(train) + len(test)))
    first = 0 if split == "train" else len(train)
    return train + test, list(range(first, first + len(train if split == "train" else test)))


def _labels(
    found: list[Picture], skipped: Skipped, root: Path, config: Config
) -> tuple[Factors, str]:
    """Return the factors of all pictures, and a warning where table and pictures differ."""
    given = None if config.labels is None else expand(config.labels)
    path = given or find_table(skipped.root, root)
    if path is not None:  # then the other tables may be left out without a warning
        skipped.others += [each for each in skipped.tables if each.resolve() != path.resolve()]
        skipped.tables = []
    columns: dict[str, Any] = {}
    warning = ""
    if path is not None:
        table = read_table(path)
        base = path.parent if found[0].path.is_relative_to(path.parent) else skipped.root
        matched = match(table, [each.path.relative_to(base).as_posix() for each in found], base)
        columns, warning = matched.columns, matched.warning
        if config.columns is not None:
            columns = _chosen(columns, config.columns, path)
    elif config.columns is not None:
        raise UnbraidError(
            f"{skipped.root}: columns are chosen ({config.columns}), but there is no labels.csv in "
            "it: name the table with labels (--data.labels)."
        )
    subfolders = [readable(each.label) for each in found]
    if path is None or (config.columns is None and _is_factor(subfolders, columns)):
        _check_subfolders(found)
        if len(set(subfolders)) > 1:
            columns["label"] = np.array(subfolders)
    owner = str(path or skipped.root)
    read = read_columns(
        columns, config.kinds, config.units, owner, lambda row: f"the row of {found[row].path.name}"
    )
    return read, warning


def _chosen(columns: dict[str, Any], given: str, path: Path) -> dict[str, Any]:
    """Return the columns that were asked for, in that order."""
    names = [name.strip() for name in given.split(",") if name.strip()]
    for name in names:
        if name not in columns:
            raise UnbraidError(
                f"{path} has no column '{name}'{did_you_mean(name, columns)}: its columns are "
                f"{', '.join(columns)}."
            )
    return {name: columns[name] for name in names}


def _is_factor(subfolders: list[str], columns: dict[str, Any]) -> bool:
    """Whether subfolders are a factor that no column of the table is."""
    if "" in subfolders or "label" in columns:
        return False
    count = len(set(subfolders))
    for column in columns.values():
        cells = [str(cell) for cell in column]
        if len(set(cells)) == count == len(set(zip(cells, subfolders, strict=True))):
            return False
    return True


def _check_subfolders(found: list[Picture]) -> None:
    """Refuse pictures both in subfolders and beside them."""
    example = {picture.label: picture.path for picture in found}
    if len(example) > 1 and "" in example:
        outside = example.pop("")
        raise UnbraidError(
            f"{outside} is beside the subfolders that give images their labels (such as "
            f"{next(iter(example.values())).parent}): move it into one, or out of the folder."
        )


def decoded(
    paths: list[Path], wanted: Wanted, skip_broken: bool, threads: ThreadPoolExecutor
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

    reasons = list(threads.map(read, range(len(paths))))
    kept = [row for row, reason in enumerate(reasons) if reason is None]
    if len(kept) == len(paths):
        return images, kept, conversion_note([each for each in done if each], wanted)
    first = next(row for row, reason in enumerate(reasons) if reason)
    broken = len(paths) - len(kept)
    more = f", nor can {broken - 1} more of {len(paths)} files" if broken > 1 else ""
    sentence = f"{paths[first]} cannot be read as an image ({reasons[first]}){more}"
    if not skip_broken:
        raise UnbraidError(
            f"{sentence}: replace or delete it, or leave such files out with skip_broken=True."
        )
    if not kept:
        raise UnbraidError(f"{sentence}: no image is left.")
    warnings.warn(f"left out {broken} of {len(paths)} files: {sentence}.", stacklevel=3)
    return images[kept], kept, conversion_note([each for each in done if each], wanted)
