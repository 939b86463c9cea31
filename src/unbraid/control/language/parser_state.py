"""The state of a parser: the tokens of a request, and the constraints found so far."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from unbraid.control.language import lexicon
from unbraid.control.language.terms import FactorTerms
from unbraid.control.language.tokens import Token, tokenize
from unbraid.control.language.values import is_number
from unbraid.core.errors import UnbraidError, did_you_mean

_QUOTED = 40  # characters of a request that an error quotes at most


class UnknownWord(UnbraidError):
    """A word or value that is not in the vocabulary."""


class Constraint(NamedTuple):
    """What a request says about a factor: a value, or in an edit a change from the current one.

    Args:
        value: as stored; None for a change.
        scale: of a change to ``number * scale + offset``.
        offset: of the change.
        text: the part of the request.
        word: shown beside the value when the request is described.
    """

    value: float | None
    scale: float
    offset: float
    text: str
    word: str

    @property
    def meaning(self) -> tuple[float | None, float, float]:
        """The constraint without its text."""
        return self.value, self.scale, self.offset


class ParserState:
    """Tokens of a request, the terms of all factors, and the constraints found so far.

    Args:
        tokens: of the request.
        factors: the terms of the model's factors.
        clip: replace a number out of range by the nearest end of the range.
        relative: allow changes such as "bigger", which need an image to start from.
    """

    def __init__(
        self, tokens: Sequence[Token], factors: Sequence[FactorTerms], clip: bool, relative: bool
    ) -> None:
        self.factors, self.clip, self.relative = factors, clip, relative
        self.constraints: dict[str, Constraint] = {}
        self.subject = factors[0].subject if factors else "this model"
        self.has_voice = any(factor.role in lexicon.VOICE_ROLES for factor in factors)
        self.tokens = _with_ones(tokens) if self.has_voice else tokens
        self.voice = ""  # the word, such as "woman"; applied at the end
        self.centre = ""  # the word, such as "middle"; applied at the end
        self.corner = False
        self.without_value: list[tuple[FactorTerms, str]] = []  # factors named without a value
        self._levels = [
            (factor, index, [token.text for token in tokenize(str(value))], value)
            for factor in factors
            for index, value in enumerate(factor.spec.values or ())
        ]

    # -- tokens ---------------------------------------------------------------------------------

    def text(self, at: int, start: int | None = None) -> str:
        """Return the text of a token; empty after the last token and where a new phrase starts.

        Args:
            at: index of the token.
            start: first token of the current phrase, which may itself start a phrase.
        """
        if not 0 <= at < len(self.tokens) or (self.tokens[at].starts_phrase and at != start):
            return ""
        return self.tokens[at].text

    def number(self, at: int, start: int | None = None) -> float | None:
        """Return the number of a token; None if it is a word or starts a new phrase."""
        return self.tokens[at].number if self.text(at, start) else None

    def unit(self, at: int) -> str:
        """Return the unit that a token names, empty for none."""
        text = self.text(at)
        if text == "s" and self.with_role("duration"):
            return "seconds"
        return lexicon.UNITS.get(text, "")

    def skip(self, at: int, words: Iterable[str], start: int | None = None) -> int:
        """Return the index after a run of tokens that are in ``words``."""
        words = frozenset(words)
        while self.text(at, start) in words:
            at += 1
        return at

    def matches(self, at: int, name: Sequence[str], start: int | None = None) -> bool:
        """Whether the tokens from ``at`` on are those of a name."""
        return all(self.text(at + n, start) == part for n, part in enumerate(name))

    def source(self, start: int, stop: int) -> str:
        """Return a part of the request as text."""
        return " ".join(token.text for token in self.tokens[start:stop]).replace(" = ", "=")

    # -- names and levels -----------------------------------------------------------------------

    def factor_at(self, at: int, start: int | None = None) -> tuple[FactorTerms, int] | None:
        """Return the factor with the longest name that matches, and the index after the name."""
        fits = [
            (len(name), factor)
            for factor in self.factors
            for name in factor.names
            if name and self.matches(at, name, start)
        ]
        if not fits:
            return None
        length, factor = max(fits, key=lambda fit: fit[0])
        return factor, at + length

    def levels_at(self, at: int, start: int | None = None) -> list[tuple[FactorTerms, int, int]]:
        """Return the longest levels that match, as (factor, level, index after).

        A number without a name is a level of a categorical factor only.
        """
        number = self.number(at, start)
        fits = []
        for factor, index, name, value in self._levels:
            if is_number(value):
                if number == value and not factor.ordered:
                    fits.append((factor, index, at + 1))
            elif name and self.matches(at, name, start):
                fits.append((factor, index, at + len(name)))
            elif len(name) == 1 and number is not None and _spells(name[0], number):
                fits.append((factor, index, at + 1))
        longest = max((stop for _, _, stop in fits), default=0)
        return [fit for fit in fits if fit[2] == longest]

    def with_role(self, role: str) -> list[FactorTerms]:
        """Return the factors with a role."""
        return [factor for factor in self.factors if factor.role == role]

    def role_of(self, word: str, tables: Mapping[str, Mapping[str, float]]) -> str:
        """Return the role whose table has a word: one that the model has, else the first.

        Empty for none, and for "high" and "low" where no factor is a pitch or one is a place.
        """
        roles = [role for role, table in tables.items() if word in table]
        there = [role for role in roles if self.with_role(role)]
        if word in lexicon.VERTICAL and (there == [] or self.with_role("vertical")):
            roles = there = [role for role in roles if role == "vertical"]
        return next(iter(there or roles), "")

    def factor_with_role(self, role: str, word: str) -> FactorTerms:
        """Return the only factor with a role; ``word`` is quoted in errors.

        Raises:
            UnbraidError: no factor has this role, or several have.
        """
        factors = self.with_role(role)
        if len(factors) == 1:
            return factors[0]
        if factors:
            raise self.ambiguous_error(word, factors)
        kind = {"horizontal": "a place", "vertical": "a place", "rotation": "an angle"}.get(
            role, f"a {role}"
        )
        raise UnbraidError(
            f"'{printable(word)}' asks for {kind}, which {self.subject} does not vary: it varies "
            f"{self.describe_factors()}."
        )

    # -- constraints ----------------------------------------------------------------------------

    def set_value(self, factor: FactorTerms, value: float, text: str, word: str = "") -> None:
        """Add a value."""
        self._add(factor, Constraint(value, 1.0, 0.0, text, word))

    def set_change(
        self, factor: FactorTerms, text: str, *, scale: float = 1.0, offset: float = 0.0
    ) -> None:
        """Add a change from the value that the image has.

        Raises:
            UnbraidError: there is no image to start from, or the factor has no order.
        """
        if not self.relative:
            raise UnbraidError(
                f"'{printable(text)}' compares with {self.thing}, which only an edit has: give a "
                f"value "
                f"for {factor.name}, {factor.describe_range()}."
            )
        if not factor.ordered:
            raise UnbraidError(
                f"'{printable(text)}' cannot be applied to {factor.name}, whose values have no "
                f"order: give a value, {factor.describe_range()}."
            )
        self._add(factor, Constraint(None, scale, offset, text, ""))

    def _add(self, factor: FactorTerms, constraint: Constraint) -> None:
        before = self.constraints.get(factor.name)
        if before is None:
            self.constraints[factor.name] = constraint
        elif before.meaning == constraint.meaning:  # the description must not depend on the order
            word = min(filter(None, (before.word, constraint.word)), default="")
            self.constraints[factor.name] = before._replace(word=word)
        else:
            one, other = sorted((before.text, constraint.text))
            raise UnbraidError(
                f"'{printable(one)}' and '{printable(other)}' contradict each other, as both set "
                f"{factor.name}: keep one of them."
            )

    @property
    def thing(self) -> str:
        """What messages call what a request is of, with its article."""
        return "a recording" if self.has_voice else "an image"

    def set_voice(self, word: str) -> None:
        """Keep a word for a voice, such as "woman", which sets what else is not set at the end."""
        if self.voice and lexicon.VOICES[self.voice] != lexicon.VOICES[word]:
            raise UnbraidError(
                f"'{self.voice}' and '{word}' contradict each other, as both set the voice: keep "
                "one of them."
            )
        self.voice = word

    def finish(self) -> None:
        """Apply "centre" and "woman" to what is not set; check corners and names without a value.

        Raises:
            UnbraidError: a corner without two sides, or a factor named without a value.
        """
        sides = [*self.with_role("horizontal"), *self.with_role("vertical")]
        if self.corner and not all(factor.name in self.constraints for factor in sides):
            raise UnbraidError("which corner? Name two sides, such as 'in the top left corner'.")
        unset = [factor for factor in sides if factor.name not in self.constraints]
        if self.centre and not unset:
            unset = sides  # "top left centre": reported as a contradiction
        for factor in unset if self.centre else ():
            self.set_value(factor, factor.at_position(0.0, self.centre), self.centre, self.centre)
        if self.voice:
            for role, number in zip(("pitch", "tract"), lexicon.VOICES[self.voice], strict=True):
                for factor in self.with_role(role):
                    if factor.name not in self.constraints:
                        own = (
                            12 * math.log2(number / factor.reference)
                            if factor.reference
                            else number
                        )
                        value = factor.to_stored(own, True)
                        self.set_value(factor, value, self.voice, self.voice)
        for factor, text in self.without_value:
            if factor.name not in self.constraints:
                example = (
                    f"'{printable(text)} 30 degrees' or '{printable(text)} left'"
                    if factor.role == "rotation"
                    else f"'{factor.name} {factor.number(sum(factor.ends) / 2)}'"
                )
                raise UnbraidError(
                    f"'{printable(text)}' needs a value: write, for example, {example}, where "
                    f"{factor.name} is {factor.describe_range()}."
                )

    # -- errors ---------------------------------------------------------------------------------

    def describe_factors(self) -> str:
        """Return all factors and their possible values as text."""
        return ", ".join(factor.describe() for factor in self.factors)

    def ambiguous_error(self, word: str, factors: Sequence[FactorTerms]) -> UnbraidError:
        """Return the error for a word that fits several factors."""
        names = list(dict.fromkeys(factor.name for factor in factors))
        return UnbraidError(
            f"'{printable(word)}' may be {', '.join(names[:-1])} or {names[-1]}: write, for "
            f"example, '{names[0]}={printable(word)}'."
        )

    def no_direction_error(self, factor: FactorTerms, word: str) -> UnbraidError:
        """Return the error for a direction if the data set does not define the factor's."""
        return UnbraidError(
            f"'{printable(word)}' cannot be applied to {factor.name}, as its data set does not "
            "define in which direction its numbers increase: write "
            f"'{factor.name}=NUMBER', {factor.describe_range()}."
        )

    def unknown_error(self, at: int, factor: FactorTerms | None = None) -> UnknownWord:
        """Return the error for an unknown word, or an unknown value of a factor."""
        word = self.tokens[at].text if at < len(self.tokens) else ""
        if factor is not None:
            given = f"unknown value '{printable(word)}' of" if word else "there is no value for"
            near = _nearest(printable(word), factor.vocabulary())
            return UnknownWord(f"{given} {factor.name}{near}: it is {factor.describe_range()}.")
        if word in lexicon.NEGATIONS:
            return UnknownWord(
                f"'{word}' is not understood, as negations are not supported: describe "
                f"the {self.thing.split()[1]} by what it has."
            )
        if word in lexicon.INTENSIFIERS:
            return UnknownWord(
                f"'{word}' needs a word to modify, as in '{word} left', but none follows it."
            )
        if word == "=":
            return UnknownWord(
                f"there is no factor before '=': write FACTOR=VALUE, where {self.subject} varies "
                f"{self.describe_factors()}."
            )
        known = [known for each in self.factors for known in each.vocabulary()]
        near = _nearest(printable(word), [*known, *lexicon.INTENSIFIERS])
        return UnknownWord(
            f"unknown word '{printable(word)}'{near}: {self.subject} varies "
            f"{self.describe_factors()}."
        )


