"""The phrases of the grammar, as functions ``(state, start) -> stop`` that parse one phrase.

A function that finds no phrase returns ``start``.
"""

from __future__ import annotations

from unbraid.control.language import lexicon
from unbraid.control.language.comparisons import (
    bare_change_error,
    comparison,
    is_change,
    movement,
    named_change,
    quantified_change,
    ratio,
    signed_change,
)
from unbraid.control.language.levels import check_level, hue_of, truth
from unbraid.control.language.named_changes import named_comparison, own_change
from unbraid.control.language.parser_state import (
    ParserState,
    after_a_bit,
    first_match,
    intensity_at,
)
from unbraid.control.language.quantities import (
    after_adjective,
    converted,
    offset,
    quantity,
    quantity_with_adjective,
)
from unbraid.control.language.rotations import rotation, rotation_value
from unbraid.control.language.terms import FactorTerms
from unbraid.control.language.tokens import note_hertz, printable
from unbraid.core.errors import UnbraidError

_CONNECTORS = frozenset(("=", "of", "is", "at", "to", "equals"))
_PLACES = {"horizontal": lexicon.HORIZONTAL, "vertical": lexicon.VERTICAL}


def assignment(state: ParserState, start: int) -> int:
    """Parse ``FACTOR VALUE`` or ``FACTOR=VALUE``; the name of a category may stand alone."""
    named = state.factor_at(start, start)
    if named is None:
        return start
    factor, after = named
    explicit = state.text(after) == "="
    name = {token.text for token in state.tokens[start:after]}
    if not explicit and name <= lexicon.ARTICLES:  # a factor called "a" needs "a=3"
        return start
    at = state.skip(after, _CONNECTORS)
    for change in (named_change, own_change):
        stop = change(state, factor, at, start)
        if stop > at:
            return stop
    stop = value_of(state, factor, at, start)
    if stop > at:
        return stop
    if explicit:
        raise state.unknown_error(at, factor)
    if factor.ordered:
        state.without_value.append((factor, state.source(start, after)))
        return after
    check_level(state, factor, start, after)
    if factor.truths:  # "glasses" are with glasses
        state.set_value(factor, factor.truths[True], state.source(start, after))
    return after


def value_of(state: ParserState, factor: FactorTerms, start: int, first: int) -> int:
    """Parse a value of the given factor; ``first`` is the first token of the phrase."""
    for level, index, stop in state.levels_at(start):
        if level is factor:
            after = stop + _has_own_unit(state, factor, start)
            state.set_value(factor, float(index), state.source(first, after))
            return after
    if factor.truths and state.text(start) in lexicon.TRUTHS:
        value = factor.truths[lexicon.TRUTHS[state.text(start)]]
        state.set_value(factor, value, state.source(first, start + 1))
        return start + 1
    if state.text(start) in lexicon.UNCONSTRAINED:  # unless a level is called so
        return start + 1
    if factor.role == "rotation":
        stop = rotation_value(state, factor, start, first)
        if stop > start:
            return stop
    if factor.role == "pitch" and (hertz := note_hertz(state.text(start))):
        _put_note(state, factor, hertz, start, first)
        return start + 1
    if state.number(start) is not None:
        stored, stop, word = quantity(state, factor, start)
        stop = after_adjective(state, factor, stop)
        state.set_value(factor, stored, state.source(first, stop), word)
        return stop
    at, intensity = intensity_at(state, start)
    word = state.text(at)
    text = state.source(first, at + 1)
    if word in _PLACES.get(factor.role, {}):
        _put_place(state, factor, word, intensity, text, state.source(start, at + 1))
        return at + 1
    position = factor.position_of(word) if factor.ordered else None
    if position is None and word in lexicon.CENTRES and factor.ordered:
        position = 0.0
    if position is None and factor.role == "hue" and word in lexicon.HUES:
        position = 2 * lexicon.HUES[word] - 1
        state.set_value(factor, hue_of(factor, word), text, word)
        return at + 1
    if position is None:
        return start
    echo = state.source(start, at + 1)
    state.set_value(factor, factor.at_position(position * intensity, word), text, echo)
    return at + 1


