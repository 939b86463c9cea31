"""Rotations: "rotated 30 degrees clockwise", "tilted left", "upright"."""

from __future__ import annotations

import math
from dataclasses import dataclass

from unbraid.control.language import lexicon
from unbraid.control.language.parser_state import ParserState, after_a_bit, intensity_at
from unbraid.control.language.quantities import converted
from unbraid.control.language.terms import FactorTerms
from unbraid.control.language.tokens import printable
from unbraid.core.errors import UnbraidError

_SKIPPED = frozenset(("by", "at", "of", "a", "an", "angle", "about", "it", "this", *lexicon.TO_THE))
_UPSIDE_DOWN = ("upside", "down")
_SIGNS: dict[str, list[tuple[tuple[str, ...], float]]] = {}  # of names, by their first word
for _name, _sign in lexicon.ROTATION_SIGNS.items():
    _SIGNS.setdefault(_name[0], []).append((_name, _sign))


@dataclass
class Rotation:
    """A rotation as a phrase describes it.

    Args:
        angle: None if the phrase has none.
        unit: of the angle, empty if not given.
        sign: 1 counter-clockwise, -1 clockwise, 0 if not given.
        further: it adds to the current angle.
        by: "by" or a command; in an edit it adds to the current angle.
        intensity: of "slightly" and the like.
        stop: index after the phrase.
    """

    angle: float | None = None
    unit: str = ""
    sign: float = 0.0
    further: bool = False
    by: bool = False
    intensity: float = 1.0
    stop: int = 0


def rotation(state: ParserState, start: int) -> int:
    """Parse a rotation that starts with a verb, a number or a direction."""
    at, intensity = intensity_at(state, start, begins=True)
    word = state.text(at, start)
    if word in lexicon.UPRIGHT or (at == start and state.matches(at, _UPSIDE_DOWN, start)):
        return rotation_value(state, state.factor_with_role("rotation", word), at, start)
    verb = word in lexicon.TURNED
    if verb and _is_into(state, at + 1):
        return at + 1  # "turn it into a 3"
    if not verb and not _starts(state, at, start):
        return start
    begun = verb or word in lexicon.MORE  # "further clockwise"
    found = collect_parts(state, at + verb, begun, start)
    found.by |= verb and word in lexicon.ROTATE
    if found.stop == at + verb:
        if at > start:
            return start
        state.without_value.append((state.factor_with_role("rotation", word), word))
        return at + 1
    factor = state.factor_with_role("rotation", state.source(at, found.stop))
    if found.angle is None and (stop := after_a_bit(state, found.stop)) > found.stop:
        found.intensity, found.stop = 0.5, stop
    _set(state, factor, found, intensity * found.intensity, state.source(start, found.stop))
    return found.stop


def rotation_value(state: ParserState, factor: FactorTerms, start: int, first: int) -> int:
    """Parse a rotation after the name of an angle, except a plain number without a direction."""
    if state.text(start, first) in lexicon.UPRIGHT:
        value = factor.to_stored(0.0, state.clip, "upright")
        state.set_value(factor, value, state.source(first, start + 1), "upright")
        return start + 1
    if state.matches(start, _UPSIDE_DOWN, first):
        half = converted(factor, 180.0, "degrees", "upside down") if factor.unit else 180.0
        if factor.spec.period and not factor.unit:
            half = factor.spec.period / 2
        value = factor.to_stored(half, state.clip, "upside down")
        state.set_value(factor, value, state.source(first, start + 2), "upside down")
        return start + 2
    at, intensity = intensity_at(state, start)
    at += state.text(at) in lexicon.ROTATED
    found = collect_parts(state, at, True, first, named=True)
    if found.stop == at or (found.angle is not None and not found.sign):
        return start  # a plain number, parsed as a quantity
    _set(state, factor, found, intensity, state.source(first, found.stop))
    return found.stop


def collect_parts(
    state: ParserState, start: int, begun: bool, first: int, named: bool = False
) -> Rotation:
    """Return the angle and direction of a rotation, which come in any order.

    Args:
        state: of the parser.
        start: index to start at.
        begun: after a verb or a name, so that "left" is a direction and not a place.
        first: first token of the phrase.
        named: after the factor's name, so that a plain number is not a class.
    """
    found = Rotation(stop=start)
    while _extend(state, found, begun or found.stop > start, first, named):
        pass
    return found


def _extend(state: ParserState, found: Rotation, begun: bool, first: int, named: bool) -> bool:
    """Add the next part of a rotation; return whether there is one."""
    at = found.stop
    phrase = first if at == first else None
    if begun and state.text(at, phrase) in lexicon.MORE:
        found.further, found.stop = True, at + 1
        return True
    on = state.skip(at, _SKIPPED, phrase)
    if begun and state.text(on) in lexicon.INTENSIFIERS:  # "leaning slightly left"
        after, intensity = intensity_at(state, on)
        towards = state.skip(after, _SKIPPED)
        if state.text(towards) in lexicon.TILT_SIGNS or _sign_at(state, towards):
            found.intensity, on = intensity, towards
    phrase = phrase if on == at else None
    by = any(token.text == "by" for token in state.tokens[at:on])
    return _add_angle(state, found, on, phrase, begun, by, named) or _add_sign(
        state, found, on, phrase, begun
    )


