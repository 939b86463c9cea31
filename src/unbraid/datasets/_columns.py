"""Labels as users have them, a column a factor: which kind each is, and which are unknown."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.factors import FactorSpec, Kind

FEW = 20  # whole numbers with at most so many levels are categories
MANY = 256  # with more they are continuous, and ordinal between the two
UNKNOWN = frozenset(("", "nan", "na", "n/a", "null"))  # cells of a table, in any case
KINDS = ("categorical", "ordinal", "continuous", "circular")
# In a name, these say that whole numbers are no amounts.
_CLASSES = frozenset(
    (
        *("label", "labels", "class", "classes", "category", "target", "y", "id", "identity"),
        *("type", "digit", "letter", "character", "species", "kind"),
    )
)
_UNITS = {"px": "pixels", "pixel": "pixels", "deg": "degrees", "°": "degrees", "rad": "radians"}
_TURNS = {"degrees": 360.0, "radians": math.tau}

Given = str | Mapping[str, str] | None
Where = Callable[[int], str]


def _row(number: int) -> str:
    return f"row {number}"


class Factors(NamedTuple):
    """Factors read: (N, F), their specs, and sentences on what was found in them."""

    factors: NDArray[Any] | None
    specs: tuple[FactorSpec, ...]
    notes: tuple[str, ...]


class Cells(NamedTuple):
    """A column whose numbers and words are told apart: one of the two is given.

    Args:
        known: (N,) truth values.
        numbers: (N,) reals, NaN where unknown.
        words: (N,) text, or truth values, with anything where unknown.
        whole: whether the numbers were written as whole ones.
        mixed: a sentence on numbers among the words, ``""`` if there are none.
    """

    known: NDArray[np.bool_]
    numbers: NDArray[np.float64] | None = None
    words: NDArray[Any] | None = None
    whole: bool = False
    mixed: str = ""


def read_columns(
    columns: Mapping[str, Any], kinds: Given, units: Given, owner: str, where: Where = _row
) -> Factors:
    """Return factors (N, F) of columns: int64 if all are discrete and known, else float64 and NaN.

    Args:
        columns: by name, (N,): an array of numbers, words or truth values, or a list of a table's
            cells as text. NaN, None and empty cells are unknown.
        kinds: ``categorical``, ``ordinal``, ``ordinal:LOW/HIGH``, ``continuous`` or
            ``circular:PERIOD`` by name, for those whose kind shall not be inferred.
        units: by name.
        owner: how a sentence calls where the columns are from.
        where: what a sentence calls a row, by its number.

    Raises:
        UnbraidError: infinite numbers, numbers mixed with words, or a kind that does not fit.

    >>> read_columns({"age": np.array([1.5, np.nan]), "sex": ["f", ""]}, None, None, "mine")[0]
    array([[1.5, 0. ],
           [nan, nan]])
    """
    wanted, named_units = pairs(kinds, "kinds", owner), pairs(units, "units", owner)
    for option, given in (("kinds", wanted), ("units", named_units)):
        for name in given:
            if name not in columns:
                raise UnbraidError(
                    f"{owner}: {option} name '{name}'{did_you_mean(name, columns)}, but its "
                    f"factors are {', '.join(columns) or 'none'}."
                )
    read: list[NDArray[np.float64]] = []
    specs: list[FactorSpec] = []
    notes: list[str] = []
    for name, column in columns.items():
        cells = cells_of(column, f"{owner}: {name}", where)
        unit = named_units.get(name, "")
        kind = wanted.get(name, "")
        if reason := _useless(name, cells, kind):
            notes.append(f"{owner}: {name} was left out, as {reason}.")
            continue
        values, spec = _factor(name, cells, kind, _UNITS.get(unit, unit), owner)
        read.append(values)
        specs.append(spec)
        notes += _remarks(values, spec, owner)
    if not specs:
        return Factors(None, (), tuple(notes))
    factors = np.stack(read, 1)
    if all(spec.is_discrete for spec in specs) and not np.isnan(factors).any():
        factors = factors.astype(np.int64)
    return Factors(factors, tuple(specs), tuple(notes))


def pairs(given: Given, option: str, owner: str) -> dict[str, str]:
    """Return what ``"angle=degrees,size=px"``, or such a mapping, says of each name."""
    if given is None or isinstance(given, Mapping):
        return {str(name): str(value).strip() for name, value in (given or {}).items()}
    found = {}
    for part in filter(None, (part.strip() for part in given.split(","))):
        name, equals, value = part.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise UnbraidError(
                f"{owner}: {option} hold '{part}', expected FACTOR=VALUE with commas between "
                "several, such as angle=degrees,size=px."
            )
        found[name.strip()] = value.strip()
    return found


# -- cells ----------------------------------------------------------------------------------------


def cells_of(column: Any, owner: str, where: Where = _row) -> Cells:
    """Tell numbers, words and what is unknown apart."""
    if isinstance(column, list):
        return _text(column, owner, where)
    array = np.asarray(column)
    if array.dtype.kind == "O":
        return _objects(array, owner, where)
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if array.dtype.kind == "U":
        return Cells(~np.isin(np.char.lower(np.char.strip(array)), list(UNKNOWN)), words=array)
    if array.dtype.kind == "b":
        return Cells(np.ones(len(array), bool), words=array)
    if array.dtype.kind not in "iuf":
        raise UnbraidError(f"{owner} is of type {array.dtype}, expected numbers or words.")
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
    if kinds <= {bool, np.bool_} and kinds:
        return Cells(known, words=np.array([bool(value) for value in values]))
    try:
        numbers = np.array([math.nan if value is None else float(value) for value in values])
    except (TypeError, ValueError) as error:
        found = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise UnbraidError(f"{owner} holds {found}, expected numbers or words.") from error
    whole = all(isinstance(value, int | np.integer) for value in values if value is not None)
    return cells_of(numbers, owner, where)._replace(whole=whole)


def _is_missing(value: Any) -> bool:
    """Whether a value is None, NaN or what pandas has for them, which equals nothing."""
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas' NA has no truth
        return True
    except ValueError:  # an array in a cell is no value
        return False


def _text(column: Sequence[str], owner: str, where: Where) -> Cells:
    """Read a table's cells."""
    cells = [cell.strip() for cell in column]
    known = np.array([cell.lower() not in UNKNOWN for cell in cells], bool)
    numbers = np.array(
        [_number(cell) if ok else math.nan for cell, ok in zip(cells, known, strict=True)]
    )
    wordy = known & np.isnan(numbers)
    if not wordy.any():
        whole = all("." not in cell and "e" not in cell.lower() for cell in cells)
        return Cells(known, numbers, whole=whole and bool(known.any()))
    mixed = ""
    if (known & ~wordy).any():
        row, other = int(wordy.argmax()), int((known & ~wordy).argmax())
        mixed = (
            f"{owner} mixes numbers (such as {cells[other]}) and words ('{cells[row]}' in "
            f"{where(row)}{_more(wordy)})"
        )
    return Cells(known, words=np.array(cells), mixed=mixed)