def voice(state: ParserState, start: int) -> int:
    """Parse "woman" and "child", a note such as "A3", and "same voice", which changes nothing."""
    if not state.has_voice:
        return start
    word = state.text(start, start)
    if word in lexicon.VOICES:
        state.set_voice(word)
        return start + 1
    if hertz := note_hertz(word):
        _put_note(state, state.factor_with_role("pitch", word), hertz, start, start)
        return start + 1
    if word in lexicon.KEEP and state.relative:
        at = state.skip(start + 1, lexicon.ARTICLES | lexicon.KEEP)
        named = state.factor_at(at)
        if named or state.text(at) in lexicon.VOICE_FILLERS:
            return named[1] if named else at + 1
    return start


def times(state: ParserState, start: int) -> int:
    """Parse "2x bigger" and "3 times as big" in an edit, whose number is no class."""
    if not state.relative or state.text(start + 1) not in lexicon.TIMES:
        return start
    return ratio(state, start) if state.number(start, start) is not None else start


def level(state: ParserState, start: int) -> int:
    """Parse the name of a level, such as "seven", "cat" or "red wall"."""
    matches = state.levels_at(start, start)
    word = state.text(start, start)
    alone = matches and matches[0][2] == start + 1
    if alone and state.is_article(start) and not state.is_letter(start):
        return start
    stop = matches[0][2] if matches else start + 1
    candidates: dict[str, tuple[FactorTerms, float | None]] = {
        factor.name: (factor, float(index)) for factor, index, _ in matches
    }
    tables = (*lexicon.ADJECTIVES.items(), *_PLACES.items())
    if matches and stop == start + 1:  # "top" may be a level or a place
        for role, table in tables:
            for factor in state.with_role(role) if word in table else ():
                candidates.setdefault(factor.name, (factor, None))
    if word in lexicon.HUES and stop == start + 1:  # not the first word of "Red Dot"
        for factor in state.with_role("hue"):
            candidates.setdefault(factor.name, (factor, hue_of(factor, word)))
    if candidates and state.number(start, start) is not None and (unit := state.unit(start + 1)):
        candidates = {name: each for name, each in candidates.items() if each[0].unit == unit}
        stop = start + 2
    if not candidates:
        return start
    text = state.source(start, stop)
    chosen = list(candidates.values())
    noun = state.factor_at(state.skip(stop, ("of",)))
    if noun and noun[0].name in candidates and (len(candidates) > 1 or _is_noun(state, *noun)):
        chosen, stop = [candidates[noun[0].name]], noun[1]
    if len(chosen) > 1:
        raise state.ambiguous_error(text, [factor for factor, _ in chosen])
    factor, value = chosen[0]
    if value is None:
        return start  # the noun says that it is a place or a size
    state.set_value(factor, value, text, text if factor.role == "hue" else "")
    return stop


def adjective(state: ParserState, start: int) -> int:
    """Parse "small", "very thin", "medium thickness", "low elevation"."""
    at, intensity = intensity_at(state, start, begins=True)
    word = state.text(at, start)
    if at > start and not _can_be_modified(state, at):
        if state.text(at - 1, start) != "little" or not word:
            return start  # "up a little" says nothing of the size
        at, word = at - 1, "little"  # an adjective here, no intensifier
        intensity = intensity_at(state, start, at, begins=True)[1]
    stop = at + 1
    text = state.source(start, stop)
    noun = state.factor_at(stop)
    position = noun[0].position_of(word) if noun and noun[0].ordered else None
    if noun and position is not None and _is_noun(state, *noun):
        value = noun[0].at_position(position * intensity, text)
        state.set_value(noun[0], value, state.source(start, noun[1]), text)
        return noun[1]
    if word in lexicon.MIDDLES:
        roles = [role for role in ("size", "thickness") if state.with_role(role)]
        factor = state.factor_with_role(roles[0] if roles else "size", word)
        position = lexicon.MIDDLES[word]
    else:
        role = state.role_of(word, lexicon.ADJECTIVES)
        if not role or role == "vertical":
            return start
        factor = state.factor_with_role(role, word)
        position = lexicon.ADJECTIVES[role][word]
    if state.text(stop) == "as" and state.text(stop + 1) == "possible":
        stop, intensity = stop + 2, 4.0
        text = state.source(start, stop)
    state.set_value(factor, factor.at_position(position * intensity, text), text, text)
    return stop


