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

from unbraid.datasets import Dataset
from unbraid.datasets._images import Layout, as_images, held_out
from unbraid.errors import UnbraidError, did_you_mean
from unbraid.factors import FactorSpec
from unbraid.files import expand

IMAGES_KEYS = ("images", "imgs", "x", "arr_0")
FACTORS_KEYS = ("factors", "labels", "y", "arr_1")


@dataclass(frozen=True)
class Config:
    """Options of a ``.npz`` file.

    Args:
        path: the file.
        images_key: the array of the images, (N, H, W), (N, H, W, C) or (N, C, H, W), as whole
            numbers in 0..255, truth values or reals in 0..1; by default the first there is of
            ``images``, ``imgs``, ``x`` and ``arr_0``.
        factors_key: the array of the factors, (N,) or (N, F), as whole numbers or words (taken
            as categories) or reals; by default the first there is of ``factors``, ``labels``,
            ``y`` and ``arr_1``, and none if there is none.
        factor_names: one name a factor; by default the array ``factor_names`` of the file, else
            ``label``, or ``factor_0``, ``factor_1``, ...
        layout: where the channels of images with four axes are, ``nchw`` or ``nhwc``; ``auto``
            takes the one of axes 1 and 3 that has 1 to 4 entries.
        split_seed: draws the tenth of the images that is the test set.
        full: all images in their order, in either split.
    """

    path: str
    images_key: str | None = None
    factors_key: str | None = None
    factor_names: tuple[str, ...] | None = None
    layout: Layout = "auto"
    split_seed: int = 0
    full: bool = False


def load(config: Config, split: str = "train") -> Dataset:
    """Load images uint8 (N, C, H, W) and their factors (N, F), indices or reals.

    Raises:
        UnbraidError: a file that is missing or broken, keys it does not have, images that are no
            images (NaN, another range or shape), factors of another length, or pickled objects.
    """
    path = expand(config.path)
    with _open(path) as file:
        key = _key(file, config.images_key, IMAGES_KEYS, path)
        if key is None:
            raise UnbraidError(
                f"{path} has none of the arrays {', '.join(IMAGES_KEYS)}: {_listing(file)}; name "
                "the one that holds the images with the option images_key."
            )
        images = as_images(_read(file, key, path), config.layout, f"'{key}' of {path}")
        rows = held_out(len(images), split, config.split_seed, config.full, str(path))
        factors_key = _key(file, config.factors_key, FACTORS_KEYS, path)
        if factors_key is None:
            return Dataset(path.stem, images[rows], split=split)
        columns = _read(file, factors_key, path)
        names = config.factor_names
        if names is None and "factor_names" in file.files:
            names = tuple(_read(file, "factor_names", path).astype(str).ravel().tolist())
    owner = f"'{factors_key}' of {path}"
    factors, specs = as_factors(_as_columns(columns, len(images), owner), names, owner)
    return Dataset(path.stem, images[rows], factors[rows], specs, split)


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
