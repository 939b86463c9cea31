"""Your own images in a NumPy ``.npz`` file, with their factors if you know them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from unbraid.datasets import SPLITS, Dataset
from unbraid.datasets._images import Layout, as_images, held_out
from unbraid.datasets._names import called, named
from unbraid.errors import UnbraidError, did_you_mean
from unbraid.factors import FactorSpec

IMAGES_KEYS = ("images", "imgs", "x", "arr_0")
FACTORS_KEYS = ("factors", "labels", "y", "arr_1")
# Files with both splits in them, as Keras and MedMNIST write them: images and labels of each.
SPLIT_KEYS = {
    "train": (("x_train", "train_images", "train_x"), ("y_train", "train_labels", "train_y")),
    "test": (("x_test", "test_images", "test_x"), ("y_test", "test_labels", "test_y")),
}


@dataclass(frozen=True)
class Config:
    """Options of a ``.npz`` file.

    Args:
        path: the file.
        images_key: the array of the images, (N, H, W), (N, H, W, C) or (N, C, H, W), as whole
            numbers in 0..255, truth values or reals in 0..1; by default the first there is of
            ``images``, ``imgs``, ``x`` and ``arr_0``, else ``x_train`` and ``x_test`` with
            ``y_train`` and ``y_test``, which are the splits then.
        factors_key: the array of the factors, (N,) or (N, F), as whole numbers or words (taken
            as categories) or reals; by default the first there is of ``factors``, ``labels``,
            ``y`` and ``arr_1``, and none if there is none.
        factor_names: one name a factor; by default the array ``factor_names`` of the file, else
            ``label``, or ``factor_0``, ``factor_1``, ...
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
    layout: Layout = "auto"
    split_seed: int = 0
    full: bool = False
    names: str | None = None
    title: str | None = None


def load(config: Config, split: str = "train") -> Dataset:
    """Load images uint8 (N, C, H, W) and their factors (N, F), indices or reals.

    Raises:
        UnbraidError: a file that is missing or broken, keys it does not have, images that are no
            images (NaN, another range or shape), factors of another length, or pickled objects.
    """
    path = Path(config.path).expanduser()
    title = called("npz", {"path": config.path, "title": config.title})
    with _open(path) as file:
        images_keys, factors_keys = _keys(file, config, path)
        parts = [
            as_images(_read(file, key, path), config.layout, f"'{key}' of {path}")
            for key in images_keys
        ]
        columns = [
            _as_columns(_read(file, key, path), len(images), f"'{key}' of {path}")
            for key, images in zip(factors_keys, parts, strict=False)
        ]
        names = config.factor_names
        if names is None and factors_keys and "factor_names" in file.files:
            names = tuple(_read(file, "factor_names", path).astype(str).ravel().tolist())
    images = _joined(parts, path)
    rows = _rows(parts, split, config, path)
    if not columns:
        return Dataset(title, images[rows], split=split)
    owner = f"'{factors_keys[0]}' of {path}"
    factors, specs = as_factors(_joined(columns, path), names, owner)
    if config.names is not None:
        specs = _with_names(specs, config.names, owner)
    return Dataset(title, images[rows], factors[rows], specs, split)


