"""Levels of factors that their own texts do not name: truth values and colours of hues."""

from __future__ import annotations

from unbraid.control.language import lexicon
from unbraid.control.language.parser_state import ParserState
from unbraid.control.language.terms import FactorTerms
from unbraid.control.language.tokens import printable
from unbraid.control.language.values import FULL_TURN
from unbraid.core.errors import UnbraidError


def check_level(state: ParserState, factor: FactorTerms, start: int, after: int) -> None:
    """Raise an error if another factor's level follows a name, where a value of its own stands."""
    for other, _, stop in state.levels_at(after):
        if other is not factor and not state.is_article(after):
            value = printable(state.source(after, stop))
            raise UnbraidError(
                f"'{printable(state.source(start, stop))}' may be a value of {factor.name}, which "
                f"does not have {value}, or of {other.name}: write {other.name}={value}, or a "
                "comma between both."
            )


def truth(state: ParserState, start: int) -> int:
    """Parse "no glasses" and "without glasses", of a factor whose levels are false and true."""
    word = state.text(start, start)
    if word not in lexicon.TRUTHS:
        return start
    named = state.factor_at(state.skip(start + 1, lexicon.ARTICLES - {"is"}))
    if not named or not named[0].truths or state.text(named[1]) == "=":
        return start
    factor, stop = named
    if any(level is factor for level, _, _ in state.levels_at(stop)):
        return start  # "no glasses yes"
    state.set_value(factor, factor.truths[lexicon.TRUTHS[word]], state.source(start, stop))
    return stop


def hue_of(factor: FactorTerms, word: str) -> float:
    """Return the stored hue of a colour's name: a part of a full turn, which the unit tells.

    Without a unit it is 1 for hues of 0 to 1, and otherwise the range.
    """
    low, high = factor.ends
    turn = factor.spec.period or FULL_TURN.get(factor.unit)
    if turn is None and 0 <= low <= high <= 1:
        turn = 1.0
    start = low if turn is None else 0.0
    turn = turn or high - low
    number = start + lexicon.HUES[word] * turn
    if not factor.spec.period:  # -60 degrees are 300
        around = (number, number - turn, number + turn)
        number = next((each for each in around if low <= each <= high), number)
    return factor.to_stored(number, False, word)
