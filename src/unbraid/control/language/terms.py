"""The terms of a factor: the names it goes by in a request, and the words that describe it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from unbraid.control.language import lexicon
from unbraid.control.language.tokens import joined, plain_text, tokenize
from unbraid.control.language.values import FactorValues
from unbraid.core.factors import FactorSpec


@dataclass(frozen=True)
class FactorTerms(FactorValues):
    """A factor with its names and words.

    Args:
        spec: the factor.
        role: decides which words describe it, see ``FactorValues``.
        direction: of its numbers, see ``FactorValues``.
        names: its names, each as a tuple of tokens.
    """

    names: tuple[tuple[str, ...], ...]

    def position_of(self, word: str) -> float | None:
        """Return the position that a word after the factor's name stands for, None for no word."""
        own = lexicon.ADJECTIVES.get(self.role, {})
        low, high = self.ends
        # a small angle is near 0, which is not the low end where angles have two signs
        signed = self.role == "rotation" and low < 0 < high
        sizes = {} if signed or self.role in lexicon.VOICE_ROLES else lexicon.SIZES
        tables = (own, lexicon.LEVEL_WORDS, lexicon.MIDDLES, sizes)
        return next((table[word] for table in tables if word in table), None)

    @cached_property
    def truths(self) -> dict[bool, float]:
        """Return the levels that stand for true and for false, as stored; empty if none do."""
        levels = [str(value).casefold() for value in self.spec.values or ()]
        known = {lexicon.TRUTHS.get(level): float(at) for at, level in enumerate(levels)}
        return {key: known[key] for key in (True, False)} if {*known} == {True, False} else {}

    def vocabulary(self) -> list[str]:
        """Return the words that describe this factor, to suggest one for a misspelt word."""
        known = [" ".join(name) for name in self.names]
        known += [str(value) for value in self.spec.values or ()]
        if self.unit and self.unit not in lexicon.UNITS.values():
            known.append(self.spec.unit.casefold())
        if self.spec.kind == "categorical":
            spelt = {f"{number:g}": word for word, number in lexicon.NUMBERS.items()}
            known += [spelt[value] for value in known if value in spelt]
        tables: dict[str, list[Any]] = {
            "size": [lexicon.SIZES, lexicon.MIDDLES, lexicon.SIZE_COMPARATIVES],
            "thickness": [lexicon.THICKNESSES, lexicon.MIDDLES, lexicon.THICKNESS_COMPARATIVES],
            "horizontal": [lexicon.HORIZONTAL, lexicon.CENTRES],
            "vertical": [lexicon.VERTICAL, lexicon.CENTRES],
            "rotation": [
                lexicon.ROTATED,
                lexicon.UPRIGHT,
                ("clockwise", "counter-clockwise", "anticlockwise", "degrees"),
            ],
            "hue": [lexicon.HUES],
            "pitch": [
                lexicon.PITCHES,
                lexicon.PITCH_COMPARATIVES,
                ("hertz", "octave", "octaves", "semitone", "semitones"),
                lexicon.VOICES,
            ],
            "duration": [lexicon.DURATIONS, lexicon.DURATION_COMPARATIVES],
            "loudness": [lexicon.LOUDNESSES, lexicon.LOUDNESS_COMPARATIVES],
            "tract": [lexicon.TRACTS, lexicon.SIZE_COMPARATIVES, lexicon.VOICES],
        }
        return known + [word for table in tables.get(self.role, ()) for word in sorted(table)]


def factor_terms(
    specs: Sequence[FactorSpec], subject: str = "this model"
) -> tuple[FactorTerms, ...]:
    """Return the terms of each factor; messages call what has the factors ``subject``.

    >>> small = FactorSpec("size", "continuous", range=(24, 40), unit="pixels")
    >>> factor_terms([small])[0].role
    'size'
    """
    roles = ["" if spec.kind == "categorical" else role_by_name(spec) for spec in specs]
    own = [_tokens(name) for name in plain_names([spec.name for spec in specs])]
    taken = set(own)
    heads = [name[:1] for name in own]
    found = []
    for spec, role, name in zip(specs, roles, own, strict=True):
        names = [name]
        # "wall" for wall_hue, unless another factor's name starts with it
        if len(name) > 1 and heads.count(name[:1]) == 1 and name[:1] not in taken:
            names.append(name[:1])
        if roles.count(role) == 1:
            aliases = (tuple(alias.split()) for alias in lexicon.ALIASES.get(role, ()))
            names += [alias for alias in aliases if alias not in taken]
        unique = tuple(dict.fromkeys(names))
        found.append(FactorTerms(spec, role, _direction(spec, role), unique, subject=subject))
    return tuple(found)


def plain_name(name: str) -> str:
    """Return a name without what is in brackets at its end, which is a remark or a unit.

    >>> plain_name("Blood pressure (mmHg)")
    'Blood pressure'
    """
    return re.sub(r"(?<=\w)\s*[(\[][^()\[\]]*[)\]]\s*$", "", name)


def plain_names(names: Sequence[str]) -> list[str]:
    """Return names without remarks in brackets; with them, where others would be the same.

    >>> plain_names(["mass (kg)", "size (px)", "size (mm)"])
    ['mass', 'size (px)', 'size (mm)']
    """
    short = [plain_name(name) for name in names]
    counts = Counter(name.casefold() for name in short)
    return [
        plain if counts[plain.casefold()] == 1 else name
        for plain, name in zip(short, names, strict=True)
    ]


def names_with_stops(factors: Sequence[FactorTerms]) -> list[tuple[str, str]]:
    """Return the names of factors and levels in which a stop ends no phrase, see ``joined``.

    What is in brackets at the end of a factor's name is left out.
    """
    levels = (value for factor in factors for value in factor.spec.values or ())
    words = [value for value in levels if isinstance(value, str)]
    names = [factor.name for factor in factors]
    short = plain_names(names)
    found = dict(joined([*short, *words]))
    for name, plain in zip(names, short, strict=True):
        if plain != name:
            whole, kept = plain_text(name), plain_text(plain)
            found[whole] = found.get(kept, kept).ljust(len(whole))
    return sorted(found.items(), key=lambda each: (-len(each[0]), each[0]))


def role_by_name(spec: FactorSpec) -> str:
    """Return the role that a factor's name says, empty for none; classes have none all the same."""
    name = _tokens(plain_name(spec.name))
    for role, known in lexicon.ROLE_NAMES.items():
        if "".join(name) in known or (name and role in ("size", "hue") and name[-1] in known):
            return role
    return ""


def _direction(spec: FactorSpec, role: str) -> int:
    """Return the direction in which numbers increase, by the factor's unit."""
    unit = set(spec.unit.replace("-", " ").split())
    if role == "horizontal":
        return -1 if "left" in unit else 1
    if role == "vertical":
        return 1 if "up" in unit else -1 if "down" in unit else 0
    if role == "rotation":
        if "clockwise" in unit:
            return 1 if "counter" in unit else -1
        # angles are counter-clockwise by convention; the sign of an orientation varies by data set
        return 0 if spec.name.casefold() == "orientation" else 1
    return 1


def _tokens(name: str) -> tuple[str, ...]:
    return tuple(token.text for token in tokenize(name))
