"""The tokens of a request as a parser reads them: words, numbers, names of factors and levels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from unbraid.control.language import lexicon
from unbraid.control.language.signs import signed
from unbraid.control.language.terms import FactorTerms, role_by_name
from unbraid.control.language.tokens import Token, plain_text, printable, tokenize, with_units
from unbraid.control.language.values import is_number
from unbraid.core.errors import UnbraidError, did_you_mean


class UnknownWord(UnbraidError):
    """A word or value that is not in the vocabulary."""


class ParserTokens:
    """Tokens of a request and the terms of all factors, with the errors that quote them.

    Args:
        tokens: of the request.
        factors: the terms of the model's factors.
    """

    def __init__(self, tokens: Sequence[Token], factors: Sequence[FactorTerms]) -> None:
        self.factors = factors
        self.subject = factors[0].subject if factors else "this model"
        self.has_voice = any(factor.role in lexicon.VOICE_ROLES for factor in factors)
        self._units = own_units(factors)
        tokens = with_units(tokens, self._units)
        self.tokens = _with_ones(tokens) if self.has_voice else tokens
        self.names: dict[str, list[tuple[Sequence[str], FactorTerms]]] = {}  # by first token
        for factor in factors:
            for name in filter(None, factor.names):
                self.names.setdefault(name[0], []).append((name, factor))
        # words of levels that end in signs, such as "A+"
        levels = (str(value) for factor in factors for value in factor.spec.values or ())
        self.marked = {
            token.text
            for level in levels
            for token in tokenize(level)
            if token.given.casefold() not in ("", token.text)
        }
        self.letters = {
            value
            for factor in factors
            for value in factor.spec.values or ()
            if value in ("A", "I", "S")
        }
        self._levels = [
            (factor, index, [token.text for token in tokenize(str(value))], value)
            for factor in factors
            for index, value in enumerate(factor.spec.values or ())
        ]
        self.worded: dict[str, list[tuple[FactorTerms, int, list[str], Any]]] = {}
        for each in self._levels:  # by first token, without those that are numbers
            if each[2] and not is_number(each[3]):
                self.worded.setdefault(each[2][0], []).append(each)
        self.tokens = [signed(self, at) for at in range(len(self.tokens))]

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
        return lexicon.UNITS.get(text, "") or self._units.get(text, "")

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
            for name, factor in self.names.get(self.text(at, start), ())
            if self.matches(at, name, start)
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
        known = self.worded.get(self.text(at, start), ()) if number is None else self._levels
        for factor, index, name, value in known:
            if is_number(value):
                if number == value and not factor.ordered:
                    fits.append((factor, index, at + 1))
            elif name and self.matches(at, name, start):
                fits.append((factor, index, at + len(name)))
            elif len(name) == 1 and number is not None and spells(name[0], number):
                fits.append((factor, index, at + 1))
        longest = max((stop for _, _, stop in fits), default=0)
        fits = [fit for fit in fits if fit[2] == longest]
        article = start is not None and longest == at + 1 and self.is_article(at)
        unread = article and not self.is_letter(at)
        return fits[:1] if unread else self.told_apart(at, fits)

    def is_letter(self, at: int) -> bool:
        """Whether a token is the level "A" as it is written there, and begins no sentence."""
        given = self.tokens[at].given
        alone = at + 1 >= len(self.tokens) or self.tokens[at + 1].starts_phrase
        return len(given) == 1 and given.isupper() and (at > 0 or alone) and given in self.letters

    def is_article(self, at: int) -> bool:
        """Whether a token is an article, and not a level such as "A+"."""
        token = self.tokens[at]
        marked = token.text in self.marked and token.given.casefold() not in ("", token.text)
        return token.text in lexicon.ARTICLES and not marked

    def told_apart(
        self, at: int, fits: list[tuple[FactorTerms, int, int]]
    ) -> list[tuple[FactorTerms, int, int]]:
        """Return one level of each factor: of "A+" and "A-", which differ in signs, the one given.

        Of several factors it is those that have the signs.

        Raises:
            UnbraidError: levels of one factor that the request does not tell apart.
        """
        if len(fits) < 2:
            return fits
        tokens = self.tokens[at : fits[0][2]]
        given = [token.given for token in tokens]
        if any(token.given.casefold() != token.text for token in tokens):
            fits = _as_given(fits, given, str.casefold) or fits
        kept = []
        for name in dict.fromkeys(factor.name for factor, _, _ in fits):
            own = [fit for fit in fits if fit[0].name == name]
            for shown in (str, str.casefold):
                if len(own) > 1:
                    same = _as_given(own, given, shown)
                    own = same if len(same) == 1 else own
            if len(own) > 1:
                raise self.alike_error(at, own)
            kept += own
        return kept

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
        asks = f"'{printable(word)}' asks for {kind}"
        if named := [factor for factor in self.factors if role_by_name(factor.spec) == role]:
            raise UnbraidError(f"{asks}, but {self._as_class(named[0])}.")
        raise UnbraidError(
            f"{asks}, which {self.subject} does not vary: it varies {self.describe_factors()}."
        )

    def _as_class(self, factor: FactorTerms) -> str:
        """Return that a factor is a class, what to write, and how it gets an order."""
        last = (factor.spec.values or ("",))[-1]
        ordered = f", or train with --data.kinds {factor.name}=ordinal" * factor.numeric
        return (
            f"{factor.describe()} has classes without an order: name one, as in "
            f"'{factor.name}={last}'{ordered}"
        )

    # -- errors ---------------------------------------------------------------------------------

    @property
    def thing(self) -> str:
        """What messages call what a request is of, with its article."""
        return "a recording" if self.has_voice else "an image"

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

    def alike_error(self, at: int, fits: Sequence[tuple[FactorTerms, int, int]]) -> UnbraidError:
        """Return the error for levels of a factor that differ only in signs or in case."""
        factor = fits[0][0]
        levels = [str((factor.spec.values or ())[index]) for _, index, _ in fits]
        return UnbraidError(
            f"'{printable(self.source(at, fits[0][2]))}' may be the {factor.name} "
            f"{', '.join(levels[:-1])} or {levels[-1]}: write it exactly as it is there."
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
        if word[-1:].isdigit() and not is_number_text(word):
            return UnknownWord(
                f"'{printable(word)}' is not one number: write decimals with a point, a space "
                "after a comma between two phrases, and one value instead of a range or a fraction."
            )
        if word in lexicon.RELATIONS:
            return UnknownWord(
                f"'{word}' is not understood: write the value itself, as in FACTOR=VALUE, where "
                f"{self.subject} varies {self.describe_factors()}."
            )
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


def spells(name: str, number: float) -> bool:
    """Whether the name of a level is a number, in digits or spelt out."""
    return name == f"{number:g}" or lexicon.NUMBERS.get(name) == number


def is_number_text(word: str) -> bool:
    """Whether a token is one number in digits, and not "30,5" or "3-7"."""
    try:
        float(word)
    except ValueError:
        return False
    return True


def _as_given(
    fits: list[tuple[FactorTerms, int, int]], given: Sequence[str], shown: Callable[[str], str]
) -> list[tuple[FactorTerms, int, int]]:
    """Return the levels whose tokens are those given, signs included, as ``shown`` has both."""
    wanted = [shown(text) for text in given]
    return [
        (factor, index, stop)
        for factor, index, stop in fits
        if [shown(token.given) for token in tokenize(str((factor.spec.values or ())[index]))]
        == wanted
    ]


def own_units(factors: Sequence[FactorTerms]) -> dict[str, str]:
    """Return the units of factors that are no words of another meaning, such as "mmhg", "m/s"."""
    known = {word for table in (lexicon.FILLERS, lexicon.POSITION_NOUNS) for word in table}
    names = {name[0] for factor in factors for name in factor.names if name}
    found = {}
    for factor in factors:
        tokens = tokenize(factor.spec.unit)
        if len(tokens) > 1 and factor.unit not in lexicon.UNITS.values():
            found[plain_text(factor.spec.unit).strip()] = factor.unit
        elif len(tokens) == 1 and tokens[0].number is None:
            word = tokens[0].text
            if word not in lexicon.UNITS and word not in known and word not in names:
                found[word] = factor.unit
    return found


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
    near = [each for each in known if abs(len(each) - len(word)) <= 2 and each != word]
    return did_you_mean(word, near)
