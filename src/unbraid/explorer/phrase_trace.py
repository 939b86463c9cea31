"""One phrase of a request as the grammar parses it, with all tokens that the parser read.

The parser's own functions run on chosen tokens. Which tokens they read is recorded, and a number
is traced through all that is computed from it, so that what is found holds for all tokens and
numbers that the grammar cannot tell from the chosen ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from unbraid.control.language.parser_state import ParserState
from unbraid.control.language.parser_tokens import UnknownWord
from unbraid.control.language.phrases import PHRASES
from unbraid.control.language.quantities import as_written
from unbraid.control.language.terms import FactorTerms, factor_terms
from unbraid.control.language.tokens import Token
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.explorer.phrase_numbers import (
    Affine,
    TracedTerms,
    TracedText,
    TracedTokens,
    TracedValue,
    traced,
)

_LEVEL = 1 << 40  # index of a level that is named by a token, see ``Level``
_NEAREST, _SHARE = "nearest to ", " of the range"


class Level(NamedTuple):
    """A value that is the level which a token names."""

    token: int


class Setting(NamedTuple):
    """A value that a phrase sets.

    Args:
        factor: index of the factor.
        value: as stored, or how it is computed from a token.
        text: the tokens that an error quotes, (start, stop).
        word: shown beside the value: a text or tokens (start, stop), see ``remark``.
        remark: ``word``; ``share`` of the range, ``nearest`` to what was given, or ``angle``, the
            nearest to an angle: the last two only if the value differs from the number.
    """

    factor: int
    value: float | Level | Affine
    text: tuple[int, int]
    word: str | tuple[int, int]
    remark: str


@dataclass
class Phrase:
    """What the grammar makes of the tokens from the start of a phrase on.

    Args:
        read: number of tokens that decided it; more than there are if their end did.
        cuts: for the index of each number, at which numbers this would have been another phrase.
        levels: indices of the tokens whose number was compared with levels.
        stop: tokens of the phrase, 0 where none was found.
        settings: the values that it sets.
        centre: the word for the middle of both sides, as tokens (start, stop), or None.
        corner: it names a corner.
        unset: factors that are named without a value, with the sentence if they get none.
        error: the sentence, empty for none.
    """

    read: int = 0
    cuts: dict[int, set[float]] = field(default_factory=dict)
    levels: set[int] = field(default_factory=set)
    stop: int = 0
    settings: list[Setting] = field(default_factory=list)
    centre: tuple[int, int] | None = None
    corner: bool = False
    unset: list[tuple[int, str]] = field(default_factory=list)
    error: str = ""


class Tracer(ParserState):
    """A parser of one phrase at a time, which records what the phrase sets.

    Args:
        specs: the factors of the model's data.
    """

    def __init__(self, specs: Sequence[FactorSpec]) -> None:
        terms = [
            TracedTerms(each.spec, each.role, each.direction, each.names)
            for each in factor_terms(specs)
        ]
        super().__init__((), terms, clip=False, relative=False)
        self.index = {factor.name: index for index, factor in enumerate(terms)}
        self._errors: dict[tuple[str, str], UnknownWord] = {}
        self._plain = False  # numbers are wanted as they are
        self._found = Phrase()

    def phrase(self, tokens: Sequence[Token]) -> Phrase:
        """Return what the grammar makes of tokens that start a phrase."""
        self._found = found = Phrase()
        cuts: dict[int, set[float]] = {}
        levels: set[int] = set()
        self._levels_read = levels
        self.tokens = followed = TracedTokens(
            traced(token, at, cuts) for at, token in enumerate(tokens)
        )
        self.constraints, self.without_value = {}, []
        self.centre, self.corner = "", False
        self._seen: dict[tuple[str, int, int | None], Any] = {}
        self._texts, self._beyond = [token.text for token in tokens], -1
        try:
            for function in PHRASES:
                if (stop := function(self, 0)) > 0:
                    break
            else:
                raise self.unknown_error(0)
            found.stop, found.corner = stop, self.corner
            if self.centre:
                at = max(n for n in range(stop) if tokens[n].text == self.centre)
                found.centre = (at, at + 1)
            for factor, text in self.without_value:
                found.unset.append((self.index[factor.name], self._unset_error(factor, text)))
        except UnbraidError as error:
            found = Phrase(error=str(error))
        found.read, found.cuts, found.levels = max(followed.last, self._beyond) + 1, cuts, levels
        return found

    def _unset_error(self, factor: FactorTerms, text: str) -> str:
        self.constraints, self.without_value = {}, [(factor, text)]
        self.centre, self.corner = "", False
        try:
            self.finish()
        except UnbraidError as error:
            return str(error)
        raise AssertionError("a factor without a value is an error")

    # -- what the parser asks -------------------------------------------------------------------

    def text(self, at: int, start: int | None = None) -> str:
        """Return the text of a token, and note that it was read."""
        if at < 0:
            raise AssertionError("a phrase depends on what is before it")
        if at > self._beyond:
            self._beyond = at
        if at >= len(self._texts) or (at == 0 and start != 0):
            return ""
        return self._texts[at]

    def matches(self, at: int, name: Sequence[str], start: int | None = None) -> bool:
        """Whether the tokens from ``at`` on are those of a name, as the parser has it, faster."""
        for offset, part in enumerate(name):  # noqa: SIM110  # a generator takes twice as long
            if self.text(at + offset, start) != part:
                return False
        return True

    def number(self, at: int, start: int | None = None) -> float | None:
        """Return the number of a token, traced."""
        found = super().number(at, start)
        return found if found is None or not self._plain else float(found)

    def source(self, start: int, stop: int) -> str:
        """Return a part of the request that knows its tokens."""
        text = " ".join(self._texts[start:stop])
        found = TracedText(text.replace(" = ", "="))
        found.tokens = (start, stop)
        return found

    def factor_at(self, at: int, start: int | None = None) -> tuple[FactorTerms, int] | None:
        """Return the factor with the longest name that matches, looked for once."""
        key = ("factor", at, start)
        if key not in self._seen:
            self._seen[key] = super().factor_at(at, start)
        found: tuple[FactorTerms, int] | None = self._seen[key]
        return found

    def levels_at(self, at: int, start: int | None = None) -> list[tuple[FactorTerms, int, int]]:
        """Return the longest levels that match; one of a single token is known by that token."""
        key = ("levels", at, start)
        if key not in self._seen:
            self._plain = True
            self._levels_read.add(at)
            fits = super().levels_at(at, start)
            self._plain = False
            self._seen[key] = [
                (factor, _LEVEL + at if stop == at + 1 else index, stop)
                for factor, index, stop in fits
            ]
        return list(self._seen[key])

    def told_apart(
        self, at: int, fits: list[tuple[FactorTerms, int, int]]
    ) -> list[tuple[FactorTerms, int, int]]:
        """Return the first level of each factor; the page refuses those that are alike."""
        return list({fit[0].name: fit for fit in reversed(fits)}.values())[::-1]

    def unknown_error(self, at: int, factor: FactorTerms | None = None) -> UnknownWord:
        """Return the error for an unknown word; looking for a similar one takes long."""
        word = self.tokens[at].text if at < len(self.tokens) else ""
        key = (word, factor.name if factor is not None else "")
        if key not in self._errors:
            self._errors[key] = super().unknown_error(at, factor)
        return self._errors[key]

    def set_value(self, factor: FactorTerms, value: float, text: str, word: str = "") -> None:
        """Note a value."""
        remark, shown = "word", word
        stored: float | Level | Affine = float(value)
        if isinstance(value, TracedValue):
            stored = value.affine
            if word.startswith(_NEAREST):
                remark, shown = value.given, word.removeprefix(_NEAREST)
            elif word.endswith(_SHARE):
                remark, shown = "share", word.removesuffix(_SHARE)
        elif value >= _LEVEL:
            stored = Level(int(value) - _LEVEL)
        where = self._piece(text)
        assert where is not None, text
        self._found.settings.append(
            Setting(self.index[factor.name], stored, where, self._piece(shown) or shown, remark)
        )

    def _piece(self, text: str) -> tuple[int, int] | None:
        """Return the tokens that a text is made of, None if it is not of tokens."""
        if isinstance(text, TracedText):
            return text.tokens
        count = len(self._texts)
        for start, first in enumerate(self._texts):
            if not text.startswith(first):
                continue
            for stop in range(start + 1, count + 1):
                piece = " ".join(self._texts[start:stop]).replace(" = ", "=")
                if text in (piece, as_written(piece)):
                    return start, stop
        return None
