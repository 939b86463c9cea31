"""Quantities: numbers with units, and the factors that they measure."""

from __future__ import annotations

import math

from unbraid.control.language import lexicon
from unbraid.control.language.parser_state import ParserState
from unbraid.control.language.terms import FactorTerms
from unbraid.control.language.tokens import printable
from unbraid.core.errors import UnbraidError

_ADJECTIVES = {  # roles of factors by the adjective after a number and its unit
    **dict.fromkeys(("big", "large", "small", "high", "tall", "wide", "across"), "size"),
    **dict.fromkeys(("thick", "thin", "bold"), "thickness"),
    **dict.fromkeys(("long", "short"), "duration"),
    **dict.fromkeys(("loud", "quiet"), "loudness"),
}
BARE_HERTZ = 40.0  # from which on a pitch without a unit is in hertz and not in semitones
BARE_SECONDS = 10.0  # below which a duration without a unit is in seconds
_TIMES = {"milliseconds": 1.0, "seconds": 1000.0}  # milliseconds in one
_ANGLES = {"degrees": 1.0, "radians": 180 / math.pi}  # degrees in one


def quantity(
    state: ParserState, factor: FactorTerms, at: int, given: str = ""
) -> tuple[float, int, str]:
    """Parse a number of a factor, with or without its unit, and a direction such as "left".

    Args:
        state: of the parser.
        factor: the factor that the number measures.
        at: index of the number.
        given: how errors quote the number, if not as it is in the request.

    Returns:
        The stored value, the index after the quantity, and a remark if the stored value is
        another number than the given one.

    Raises:
        UnbraidError: a number out of range, no such level, or another unit.
    """
    number = state.tokens[at].number or 0.0
    unit = state.unit(at + 1)
    stop = at + (2 if unit else 1)
    given = given or printable(as_written(state.source(at, stop)))
    low, high = factor.ends
    if not unit and factor.role == "pitch" and factor.reference and number >= BARE_HERTZ:
        unit = "hertz"
    if not unit and factor.role == "duration" and number < BARE_SECONDS:
        unit = "seconds"
    own = unit == "percent" == factor.unit
    if (unit == "percent" and not own) or (
        not unit and _is_fraction(factor, number, state.tokens[at].text)
    ):
        share = number / 100 if unit else number
        if not factor.ordered or not 0 <= share <= 1:
            raise UnbraidError(
                f"{factor.name} {given} is invalid: a share of its range is between 0% and 100%, "
                f"and {factor.name} is {factor.describe_range()}."
            )
        stored = factor.to_stored(low + share * (high - low), state.clip)
        return stored, stop, f"{given} of the range"
    number = converted(factor, number, unit, given)
    if factor.role in ("horizontal", "vertical") and factor.direction:
        sign, stop = _sign(state, factor, stop)
        number *= sign
    stored = factor.to_stored(number, state.clip, given)
    rounded = factor.ordered and factor.differs(stored, number)
    return stored, stop, f"nearest to {given}" if rounded else ""


def as_written(text: str) -> str:
    """Return a quantity of lower-case tokens as it is usually written.

    >>> as_written("500 hz"), as_written("90 %")
    ('500 Hz', '90%')
    """
    for given, usual in ((" %", "%"), (" °", "°"), (" hz", " Hz"), (" db", " dB")):
        text = text.replace(given, usual)
    return text.replace(" dBfs", " dBFS")


def converted(factor: FactorTerms, number: float, unit: str, given: str) -> float:
    """Return a number converted from ``unit`` to the factor's unit.

    Raises:
        UnbraidError: the factor has another unit.
    """
    if not unit or unit == factor.unit:
        return number
    for table in (_ANGLES, _TIMES):
        if unit in table and factor.unit in table:
            return number * table[unit] / table[factor.unit]
    if unit == "hertz" and factor.reference and number > 0:
        return factor.semitones(number)
    if {unit, factor.unit} == {"decibels", "dbfs"}:
        return number
    raise UnbraidError(
        f"'{printable(given)}' has the wrong unit for {factor.name}, which is "
        f"{factor.describe_range()}: write it in that unit."
    )


