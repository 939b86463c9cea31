"""A request while it is read: its tokens, and what was understood of each factor so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from unbraid.control import _words as words
from unbraid.control._facets import Facet, is_number
from unbraid.control._tokens import Token, tokens_of
from unbraid.errors import UnbraidError, did_you_mean

_FOR_ERRORS = 40  # characters of a word that an error repeats


class Unknown(UnbraidError):
    """A word or value that nobody knows."""


class Said(NamedTuple):
    """What was asked of a factor: a value, or a change from what it is (edits only)."""

    value: float | None
    times: float
    plus: float
    text: str  # of the request
    word: str  # that the echo repeats beside the value


class Reading:
    """The state of reading a request.

    Args:
        tokens: of the request.
        facets: of the model's factors.
        clip: numbers out of range become the nearest within.
        relative: words such as "bigger" are allowed: there is an image to compare with.
    """

    def __init__(
        self, tokens: Sequence[Token], facets: Sequence[Facet], clip: bool, relative: bool
    ) -> None:
        self.tokens, self.facets, self.clip, self.relative = tokens, facets, clip, relative
        self.found: dict[str, Said] = {}
        self.centre = ""  # the word that said so
        self.corner = False
        self.unfinished: list[tuple[Facet, str]] = []  # named, but nothing said of it yet
        self._levels = [
            (facet, index, [token.text for token in tokens_of(str(value))], value)
            for facet in facets
            for index, value in enumerate(facet.spec.values or ())
        ]

    # -- tokens ---------------------------------------------------------------------------------

    def text(self, at: int, start: int | None = None) -> str:
        """Return the token's text, empty past the end; also where it begins a new phrase.

        Args:
            at: its index.
            start: where the phrase being read starts; there a token may be the first of its own.
        """
        if not 0 <= at < len(self.tokens) or (self.tokens[at].fresh and at != start):
            return ""
        return self.tokens[at].text

    def number(self, at: int, start: int | None = None) -> float | None:
        """Return the token's number, None if it is none, or begins a new phrase."""
        return self.tokens[at].number if self.text(at, start) else None

    def unit(self, at: int) -> str:
        """Return the unit that the token names, empty for none."""
        return words.UNITS.get(self.text(at), "")

    def skip(self, at: int, passed: Iterable[str], start: int | None = None) -> int:
        """Return the index after tokens that are among ``passed``."""
        passed = frozenset(passed)
        while self.text(at, start) in passed:
            at += 1
        return at

    def spells(self, at: int, name: Sequence[str], start: int | None = None) -> bool:
        """Whether the tokens from ``at`` on are these."""
        return all(self.text(at + n, start) == part for n, part in enumerate(name))

    def said(self, start: int, stop: int) -> str:
        """Return the part of the request."""
        return " ".join(token.text for token in self.tokens[start:stop]).replace(" = ", "=")

    # -- names and levels -----------------------------------------------------------------------

    def name_at(self, at: int, start: int | None = None) -> tuple[Facet, int] | None:
        """Return the factor named at a token and the index after, the longest name there is."""
        fits = [
            (len(name), facet)
            for facet in self.facets
            for name in facet.names
            if name and self.spells(at, name, start)
        ]
        if not fits:
            return None
        length, facet = max(fits, key=lambda fit: fit[0])
        return facet, at + length

    def levels_at(self, at: int, start: int | None = None) -> list[tuple[Facet, int, int]]:
        """Return the levels named at a token, as (factor, index, index after); longest names only.

        A bare number is a level of a category alone: of a size it is no level, but a size.
        """
        number = self.number(at, start)
        fits = []
        for facet, index, name, value in self._levels:
            if is_number(value):
                if number == value and not facet.ordered:
                    fits.append((facet, index, at + 1))
            elif name and self.spells(at, name, start):
                fits.append((facet, index, at + len(name)))
            elif len(name) == 1 and number is not None and name == [f"{number:g}"]:
                fits.append((facet, index, at + 1))
        longest = max((stop for _, _, stop in fits), default=0)
        return [fit for fit in fits if fit[2] == longest]

    def role(self, role: str) -> list[Facet]:
        """Return the factors of a role."""
        return [facet for facet in self.facets if facet.role == role]

    def only(self, role: str, word: str) -> Facet:
        """Return the one factor of a role that a word speaks of.

        Raises:
            UnbraidError: there is none, or there are several.
        """
        facets = self.role(role)
        if len(facets) == 1:
            return facets[0]
        if facets:
            raise self.ambiguous(word, facets)
        asked = {"across": "a place", "up": "a place", "turn": "an angle"}.get(role, f"a {role}")
        raise UnbraidError(
            f"'{clean(word)}' asks for {asked}, which this model does not vary: it varies "
            f"{self.offer()}."
        )

    # -- what is understood ---------------------------------------------------------------------

    def put(self, facet: Facet, value: float, text: str, word: str = "") -> None:
        """Note a value."""
        self._note(facet, Said(value, 1.0, 0.0, text, word))

    def step(self, facet: Facet, text: str, *, times: float = 1.0, plus: float = 0.0) -> None:
        """Note a change from what the image has.

        Raises:
            UnbraidError: there is no image.
        """
        if not self.relative:
            raise UnbraidError(
                f"'{clean(text)}' compares with an image, and only an edit has one: say what the "
                f"{facet.name} shall be, {facet.extent()}."
            )
        if not facet.ordered:
            raise UnbraidError(f"{facet.name} has no order, so '{clean(text)}' says nothing of it.")
        self._note(facet, Said(None, times, plus, text, ""))

    def _note(self, facet: Facet, said: Said) -> None:
        before = self.found.get(facet.name)
        if before is None:
            self.found[facet.name] = said
        elif before[:3] == said[:3]:  # said twice; the echo must not depend on the order
            word = min(filter(None, (before.word, said.word)), default="")
            self.found[facet.name] = before._replace(word=word)
        else:
            one, other = sorted((before.text, said.text))
            raise UnbraidError(
                f"'{clean(one)}' and '{clean(other)}' contradict each other, as both say the "
                f"{facet.name}: keep one of them."
            )

    def finish(self) -> None:
        """Settle what could not be before the end: centres, and names without a value.

        Raises:
            UnbraidError: a corner without a side, or a name without a value.
        """
        sides = [*self.role("across"), *self.role("up")]
        if self.corner and not all(facet.name in self.found for facet in sides):
            raise UnbraidError("which corner? Name two sides, such as 'in the top left corner'.")
        unset = [facet for facet in sides if facet.name not in self.found]
        if self.centre and not unset:
            unset = sides  # "top left centre": to be told of, if it is none
        for facet in unset if self.centre else ():
            self.put(facet, facet.at(0.0, self.centre), self.centre, self.centre)
        for facet, said in self.unfinished:
            if facet.name not in self.found:
                way = (
                    f"'{clean(said)} 30 degrees' or '{clean(said)} left'"
                    if facet.role == "turn"
                    else f"'{facet.name} {facet.number(sum(facet.ends) / 2)}'"
                )
                raise UnbraidError(
                    f"'{clean(said)}' does not say how much: write, for example, {way}, where "
                    f"{facet.name} is {facet.extent()}."
                )

    # -- sentences ------------------------------------------------------------------------------

    def offer(self) -> str:
        """Return what the model varies, one after the other."""
        return ", ".join(facet.offered() for facet in self.facets)

    def ambiguous(self, word: str, facets: Sequence[Facet]) -> UnbraidError:
        """Return the sentence for a word that several factors may mean."""
        names = list(dict.fromkeys(facet.name for facet in facets))
        return UnbraidError(
            f"'{clean(word)}' may be {', '.join(names[:-1])} or {names[-1]}: say which, such as "
            f"'{names[0]}={clean(word)}'."
        )

    def no_sense(self, facet: Facet, word: str) -> UnbraidError:
        """Return the sentence for a direction where nobody says which way numbers go."""
        return UnbraidError(
            f"'{clean(word)}' cannot be told of {facet.name}, as its data set does not say which "
            f"way its numbers go: write '{facet.name}=NUMBER', {facet.extent()}."
        )

    def unknown(self, at: int, facet: Facet | None = None) -> Unknown:
        """Return the sentence for a word nobody knows, or nobody knows of a factor."""
        word = self.tokens[at].text if at < len(self.tokens) else ""
        if facet is not None:
            given = f"unknown value '{clean(word)}' of" if word else "there is no value for"
            near = _nearest(clean(word), facet.vocabulary())
            return Unknown(f"{given} {facet.name}{near}: it is {facet.extent()}.")
        if word in words.NEGATIONS:
            return Unknown(
                f"'{word}' is not understood: say what the image shall be, not what it shall not."
            )
        if word in words.STRENGTHS:
            return Unknown(
                f"'{word}' says more of a word after it, as in '{word} left': here there is none."
            )
        if word == "=":
            return Unknown(
                f"there is no factor before '=': write FACTOR=VALUE, where this model varies "
                f"{self.offer()}."
            )
        known = [known for each in self.facets for known in each.vocabulary()]
        near = _nearest(clean(word), [*known, *words.STRENGTHS])
        return Unknown(f"unknown word '{clean(word)}'{near}: this model varies {self.offer()}.")