def place(state: ParserState, start: int) -> int:
    """Parse "top", "far left", "centre" and "corner"."""
    at, intensity = intensity_at(state, start, begins=True)
    if at > start:
        at = state.skip(at, lexicon.IN_THE)  # "far to the left"
    word = state.text(at, start)
    text = state.source(start, at + 1)
    if word == "corner":
        state.corner = True
        return at + 1
    if word in lexicon.CENTRES:
        if not state.with_role("horizontal") and not state.with_role("vertical"):
            state.factor_with_role("horizontal", word)  # raises
        state.centre = word
        return at + 1 + (state.text(at + 1) in lexicon.PARTS)
    noun = state.text(at + 1) in lexicon.POSITION_NOUNS
    if state.relative and word in lexicon.VERTICAL_COMPARATIVES and not noun:
        return start  # a comparison
    for role, table in _PLACES.items():
        if word in table:
            factor = state.factor_with_role(role, word)
            if role == "horizontal" and state.text(at + 1) in lexicon.ROTATE:
                raise UnbraidError(
                    f"'{printable(word)} {state.text(at + 1)}' may be a place or a rotation: "
                    f"write 'rotated 30 degrees {word}', or a comma after '{word}'."
                )
            if at == start and (stop := after_a_bit(state, at + 1)) > at + 1:
                text, intensity = state.source(start, stop), 0.5
            else:
                stop = at + 1
            _put_place(state, factor, word, intensity, text, text)
            return stop + (state.text(stop) in lexicon.PARTS)
    return start


def measure(state: ParserState, start: int) -> int:
    """Parse a phrase that starts with a number: "30 degrees", "26 px in size", "4 px bigger"."""
    if state.number(start, start) is None:
        return start
    unit = state.unit(start + 1)
    text = state.source(start, start + 2)
    if not unit:
        number = state.tokens[start].text
        classes = [factor for factor in state.factors if not factor.ordered and factor.numeric]
        if len(classes) == 1:
            raise classes[0].no_level_error(number)
        raise UnbraidError(
            f"'{printable(number)}' does not name a factor: write FACTOR=NUMBER, where "
            f"{state.subject} varies {state.describe_factors()}."
        )
    after = start + 2
    noun = state.factor_at(state.skip(after, ("of", "in")))
    if noun:
        factor, stop = noun
        stored, _, word = quantity(state, factor, start)
        state.set_value(factor, stored, state.source(start, stop), word)
        return stop
    for read in (quantified_change, offset, quantity_with_adjective):
        stop = read(state, start, after)
        if stop > after:
            return stop
    factors = [factor for factor in state.factors if unit == factor.unit == "degrees"]
    factors += state.with_role(lexicon.UNIT_ROLES.get(unit, "none"))
    for factor in state.with_role(lexicon.CHANGE_ROLES.get(unit, "none")):
        if is_change(state, factor, start, start):
            return signed_change(state, factor, start, start)
    if len(factors) == 1:
        stored, stop, word = quantity(state, factors[0], start)
        state.set_value(factors[0], stored, text, word)
        return stop
    able = [factor for factor in state.factors if factor.unit == unit] or state.factors
    raise UnbraidError(
        f"'{printable(text)}' does not name a factor: write, for example, '{able[0].name} "
        f"{printable(text)}', where {state.subject} varies {state.describe_factors()}."
    )


