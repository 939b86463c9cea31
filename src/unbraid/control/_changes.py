"""Changes from what an image has, which only an edit can ask for: "bigger", "further left"."""

from __future__ import annotations

from unbraid.control import _words as words
from unbraid.control._facets import Facet
from unbraid.control._measures import in_unit
from unbraid.control._reading import Reading, strength_at

_COMPARED = {"size": words.BIGGER, "thickness": words.THICKER, "up": words.HIGHER}
_ENDS = frozenset(("top", "bottom", "topmost", "bottommost", "leftmost", "rightmost"))
_COMMANDS = words.MOVE | words.MOVED


def comparison(reading: Reading, start: int) -> int:
    """Read "bigger", "slightly thinner", "bigger by 4 px", "further left", "more to the right"."""
    stop = _multiple(reading, start)
    if stop > start:
        return stop
    at, strength = strength_at(reading, start, begins=True)
    found = _direction(reading, at, start)
    if found is None:
        return start
    role, sign, stop = found
    facet = reading.only(role, reading.said(start, stop))
    by = reading.skip(stop, ("by",))
    if by > stop and reading.number(by) is not None and reading.unit(by + 1):
        return _measured(reading, facet, sign, by, by + 2, start)
    _usual(reading, facet, sign * strength, reading.said(start, stop))
    return stop


def measured_step(reading: Reading, start: int, after: int) -> int:
    """Read "4 px bigger", "3 px further left"; a number and its unit come first."""
    found = _direction(reading, after, None)
    if found is None:
        return after
    role, sign, stop = found
    if role == "up" and reading.text(after) in words.ABOVE and not reading.relative:
        return after  # "3 px higher" is a place, seen from the centre
    facet = reading.only(role, reading.said(after, stop))
    _measured(reading, facet, sign, start, stop, start)
    return stop


def shift(reading: Reading, start: int) -> int:
    """Read "move left", "moved up by 3 px"; in a request for new images, the verb says nothing."""
    verb = reading.text(start, start)
    if verb not in _COMMANDS:
        return start
    if verb in words.MOVED or not reading.relative:
        return start + 1
    at = reading.skip(start + 1, words.FILLERS - {"by"})
    by = reading.skip(at, ("by",))
    measured = reading.number(by) is not None and reading.unit(by + 1)
    at = by + 2 if measured else at
    at, strength = strength_at(reading, at)
    toward = reading.skip(at, words.TO_THE | words.FURTHER)
    found = _place(reading, toward)
    named = reading.text(toward) in _ENDS or reading.text(toward + 1) in words.PLACE_NOUNS
    if found is None or (named and not measured):
        return start + 1  # "move it to the top" says where, not how far
    role, sign, stop = found
    facet = reading.only(role, reading.said(start, stop))
    last = reading.skip(stop, ("by",))
    if measured:
        _measured(reading, facet, sign, by, stop, start)
    elif last > stop and reading.number(last) is not None and reading.unit(last + 1):
        return _measured(reading, facet, sign, last, last + 2, start)
    else:
        trailing = reading.skip(stop, ("a",))
        if words.STRENGTHS.get(reading.text(trailing), 1.0) < 1:  # "move it left a bit"
            stop, strength = strength_at(reading, trailing)
        _usual(reading, facet, sign * strength, reading.said(start, stop))
    return stop


def _multiple(reading: Reading, start: int) -> int:
    """Read "twice as big", "half the size", "less tilted"."""
    word = reading.text(start, start)
    if word in words.FURTHER | {"less"} and reading.text(start + 1) in words.TURNED:
        facet = reading.only("turn", reading.text(start + 1))
        more = words.TILT_STEP if word != "less" else -words.TILT_STEP
        if not facet.spec.period:  # on a circle, a half of an angle is of no particular angle
            reading.step(facet, reading.said(start, start + 2), times=1 + more)
            return start + 2
    if word not in words.MULTIPLES:
        return start
    at = reading.skip(start + 1, ("as", "the", "its"))
    found = _more(reading, at)
    if named := reading.name_at(at):
        facet, stop = named
    elif found and at > start + 1:
        facet, stop = reading.only(found[0], reading.text(at)), found[2]
    else:
        return start
    times = words.MULTIPLES[word]
    if found and found[1] < 0:  # twice as small
        times = 1 / times
    reading.step(facet, reading.said(start, stop), times=times)
    return stop


def _direction(reading: Reading, at: int, start: int | None) -> tuple[str, float, int] | None:
    """Return what is compared, which way, and the index after; None if nothing is."""
    word = reading.text(at, start)
    if word in words.FURTHER:
        return _place(reading, reading.skip(at + 1, words.TO_THE)) or _more(reading, at + 1)
    if word == "less" and (less := _more(reading, at + 1)):
        return less[0], -less[1], less[2]
    for role, table in _COMPARED.items():
        if word in table:
            noun = reading.text(at + 1) in words.PLACE_NOUNS  # "lower left"
            if role == "up" and (noun or (not reading.relative and word == "lower")):
                return None
            return role, table[word], at + 1
    return None


def _place(reading: Reading, at: int) -> tuple[str, float, int] | None:
    word = reading.text(at)
    if word in words.SIDES:
        return "across", words.ACROSS[word], at + 1
    if word in words.UP:
        return "up", words.UP[word], at + 1
    return None


def _more(reading: Reading, at: int) -> tuple[str, float, int] | None:
    """Read "more bold"."""
    word = reading.text(at)
    for role, table in (("size", words.SIZES), ("thickness", words.THICKNESSES)):
        if word in table:
            return role, 1.0 if table[word] > 0 else -1.0, at + 1
    return None


def _usual(reading: Reading, facet: Facet, sign: float, text: str) -> None:
    low, high = facet.ends
    if not facet.sense:
        raise reading.no_sense(facet, text)
    step = words.STEP * (high - low)
    if facet.spec.values is not None:  # one level at least
        step = max(step, (high - low) / max(len(facet.spec.values) - 1, 1))
    reading.step(facet, text, plus=facet.sense * sign * step)


def _measured(reading: Reading, facet: Facet, sign: float, at: int, stop: int, start: int) -> int:
    """Note a step of so many units, or of a part of what it is; return ``stop``."""
    number, unit = reading.tokens[at].number or 0.0, reading.unit(at + 1)
    text = reading.said(start, stop)
    if not facet.sense:
        raise reading.no_sense(facet, text)
    if unit == "percent":
        reading.step(facet, text, times=max(0.0, 1 + sign * number / 100))
    else:
        given = reading.said(at, at + 2)
        reading.step(facet, text, plus=facet.sense * sign * in_unit(facet, number, unit, given))
    return stop
