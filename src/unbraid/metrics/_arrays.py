"""Arrays, lists, tensors and data frames as float64 arrays, or an UnbraidError with the reason."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.core.limits import EXACT

Floats = NDArray[np.float64]

LARGEST = 1e50  # products of four larger numbers overflow, and the SVM of SAP does not end
MISSING = ("NoneType", "NAType", "NaTType", "MaskedConstant")  # pandas is not imported for this


def numbers(value: Any, name: str) -> Floats:
    """Return an array-like as a plain array: float64, C order, writable; NaN where masked or None.

    Any memory layout, byte order and type of number will do, and so will a tensor on any device.

    Raises:
        UnbraidError: words, complex numbers, dates, ragged lists, ...

    >>> numbers(np.ma.masked_equal([[1, 2]], 2)[:, ::-1], "codes")
    array([[nan,  1.]])
    """
    try:
        array = _plain(value)
    except (TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise UnbraidError(
            f"{name} must be an array of numbers, and this {type(value).__name__} cannot be made "
            "one: give a NumPy array, or rows of equal length."
        ) from error
    if array.dtype.kind == "O":
        array = _from_objects(array, name)
    if array.dtype.kind in "iu":
        longest = max(int(array.max(initial=0)), int(array.min(initial=0)), key=abs)
        if abs(longest) > EXACT:
            raise _too_long(longest, name)
    if array.dtype.kind not in "biuf":
        kinds = {"U": "words", "S": "bytes", "c": "complex numbers", "M": "dates"}
        found = kinds.get(array.dtype.kind, array.dtype)
        raise UnbraidError(
            f"{name} must be an array of numbers, found {found}: "
            "encode words as integers, and give anything else as real numbers."
        )
    with np.errstate(over="ignore"):  # a long double that is too large becomes infinite
        return np.require(array, np.float64, ["C", "A", "W", "E"])


def _plain(value: Any) -> NDArray[Any]:
    if hasattr(value, "detach") and hasattr(value, "cpu"):  # a torch tensor
        value = value.detach().cpu()
        # NumPy has no bfloat16
        value = (value if "complex" in str(value.dtype) else value.double()).numpy()
    if np.ma.isMaskedArray(value) and value.dtype.kind in "biuf":
        return np.ma.filled(value.astype(np.float64), np.nan)
    return np.asarray(value)


def _from_objects(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Return an array of Python objects as numbers, NaN for missing ones."""
    try:
        flat = [np.nan if type(x).__name__ in MISSING else x for x in array.ravel()]
        words = [x for x in flat if isinstance(x, str | bytes)]
        longest = max((int(x) for x in flat if isinstance(x, int | np.integer)), key=abs, default=0)
        if abs(longest) > EXACT:
            raise _too_long(longest, name)
        if not words:
            return np.array([float(x) for x in flat]).reshape(array.shape)
    except (TypeError, ValueError) as error:
        raise UnbraidError(
            f"{name} must be an array of numbers, and some of its entries are not: "
            "give rows of equal length that hold numbers only."
        ) from error
    raise UnbraidError(
        f"{name} must be an array of numbers, found {words[0]!r} among them: "
        "encode words as integers first."
    )


def _too_long(value: Any, name: str) -> UnbraidError:
    return UnbraidError(
        f"{name} hold the whole number {value}, which float64 rounds, expected at most 2^53: "
        "number ids from 0, as np.unique(column, return_inverse=True)[1] does, or give floats."
    )


def finite(array: Floats, name: str) -> Floats:
    """Return an array all of whose values are numbers that can be squared."""
    bad = int(array.size - np.isfinite(array).sum())
    if bad:
        raise UnbraidError(
            f"{name} hold {bad} values that are NaN or infinite: "
            "remove those rows, or find out why the model produced them."
        )
    largest = float(np.abs(array).max(initial=0))
    if largest > LARGEST:
        raise UnbraidError(
            f"{name} hold values as large as {largest:.3g}, expected at most {LARGEST:g}: "
            "scale them down, or find out why the model produced them."
        )
    return array


def matrix(value: Any, name: str) -> Floats:
    """Return an array-like of two dimensions; NaN and infinite values are let through."""
    array = numbers(value, name)
    if array.ndim == 2 and array.shape[1] == 0:
        raise UnbraidError(f"{name} have shape {array.shape}, and so no columns: give one or more.")
    if array.ndim != 2:
        raise UnbraidError(
            f"{name} have shape {array.shape}, expected two dimensions, (rows, columns): "
            "a single column is array[:, None]."
        )
    return array
