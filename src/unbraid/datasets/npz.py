"""Your own images in a NumPy .npz file, with their factors if you know them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.lib.format import MAGIC_PREFIX
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from unbraid.core import limits
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.core.files import expand
from unbraid.core.signals import Signal
from unbraid.datasets import Dataset
from unbraid.datasets._arrays import checked, renamed, split_columns
from unbraid.datasets._columns import read_columns
from unbraid.datasets._groups import taken
from unbraid.datasets._images import Layout, as_images, as_signal, held_out
from unbraid.datasets._names import called, named
from unbraid.datasets._npz_keys import is_usual, keys_of

SAVE = "np.savez(path, images=..., factors=...)"


@dataclass(frozen=True)
class Config:
    """Options of a ``.npz`` file.

    Args:
        path: the file.
        images_key: the array of the images, (N, H, W), (N, H, W, C) or (N, C, H, W), as whole
            numbers in 0..255, truth values or reals in 0..1; by default the first there is of
            ``images``, ``imgs``, ``x`` and ``arr_0``, else ``x_train`` and ``x_test`` with
            ``y_train`` and ``y_test``, which are the splits then.
        factors_key: the array of the factors, (N,), (N, F) or records with named fields, of whole
            numbers, words or reals, NaN where unknown; or several with commas between them. By
            default the first there is of ``factors``, ``labels``, ``y`` and ``arr_1``, else every
            array with a value an image.
        factor_names: one name a factor; by default the array ``factor_names`` of the file, else
            ``label``, or ``factor_0``, ``factor_1``, ...
        kinds: the kinds of factors, as in ``size=ordinal,age=continuous,angle=circular:360``;
            those of others are inferred.
        units: the units of factors, as in ``size=pixels,angle=degrees``.
        group: the factor that names the group of each image, such as the clip of a frame. A group
            is whole in a split, and no factor.
        layout: where the channels of images with four axes are, ``nchw`` or ``nhwc``; ``auto``
            takes the one of axes 1 and 3 that has 1 to 4 entries.
        split_seed: draws the tenth of the images that is the test set.
        full: all images in their order, in either split.
        names: names of the label's values in their order, with commas between them
            (``shirt,trouser``), or a text file with one a line; numbers if not given.
        title: what the data is called; the file's name if not given.
    """

    path: str
    images_key: str | None = None
    factors_key: str | None = None
    factor_names: tuple[str, ...] | None = None
    kinds: str | None = None
    units: str | None = None
    group: str | None = None
    layout: Layout = "auto"
    split_seed: int = 0
    full: bool = False
    names: str | None = None
    title: str | None = None


def load(config: Config, split: str = "train") -> Dataset:
    """Load images uint8 (N, C, H, W) and their factors (N, F), NaN where unknown.

    A file whose array ``signal`` holds the JSON of a ``Signal`` has arrays of that.

    Raises:
        UnbraidError: a file that is missing or broken, keys it does not have, images that are no
            images (NaN, another range or shape), factors of another length, infinite ones, or
            pickled objects.
    """
    path = expand(config.path)
    title = called("npz", {"path": config.path, "title": config.title})
    with open_npz(path) as file:
        images_keys, factors_keys, note = keys_of(file, config, path)
        signal = _signal(file, path)
        arrays = [read_array(file, key, path) for key in images_keys]
        # both splits together tell whether 1 is white, or the darkest grey but one
        whole = [float(each.max()) for each in arrays if each.dtype.kind in "iu" and each.size]
        brightest = max(whole, default=0.0)
        parts = [
            as_images(array, config.layout, f"'{key}' of {path}", brightest)
            if signal is None
            else as_signal(array, signal, f"'{key}' of {path}")
            for key, array in zip(images_keys, arrays, strict=True)
        ]
        columns = _columns(file, factors_keys, parts, config, path)
    images = _joined(parts, path)
    groups = taken(columns, config.group, str(path))
    rows = _rows(parts, split, config, path, groups)
    read = read_columns(columns, config.kinds, config.units, str(path))
    factors, specs, notes = read
    if config.names is not None:
        specs = _with_names(specs, config.names, str(path))
    if factors is not None:
        factors = factors[rows]
    notes = (*((note,) if note else ()), *notes)
    groups = None if groups is None else groups[rows]
    data = Dataset(title, images[rows], factors, specs, split, notes, groups=groups)
    return data if signal is None else replace(data, signal=signal)


def _signal(file: NpzFile, path: Path) -> Signal | None:
    """Return the signal that a file names in its array ``signal``, None if it has none."""
    if "signal" not in file.files:
        return None
    try:
        return Signal.from_json(json.loads(str(read_array(file, "signal", path).item())))
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise UnbraidError(
            f"'signal' of {path} is not a signal ({error!r}): save json.dumps(signal.to_json())."
        ) from error


def _columns(
    file: NpzFile,
    keys: tuple[tuple[str, ...], ...],
    parts: list[NDArray[np.uint8]],
    config: Config,
    path: Path,
) -> dict[str, NDArray[Any]]:
    """Return the factors' columns by name, those of both splits one after the other."""
    arrays: dict[str, NDArray[Any]] = {}
    for both in keys:
        pieces = [
            checked(read_array(file, each, path), len(images), f"'{each}' of {path}")
            for each, images in zip(both, parts, strict=True)
        ]
        arrays[both[0]] = _joined(pieces, path)
    names = config.factor_names
    if names is None and arrays and "factor_names" in file.files:
        names = tuple(read_array(file, "factor_names", path).astype(str).ravel().tolist())
    if len(arrays) == 1 and (config.factors_key is not None or is_usual(keys[0][0])):
        return split_columns(next(iter(arrays.values())), names, f"'{keys[0][0]}' of {path}")
    columns: dict[str, NDArray[Any]] = {}
    for key, array in arrays.items():
        width = array.shape[1] if array.ndim == 2 else 1
        own = tuple(f"{key}_{each}" for each in range(width)) if width > 1 else (key,)
        columns |= split_columns(array, own, f"'{key}' of {path}")
    if config.factor_names is None:
        return columns
    given = renamed(config.factor_names, len(columns), str(path))
    return dict(zip(given, columns.values(), strict=True))


