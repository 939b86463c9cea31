"""Numbers as tables write them: with a unit, a decimal comma or a comma at each thousand."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

# Units that may follow each number of a column. Other text does not make a word a number.
UNITS = frozenset(
    (
        *("%", "‰", "°", "px", "pixel", "pixels", "deg", "degree", "degrees", "rad", "radians"),
        *("nm", "µm", "μm", "um", "mm", "cm", "dm", "m", "km", "in", "inch", "inches", "ft"),
        *("mg", "g", "kg", "lb", "oz", "ml", "mm²", "cm²", "m²", "km²", "cm³", "m³"),
        *("ms", "s", "sec", "min", "h", "hours", "days", "months", "year", "years"),
        *("°C", "°F", "Hz", "kHz", "dB", "mV", "kW", "lux", "€", "$", "£"),
    )
)
_NUMBER = re.compile(r"([+-]?(?:\d[\d.,]*|[.,]\d+)(?:[eE][+-]?\d+)?)\s*(\D*)")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?")
_DECIMAL = re.compile(r"[+-]?\d*,\d+")


class Numbers(NamedTuple):
    """Numbers read, whether all were written as whole ones, and their unit or ``""``."""

    values: list[float]
    whole: bool
    unit: str


def as_number(cell: str) -> float:
    """Return a cell's number, NaN for a word; infinities and 1_000 are words."""
    try:
        number = float(cell)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) and "_" not in cell else math.nan


def numbers_of(cells: Sequence[str]) -> Numbers | None:
    """Return the numbers of known cells, None if one of them is none.

    All have the same unit or none. Commas are decimal commas, or mark thousands where each is
    followed by three digits and there are points or several commas.

    >>> numbers_of(["1,5 mm", "12 mm"])
    Numbers(values=[1.5, 12.0], whole=False, unit='mm')
    >>> numbers_of(["1,234.5", "12"]).values
    [1234.5, 12.0]
    """
    texts, units = _parts(cells)
    if not texts or len(units) != 1 or not units <= UNITS | {""} or commas_are_unclear(cells):
        return None
    if any("," in text for text in texts):
        thousands = all("," not in text or _THOUSANDS.fullmatch(text) for text in texts)
        texts = [
            text.replace(",", "") if thousands else text.replace(",", ".", 1) for text in texts
        ]
    values = [as_number(text) for text in texts]
    if any(math.isnan(value) for value in values):
        return None
    whole = all(not set(text.lower()) & set(".e") for text in texts)
    return Numbers(values, whole, units.pop())


def commas_are_unclear(cells: Sequence[str]) -> bool:
    """Whether 1,234 may be a thousand or a little more than one, by all numbers of a column."""
    texts, _ = _parts(cells)
    with_comma = [text for text in texts if "," in text]
    return (
        bool(with_comma)
        and all(_THOUSANDS.fullmatch(text) and _DECIMAL.fullmatch(text) for text in with_comma)
        and not any("." in text for text in texts)
    )


def _parts(cells: Sequence[str]) -> tuple[list[str], set[str]]:
    """Return the numbers of cells as text and their units; no numbers if a cell is none."""
    found = [_NUMBER.fullmatch(cell.strip().replace("\u2212", "-")) for cell in cells]
    parts = [(each[1], each[2].strip()) for each in found if each]
    if len(parts) < len(cells):
        return [], set()
    return [text for text, _ in parts], {unit for _, unit in parts}


def with_decimal_points(cells: Sequence[str]) -> list[str]:
    """Return the cells of a column in which commas are decimal with points in their place.

    Points mark thousands in the whole column if one comes before a comma.

    >>> with_decimal_points(["1.234,5 mm", "7,5 mm", "1.500 mm"])
    ['1234.5 mm', '7.5 mm', '1500 mm']
    >>> with_decimal_points(["7,5", "1.5"])
    ['7.5', '1.5']
    """
    thousands = any("." in cell.partition(",")[0] and cell.count(",") == 1 for cell in cells)
    changed = [cell.replace(".", "") if thousands else cell for cell in cells]
    return [cell.replace(",", ".") if cell.count(",") == 1 else cell for cell in changed]
