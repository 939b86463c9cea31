"""Columns of labels as factors: the kind of each, and which values are unknown."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.factors import FactorSpec, Kind
from unbraid.datasets._cells import Cells, Where, and_more, cells_of, row_number
from unbraid.datasets._class_names import name_suggests_classes
from unbraid.datasets._column_notes import (
    may_be_circular,
    may_be_quantity,
    may_be_unit,
    remarks,
)
from unbraid.datasets._far_values import far_notes
from unbraid.datasets._numbers import as_number, numbers_of
from unbraid.datasets._units import unit_in

FEW = 20  # whole numbers with at most so many levels and no unit are categories
MANY = 256  # with more they are continuous, and ordinal between the two
KINDS = ("categorical", "ordinal", "continuous", "circular")
_UNITS = {
    **{"px": "pixels", "pixel": "pixels", "deg": "degrees", "degree": "degrees", "°": "degrees"},
    **{"rad": "radians", "radian": "radians"},
}
_TURNS = {"degrees": 360.0, "radians": math.tau}

Given = str | Mapping[str, str] | None


class Factors(NamedTuple):
    """Factors read: (N, F), their specs, and sentences on what was found in them."""

    factors: NDArray[Any] | None
    specs: tuple[FactorSpec, ...]
    notes: tuple[str, ...]


def read_columns(
    columns: Mapping[str, Any],
    kinds: Given,
    units: Given,
    owner: str,
    where: Where = row_number,
    beside: Collection[str] = (),
) -> Factors:
    """Return factors (N, F) of columns: int64 if all are discrete and known, else float64 and NaN.

    Args:
        columns: by name, (N,): an array of numbers, words or truth values, or a list of a table's
            cells as text. NaN, None and empty cells are unknown.
        kinds: ``categorical``, ``ordinal``, ``ordinal:LOW/HIGH``, ``continuous`` or
            ``circular:PERIOD`` by name, for those whose kind is not to be inferred.
        units: by name.
        owner: names the source of the columns in messages.
        where: names a row in messages, by its number.
        beside: names of the table's other columns, by which names are understood.

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
                    f"factors are {', '.join(columns) or 'none'}: name one of those."
                )
    read: list[NDArray[np.float64]] = []
    specs: list[FactorSpec] = []
    notes: list[str] = []
    for name, column in columns.items():
        cells = cells_of(column, f"{owner}: {name}", where)
        kind = wanted.get(name, "")
        unit = named_units.get(name, cells.unit)
        classes = not unit and _are_classes(name, cells, {*columns, *beside})
        unit = unit or _named_unit(name, cells, kind, classes)
        if reason := _why_left_out(name, cells, kind, classes):
            notes.append(f"{owner}: {name or 'a column'} was left out, as {reason}.")
            continue
        unit = _UNITS.get(unit.casefold(), unit)
        values, spec = _factor(name, cells, kind, unit, classes, owner)
        read.append(values)
        specs.append(spec)
        notes += remarks(values, spec, owner)
        number = cells.numbers is not None and not kind.startswith("categorical")
        if number and not unit and not classes:
            notes += may_be_unit(name, owner)
        if not kind:
            notes += may_be_circular(spec, owner) + may_be_quantity(spec, FEW, owner)
        if (numbers := _numbers_in_order(values, spec, cells, kind)) is not None:
            notes += far_notes(numbers, name, owner, where)
    if not specs:
        return Factors(None, (), tuple(notes))
    factors = np.stack(read, 1)
    if all(spec.is_discrete for spec in specs) and not np.isnan(factors).any():
        factors = factors.astype(np.int64)
    return Factors(factors, tuple(specs), tuple(notes))


def _are_classes(name: str, cells: Cells, names: Collection[str]) -> bool:
    """Whether a column holds whole numbers, and is called as one of classes."""
    if cells.numbers is None or not name_suggests_classes(name, names):
        return False
    known = cells.numbers[cells.known]
    return bool((known == np.rint(known)).all())


def _numbers_in_order(
    values: NDArray[np.float64], spec: FactorSpec, cells: Cells, kind: str
) -> NDArray[np.float64] | None:
    """Return the numbers between whose ends a factor is small or big, None of words or circles."""
    if spec.kind == "continuous":
        return values
    return cells.numbers if spec.kind == "ordinal" and ":" not in kind else None


