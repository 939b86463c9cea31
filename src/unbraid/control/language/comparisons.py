"""Changes relative to an image, which only an edit can request: "bigger", "further left"."""

from __future__ import annotations

from unbraid.control.language import lexicon
from unbraid.control.language.parser_state import ParserState, intensity_at
from unbraid.control.language.quantities import converted
from unbraid.control.language.terms import FactorTerms

_COMPARATIVES = {
    "size": lexicon.SIZE_COMPARATIVES,
    "thickness": lexicon.THICKNESS_COMPARATIVES,
    "vertical": lexicon.VERTICAL_COMPARATIVES,
}
_ENDS = frozenset(("top", "bottom", "topmost", "bottommost", "leftmost", "rightmost"))
_COMMANDS = lexicon.MOVE | lexicon.MOVED


def comparison(state: ParserState, start: int) -> int:
    """Parse "bigger", "slightly thinner", "bigger by 4 px", "further left"."""
    stop = _ratio(state, start)
    if stop > start:
        return stop
    at, intensity = intensity_at(state, start, begins=True)
    found = _comparative(state, at, start)
    if found is None:
        return start
    role, sign, stop = found
    factor = state.factor_with_role(role, state.source(start, stop))
    by = state.skip(stop, ("by",))
    if by > stop and state.number(by) is not None and state.unit(by + 1):
        return _quantified(state, factor, sign, by, by + 2, start)
    _default_change(state, factor, sign * intensity, state.source(start, stop))
    return stop


def quantified_change(state: ParserState, start: int, after: int) -> int:
    """Parse "4 px bigger", "3 px further left"; ``after`` is the index after number and unit."""
    found = _comparative(state, after, None)
    if found is None:
        return after
    role, sign, stop = found
    if role == "vertical" and state.text(after) in lexicon.VERTICAL_OFFSETS and not state.relative:
        return after  # "3 px higher" is a place relative to the centre
    factor = state.factor_with_role(role, state.source(after, stop))
    _quantified(state, factor, sign, start, stop, start)
    return stop


def movement(state: ParserState, start: int) -> int:
    """Parse "move left", "moved up by 3 px"; in a request for new images the verb is skipped."""
    verb = state.text(start, start)
    if verb not in _COMMANDS:
        return start
    if verb in lexicon.MOVED or not state.relative:
        return start + 1
    at = state.skip(start + 1, lexicon.FILLERS - {"by"})
    by = state.skip(at, ("by",))
    quantified = state.number(by) is not None and state.unit(by + 1)
    at = by + 2 if quantified else at
    at, intensity = intensity_at(state, at)
    towards = state.skip(at, lexicon.TO_THE | lexicon.MORE)
    found = _side(state, towards)
    named = state.text(towards) in _ENDS or state.text(towards + 1) in lexicon.POSITION_NOUNS
    if found is None or (named and not quantified):
        return start + 1  # "move it to the top" is a place, no change
    role, sign, stop = found
    factor = state.factor_with_role(role, state.source(start, stop))
    last = state.skip(stop, ("by",))
    if quantified:
        _quantified(state, factor, sign, by, stop, start)
    elif last > stop and state.number(last) is not None and state.unit(last + 1):
        return _quantified(state, factor, sign, last, last + 2, start)
    else:
        trailing = state.skip(stop, ("a",))
        if lexicon.INTENSIFIERS.get(state.text(trailing), 1.0) < 1:  # "move it left a bit"
            stop, intensity = intensity_at(state, trailing)
        _default_change(state, factor, sign * intensity, state.source(start, stop))
    return stop


def _ratio(state: ParserState, start: int) -> int:
    """Parse "twice as big", "half the size", "less tilted"."""
    word = state.text(start, start)
    if word in lexicon.MORE | {"less"} and state.text(start + 1) in lexicon.ROTATED:
        factor = state.factor_with_role("rotation", state.text(start + 1))
        change = lexicon.TILT_CHANGE if word != "less" else -lexicon.TILT_CHANGE
        if not factor.spec.period:  # half of an angle is ambiguous on a circle
            state.set_change(factor, state.source(start, start + 2), scale=1 + change)
            return start + 2
    if word not in lexicon.RATIOS:
        return start
    at = state.skip(start + 1, ("as", "the", "its"))
    found = _more_of(state, at)
    if named := state.factor_at(at):
        factor, stop = named
    elif found and at > start + 1:
        factor, stop = state.factor_with_role(found[0], state.text(at)), found[2]
    else:
        return start
    ratio = lexicon.RATIOS[word]
    if found and found[1] < 0:  # twice as small
        ratio = 1 / ratio
    state.set_change(factor, state.source(start, stop), scale=ratio)
    return stop


def _comparative(state: ParserState, at: int, start: int | None) -> tuple[str, float, int] | None:
    """Return role, sign and the index after a comparative; None if there is none."""
    word = state.text(at, start)
    if word in lexicon.MORE:
        return _side(state, state.skip(at + 1, lexicon.TO_THE)) or _more_of(state, at + 1)
    if word == "less" and (less := _more_of(state, at + 1)):
        return less[0], -less[1], less[2]
    for role, table in _COMPARATIVES.items():
        if word in table:
            noun = state.text(at + 1) in lexicon.POSITION_NOUNS  # "lower left"
            if role == "vertical" and (noun or (not state.relative and word == "lower")):
                return None
            return role, table[word], at + 1
    return None


def _side(state: ParserState, at: int) -> tuple[str, float, int] | None:
    word = state.text(at)
    if word in lexicon.TILT_SIGNS:
        return "horizontal", lexicon.HORIZONTAL[word], at + 1
    if word in lexicon.VERTICAL:
        return "vertical", lexicon.VERTICAL[word], at + 1
    return None


def _more_of(state: ParserState, at: int) -> tuple[str, float, int] | None:
    """Parse the adjective of "more bold"."""
    word = state.text(at)
    for role, table in (("size", lexicon.SIZES), ("thickness", lexicon.THICKNESSES)):
        if word in table:
            return role, 1.0 if table[word] > 0 else -1.0, at + 1
    return None


def _default_change(state: ParserState, factor: FactorTerms, sign: float, text: str) -> None:
    low, high = factor.ends
    if not factor.direction:
        raise state.no_direction_error(factor, text)
    step = lexicon.DEFAULT_STEP * (high - low)
    if factor.spec.values is not None:  # at least one level
        step = max(step, (high - low) / max(len(factor.spec.values) - 1, 1))
    state.set_change(factor, text, offset=factor.direction * sign * step)


def _quantified(
    state: ParserState, factor: FactorTerms, sign: float, at: int, stop: int, start: int
) -> int:
    """Add a change by a quantity, or by a percentage of the current value; return ``stop``."""
    number, unit = state.tokens[at].number or 0.0, state.unit(at + 1)
    text = state.source(start, stop)
    if not factor.direction:
        raise state.no_direction_error(factor, text)
    if unit == "percent":
        state.set_change(factor, text, scale=max(0.0, 1 + sign * number / 100))
    else:
        given = state.source(at, at + 2)
        state.set_change(
            factor, text, offset=factor.direction * sign * converted(factor, number, unit, given)
        )
    return stop
