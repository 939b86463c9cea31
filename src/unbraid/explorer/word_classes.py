"""Classes of tokens that the grammar cannot tell apart, each with one token to try.

A word is known to the grammar by the tables it is in, by the names and levels of factors, and by
being written in the grammar's code. Two words for which all of these agree are of one class. A
number is known by its place among the numbers at which a choice of the grammar changes, and by the
factors of which it is a level.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

from unbraid.control.language import (
    comparisons,
    levels,
    lexicon,
    named_changes,
    parser_state,
    parser_tokens,
    phrases,
    quantities,
    rotations,
    signs,
)
from unbraid.control.language.parser_tokens import own_units, spells
from unbraid.control.language.terms import factor_terms
from unbraid.control.language.tokens import Token, tokenize
from unbraid.control.language.values import is_number
from unbraid.core.factors import FactorSpec

# the files of the grammar in which words are looked for
MODULES = (
    lexicon,
    phrases,
    rotations,
    quantities,
    comparisons,
    named_changes,
    levels,
    parser_state,
    parser_tokens,
    signs,
)
# not for the tokens of phrases, but for names, numbers and units; or another table's index
_ELSEWHERE = {"ROLE_NAMES", "ALIASES", "NUMBERS", "TENS", "_ANGLES", "_SIGNS", "_name"}
# names of roles, units and arguments in the grammar's code, which no token is compared with
_NO_WORDS = lexicon._set(
    "size thickness rotation horizontal vertical hue degrees radians percent pixels scale offset "
    "begins named default key word stop g"
)


@dataclass(frozen=True)
class Classes:
    """The classes of tokens for a data set's factors.

    Args:
        words: class by word.
        numbers: class by a number's place and levels, see ``number_key``, then its text or "".
        tokens: a token of each class.
        cuts: numbers between and at which places lie, in order.
    """

    words: dict[str, int]
    numbers: dict[tuple[int, tuple[int, ...], str], int]
    tokens: tuple[Token, ...]
    cuts: tuple[float, ...]


def classes_of(specs: Sequence[FactorSpec], cuts: Sequence[float]) -> Classes:
    """Return the classes of all words and numbers that the grammar may know.

    Args:
        specs: the factors of the model's data.
        cuts: numbers at which a choice of the grammar changes.
    """
    names = _factor_words(specs)
    own = {word for tokens, _ in names for word in tokens}
    units = own_units(factor_terms(specs))
    words = sorted(own | _lexicon_words() | _literals() | units.keys())
    by_signature: dict[Any, int] = {}
    tokens: list[Token] = []
    known: dict[str, int] = {}
    for word in words:
        made = [Token(word)] if word in units else tokenize(word) or [Token(word)]
        if len(made) != 1 or made[0].text != word or made[0].number is not None:
            continue
        literal = word in _literals() and word not in lexicon.UNITS and word
        signature = (_table_places(word), literal, _places(names, word), units.get(word))
        at = by_signature.setdefault(signature, len(tokens))
        if at == len(tokens):
            tokens.append(made[0]._replace(starts_phrase=False))
        known[word] = at
    places = tuple(sorted(cuts))
    numbers: dict[tuple[int, tuple[int, ...], str], int] = {}
    texts = sorted(word for word in own if _is_written_number(names, word))
    for text, number in [
        *(("", number) for number in _candidates(specs, places)),
        *((text, tokenize(text)[0].number or 0.0) for text in texts),
    ]:
        key = (*number_key(specs, places, number), text)
        if key not in numbers:
            numbers[key] = len(tokens)
            # a point in the text, so that the grammar asks whether it is between 0 and 1
            tokens.append(Token(text or f"\u2039.{len(tokens)}\u203a", number))
    return Classes(known, numbers, tuple(tokens), places)


def _is_written_number(names: Sequence[tuple[tuple[str, ...], tuple[int, int]]], word: str) -> bool:
    """Whether a word is a number that counts as written, and not only by its value."""
    number = tokenize(word)[0].number
    if number is None:
        return False
    # a level that is only a number is known by its value, too
    return f"{number:g}" != word or any(
        word in tokens for tokens, (_, level) in names if level < 0 or len(tokens) > 1
    )


def number_key(
    specs: Sequence[FactorSpec], cuts: Sequence[float], number: float
) -> tuple[int, tuple[int, ...]]:
    """Return a number's place among the cuts, odd at a cut, and the factors it is a level of."""
    place = 2 * sum(cut < number for cut in cuts) + (number in cuts)
    levels = tuple(
        index
        for index, spec in enumerate(specs)
        if any(
            value == number and spec.kind == "categorical"
            if is_number(value)
            else len(name := tokenize(str(value))) == 1 and spells(name[0].text, number)
            for value in spec.values or ()
        )
    )
    return place, levels