def _named_unit(name: str, cells: Cells, kind: str, classes: bool) -> str:
    """Return the unit in the name of a column of numbers, empty if there is none.

    >>> _named_unit("offset (mm)", cells_of(np.array([1.5]), ""), "", False)
    'mm'
    """
    if cells.numbers is None or (kind or _inferred(cells, classes, True)).startswith("categorical"):
        return ""
    return unit_in(name)


def pairs(given: Given, option: str, owner: str) -> dict[str, str]:
    """Return the value given for each name, as in ``"angle=degrees,size=px"`` or a mapping."""
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


def _factor(
    name: str, cells: Cells, kind: str, unit: str, classes: bool, owner: str
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
            f"{cells.mixed}: {cells.mend}, leave the column out, or say with kinds that it is a "
            f"category ({name}=categorical)."
        )
    kind = kind or _inferred(cells, classes, bool(unit))
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


def _inferred(cells: Cells, classes: bool, has_unit: bool) -> str:
    """Return the kind inferred from a column's values, see docs/your_data.md."""
    if cells.numbers is None:
        return "categorical"
    numbers = cells.numbers[cells.known]
    # whole numbers are stored as reals where some are missing
    maybe_whole = len(numbers) < len(cells.known) or classes
    if not cells.whole and not (maybe_whole and (numbers == np.rint(numbers)).all()):
        return "continuous"
    levels = len(np.unique(numbers))
    if classes or (levels <= FEW and not has_unit):
        return "categorical"
    return "ordinal" if levels <= MANY else "continuous"


def _as_numbers(name: str, cells: Cells, kind: str, owner: str) -> NDArray[np.float64]:
    if cells.numbers is not None:
        return cells.numbers
    assert cells.words is not None
    texts = [str(word).strip() for word in cells.words]
    numbers = np.array(
        [as_number(text) if ok else math.nan for text, ok in zip(texts, cells.known, strict=True)]
    )
    known = [text for text, ok in zip(texts, cells.known, strict=True) if ok]
    if (written := numbers_of(known)) is not None:  # with decimal commas or a unit
        numbers[cells.known] = written.values
    if (is_word := cells.known & np.isnan(numbers)).any():
        found = texts[int(is_word.argmax())]
        verb = "is not a number" if is_word.sum() == 1 else "are not numbers"
        advice = f"say its order, as in {name}=ordinal:low/high, or " if kind == "ordinal" else ""
        raise UnbraidError(
            f"{owner}: {name} is to be {kind}, but '{found}'{and_more(is_word)} {verb}: "
            f"{advice}leave it categorical."
        )
    return numbers


def _period(name: str, detail: str, unit: str, owner: str) -> float:
    period = as_number(detail) if detail else _TURNS.get(unit, math.nan)
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


def _why_left_out(name: str, cells: Cells, kind: str, classes: bool) -> str:
    """Return why a column is not used as a factor, ``""`` if it is."""
    known = int(cells.known.sum())
    if not name.strip():
        return "it has no name"
    if not known:
        return "it is empty"
    if kind:
        return ""
    values = cells.numbers if cells.words is None else cells.words
    assert values is not None
    different = len(np.unique(values[cells.known]))
    if different <= FEW:
        return ""
    if cells.numbers is None or classes:
        if 2 * different <= known or _mostly_numbers(cells):
            return ""
        example = str(_plain(values[int(cells.known.argmax())].item())).strip()
        example = f"{example[:30]}..." if len(example) > 33 else example
        what, or_else = "texts", ""
        if classes:
            what, or_else = "numbers of classes", f", or {name}=continuous if it is a quantity"
        return (
            f"{different:,} of its {known:,} {what} (such as '{example}') are different: say with "
            f"kinds what it is if it is a factor ({name}=categorical{or_else})"
        )
    numbered = cells.whole and bool(cells.known.all()) and (np.diff(cells.numbers) == 1).all()
    return "it numbers the rows" if numbered else ""


def _mostly_numbers(cells: Cells) -> bool:
    """Whether most known cells of a column with words in it are numbers, or all may be."""
    if not cells.mixed:
        return False
    assert cells.words is not None
    words = cells.words[cells.known].tolist()
    numbers = sum(not math.isnan(as_number(word)) for word in words)
    return numbers == 0 or 2 * numbers > len(words)
