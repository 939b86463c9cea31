"""Numbers with their units, and what they measure."""

from __future__ import annotations

import math

from unbraid.control import _words as words
from unbraid.control._facets import Facet
from unbraid.control._reading import Reading, clean
from unbraid.errors import UnbraidError

_ADJECTIVES = {  # after a number and its unit
    **dict.fromkeys(("big", "large", "small", "high", "tall", "wide", "across"), "size"),
    **dict.fromkeys(("thick", "thin", "bold"), "thickness"),
}
_ANGLES = {"degrees": 1.0, "radians": 180 / math.pi}  # degrees in one


def has_amount(reading: Reading, at: int, start: int | None = None) -> bool:
    """Whether a token is a number."""
    return reading.number(at, start) is not None


def amount(reading: Reading, facet: Facet, at: int, given: str = "") -> tuple[float, int, str]:
    """Read a number of a factor, with or without its unit, and "left" and the like after it.

    Args:
        reading: the request.
        facet: the factor.
        at: where the number is.
        given: how an error repeats it, if not as it stands there.

    Returns:
        What a row holds, the index after, and what to tell where that is not the number given.

    Raises:
        UnbraidError: out of range, no such level, or another unit.
    """
    number = reading.tokens[at].number or 0.0
    unit = reading.unit(at + 1)
    stop = at + (2 if unit else 1)
    given = given or clean(reading.said(at, stop).replace(" %", "%").replace(" °", "°"))
    low, high = facet.ends
    if unit == "percent" or (not unit and _is_part(facet, number, reading.tokens[at].text)):
        part = number / 100 if unit else number
        if not facet.ordered or not 0 <= part <= 1:
            raise UnbraidError(
                f"{facet.name} {given} makes no sense: a part of its range goes from 0% to "
                f"100%, and {facet.name} is {facet.extent()}."
            )
        stored = facet.stored(low + part * (high - low), reading.clip)
        return stored, stop, f"{given} of the range"
    number = in_unit(facet, number, unit, given)
    if facet.role in ("across", "up") and facet.sense:
        way, stop = _way(reading, facet, stop)
        number *= way
    stored = facet.stored(number, reading.clip, given)
    off = facet.ordered and facet.is_off(stored, number)
    return stored, stop, f"nearest to {given}" if off else ""


def in_unit(facet: Facet, number: float, unit: str, given: str) -> float:
    """Return a number of ``unit`` as one of the factor's own.

    Raises:
        UnbraidError: the factor is measured in something else.
    """
    if not unit or unit == facet.unit:
        return number
    if unit in _ANGLES and facet.unit in _ANGLES:
        return number * _ANGLES[unit] / _ANGLES[facet.unit]
    raise UnbraidError(f"{facet.name} is {facet.extent()}, so '{clean(given)}' cannot be one.")


def across_or_up(reading: Reading, start: int, after: int) -> int:
    """Read "6 px up", "3 pixels to the right of the centre"."""
    at = reading.skip(after, words.TO_THE)
    word = reading.text(at)
    role = "across" if word in words.SIDES else "up" if word in words.ABOVE else ""
    if not role:
        return after
    facet = reading.only(role, word)
    if not facet.sense:
        raise reading.no_sense(facet, word)
    stop = _past_centre(reading, at + 1)
    given = reading.said(start, after)
    number = in_unit(facet, reading.tokens[start].number or 0.0, reading.unit(after - 1), given)
    number *= facet.sense * (words.ACROSS | words.ABOVE)[word]
    reading.put(facet, facet.stored(number, reading.clip), reading.said(start, at + 1))
    return stop


def scaled(reading: Reading, start: int, after: int) -> int:
    """Read "26 px big" and "3 px thick"."""
    word = reading.text(after)
    if word not in _ADJECTIVES:
        return after
    facet = reading.only(_ADJECTIVES[word], word)
    stored, _, told = amount(reading, facet, start)
    reading.put(facet, stored, reading.said(start, after + 1), told)
    return after + 1


def past_adjective(reading: Reading, facet: Facet, at: int) -> int:
    """Return the index after an adjective that a number with its unit has: "3 px thick"."""
    fits = bool(reading.unit(at - 1)) and _ADJECTIVES.get(reading.text(at)) == facet.role
    return at + fits


def _is_part(facet: Facet, number: float, text: str) -> bool:
    """Whether a number without a unit is a part of the range: "size 0.8", where no size is that."""
    return facet.ordered and "." in text and 0 < number < 1 and facet.ends[0] >= 1


def _way(reading: Reading, facet: Facet, at: int) -> tuple[float, int]:
    """Return the sign that "left" or "up" after a number give it, and the index after."""
    word = reading.text(reading.skip(at, words.TO_THE))
    table = words.SIDES if facet.role == "across" else words.ABOVE
    if word not in table:
        return 1.0, at
    way = facet.sense * (words.ACROSS | words.ABOVE)[word]
    return way, _past_centre(reading, reading.skip(at, words.TO_THE) + 1)


def _past_centre(reading: Reading, at: int) -> int:
    """Return the index after "of the centre"."""
    stop = reading.skip(at, ("of", "from", "the"))
    return stop + 1 if stop > at and reading.text(stop) in words.CENTRES else at