def _joined(parts: list[NDArray[Any]], path: Path) -> NDArray[Any]:
    """Return the arrays of both splits as one."""
    if len(parts) == 1:
        return parts[0]
    one, other = (part.shape[1:] for part in parts)
    if one != other:
        raise UnbraidError(
            f"{path}: the rows of the train and the test split have shapes {one} and {other}, "
            "expected the same: name one array with the option images_key."
        )
    return np.concatenate(parts)


def _rows(
    parts: list[NDArray[np.uint8]],
    split: str,
    config: Config,
    path: Path,
    groups: NDArray[np.int64] | None,
) -> NDArray[np.int64]:
    """Return the rows of a split: the file's own, or a tenth held out."""
    count = sum(map(len, parts))
    if len(parts) == 1:
        full = config.full
        return held_out(count, split, config.split_seed, full, str(path), groups=groups)
    if config.full:
        return np.arange(count)
    edge = len(parts[0])
    return np.arange(edge) if split == "train" else np.arange(edge, count)


def _with_names(specs: tuple[FactorSpec, ...], names: str, owner: str) -> tuple[FactorSpec, ...]:
    """Return the specs with names for the values of the one that is a category of numbers."""
    able = [
        column
        for column, spec in enumerate(specs)
        if spec.kind == "categorical" and not isinstance((spec.values or ("",))[0], str)
    ]
    if len(able) != 1:
        raise UnbraidError(
            f"{owner}: names were given, and {len(able)} of its factors "
            f"({', '.join(spec.name for spec in specs)}) are categories that are numbers, expected "
            "one: save the names themselves as the factor."
        )
    return tuple(
        named(spec, names, owner) if column == able[0] else spec
        for column, spec in enumerate(specs)
    )


def read_array(file: NpzFile, key: str, path: Path, save: str = SAVE) -> NDArray[Any]:
    """Return an array of a file; its path and ``save`` are for sentences."""
    with reading(path, save):
        limits.check_array(file, key)
        array: NDArray[Any] = file[key]
    if not isinstance(array, np.ndarray):  # a member that is no .npy comes as bytes
        raise UnbraidError(
            f"{path}: '{key}' is not an array, expected one in NumPy's format: save it with {save}."
        )
    return array


def open_npz(path: Path, save: str = SAVE) -> NpzFile:
    """Open a ``.npz`` file; ``save`` is the call that a sentence recommends."""
    with reading(path, save), path.open("rb") as start:
        alone = start.read(len(MAGIC_PREFIX)) == MAGIC_PREFIX
        file = None if alone else np.load(path, allow_pickle=False)
    if not isinstance(file, NpzFile):
        raise UnbraidError(
            f"{path} holds a single array, expected a .npz file: save it with {save}."
        )
    return file


@contextmanager
def reading(path: Path, save: str = SAVE, suffix: str = ".npz") -> Iterator[None]:
    """Tell what is wrong with a file in one sentence."""
    try:
        yield
    except (OSError, EOFError, ValueError, NotImplementedError, BadZipFile, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if "allow_pickle" in reason:
            reason = (
                "it is none, or holds pickled Python objects, and loading those could run any code"
            )
        raise UnbraidError(
            f"cannot read {path} as a {suffix} file: {reason}; save plain numbers with {save}."
        ) from error
