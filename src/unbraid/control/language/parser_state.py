"""The state of a parser: the tokens of a request, and the constraints found so far."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from unbraid.control.language import lexicon
from unbraid.control.language.parser_tokens import ParserTokens
from unbraid.control.language.terms import FactorTerms
from unbraid.control.language.tokens import Token, printable
from unbraid.core.errors import UnbraidError


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


class ParserState(ParserTokens):
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
        super().__init__(tokens, factors)
        self.clip, self.relative = clip, relative
        self.constraints: dict[str, Constraint] = {}
        self.voice = ""  # the word, such as "woman"; applied at the end
        self.centre = ""  # the word, such as "middle"; applied at the end
        self.corner = False
        self.without_value: list[tuple[FactorTerms, str]] = []  # factors named without a value

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


def first_match(tables: Iterable[Mapping[str, float]], word: str) -> float | None:
    """Return the value of the word in the first table that has it, None if none has."""
    return next((table[word] for table in tables if word in table), None)


def after_a_bit(state: ParserState, at: int) -> int:
    """Return the index after "a bit" or "a little" that ends a phrase of an edit, else ``at``."""
    small = state.relative and state.text(at) == "a" and state.text(at + 1) in ("bit", "little")
    return at + 2 if small and not state.text(at + 2) else at


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