def clean(text: str) -> str:
    """Return a piece of a request as an error repeats it: short, and printable."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown if len(shown) <= _FOR_ERRORS else f"{shown[:_FOR_ERRORS]}..."


def _nearest(word: str, known: Iterable[str]) -> str:
    """Return the hint at the nearest known word; one much longer or shorter is no slip of keys."""
    return did_you_mean(word, [each for each in known if abs(len(each) - len(word)) <= 2])


def first_of(tables: Iterable[Mapping[str, float]], word: str) -> float | None:
    """Return what the first table that has the word says, None if none has it."""
    return next((table[word] for table in tables if word in table), None)


def strength_at(
    reading: Reading, start: int, stop: int | None = None, *, begins: bool = False
) -> tuple[int, float]:
    """Return the index after "very" and the like, and how they scale what follows.

    Args:
        reading: the request.
        start: where they would be.
        stop: where they end at the latest.
        begins: a phrase starts there, so that a comma before it does not matter.
    """
    at, strength = start, 1.0
    first = start if begins else None
    while (stop is None or at < stop) and reading.text(at, first) in words.STRENGTHS:
        scale = words.STRENGTHS[reading.text(at, first)]
        strength = max(strength, scale) if scale > 1 else min(strength, scale)
        at += 1
    return at, strength
