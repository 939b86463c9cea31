"""Changes of any factor beside its name, in an edit: "weight +5 kg", "more weight"."""

from __future__ import annotations

from unbraid.control.language import lexicon
from unbraid.control.language.comparisons import default_change
from unbraid.control.language.parser_state import ParserState, intensity_at
from unbraid.control.language.quantities import change
from unbraid.control.language.terms import FactorTerms


def own_change(state: ParserState, factor: FactorTerms, at: int, start: int) -> int:
    """Parse "temperature 5 degrees higher", "weight +5 kg", "weight more" after the name."""
    voice = factor.role in lexicon.VOICE_ROLES
    if not state.relative or voice or not factor.ordered or state.text(at - 1) == "=":
        return at
    signs = lexicon.COMPARATIVES.get(factor.role, {}) | lexicon.OWN_COMPARATIVES
    if factor.role == "horizontal":  # "x 3 px higher" is of y
        signs = {word: sign for word, sign in signs.items() if word not in lexicon.VERTICAL_OFFSETS}
    if state.number(at) is not None:
        stop = at + 1 + bool(state.unit(at + 1))
        sign = signs.get(state.text(stop), 0.0)
        low, _ = factor.ends
        text = state.text(at)
        plus = text[:1] == "+" or (text[:1] == "-" and low >= 0 and not factor.spec.period)
        shown_so = factor.role in ("horizontal", "vertical", "rotation")  # "x +6 px"
        if not sign and plus and not shown_so:
            return _change_by(state, factor, 1.0, at, stop, start)
        return _change_by(state, factor, sign, at, stop + 1, start) if sign else at
    first, intensity = intensity_at(state, at)
    word = state.text(first)
    if word not in signs or factor.role == "rotation":
        return at
    by = state.skip(first + 1, ("by",))
    if state.number(by) is not None and by > first + 1:
        stop = by + 1 + bool(state.unit(by + 1))
        return _change_by(state, factor, signs[word], by, stop, start)
    default_change(state, factor, signs[word] * intensity, state.source(start, first + 1))
    return first + 1


def named_comparison(state: ParserState, start: int) -> int:
    """Parse "higher temperature", "more weight" and "increase the weight by 5 kg" in an edit."""
    if not state.relative:
        return start
    at, intensity = intensity_at(state, start, begins=True)
    word = state.text(at, start)
    sign = (lexicon.OWN_COMPARATIVES | lexicon.CHANGES).get(word, 0.0)
    named = state.factor_at(state.skip(at + 1, ("the", "its")))
    if not sign or not named:
        return start
    factor, stop = named
    if not factor.ordered or factor.role in (*lexicon.VOICE_ROLES, "rotation"):
        return start
    if word in lexicon.CHANGES and state.text(stop) in ("to", "="):
        return at + 1  # "increase the weight to 5 kg": a value
    by = state.skip(stop, ("by",))
    if state.number(by) is not None and by > stop:
        return _change_by(state, factor, sign, by, by + 1 + bool(state.unit(by + 1)), start)
    default_change(state, factor, sign * intensity, state.source(start, stop))
    return stop


def _change_by(
    state: ParserState, factor: FactorTerms, sign: float, at: int, stop: int, start: int
) -> int:
    """Add a change by a number with or without its unit; return ``stop``."""
    unit, text = state.unit(at + 1), state.source(start, stop)
    if not factor.direction:
        raise state.no_direction_error(factor, text)
    given = state.source(at, at + 1 + bool(unit))
    number = sign * (state.tokens[at].number or 0.0)
    scale, offset = change(factor, number, unit, given)
    state.set_change(factor, text, scale=scale, offset=offset)
    return stop
