"""Changes relative to an image, which only an edit can request: "bigger", "further left"."""

from __future__ import annotations

from unbraid.control.language import lexicon
from unbraid.control.language.parser_state import ParserState, intensity_at
from unbraid.control.language.quantities import change, ratio_change
from unbraid.control.language.terms import FactorTerms
from unbraid.control.language.tokens import printable
from unbraid.core.errors import UnbraidError

_ENDS = frozenset(("top", "bottom", "topmost", "bottommost", "leftmost", "rightmost"))
_COMMANDS = lexicon.MOVE | lexicon.MOVED


def comparison(state: ParserState, start: int) -> int:
    """Parse "bigger", "slightly thinner", "bigger by 4 px", "further left"."""
    stop = ratio(state, start)
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
    default_change(state, factor, sign * intensity, state.source(start, stop))
    return stop


def quantified_change(state: ParserState, start: int, after: int) -> int:
    """Parse "4 px bigger", "3 px further left"; ``after`` is the index after number and unit."""
    found = _comparative(state, after, None) or _interval(state, after)
    if found is None:
        return after
    role, sign, stop = found
    if role == "vertical" and state.text(after) in lexicon.VERTICAL_OFFSETS and not state.relative:
        return after  # "3 px higher" is a place relative to the centre
    factor = state.factor_with_role(role, state.source(after, stop))
    _quantified(state, factor, sign, start, stop, start)
    return stop


def named_change(state: ParserState, factor: FactorTerms, at: int, start: int) -> int:
    """Parse what follows a voice's factor in an edit: "pitch up an octave", "tract 5% shorter".

    Returns:
        The index after it; ``at`` if it is no change.
    """
    if not state.relative or factor.role not in lexicon.VOICE_ROLES:
        return at
    signs = lexicon.COMPARATIVES[factor.role] | lexicon.LEVEL_COMPARATIVES | lexicon.UP_DOWN

    def measured(place: int) -> bool:
        return state.number(place) is not None and bool(state.unit(place + 1))

    if measured(at) and state.text(at + 2) in signs:  # "an octave up"
        return _quantified(state, factor, signs[state.text(at + 2)], at, at + 3, start)
    if measured(at) and is_change(state, factor, at):  # "+3 semitones"
        return signed_change(state, factor, at, start)
    first, intensity = intensity_at(state, at)
    word = state.text(first)
    if word not in signs:
        return at
    by = state.skip(first + 1, ("by",))
    if measured(by):
        return _quantified(state, factor, signs[word], by, by + 2, start)
    default_change(state, factor, signs[word] * intensity, state.source(start, first + 1))
    return first + 1


def is_change(state: ParserState, factor: FactorTerms, at: int, start: int | None = None) -> bool:
    """Whether a number is a change in an edit: "+3 semitones", "-3 dB", "duration 120%"."""
    unit, text = state.unit(at + 1), state.text(at, start)
    if not state.relative or factor.role not in lexicon.VOICE_ROLES:
        return False
    if unit == "percent":
        return factor.role == "duration"
    return text[:1] in ("+", "-") and unit in ("semitones", "octaves", "decibels")


def signed_change(state: ParserState, factor: FactorTerms, at: int, start: int) -> int:
    """Parse a number that ``is_change``, and return the index after it."""
    text, unit = state.source(start, at + 2), state.unit(at + 1)
    number = state.tokens[at].number or 0.0
    if unit == "percent":
        scale, offset = ratio_change(factor, number / 100, text)
    else:
        scale, offset = change(factor, number, unit, text)
    state.set_change(factor, text, scale=scale, offset=offset)
    return at + 2