def change(factor: FactorTerms, number: float, unit: str, given: str) -> tuple[float, float]:
    """Return scale and offset of a change by a quantity: "3 semitones", "20%", "1.3 times".

    Raises:
        UnbraidError: the factor has another unit.
    """
    low, high = factor.ends
    logarithmic = factor.reference or factor.unit in ("decibels", "dbfs")
    signed = factor.role in ("horizontal", "vertical") or low < 0 < high
    if unit == "percent" and signed and not logarithmic:
        # a part of a number whose zero is arbitrary means nothing: of the range
        return 1.0, factor.direction * number / 100 * (high - low)
    if unit == "percent":
        return ratio_change(factor, max(0.0, 1 + number / 100), given)
    if unit in ("semitones", "octaves") and factor.role == "pitch":
        steps = number * (12 if unit == "octaves" else 1)
        return (1.0, steps) if factor.reference else (2 ** (steps / 12), 0.0)
    if unit == "hertz" and factor.reference:
        raise UnbraidError(
            f"'{printable(given)}' is a change of {factor.name} in hertz, which is another one at "
            "each pitch: write it in semitones or octaves, or give the new pitch."
        )
    return 1.0, factor.direction * converted(factor, number, unit, given)


def ratio_change(factor: FactorTerms, ratio: float, given: str) -> tuple[float, float]:
    """Return scale and offset of a change by a ratio, such as "twice as loud".

    Of a pitch in semitones, twice is an octave. Of a loudness in decibels, it is 10 dB, which is
    what listeners call twice as loud (Stevens 1955, "The Measurement of Loudness").
    """
    steps = 12 if factor.reference else 10 if factor.unit in ("decibels", "dbfs") else 0
    if not steps:
        return ratio, 0.0
    if ratio <= 0:
        raise UnbraidError(
            f"'{printable(given)}' reduces {factor.name} to 0 or below: give a smaller change."
        )
    return 1.0, steps * math.log2(ratio)


def offset(state: ParserState, start: int, after: int) -> int:
    """Parse "6 px up", "3 pixels to the right of the centre"."""
    at = state.skip(after, lexicon.TO_THE)
    word = state.text(at)
    role = (
        "horizontal"
        if word in lexicon.TILT_SIGNS
        else "vertical"
        if word in lexicon.VERTICAL_OFFSETS
        else ""
    )
    if not role:
        return after
    factor = state.factor_with_role(role, word)
    if not factor.direction:
        raise state.no_direction_error(factor, word)
    stop = _after_centre(state, at + 1)
    given = state.source(start, after)
    number = converted(factor, state.tokens[start].number or 0.0, state.unit(after - 1), given)
    number *= factor.direction * (lexicon.HORIZONTAL | lexicon.VERTICAL_OFFSETS)[word]
    state.set_value(factor, factor.to_stored(number, state.clip), state.source(start, at + 1))
    return stop


def quantity_with_adjective(state: ParserState, start: int, after: int) -> int:
    """Parse "26 px big" and "3 px thick"."""
    word = state.text(after)
    if word not in _ADJECTIVES:
        return after
    factor = state.factor_with_role(_measured_by(state, word, state.unit(after - 1)), word)
    stored, _, remark = quantity(state, factor, start)
    state.set_value(factor, stored, state.source(start, after + 1), remark)
    return after + 1


def after_adjective(state: ParserState, factor: FactorTerms, at: int) -> int:
    """Return the index after an adjective that may follow a number and its unit: "3 px thick"."""
    unit, word = state.unit(at - 1), state.text(at)
    return at + (
        bool(unit) and word in _ADJECTIVES and _measured_by(state, word, unit) == factor.role
    )


def _measured_by(state: ParserState, word: str, unit: str) -> str:
    """Return the role that a number and its unit measure before an adjective: "220 Hz high"."""
    role = lexicon.UNIT_ROLES.get(unit, "")
    return role if role and state.with_role(role) else _ADJECTIVES[word]


def _is_fraction(factor: FactorTerms, number: float, text: str) -> bool:
    """Whether a number without a unit is a share of the range, as in "size 0.8"."""
    return factor.ordered and "." in text and 0 < number < 1 and factor.ends[0] >= 1


def _sign(state: ParserState, factor: FactorTerms, at: int) -> tuple[float, int]:
    """Return the sign of a number by "left", "up" and the like after it, and the index after."""
    word = state.text(state.skip(at, lexicon.TO_THE))
    table = lexicon.TILT_SIGNS if factor.role == "horizontal" else lexicon.VERTICAL_OFFSETS
    if word not in table:
        return 1.0, at
    sign = factor.direction * (lexicon.HORIZONTAL | lexicon.VERTICAL_OFFSETS)[word]
    return sign, _after_centre(state, state.skip(at, lexicon.TO_THE) + 1)


def _after_centre(state: ParserState, at: int) -> int:
    """Return the index after "of the centre", if it is there."""
    stop = state.skip(at, ("of", "from", "the"))
    return stop + 1 if stop > at and state.text(stop) in lexicon.CENTRES else at