def printable(text: str) -> str:
    """Return a part of a request as an error quotes it: shortened, without control characters."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown if len(shown) <= _QUOTED else f"{shown[:_QUOTED]}..."


def _spells(name: str, number: float) -> bool:
    """Whether the name of a level is a number, in digits or spelt out."""
    return name == f"{number:g}" or lexicon.NUMBERS.get(name) == number


def _with_ones(tokens: Sequence[Token]) -> list[Token]:
    """Return tokens with "an" in "an octave" as the number 1."""
    found = list(tokens)
    for at, token in enumerate(found[:-1]):
        after = found[at + 1]
        unit = after.text in lexicon.ONE_OF and not after.starts_phrase
        if token.text in ("a", "an") and unit:
            found[at] = token._replace(number=1.0)
    return found


def _nearest(word: str, known: Iterable[str]) -> str:
    """Return a suggestion of the nearest known word of about the same length."""
    return did_you_mean(word, [each for each in known if abs(len(each) - len(word)) <= 2])


def first_match(tables: Iterable[Mapping[str, float]], word: str) -> float | None:
    """Return the value of the word in the first table that has it, None if none has."""
    return next((table[word] for table in tables if word in table), None)


def intensity_at(
    state: ParserState, start: int, stop: int | None = None, *, begins: bool = False
) -> tuple[int, float]:
    """Return the index after intensifiers such as "very", and the factor they scale by.

    Args:
        state: of the parser.
        start: index to start at.
        stop: last index, exclusive.
        begins: the phrase starts here, so that the first token may follow a comma.
    """
    at, intensity = start, 1.0
    first = start if begins else None
    while (stop is None or at < stop) and state.text(at, first) in lexicon.INTENSIFIERS:
        scale = lexicon.INTENSIFIERS[state.text(at, first)]
        intensity = max(intensity, scale) if scale > 1 else min(intensity, scale)
        at += 1
    return at, intensity