def movement(state: ParserState, start: int) -> int:
    """Parse "move left", "moved up by 3 px"; in a request for new images the verb is skipped."""
    verb = state.text(start, start)
    if verb not in _COMMANDS:
        return start
    if state.relative:
        _check_distance(state, start)
    if verb in lexicon.MOVED or not state.relative:
        return start + 1
    at = state.skip(start + 1, lexicon.FILLERS - {"by"})
    by = state.skip(at, ("by",))
    quantified = state.number(by) is not None and state.unit(by + 1)
    at = by + 2 if quantified else at
    at, intensity = intensity_at(state, at)
    towards = state.skip(at, lexicon.TO_THE | lexicon.MORE)
    found = _side(state, towards)
    beside = state.text(towards + 1)
    upwards = state.text(towards) in lexicon.UP_DOWN and beside in lexicon.TILT_SIGNS
    named = state.text(towards) in _ENDS or (beside in lexicon.POSITION_NOUNS and not upwards)
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
        text = state.source(start, stop)
        default_change(state, factor, sign * intensity, text)
        also = state.skip(stop, ("and",))
        other = _side(state, also) if trailing == stop else None
        if other and state.text(also + 1) not in lexicon.POSITION_NOUNS:  # "move up and left"
            second = state.factor_with_role(other[0], state.text(also))
            stop = other[2]
            default_change(state, second, other[1] * intensity, state.source(start, stop))
    return stop


def bare_change_error(state: ParserState, text: str) -> UnbraidError:
    """Return the error for a change by a number without a unit, which may also be a class."""
    units = [factor.short_unit for factor in state.factors if factor.unit and factor.ordered]
    example = f"{units[0]} after the number" if units else "FACTOR=NUMBER"
    return UnbraidError(
        f"'{printable(text)}' has a number without a unit: write, for example, {example}, or a "
        "comma before a number that is no distance."
    )


def _check_distance(state: ParserState, start: int) -> None:
    """Raise an error for "move left 3" and "shift 3 right", whose number is no class."""
    at = state.skip(start + 1, ("it", "by"))
    if state.number(at) is not None and not state.unit(at + 1):
        if _side(state, state.skip(at + 1, lexicon.TO_THE)):
            raise bare_change_error(state, state.source(start, at + 2))
        return
    towards = state.skip(start + 1, lexicon.TO_THE | {"it", "by"})
    if _side(state, towards):
        after = state.skip(towards + 1, ("by",))
        if state.number(after) is not None and not state.unit(after + 1):
            raise bare_change_error(state, state.source(start, after + 1))


def ratio(state: ParserState, start: int) -> int:
    """Parse "twice as big", "half the size", "less tilted"."""
    word = state.text(start, start)
    ratio = lexicon.RATIOS.get(word, 0.0)
    after = start + 1
    number = state.number(start, start)
    times = state.has_voice or state.relative
    if number is not None and times and state.text(after) in lexicon.TIMES:
        ratio, after = number, start + 2
    if word in lexicon.MORE | {"less"} and state.text(start + 1) in lexicon.ROTATED:
        factor = state.factor_with_role("rotation", state.text(start + 1))
        change = lexicon.TILT_CHANGE if word != "less" else -lexicon.TILT_CHANGE
        if not factor.spec.period:  # half of an angle is ambiguous on a circle
            state.set_change(factor, state.source(start, start + 2), scale=1 + change)
            return start + 2
    if not ratio > 0:
        return start
    at = state.skip(after, ("as", "the", "its"))
    found = _more_of(state, at)
    counted = after > start + 1 and ratio >= 1  # half times bigger may be either
    if found is None and (state.has_voice or counted):
        found = _comparative(state, at, None)  # "twice slower", "1.5x bigger"
        at += found is not None and at == after
    if named := state.factor_at(at):
        factor, stop = named
    elif found and at > after:
        factor, stop = state.factor_with_role(found[0], state.text(found[2] - 1)), found[2]
    else:
        return start
    if found and found[1] < 0:  # twice as small
        ratio = 1 / ratio
    text = state.source(start, stop)
    if factor.spec.period:  # 350 degrees are shown as -10: half of which?
        raise UnbraidError(
            f"'{printable(text)}' is ambiguous, as {factor.name} lies on a circle: give the new "
            f"value, {factor.describe_range()}."
        )
    scale, offset = ratio_change(factor, ratio, text)
    state.set_change(factor, text, scale=scale, offset=offset)
    return after_as(state, stop)


