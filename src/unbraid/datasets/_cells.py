"""Cells of a column of labels: numbers, words and unknown values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.core.limits import EXACT
from unbraid.datasets._numbers import as_number, commas_are_unclear, numbers_of

# Cells of a table that are unknown, in any case; Excel writes #N/A and pandas <NA>.
UNKNOWN = frozenset(("", "nan", "na", "n/a", "null", "#n/a", "<na>"))

Where = Callable[[int], str]


def row_number(number: int) -> str:
    return f"row {number}"


def row_of_table(number: int) -> str:
    return f"row {number + 1}"  # the first below the names


class Cells(NamedTuple):
    """A column of numbers or of words.

    Args:
        known: (N,) truth values.
        numbers: (N,) reals, NaN where unknown.
        words: (N,) text, or truth values, with anything where unknown.
        whole: whether the numbers were written as whole ones.
        mixed: what is wrong with numbers among the words, ``""`` if there are none.
        mend: what to do about it.
        unit: written after each number, ``""`` for none.
    """

    known: NDArray[np.bool_]
    numbers: NDArray[np.float64] | None = None
    words: NDArray[Any] | None = None
    whole: bool = False
    mixed: str = ""
    mend: str = ""
    unit: str = ""


def cells_of(column: Any, owner: str, where: Where = row_number) -> Cells:
    """Return a column as numbers or words, with which cells are known."""
    if isinstance(column, Cells):
        return column
    if isinstance(column, list):
        return _text(column, owner, where)
    array = np.asarray(column)
    if array.dtype.kind == "O":
        return _objects(array, owner, where)
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if array.dtype.kind == "M":  # dates are text, as those of a table are
        array = np.where(np.isnat(array), "", array.astype(str))
    if array.dtype.kind == "U":
        words = np.char.strip(array)  # as those of a table of text
        return Cells(~np.isin(np.char.lower(words), list(UNKNOWN)), words=words)
    if array.dtype.kind == "b":
        return Cells(np.ones(len(array), bool), words=array)
    if array.dtype.kind not in "iuf":
        raise UnbraidError(
            f"{owner} is of type {array.dtype}, expected numbers or words: convert it, or leave it "
            "out."
        )
    if array.dtype.kind in "iu" and not _exact(  # names, such as ids
        (int(array.min(initial=0)), int(array.max(initial=0)))
    ):
        return Cells(np.ones(len(array), bool), words=array.astype(str))
    numbers = array.astype(np.float64)
    if (infinite := np.isinf(numbers)).any():
        raise UnbraidError(
            f"{owner} is infinite in {int(infinite.sum())} of {len(numbers)} rows, the first of "
            f"them {where(int(infinite.argmax()))}: give NaN where it is unknown."
        )
    return Cells(~np.isnan(numbers), numbers, whole=array.dtype.kind != "f")


def _objects(array: NDArray[Any], owner: str, where: Where) -> Cells:
    """Read an array of Python objects, as pandas has them."""
    values = [None if _is_missing(value) else value for value in array.tolist()]
    known = np.array([value is not None for value in values])
    if any(isinstance(value, str) for value in values):
        words = [value if isinstance(value, str) else None for value in values]
        if any(
            word is None and value is not None for word, value in zip(words, values, strict=True)
        ):
            return _text([str("" if value is None else value) for value in values], owner, where)
        return cells_of(np.array(["" if word is None else word for word in words]), owner, where)
    kinds = {type(value) for value in values if value is not None}
    if kinds and all(issubclass(kind, date) for kind in kinds):
        return cells_of(np.array(["" if value is None else str(value) for value in values]), owner)
    if kinds <= {bool, np.bool_} and kinds:
        return Cells(known, words=np.array([bool(value) for value in values]))
    whole = all(isinstance(value, int | np.integer) for value in values if value is not None)
    if whole and not _exact(value for value in values if value is not None):
        return _text(["" if value is None else str(value) for value in values], owner, where)
    try:
        numbers = np.array([math.nan if value is None else float(value) for value in values])
    except (TypeError, ValueError) as error:
        found = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise UnbraidError(
            f"{owner} holds {found}, expected numbers or words: convert them, or leave it out."
        ) from error
    return cells_of(numbers, owner, where)._replace(whole=whole)


def _is_missing(value: Any) -> bool:
    """Whether a value is None, NaN or what pandas has for them, which equals nothing."""
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas' NA has no truth
        return True
    except ValueError:  # an array in a cell is no value
        return False


def _exact(values: Iterable[int]) -> bool:
    """Whether float64 holds all of the whole numbers."""
    return all(-EXACT <= value <= EXACT for value in values)


def _text(column: Sequence[str], owner: str, where: Where) -> Cells:
    """Read a table's cells."""
    cells = [cell.strip() for cell in column]
    known = np.array([cell.lower() not in UNKNOWN for cell in cells], bool)
    numbers = np.array(
        [as_number(cell) if ok else math.nan for cell, ok in zip(cells, known, strict=True)]
    )
    is_word = known & np.isnan(numbers)
    if not is_word.any():
        whole = all("." not in cell and "e" not in cell.lower() for cell in cells)
        if whole and not _exact(int(cell) for cell, ok in zip(cells, known, strict=True) if ok):
            return Cells(known, words=np.array(cells))
        return Cells(known, numbers, whole=whole and bool(known.any()))
    texts = [cell for cell, ok in zip(cells, known, strict=True) if ok]
    if (found := numbers_of(texts)) is not None:
        numbers[known] = found.values
        return Cells(known, numbers, whole=found.whole, unit=found.unit)
    words = Cells(known, words=np.array(cells))
    if commas_are_unclear(texts):
        example = next(cell for cell in texts if "," in cell)
        return words._replace(
            mixed=f"{owner} has commas in numbers (such as {example}) that may be decimal or mark "
            "thousands",
            mend="write a decimal point, and nothing at thousands",
        )
    read = [numbers_of([cell]) if ok else None for cell, ok in zip(cells, known, strict=True)]
    units = sorted({each.unit for each in read if each is not None})
    if any(units):  # "1.5 px" is a number
        is_word = known & np.array([each is None for each in read])
    if len(units) > 1 and not is_word.any():
        named = " and ".join(f"'{unit}'" if unit else "none" for unit in units)
        return words._replace(
            mixed=f"{owner} has numbers of several units ({named})", mend="convert them to one"
        )
    if (known & ~is_word).any():
        row, other = int(is_word.argmax()), int((known & ~is_word).argmax())
        return words._replace(
            mixed=f"{owner} mixes numbers (such as {cells[other]}) and words ('{cells[row]}' in "
            f"{where(row)}{and_more(is_word)})",
            mend="empty the cells that are unknown",
        )
    return words


def and_more(found: NDArray[np.bool_]) -> str:
    others = int(found.sum()) - 1
    return f" and {others} more" if others else ""