def free(state: ParserState, start: int) -> int:
    """Parse "any size", which leaves a factor free."""
    if state.text(start, start) not in lexicon.UNCONSTRAINED:
        return start
    if state.text(start + 1) == "but":
        raise UnbraidError(
            f"'{state.text(start, start)} but' is not understood, as negations are not supported: "
            f"describe the {state.thing.split()[1]} by what it has."
        )
    noun = state.factor_at(start + 1)
    return noun[1] if noun and _is_noun(state, *noun) else start + 1


def filler(state: ParserState, start: int) -> int:
    """Skip a word without meaning."""
    word = state.text(start, start)
    if word == "by" and state.number(start + 1) is not None and not state.unit(start + 2):
        raise bare_change_error(state, state.source(start, start + 2))
    own = state.has_voice and word in lexicon.VOICE_FILLERS
    return start + (own or word in lexicon.FILLERS)


# -- parts --------------------------------------------------------------------------------------


def _put_place(
    state: ParserState, factor: FactorTerms, word: str, intensity: float, text: str, echo: str
) -> None:
    if not factor.direction:
        raise state.no_direction_error(factor, text)
    position = factor.direction * lexicon.SIDE_POSITION * _PLACES[factor.role][word] * intensity
    state.set_value(factor, factor.at_position(position, text), text, echo)


def _put_note(
    state: ParserState, factor: FactorTerms, hertz: float, start: int, first: int
) -> None:
    """Set a pitch to a note."""
    given = state.text(start, first).capitalize()
    value = factor.to_stored(converted(factor, hertz, "hertz", given), state.clip, given)
    state.set_value(factor, value, state.source(first, start + 1), given)


def _can_be_modified(state: ParserState, at: int) -> bool:
    """Whether "very" or "slightly" can modify the word."""
    tables = (
        *(lexicon.LEVEL_WORDS, lexicon.HORIZONTAL, lexicon.VERTICAL, lexicon.TILT_SIGNS),
        *lexicon.ADJECTIVES.values(),
        *lexicon.COMPARATIVES.values(),
    )
    word = state.text(at)
    verbs = lexicon.ROTATED | lexicon.ROTATE | lexicon.MOVE | lexicon.MOVED | lexicon.MORE
    return (
        first_match(tables, word) is not None
        or word in verbs | lexicon.TO_THE
        or any(state.matches(at, name) for name in lexicon.ROTATION_SIGNS)
    )


def _has_own_unit(state: ParserState, factor: FactorTerms, at: int) -> bool:
    """Whether a number is followed by the factor's own unit, as in "turn 90 degrees"."""
    return bool(factor.unit) and state.number(at) is not None and state.unit(at + 1) == factor.unit


def _is_noun(state: ParserState, factor: FactorTerms, after: int) -> bool:
    """Whether a factor's name ends a phrase, as in "small size", and no value follows it.

    A number out of the factor's range is not its value: "medium thickness seven".
    """
    at = state.skip(after, _CONNECTORS)
    if at > after and state.text(after) == "=":
        return False
    number = state.number(at)
    if number is not None and not state.unit(at + 1):
        low, high = factor.ends
        part = 0 < number < 1 and "." in state.text(at)
        return not (low <= number <= high or part)
    if any(level is factor for level, _, _ in state.levels_at(at)):
        return False
    at, _ = intensity_at(state, at)
    word = state.text(at)
    if number is not None or word in _PLACES.get(factor.role, {}):
        return False
    own = {"size": lexicon.THICKNESSES, "thickness": lexicon.SIZES}.get(factor.role, {})
    if word in own and state.with_role("size") and state.with_role("thickness"):
        return True  # "bold strokes, small": a word for the other factor
    if factor.position_of(word) is None:
        return True
    other = state.factor_at(at + 1)
    return other is not None and other[0] is not factor  # "high pitch low loudness"


PHRASES = (
    *(voice, assignment, truth, times, level, movement, rotation),
    *(named_comparison, comparison, adjective, place, measure, free, filler),
)