def _more(found: NDArray[np.bool_]) -> str:
    others = int(found.sum()) - 1
    return f" and {others} more" if others else ""


def _number(cell: str) -> float:
    """Return a cell's number, NaN for a word; infinities and 1_000 are words."""
    try:
        number = float(cell)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) and "_" not in cell else math.nan


# -- kinds ----------------------------------------------------------------------------------------


def _factor(
    name: str, cells: Cells, kind: str, unit: str, owner: str
) -> tuple[NDArray[np.float64], FactorSpec]:
    """Return a factor's column and spec, of the kind given or inferred."""
    kind, _, detail = kind.partition(":")
    kind = {"periodic": "circular", "real": "continuous"}.get(kind, kind)
    if kind and kind not in KINDS:
        raise UnbraidError(
            f"{owner}: the kind of {name} is given as '{kind}'{did_you_mean(kind, KINDS)}, "
            f"expected one of {', '.join(KINDS)}."
        )
    if cells.mixed and kind not in ("categorical", "ordinal"):
        raise UnbraidError(
            f"{cells.mixed}: empty the cells that are unknown, or say with kinds that it is a "
            f"category ({name}=categorical)."
        )
    kind = kind or _inferred(name, cells)
    if kind == "categorical" or (kind == "ordinal" and detail):
        return _levels(name, cells, kind, unit, detail, owner)
    numbers = _as_numbers(name, cells, kind, owner)
    if kind == "ordinal":
        return _levels(name, cells._replace(numbers=numbers, words=None), kind, unit, "", owner)
    if kind == "circular":
        period = _period(name, detail, unit, owner)
        low = 0.0 if np.nanmin(numbers) >= 0 else -period / 2
        numbers = low + np.mod(numbers - low, period)
        spec = FactorSpec(name, "periodic", range=(low, low + period), unit=unit, period=period)
        return numbers, spec
    ends = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    return numbers, FactorSpec(name, "continuous", range=ends, unit=unit)


def _inferred(name: str, cells: Cells) -> str:
    """Return the kind that a column's values suggest, as docs/datasets.md tells."""
    if cells.numbers is None:
        return "categorical"
    numbers = cells.numbers[cells.known]
    # whole numbers cannot be kept as such where some are missing
    disguised = len(numbers) < len(cells.known) or says_classes(name)
    if not cells.whole and not (disguised and (numbers == np.rint(numbers)).all()):
        return "continuous"
    levels = len(np.unique(numbers))
    if levels <= FEW or says_classes(name):
        return "categorical"
    return "ordinal" if levels <= MANY else "continuous"


