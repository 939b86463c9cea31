"""Arrays of factors as columns, from files and from Python."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError


def checked(factors: NDArray[Any], count: int, owner: str) -> NDArray[Any]:
    """Check an array of factors."""
    kinds = {factors.dtype[name].kind for name in factors.dtype.names or ()}
    plain = factors.ndim in (1, 2) and factors.dtype.kind in "buifUS"
    records = factors.ndim == 1 and factors.dtype.names and kinds <= set("buifUS")
    if not plain and not records:
        raise UnbraidError(
            f"{owner}: shape {factors.shape} and type {factors.dtype}, expected (N,) or (N, F) "
            "of whole numbers, reals or words: save them so."
        )
    if len(factors) != count:
        raise UnbraidError(
            f"{owner}: {len(factors)} rows, but there are {count} images: give one row an image."
        )
    return factors[:, 0] if factors.ndim == 2 and factors.shape[1] == 1 else factors


def split_columns(
    array: NDArray[Any], names: tuple[str, ...] | None, owner: str
) -> dict[str, NDArray[Any]]:
    """Return an array of factors, (N,), (N, F) or of records, as columns by name.

    Columns of whole numbers in an array of reals become integers.

    >>> columns = split_columns(np.array([[7, 0.5], [1, 0.25]]), ("digit", "size"), "mine")
    >>> columns["digit"]
    array([7, 1])
    """
    if array.dtype.names:
        return {name: array[name] for name in array.dtype.names}
    array = array if array.ndim == 2 else array[:, None]
    count = array.shape[1]
    if names is None:
        names = ("label",) if count == 1 else tuple(f"factor_{each}" for each in range(count))
    columns = dict(zip(renamed(names, count, owner), array.T, strict=True))
    if array.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            whole = ((array == np.rint(array)) & (abs(array) < 2**53)).all(axis=0)
        if not whole.all():
            for name, is_whole in zip(names, whole.tolist(), strict=True):
                columns[name] = columns[name].astype(np.int64) if is_whole else columns[name]
    return columns


def renamed(names: tuple[str, ...], count: int, owner: str) -> tuple[str, ...]:
    """Return the names given, if there is one a factor."""
    if len(names) != count or len(set(names)) != count:
        raise UnbraidError(
            f"{owner} has {count} factors, but factor_names has {', '.join(names)}: give one name "
            "a factor, each of its own."
        )
    return names
