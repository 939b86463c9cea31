"""Requests: "small seven in the top rotated 30 degrees" as values of a data set's factors.

The grammar is made from the factors themselves; docs/control.md tells it with examples.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.control._facets import Facet, facets_of, is_number
from unbraid.control._loop import gap
from unbraid.control._measures import amount
from unbraid.control._phrases import PHRASES, value_of
from unbraid.control._reading import Reading, Said, Unknown, clean
from unbraid.control._tokens import LONGEST, Token, tokens_of
from unbraid.control._words import FILLERS
from unbraid.errors import UnbraidError, did_you_mean
from unbraid.factors import FactorSpec

MOST = 1_000_000  # images of one request
NEAR = 0.08  # of a factor's range, that an example may be from what was asked


@dataclass(frozen=True)
class Request:
    """What was asked of some factors; the others are free.

    Args:
        values: what a row of factors holds, by name: an index of a level, else a number.
        steps: of an edit, (times, plus) by name: a number becomes ``number * times + plus``.
        understood: the echo of each factor asked for.
        free: the factors that were not.
    """

    values: Mapping[str, float]
    steps: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    understood: tuple[str, ...] = field(default=(), compare=False)
    free: tuple[str, ...] = field(default=(), compare=False)

    def describe(self, rest: str = "free") -> str:
        """Return what was understood, with values and units.

        Args:
            rest: what the other factors are: free, or kept.

        >>> build_request([FactorSpec("x", "continuous", range=(-9, 9), unit="pixels")]).describe()
        'nothing in particular; x is free'
        """
        told = ", ".join(self.understood) or "nothing in particular"
        if not self.free:
            return told
        *others, last = self.free
        if not others:
            return f"{told}; {last} is {rest}"
        return f"{told}; {', '.join(others)} and {last} are {rest}"

    def rows(
        self,
        specs: Sequence[FactorSpec],
        count: int,
        seed: int = 0,
        examples: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Return rows of factors that have what was asked, (count, F), the free ones at random.

        Without examples those are uniform over their range or levels, and what is drawn for a
        factor depends on the seed and the row alone, not on what is asked of the others. With
        examples they are those of one that is near to what was asked, since factors may go
        together: what is long is seldom small.

        Args:
            specs: of the factors.
            count: of rows.
            seed: of what is free.
            examples: rows of factors (K, F) as they come together, NaN where unknown.

        Raises:
            UnbraidError: no rows, or a seed below 0.

        >>> specs = [FactorSpec("x", "continuous", range=(-9, 9))]
        >>> build_request(specs, x=3).rows(specs, 2).tolist()
        [[3.0], [3.0]]
        """
        if count < 1:
            raise UnbraidError(f"n is {count}, expected 1 or more images.")
        if count > MOST:
            raise UnbraidError(f"n is {count}, expected {MOST:,} images or fewer at once.")
        if seed < 0:
            raise UnbraidError(f"seed is {seed}, but a seed is 0 or more.")
        rows = np.empty((count, len(specs)))
        likely = self._like(specs, count, seed, examples)
        for column, spec in enumerate(specs):
            rng = np.random.default_rng([seed, column])
            if spec.name in self.values:
                rows[:, column] = self.values[spec.name]
            elif spec.values is not None:
                rows[:, column] = rng.integers(len(spec.values), size=count)
            else:
                rows[:, column] = rng.uniform(*(spec.range or (0.0, 0.0)), size=count)
            if spec.name not in self.values and likely is not None:
                known = ~np.isnan(likely[:, column])
                rows[known, column] = likely[known, column]
        return rows

    def _like(
        self,
        specs: Sequence[FactorSpec],
        count: int,
        seed: int,
        examples: NDArray[np.float64] | None,
    ) -> NDArray[np.float64] | None:
        """Return examples drawn by how near they are to what was asked, (count, F)."""
        if examples is None or not len(examples):
            return None
        asked = [column for column, spec in enumerate(specs) if spec.name in self.values]
        away = np.zeros((len(asked), len(examples)))
        for row, column in enumerate(asked):
            here = np.nan_to_num(examples[:, [column]], nan=1e9)  # what is not known is far away
            wanted = np.full_like(here, self.values[specs[column].name])
            away[row] = gap([specs[column]], wanted, here)
        # Gaussian weights; where nothing is near, the nearest has them all
        share = -0.5 * ((away / NEAR) ** 2).sum(0)
        weights = np.exp(share - share.max())
        rng = np.random.default_rng([seed, len(specs)])
        return examples[rng.choice(len(examples), count, p=weights / weights.sum())]

    def applied(
        self, specs: Sequence[FactorSpec], factors: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return rows of factors (N, F) with the changes made, kept within the factors' ranges."""
        changed = np.array(factors, np.float64)
        for column, facet in enumerate(facets_of(specs)):
            if facet.name in self.values:
                changed[:, column] = self.values[facet.name]
            elif facet.name in self.steps:
                changed[:, column] = facet.moved(changed[:, column], *self.steps[facet.name])
        return changed


def parse(
    text: str, specs: Sequence[FactorSpec], clip: bool = False, *, relative: bool = False
) -> Request:
    """Understand a request in words.

    Args:
        text: such as ``"small seven in the top rotated 30 degrees"``.
        specs: the factors of the model's data.
        clip: take the nearest value for a number out of range.
        relative: there is an image that "bigger" can compare with.

    Raises:
        UnbraidError: a word, value or unit nobody knows, a contradiction, or a number out of
            range.

    >>> size = FactorSpec("size", "continuous", range=(24, 40), unit="pixels")
    >>> digit = FactorSpec("digit", "categorical", values=tuple(range(10)))
    >>> parse("small seven", [digit, size]).describe()
    'digit 7, size 26 px (small)'
    """
    return build_request(specs, clip, text=text, relative=relative)


def build_request(
    specs: Sequence[FactorSpec],
    clip: bool = False,
    *,
    text: str = "",
    relative: bool = False,
    **values: Any,
) -> Request:
    """Understand a request by factors: numbers in the factor's unit, or words.

    Args:
        specs: the factors of the model's data.
        clip: take the nearest value for a number out of range.
        text: more of the request, in words.
        relative: there is an image that "bigger" can compare with.
        **values: by factor; None leaves it free.

    Raises:
        UnbraidError: as ``parse``, or no factor of a name.

    >>> size = FactorSpec("size", "continuous", range=(24, 40), unit="pixels")
    >>> build_request([size], size="huge").values
    {'size': 40.0}
    """
    if not specs:
        raise UnbraidError(
            "this model was trained on data without factors, so nothing can be asked of it: train "
            "on data whose factors are known, such as digits or a folder with a subfolder a class."
        )
    facets = facets_of(specs)
    said = _read(_tokens(text), facets, clip, relative)
    for name, value in values.items():
        facet = _by_name(facets, name)
        if value is None:
            continue
        asked = _asked(facet, facets, value, clip, relative)
        before = said.setdefault(name, asked)
        if before[:3] != asked[:3]:
            raise UnbraidError(
                f"'{clean(before.text)}' and '{clean(asked.text)}' contradict each other, as both "
                f"say the {name}: keep one of them."
            )
    return Request(
        {facet.name: value for facet, value in _set(facets, said)},
        {
            facet.name: (said[facet.name].times, said[facet.name].plus)
            for facet in facets
            if facet.name in said and said[facet.name].value is None
        },
        tuple(_echo(facet, said[facet.name]) for facet in facets if facet.name in said),
        tuple(facet.name for facet in facets if facet.name not in said),
    )


def _set(facets: Sequence[Facet], said: Mapping[str, Said]) -> Iterator[tuple[Facet, float]]:
    """Yield the factors that were given a value, with it."""
    for facet in facets:
        if facet.name in said and (value := said[facet.name].value) is not None:
            yield facet, value


def _tokens(text: str) -> list[Token]:
    if not isinstance(text, str):
        raise UnbraidError(f"a request is text, found {type(text).__name__}: name factors instead.")
    if len(text) > LONGEST:
        raise UnbraidError(
            f"the request has {len(text):,} characters, expected {LONGEST:,} at most."
        )
    return tokens_of(text)


def _read(
    tokens: Sequence[Token], facets: Sequence[Facet], clip: bool, relative: bool
) -> dict[str, Said]:
    """Return what the tokens say of each factor."""
    reading = Reading(tokens, facets, clip, relative)
    at = 0
    while at < len(tokens):
        after = next((stop for phrase in PHRASES if (stop := phrase(reading, at)) > at), at)
        if after == at:
            raise reading.unknown(at)
        at = after
    reading.finish()
    return reading.found


def _by_name(facets: Sequence[Facet], name: str) -> Facet:
    for facet in facets:
        if facet.name == name:
            return facet
    offer = ", ".join(facet.offered() for facet in facets)
    near = did_you_mean(name, [facet.name for facet in facets])
    raise UnbraidError(f"unknown factor '{clean(name)}'{near}: this model varies {offer}.")


def _asked(facet: Facet, facets: Sequence[Facet], value: Any, clip: bool, relative: bool) -> Said:
    """Return what a keyword argument says of its factor."""
    if isinstance(value, np.generic):
        value = value.item()
    text = f"{facet.name}={value}"
    for index, known in enumerate(facet.spec.values or ()):
        if str(value) == str(known):
            return Said(float(index), 1.0, 0.0, text, "")
    if is_number(value):
        given = f"{value:g}" if math.isfinite(value) else str(value)
        reading = Reading([Token(str(value), float(value))], facets, clip, relative)
        stored, _, word = amount(reading, facet, 0, clean(given))
        return Said(stored, 1.0, 0.0, text, word)
    if not isinstance(value, str):
        raise UnbraidError(
            f"{facet.name} is {clean(repr(value))}, expected a number or a word: {facet.extent()}."
        )
    tokens = [token._replace(fresh=False) for token in _tokens(value)]
    reading = Reading(tokens, facets, clip, relative)
    start = reading.skip(0, FILLERS)
    stop = value_of(reading, facet, start, start)
    if stop == start:  # "bigger", which compares
        with suppress(Unknown):
            said = _read(tokens, facets, clip, relative)
            if said.keys() == {facet.name}:
                return said[facet.name]
    if stop == start or stop < len(tokens):
        raise reading.unknown(start if stop == start else stop, facet)
    if facet.name not in reading.found:
        raise UnbraidError(f"{facet.name}={clean(value)} leaves it free: leave it out.")
    return reading.found[facet.name]._replace(text=text)


def _echo(facet: Facet, said: Said) -> str:
    if said.value is not None:
        return facet.shown(said.value, said.word)
    if said.times != 1.0:
        return f"{facet.name} {said.times:.0%} of what it is"
    return f"{facet.name} {facet.step(said.plus)}"