def after_as(state: ParserState, at: int) -> int:
    """Return the index after "as it is", "as before" and the like."""
    stop = state.skip(at, ("as", "it", "is", "was", "before", "now"))
    return stop if state.text(at) == "as" and stop > at + 1 else at


def _comparative(state: ParserState, at: int, start: int | None) -> tuple[str, float, int] | None:
    """Return role, sign and the index after a comparative; None if there is none."""
    word = state.text(at, start)
    if word in lexicon.MORE:
        return _side(state, state.skip(at + 1, lexicon.TO_THE)) or _more_of(state, at + 1)
    if word == "less" and (less := _more_of(state, at + 1)):
        return less[0], -less[1], less[2]
    for (verb, particle), sign in lexicon.PHRASAL.items():
        if word == verb and state.with_role("duration"):  # "slow it down"
            it = state.skip(at + 1, ("it", "this"))
            if state.text(it) == particle:
                return "duration", sign, it + 1
    role = state.role_of(word, lexicon.COMPARATIVES)
    if not role:
        return None
    noun = state.text(at + 1) in lexicon.POSITION_NOUNS  # "lower left"
    if role == "vertical" and (noun or (not state.relative and word == "lower")):
        return None
    stop = at + 1
    noun_after = state.factor_at(stop)  # "lower loudness", "longer tract"
    if noun_after and {role, noun_after[0].role} <= set(lexicon.VOICE_ROLES):
        signs = lexicon.COMPARATIVES[noun_after[0].role] | lexicon.LEVEL_COMPARATIVES
        if word in signs:
            return noun_after[0].role, signs[word], noun_after[1]
    return role, lexicon.COMPARATIVES[role][word], stop


def _interval(state: ParserState, at: int) -> tuple[str, float, int] | None:
    """Parse the direction after "an octave" or "3 dB": "up", "down"."""
    word = state.text(at)
    role = {"semitones": "pitch", "octaves": "pitch", "decibels": "loudness"}.get(
        state.unit(at - 1), ""
    )
    if not role or not state.with_role(role) or word not in lexicon.UP_DOWN:
        return None
    return role, lexicon.UP_DOWN[word], at + 1


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
    role = state.role_of(word, lexicon.ADJECTIVES)
    if not role or role == "vertical":
        return None
    return role, 1.0 if lexicon.ADJECTIVES[role][word] > 0 else -1.0, at + 1


def default_change(state: ParserState, factor: FactorTerms, sign: float, text: str) -> None:
    """Add the change of a comparative alone, such as "bigger"."""
    low, high = factor.ends
    if not factor.direction:
        raise state.no_direction_error(factor, text)
    if factor.role in lexicon.VOICE_STEPS:
        number, unit = lexicon.VOICE_STEPS[factor.role]
        if unit == "times":
            scale, offset = number**sign, 0.0
        else:
            scale, offset = change(factor, sign * number, unit, text)
        state.set_change(factor, text, scale=scale, offset=offset)
        return
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
    given = state.source(at, at + 2)
    if unit == "percent" and lexicon.SPEEDS & {state.text(n) for n in range(start, stop)}:
        speed = 1 - sign * number / 100  # 20% faster is 1.2 times the speed
        if speed <= 0:
            raise UnbraidError(
                f"'{printable(text)}' reduces the speed to 0 or below: give less than 100%."
            )
        state.set_change(factor, text, scale=1 / speed)
        return stop
    scale, offset = change(factor, sign * number, unit, given)
    state.set_change(factor, text, scale=scale, offset=offset)
    return stop
