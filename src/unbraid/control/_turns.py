"""Turns: "rotated 30 degrees clockwise", "tilted left", "upright"."""

from __future__ import annotations

import math
from dataclasses import dataclass

from unbraid.control import _words as words
from unbraid.control._facets import Facet
from unbraid.control._measures import in_unit
from unbraid.control._reading import Reading, strength_at

_PASSED = ("by", "at", "of", "a", "an", "angle", "about", "it", "this", *words.TO_THE)
_UPSIDE_DOWN = ("upside", "down")


@dataclass
class Turn:
    """What a phrase says of a turn: how far and which way, counter-clockwise positive."""

    amount: float | None = None
    unit: str = ""
    way: float = 0.0
    more: bool = False  # "further", which only an edit can be
    by: bool = False  # "by", or a command: in an edit, from where it is
    strength: float = 1.0
    stop: int = 0


def turn(reading: Reading, start: int) -> int:
    """Read a turn that starts with its verb, its number or its direction."""
    at, strength = strength_at(reading, start, begins=True)
    word = reading.text(at, start)
    if word in words.UPRIGHT or (at == start and reading.spells(at, _UPSIDE_DOWN, start)):
        return turned_to(reading, reading.only("turn", word), at, start)
    verb = word in words.TURNED | words.TURN
    if verb and _is_into(reading, at + 1):
        return at + 1  # "turn it into a 3"
    if not verb and not _starts(reading, at, start):
        return start
    found = gathered(reading, at + verb, verb, start)
    found.by |= verb and word in words.TURN
    if found.stop == at + verb:
        if at > start:
            return start
        reading.unfinished.append((reading.only("turn", word), word))
        return at + 1
    facet = reading.only("turn", reading.said(at, found.stop))
    _put(reading, facet, found, strength * found.strength, reading.said(start, found.stop))
    return found.stop


def turned_to(reading: Reading, facet: Facet, start: int, said_from: int) -> int:
    """Read what follows the name of an angle; numbers without a direction are the factor's own."""
    if reading.text(start, said_from) in words.UPRIGHT:
        value = facet.stored(0.0, reading.clip, "upright")
        reading.put(facet, value, reading.said(said_from, start + 1), "upright")
        return start + 1
    if reading.spells(start, _UPSIDE_DOWN, said_from):
        half = in_unit(facet, 180.0, "degrees", "upside down") if facet.unit else 180.0
        value = facet.stored(half, reading.clip, "upside down")
        reading.put(facet, value, reading.said(said_from, start + 2), "upside down")
        return start + 2
    at, strength = strength_at(reading, start)
    at += reading.text(at) in words.TURNED
    found = gathered(reading, at, True, said_from, named=True)
    if found.stop == at or (found.amount is not None and not found.way):
        return start  # a number of its own, which is read as any other
    _put(reading, facet, found, strength, reading.said(said_from, found.stop))
    return found.stop


def gathered(
    reading: Reading, start: int, begun: bool, said_from: int, named: bool = False
) -> Turn:
    """Collect how far and which way, in any order.

    Args:
        reading: the request.
        start: where to begin.
        begun: a verb or a name came before, so that "left" is a direction and no place.
        said_from: where the phrase starts.
        named: the factor's name came before, so that a bare number is no class.
    """
    found = Turn(stop=start)
    while True:
        at = found.stop
        first = said_from if at == said_from else None
        if reading.text(at, first) in words.FURTHER and (begun or found.stop > start):
            found.more = True
            found.stop = at + 1
            continue
        on = reading.skip(at, _PASSED, first)
        if begun and reading.text(on) in words.STRENGTHS:  # "leaning slightly left"
            strong = strength_at(reading, on)
            toward = reading.skip(strong[0], _PASSED)
            if reading.text(toward) in words.SIDES or _way_at(reading, toward):
                found.strength, on = strong[1], toward
        by = any(token.text == "by" for token in reading.tokens[at:on])
        number = reading.number(on, first if on == at else None)
        if found.amount is None and number is not None and math.isfinite(number):
            unit = reading.unit(on + 1)
            stop = on + 2 if unit else on + 1
            angle = unit in ("degrees", "radians")
            way = _way_at(reading, stop)
            free = not unit and (by or named or way or (begun and not reading.levels_at(on)))
            if angle or free:
                found.amount, found.unit, found.stop = number, unit, stop
                found.by |= by
                begun = True
                continue
        named_way = _way_at(reading, on, first if on == at else None)
        if named_way and not found.way:
            found.way, found.stop = named_way[0], named_way[1]
            begun = True
            continue
        word = reading.text(on)
        if word in words.SIDES and begun and not found.way and not _is_place(reading, on):
            found.way, found.stop = words.SIDES[word], on + 1
            continue
        return found


def _starts(reading: Reading, at: int, start: int) -> bool:
    """Whether a turn starts here without a verb."""
    if _way_at(reading, at, start):
        return True
    if reading.text(at, start) in words.FURTHER:
        return _way_at(reading, at + 1) is not None
    number = reading.number(at, start)
    if number is None or not math.isfinite(number):
        return False
    unit = reading.unit(at + 1)
    if not unit:
        return _way_at(reading, at + 1) is not None
    if unit not in ("degrees", "radians") or not reading.role("turn"):
        return False
    noun = reading.name_at(reading.skip(at + 2, ("of", "in")))
    return noun is None or noun[0].role == "turn"


def _way_at(reading: Reading, at: int, start: int | None = None) -> tuple[float, int] | None:
    """Return the sign of "clockwise" and its like and the index after, None if there is none."""
    for name, sign in words.CLOCKWISE.items():
        if reading.spells(at, name, start):
            return sign, at + len(name)
    return None


def _is_place(reading: Reading, at: int) -> bool:
    """Whether "left" is a part of a corner rather than a direction."""
    around = {reading.text(at - 1), reading.text(at + 1)}
    return bool(around & (set(words.UP) | words.CENTRES)) or (
        reading.text(at + 1) in words.PLACE_NOUNS
    )


def _is_into(reading: Reading, at: int) -> bool:
    while (word := reading.text(at)) in words.FILLERS or reading.name_at(at):
        if word == "into":
            return True
        at += 1
    return False


def _put(reading: Reading, facet: Facet, found: Turn, strength: float, text: str) -> None:
    if found.way and not facet.sense:
        raise reading.no_sense(facet, text)
    sense = facet.sense or 1
    step = found.more or (found.by and reading.relative)
    if found.amount is None:
        number = _usual(facet, found.way * sense, strength, step)
    else:
        unit = found.unit or ("degrees" if facet.unit == "radians" else "")
        number = in_unit(facet, found.amount, unit, text) * (found.way or 1.0) * sense
    if step:
        reading.step(facet, text, plus=number)
        return
    value = facet.stored(number, reading.clip, facet.number(number))
    off = facet.is_off(value, number)
    reading.put(facet, value, text, f"nearest to {facet.number(number)}" if off else "")


def _usual(facet: Facet, way: float, strength: float, step: bool) -> float:
    """Return how far "tilted left" turns, in the factor's unit."""
    degree = math.radians(1) if facet.unit == "radians" else 1.0
    if step:
        return way * words.STEP_TURN * degree * strength
    low, high = facet.ends
    side = words.USUAL_TURN * degree
    if not facet.spec.period:
        side = min(side, high if way > 0 else -low)
    if side <= 0:  # to be told of as out of range
        return way * words.USUAL_TURN * degree * words.PLACE
    return way * side * min(1.0, words.PLACE * strength)
