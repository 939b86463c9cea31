"""Requests in words and by factor, parsed into values of a data set's factors.

The grammar depends on the factors' specs; docs/control.md describes it with examples.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from unbraid.control.language.lexicon import FILLERS
from unbraid.control.language.parser_state import Constraint, ParserState
from unbraid.control.language.parser_tokens import UnknownWord
from unbraid.control.language.phrases import PHRASES, value_of
from unbraid.control.language.quantities import quantity
from unbraid.control.language.request import Request
from unbraid.control.language.terms import FactorTerms, factor_terms, names_with_stops
from unbraid.control.language.tokens import MAX_CHARACTERS, Token, printable, tokenize
from unbraid.control.language.values import is_number
from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.factors import FactorSpec


def parse(
    text: str,
    specs: Sequence[FactorSpec],
    clip: bool = False,
    *,
    relative: bool = False,
    subject: str = "this model",
) -> Request:
    """Parse a request in words.

    Args:
        text: such as ``"small seven in the top rotated 30 degrees"``.
        specs: the factors of the model's data.
        clip: replace a number out of range by the nearest end of the range.
        relative: allow changes such as "bigger", which need an image to start from.
        subject: what has the factors, as messages call it.

    Raises:
        UnbraidError: an unknown word, value or unit, a contradiction, or a number out of range.

    >>> size = FactorSpec("size", "continuous", range=(24, 40), unit="pixels")
    >>> digit = FactorSpec("digit", "categorical", values=tuple(range(10)))
    >>> parse("small seven", [digit, size]).describe()
    'digit 7, size 26 px (small)'
    """
    return build_request(specs, clip, text=text, relative=relative, subject=subject)


def build_request(
    specs: Sequence[FactorSpec],
    clip: bool = False,
    *,
    text: str = "",
    relative: bool = False,
    subject: str = "this model",
    **values: Any,
) -> Request:
    """Build a request from values by factor, as ``request_of``.

    >>> size = FactorSpec("size", "continuous", range=(24, 40), unit="pixels")
    >>> build_request([size], size="huge").values
    {'size': 40.0}
    """
    return request_of(specs, values, clip, text=text, relative=relative, subject=subject)


def request_of(
    specs: Sequence[FactorSpec],
    values: Mapping[str, Any],
    clip: bool = False,
    *,
    text: str = "",
    relative: bool = False,
    subject: str = "this model",
) -> Request:
    """Build a request from values by factor: numbers in the factor's unit, or words.

    Args:
        specs: the factors of the model's data.
        values: by factor, whatever it is called; None leaves it free.
        clip: replace a number out of range by the nearest end of the range.
        text: a request in words, combined with the values.
        relative: allow changes such as "bigger", which need an image to start from.
        subject: what has the factors, as messages call it.

    Raises:
        UnbraidError: as ``parse``, or an unknown factor name.

    >>> size = FactorSpec("size", "continuous", range=(24, 40), unit="pixels")
    >>> request_of([size], {"size": "huge"}).values
    {'size': 40.0}
    """
    if not specs:
        raise UnbraidError(
            "this model was trained on data without factors, so it cannot be controlled: train on "
            "data whose factors are known, such as digits or a folder with a subfolder per class."
        )
    factors = factor_terms(specs, subject)
    constraints = _parsed(_tokens(text, factors), factors, clip, relative)
    for name, value in values.items():
        factor = _by_name(factors, name)
        if value is None:
            continue
        given = _keyword(factor, factors, value, clip, relative)
        before = constraints.setdefault(name, given)
        if before.meaning != given.meaning:
            raise UnbraidError(
                f"'{printable(before.text)}' and '{printable(given.text)}' contradict each other, "
                f"as both set {name}: keep one of them."
            )
    return Request(
        {factor.name: value for factor, value in _values(factors, constraints)},
        {
            factor.name: (constraints[factor.name].scale, constraints[factor.name].offset)
            for factor in factors
            if factor.name in constraints and constraints[factor.name].value is None
        },
        tuple(
            _described(factor, constraints[factor.name])
            for factor in factors
            if factor.name in constraints
        ),
        tuple(factor.name for factor in factors if factor.name not in constraints),
    )


def _values(
    factors: Sequence[FactorTerms], constraints: Mapping[str, Constraint]
) -> Iterator[tuple[FactorTerms, float]]:
    """Yield each factor that has a value, and the value."""
    for factor in factors:
        if factor.name in constraints and (value := constraints[factor.name].value) is not None:
            yield factor, value


def _tokens(text: str, factors: Sequence[FactorTerms]) -> list[Token]:
    if not isinstance(text, str):
        raise UnbraidError(
            f"a request is text, found {type(text).__name__}: pass factors by name instead."
        )
    if len(text) > MAX_CHARACTERS:
        raise UnbraidError(
            f"the request has {len(text):,} characters, expected {MAX_CHARACTERS:,} at most."
        )
    return tokenize(text, names_with_stops(factors))


def _parsed(
    tokens: Sequence[Token], factors: Sequence[FactorTerms], clip: bool, relative: bool
) -> dict[str, Constraint]:
    """Return the constraint of each factor that the tokens name."""
    state = ParserState(tokens, factors, clip, relative)
    tokens = state.tokens
    at = 0
    while at < len(tokens):
        after = next((stop for phrase in PHRASES if (stop := phrase(state, at)) > at), at)
        if after == at:
            raise state.unknown_error(at)
        at = after
    state.finish()
    return state.constraints


def _by_name(factors: Sequence[FactorTerms], name: str) -> FactorTerms:
    for factor in factors:
        if factor.name == name:
            return factor
    offer = ", ".join(factor.describe() for factor in factors)
    near = did_you_mean(name, [factor.name for factor in factors])
    raise UnbraidError(
        f"unknown factor '{printable(name)}'{near}: {factors[0].subject} varies {offer}."
    )


def _keyword(
    factor: FactorTerms, factors: Sequence[FactorTerms], value: Any, clip: bool, relative: bool
) -> Constraint:
    """Return the constraint that a keyword argument puts on its factor."""
    if isinstance(value, np.generic):
        value = value.item()
    text = f"{factor.name}={value}"
    for index, known in enumerate(factor.spec.values or ()):
        if str(value) == str(known):
            return Constraint(float(index), 1.0, 0.0, text, "")
    if is_number(value):
        given = f"{value:g}" if math.isfinite(value) else str(value)
        state = ParserState([Token(str(value), float(value))], factors, clip, relative)
        stored, _, word = quantity(state, factor, 0, printable(given))
        return Constraint(stored, 1.0, 0.0, text, word)
    if not isinstance(value, str):
        raise UnbraidError(
            f"{factor.name} is {printable(repr(value))}, expected a number or a word: "
            f"{factor.describe_range()}."
        )
    tokens = [token._replace(starts_phrase=False) for token in _tokens(value, factors)]
    state = ParserState(tokens, factors, clip, relative)
    start = state.skip(0, FILLERS)
    stop = value_of(state, factor, start, start)
    if stop == start:  # a change, such as "bigger"
        with suppress(UnknownWord):
            found = _parsed(tokens, factors, clip, relative)
            if found.keys() == {factor.name}:
                return found[factor.name]
    if stop == start or stop < len(tokens):
        raise state.unknown_error(start if stop == start else stop, factor)
    if factor.name not in state.constraints:
        raise UnbraidError(
            f"{factor.name}={printable(value)} leaves the factor free: leave it out."
        )
    return state.constraints[factor.name]._replace(text=text)


def _described(factor: FactorTerms, constraint: Constraint) -> str:
    if constraint.value is not None:
        return factor.show(constraint.value, constraint.word)
    if constraint.scale != 1.0:
        return f"{factor.label} {100 * constraint.scale:.3g}% of its current value"
    return f"{factor.label} {factor.show_change(constraint.offset)}"