def _candidates(specs: Sequence[FactorSpec], cuts: Sequence[float]) -> Iterator[float]:
    """Yield numbers of every place and set of levels."""
    for spec in specs:
        for value in spec.values or ():
            if is_number(value):
                yield float(value)
            elif (
                (tokens := tokenize(str(value)))
                and len(tokens) == 1
                and tokens[0].number is not None
            ):
                yield tokens[0].number
    yield from cuts
    for low, high in zip((cuts[0] - 2, *cuts), (*cuts, cuts[-1] + 2), strict=True):
        # no level of a data set, as far as one can choose
        yield low + (high - low) * 0.41421356


def _factor_words(specs: Sequence[FactorSpec]) -> list[tuple[tuple[str, ...], tuple[int, int]]]:
    """Return the tokens of names, with (factor, -1), and of levels, with (factor, level)."""
    found = []
    for index, terms in enumerate(factor_terms(specs)):
        found += [(name, (index, -1)) for name in terms.names]
        for level, value in enumerate(terms.spec.values or ()):
            if not is_number(value):
                tokens = tuple(token.text for token in tokenize(str(value)))
                found.append((tokens, (index, level)))
    return found


def _places(names: Sequence[tuple[tuple[str, ...], tuple[int, int]]], word: str) -> frozenset[Any]:
    """Return where a word is in names and levels; a level of one token only by its factor."""
    return frozenset(
        (tuple(token if token != word else None for token in tokens), factor)
        + ((min(level, 0),) if len(tokens) == 1 else (level,))
        for tokens, (factor, level) in names
        if word in tokens
    )


# -- what the grammar knows -----------------------------------------------------------------------


@lru_cache
def _tables() -> tuple[tuple[str, Any], ...]:
    return tuple(
        (f"{module.__name__}.{name}", value)
        for module in MODULES
        for name, value in vars(module).items()
        if isinstance(value, dict | set | frozenset | tuple | list)
        and not name.startswith("__")
        and name not in _ELSEWHERE
    )


def _within(table: Any, path: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    """Yield each word of a table, and where it is there with what value."""
    if isinstance(table, dict):
        for key, value in table.items():
            if isinstance(key, tuple):
                for word in key:
                    rest = tuple(other if other != word else None for other in key)
                    yield word, (*path, rest, value)
            elif isinstance(value, dict | set | frozenset | tuple | list):
                yield from _within(value, (*path, key))
            else:
                yield key, (*path, value)
    elif isinstance(table, set | frozenset):
        yield from ((word, path) for word in table if isinstance(word, str))
    else:
        yield from ((word, (*path, at)) for at, word in enumerate(table) if isinstance(word, str))


@lru_cache
def _by_word() -> dict[str, frozenset[Any]]:
    found: dict[str, set[Any]] = {}
    for name, table in _tables():
        for word, where in _within(table, (name,)):
            found.setdefault(word, set()).add(where)
    return {word: frozenset(places) for word, places in found.items()}


def _table_places(word: str) -> frozenset[Any]:
    return _by_word().get(word, frozenset())


def _lexicon_words() -> set[str]:
    return set(_by_word())


@lru_cache
def _literals() -> frozenset[str]:
    """Return the words that are written in the grammar's code."""
    found: set[str] = set()
    for module in MODULES:
        for function in _functions(module):
            found.update(_constants(function.__code__))
    return frozenset(found) - _NO_WORDS


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    for value in vars(module).values():
        if getattr(value, "__module__", "") != module.__name__:
            continue
        if isinstance(value, FunctionType):
            yield value
        elif isinstance(value, type):
            yield from (each for each in vars(value).values() if isinstance(each, FunctionType))


def _constants(code: CodeType) -> Iterator[str]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _constants(constant)
        elif isinstance(constant, str):
            yield constant
        elif isinstance(constant, tuple | frozenset):
            yield from (each for each in constant if isinstance(each, str))