def says_classes(name: str) -> bool:
    """Whether a factor's name says that its numbers stand for classes."""
    return bool(_CLASSES & set(re.split(r"[\W_]+", name.casefold())))


def _as_numbers(name: str, cells: Cells, kind: str, owner: str) -> NDArray[np.float64]:
    if cells.numbers is not None:
        return cells.numbers
    assert cells.words is not None
    texts = [str(word).strip() for word in cells.words]
    numbers = np.array(
        [_number(text) if ok else math.nan for text, ok in zip(texts, cells.known, strict=True)]
    )
    if (wordy := cells.known & np.isnan(numbers)).any():
        found = texts[int(wordy.argmax())]
        advice = f"say its order, as in {name}=ordinal:low/high, or " if kind == "ordinal" else ""
        raise UnbraidError(
            f"{owner}: {name} shall be {kind}, but '{found}'{_more(wordy)} is no number: {advice}"
            "leave it categorical."
        )
    return numbers


def _period(name: str, detail: str, unit: str, owner: str) -> float:
    period = _number(detail) if detail else _TURNS.get(unit, math.nan)
    if not period > 0:
        found = f"is '{detail}'" if detail else "is not given"
        raise UnbraidError(
            f"{owner}: {name} is circular, and its period {found}, expected a number above 0, as "
            f"in {name}=circular:360, or the unit degrees or radians."
        )
    return period


def _levels(
    name: str, cells: Cells, kind: str, unit: str, order: str, owner: str
) -> tuple[NDArray[np.float64], FactorSpec]:
    """Return a column of indices and its spec."""
    found: NDArray[Any] | None = cells.numbers if cells.words is None else cells.words
    assert found is not None
    levels, index = np.unique(found[cells.known], return_inverse=True)
    values = [_plain(level) for level in levels.tolist()]
    if order:
        wanted = [word.strip() for word in order.split("/")]
        texts = [f"{value:g}" if isinstance(value, float) else str(value) for value in values]
        missing = [text for text in texts if text not in wanted]
        if missing or len(set(wanted)) < len(wanted):
            raise UnbraidError(
                f"{owner}: the order given for {name} is {order}, but its levels are "
                f"{', '.join(texts[:10])}: name each of them once."
            )
        index = np.array([wanted.index(text) for text in texts])[index]
        values = [values[texts.index(word)] if word in texts else word for word in wanted]
    column = np.full(len(cells.known), math.nan)
    column[cells.known] = index
    spec_kind: Kind = "ordinal" if kind == "ordinal" else "categorical"
    return column, FactorSpec(name, spec_kind, values=tuple(values), unit=unit)


def _plain(level: Any) -> Any:
    """Return a level as a plain value; a whole real is a whole number."""
    if isinstance(level, float) and level.is_integer():
        return int(level)
    return level


# -- what is worth a sentence ----------------------------------------------------------------------


def _useless(name: str, cells: Cells, kind: str) -> str:
    """Say why a column is no factor, ``""`` if it may be one."""
    known = int(cells.known.sum())
    if not known:
        return "it is empty"
    if not name.strip():
        return "it has no name"
    if kind:
        return ""
    values = cells.numbers if cells.words is None else cells.words
    assert values is not None
    different = len(np.unique(values[cells.known]))
    if different <= FEW:
        return ""
    if cells.numbers is None or says_classes(name):
        if 2 * different > known:
            return f"its {known:,} values are {different:,} different ones, a name of each image"
        return ""
    numbered = cells.whole and bool(cells.known.all()) and (np.diff(cells.numbers) == 1).all()
    return "it numbers the rows" if numbered else ""


def _remarks(column: NDArray[np.float64], spec: FactorSpec, owner: str) -> list[str]:
    """Return sentences on what cannot be learnt: a factor that is constant, levels seen once."""
    known = column[~np.isnan(column)]
    values = spec.values
    if known.min() == known.max():
        value = f"{known[0]:g}" if values is None else str(values[int(known[0])])
        return [
            f"{owner}: {spec.name} is {value} wherever it is known, so nothing can be learnt of it."
        ]
    if values is None or spec.kind != "categorical":
        return []
    counts = np.bincount(known.astype(np.int64), minlength=len(values))
    once = [str(values[level]) for level in np.flatnonzero(counts == 1)]
    if not once:
        return []
    more = ", ..." if len(once) > 3 else ""
    return [
        f"{owner}: {len(once):,} of the {len(values):,} values of {spec.name} are seen once "
        f"({', '.join(once[:3])}{more}), too seldom to be learnt or judged."
    ]