def _keys(file: NpzFile, config: Config, path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the keys of the images and of the factors: one each, or one a split, or no factors."""
    images = _key(file, config.images_key, IMAGES_KEYS, path)
    factors = _key(file, config.factors_key, FACTORS_KEYS, path)
    if images is not None:
        return (images,), () if factors is None else (factors,)
    lower = {key.lower(): key for key in file.files}
    halves = [
        [next((lower[key] for key in usual if key in lower), None) for usual in SPLIT_KEYS[split]]
        for split in SPLITS
    ]
    (train, train_labels), (test, test_labels) = halves
    if train is None:
        raise UnbraidError(
            f"{path} has none of the arrays {', '.join(IMAGES_KEYS)} or x_train: {_listing(file)}; "
            "name the one that holds the images with images_key (--data.images-key)."
        )
    if test is None:
        return (train,), () if train_labels is None else (train_labels,)
    both = () if train_labels is None or test_labels is None else (train_labels, test_labels)
    return (train, test), both


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
    parts: list[NDArray[np.uint8]], split: str, config: Config, path: Path
) -> NDArray[np.int64]:
    """Return the rows of a split: the file's own, or a tenth held out."""
    count = sum(map(len, parts))
    if len(parts) == 1:
        return held_out(count, split, config.split_seed, config.full, str(path))
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


def as_factors(
    columns: NDArray[Any], names: tuple[str, ...] | None, owner: str
) -> tuple[NDArray[Any], tuple[FactorSpec, ...]]:
    """Return factors (N, F) and their specs: reals as they are, anything else as categories.

    >>> as_factors(np.array([[10], [30], [10]]), None, "mine")[0].tolist()
    [[0], [1], [0]]
    """
    count = columns.shape[1]
    if names is None:
        names = ("label",) if count == 1 else tuple(f"factor_{each}" for each in range(count))
    if len(names) != count or len(set(names)) != count:
        raise UnbraidError(
            f"{owner} has {count} factors, but factor_names has {', '.join(names)}: give one name "
            "a factor, each of its own."
        )
    if columns.dtype.kind == "f":
        ranges = zip(names, columns.min(axis=0).tolist(), columns.max(axis=0).tolist(), strict=True)
        specs = tuple(
            FactorSpec(name, "continuous", range=(low, high)) for name, low, high in ranges
        )
        return columns.astype(np.float64), specs
    factors = np.empty(columns.shape, np.int64)
    specs = ()
    for column, name in enumerate(names):
        levels, factors[:, column] = np.unique(columns[:, column], return_inverse=True)
        specs += (FactorSpec(name, "categorical", values=tuple(levels.tolist())),)
    return factors, specs


def _as_columns(factors: NDArray[Any], count: int, owner: str) -> NDArray[Any]:
    """Check an array of factors and return it with two axes."""
    if factors.ndim not in (1, 2) or factors.dtype.kind not in "buifU":
        raise UnbraidError(
            f"{owner} has shape {factors.shape} and type {factors.dtype}, expected (N,) or (N, F) "
            "of whole numbers, reals or words."
        )
    if len(factors) != count:
        raise UnbraidError(
            f"{owner} has {len(factors)} rows, but there are {count} images: there must be one "
            "row an image."
        )
    if factors.dtype.kind == "f" and not np.isfinite(factors).all():
        raise UnbraidError(
            f"{owner} contains NaN or infinity: leave those images out, or give all factors."
        )
    return factors if factors.ndim == 2 else factors[:, None]


def _key(file: NpzFile, chosen: str | None, usual: tuple[str, ...], path: Path) -> str | None:
    """Return the key a user chose, or the first usual one the file has."""
    if chosen is not None and chosen not in file.files:
        raise UnbraidError(
            f"{path} has no array '{chosen}'{did_you_mean(chosen, file.files)}: {_listing(file)}."
        )
    return chosen or next((key for key in usual if key in file.files), None)


def _listing(file: NpzFile) -> str:
    return f"the arrays in it are {', '.join(file.files) or 'none'}"


def _read(file: NpzFile, key: str, path: Path) -> NDArray[Any]:
    with _reading(path):
        array: NDArray[Any] = file[key]
    if not isinstance(array, np.ndarray):  # a member that is no .npy comes as bytes
        raise UnbraidError(f"{path}: '{key}' is not an array, expected one in NumPy's format.")
    return array


def _open(path: Path) -> NpzFile:
    with _reading(path):
        file = np.load(path, allow_pickle=False)
    if not isinstance(file, NpzFile):
        raise UnbraidError(
            f"{path} holds a single array, expected a .npz file: save it with "
            "np.savez(path, images=array)."
        )
    return file


@contextmanager
def _reading(path: Path) -> Iterator[None]:
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
            f"cannot read {path} as a .npz file: {reason}; save plain numbers with "
            "np.savez(path, images=..., factors=...)."
        ) from error