def _add_angle(
    state: ParserState,
    found: Rotation,
    at: int,
    phrase: int | None,
    begun: bool,
    by: bool,
    named: bool,
) -> bool:
    """Add an angle such as "30 degrees"; return whether there is one."""
    number = state.number(at, phrase)
    if found.angle is not None or number is None or not math.isfinite(number):
        return False
    unit = state.unit(at + 1)
    stop = at + 2 if unit else at + 1
    signed = _sign_at(state, stop) is not None
    plain = not unit and (by or named or signed or (begun and not state.levels_at(at)))
    if unit not in ("degrees", "radians") and not plain:
        return False
    found.angle, found.unit, found.stop = number, unit, stop
    found.by |= by
    return True


def _add_sign(
    state: ParserState, found: Rotation, at: int, phrase: int | None, begun: bool
) -> bool:
    """Add a direction such as "clockwise" or "left"; return whether there is one."""
    if found.sign:
        return False
    if direction := _sign_at(state, at, phrase):
        found.sign, found.stop = direction
        return True
    word = state.text(at)
    if begun and word in lexicon.TILT_SIGNS and not _is_place(state, at):
        found.sign, found.stop = lexicon.TILT_SIGNS[word], at + 1
        return True
    return False


def _starts(state: ParserState, at: int, start: int) -> bool:
    """Whether a rotation without a verb starts here."""
    if _sign_at(state, at, start):
        return True
    if state.text(at, start) in lexicon.MORE:
        return _sign_at(state, at + 1) is not None
    number = state.number(at, start)
    if number is None or not math.isfinite(number):
        return False
    unit = state.unit(at + 1)
    if not unit:
        return _sign_at(state, at + 1) is not None
    if unit not in ("degrees", "radians") or not state.with_role("rotation"):
        return False
    noun = state.factor_at(state.skip(at + 2, ("of", "in")))
    return noun is None or noun[0].role == "rotation"


def _sign_at(state: ParserState, at: int, start: int | None = None) -> tuple[float, int] | None:
    """Return the sign of "clockwise" and the like and the index after; None if not found."""
    for name, sign in _SIGNS.get(state.text(at, start), ()):
        if state.matches(at, name, start):
            return sign, at + len(name)
    return None


def _is_place(state: ParserState, at: int) -> bool:
    """Whether "left" is part of a place, such as a corner, and not a direction."""
    around = {state.text(at - 1), state.text(at + 1)}
    return bool(around & (set(lexicon.VERTICAL) | lexicon.CENTRES)) or (
        state.text(at + 1) in lexicon.POSITION_NOUNS
    )


def _is_into(state: ParserState, at: int) -> bool:
    """Whether "into" follows, as in "turn it into a 3"."""
    while (word := state.text(at)) in lexicon.FILLERS or state.factor_at(at):
        if word == "into":
            return True
        at += 1
    return False


def _set(
    state: ParserState, factor: FactorTerms, found: Rotation, intensity: float, text: str
) -> None:
    if found.sign and not factor.direction:
        raise state.no_direction_error(factor, text)
    direction = factor.direction or 1
    relative = found.further or (found.by and state.relative)
    if state.relative and found.angle is None and not found.sign:
        raise UnbraidError(
            f"'{printable(text)}' needs an angle or a direction: write, for example, 'rotate 10 "
            "degrees left' or 'more tilted'."
        )
    if found.angle is None:
        number = _default_angle(factor, found.sign * direction, intensity, relative)
    else:
        unit = found.unit or ("degrees" if factor.unit == "radians" else "")
        number = converted(factor, found.angle, unit, text) * (found.sign or 1.0) * direction
    if relative:
        state.set_change(factor, text, offset=number)
        return
    value = factor.to_stored(number, state.clip, factor.number(number))
    rounded = factor.differs(value, number)
    state.set_value(factor, value, text, f"nearest to {factor.number(number)}" if rounded else "")


def _default_angle(factor: FactorTerms, sign: float, intensity: float, relative: bool) -> float:
    """Return the angle of a rotation without a number, such as "tilted left"."""
    degree = math.radians(1) if factor.unit == "radians" else 1.0
    if factor.spec.period and not factor.unit:
        degree = factor.spec.period / 360
    if relative:
        return sign * lexicon.ROTATION_STEP * degree * intensity
    low, high = factor.ends
    side = lexicon.DEFAULT_ROTATION * degree
    if not factor.spec.period:
        side = min(side, high if sign > 0 else -low)
    if side <= 0:  # reported as out of range
        return sign * lexicon.DEFAULT_ROTATION * degree * lexicon.SIDE_POSITION
    return sign * side * min(1.0, lexicon.SIDE_POSITION * intensity)
