"""Signs that stand apart from their numbers: "x - 6", "angle-30", "3 + 2"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from unbraid.control.language import lexicon
from unbraid.control.language.terms import FactorTerms
from unbraid.control.language.tokens import Token, printable
from unbraid.core.errors import UnbraidError

_LONGEST = 8  # tokens of a name that are looked at
BEFORE_NUMBERS = frozenset(("=", "is", "at", "to", "equals", "by")) | lexicon.TURNED


class Tokens(Protocol):
    """What is asked of ``ParserTokens``, which imports this."""

    tokens: list[Token]
    marked: set[str]
    worded: dict[str, list[Any]]
    names: dict[str, list[Any]]

    def text(self, at: int, start: int | None = None) -> str:
        """Return the text of a token."""

    def matches(self, at: int, name: Sequence[str], start: int | None = None) -> bool:
        """Whether the tokens from ``at`` on are those of a name."""

    def factor_at(self, at: int, start: int | None = None) -> tuple[FactorTerms, int] | None:
        """Return the factor whose name matches, and the index after the name."""


def signed(state: Tokens, at: int) -> Token:
    """Return a token, with the sign that a space or a name keeps apart from it: "x - 6", "x-6".

    Raises:
        UnbraidError: another operator, or a sign that may be a dash.
    """
    token = state.tokens[at]
    before = token.before
    last = state.tokens[at - 1] if at and not token.starts_phrase else None
    if last and last.text in state.marked:  # the sign of a level, such as "A+"
        before = before.removeprefix(last.given[len(last.text) :])
    sign = before.strip()
    if not sign or (token.number is None and token.text != "=") or _is_inside_a_name(state, at):
        return token
    if sign in ("+", "-") and token.text != "=" and last and _takes_a_number(state, at):
        number = (token.number or 0.0) * (-1 if sign == "-" else 1)
        return token._replace(text=f"{sign}{token.text}", number=number)
    if sign == "-" and token.text != "=" and last and before == sign and last.number is None:
        return token  # "top-3"
    shown = printable(f"{sign} {token.text}")
    raise UnbraidError(
        f"'{shown}' is not understood: write a negative number as in FACTOR=-3, one number "
        "in place of a sum or product, and a comma between phrases."
    )


def _is_inside_a_name(state: Tokens, at: int) -> bool:
    """Whether a token is part of a name of a level or factor, but not its first token."""
    for start in range(max(0, at - _LONGEST), at):
        names = [each[2] for each in state.worded.get(state.text(start, start), ())]
        names += [list(name) for name, _ in state.names.get(state.text(start, start), ())]
        if any(start + len(each) > at and state.matches(start, each, start) for each in names):
            return True
    return False


def _takes_a_number(state: Tokens, at: int) -> bool:
    """Whether the token before stands before a number: "=", "by", "rotated", or a name."""
    if state.text(at - 1, at - 1) in BEFORE_NUMBERS:
        return True
    for start in range(max(0, at - _LONGEST), at):
        named = state.factor_at(start, start)
        if named and named[1] == at:
            return named[0].ordered
    return False
