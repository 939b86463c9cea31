"""Pairs of images that differ in some factors: which factors change, and which row has them so."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError, did_you_mean

if TYPE_CHECKING:
    from unbraid.datasets._dataset import Dataset

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Seed = int | Sequence[int]
Rule = int | Literal["uniform", "redraw-one-or-k", "group", "next"]

T = TypeVar("T")
KEPT = 4  # indices of rows that are kept
REDRAW = "redraw-one-or-k"
RULES = ("uniform", REDRAW)
TRIES = 20  # draws of new levels before all rows are searched; most combinations exist


class Pairs(NamedTuple):
    """The second image of each pair, and what is different about it.

    Args:
        images: uint8 (B, C, H, W).
        changed: (B, F), the factors whose value differs.
    """

    images: NDArray[np.uint8]
    changed: Bools


def choose(movable: Bools, count: int, rule: Rule, rng: np.random.Generator, owner: str) -> Bools:
    """Choose which factors change, (count, F), uniformly among sets of equal size.

    Args:
        movable: (F,), which factors can change.
        count: how many pairs.
        rule: see ``Dataset.pairs``.
        rng: draws.
        owner: how an error names the data.

    Raises:
        UnbraidError: an unknown rule, or one that asks for more factors than can change.
    """
    most = int(movable.sum())
    if isinstance(rule, int) and not isinstance(rule, bool):
        if not 1 <= rule <= most:
            raise UnbraidError(
                f"{owner}: pairs were asked to differ in {rule} factors, but {most} can be "
                f"changed: expected 1 to {most}."
            )
        sizes = np.full(count, rule)
    elif rule not in RULES:
        raise UnbraidError(
            f"{owner}: the rule of pairs is {rule!r}{did_you_mean(str(rule), RULES)}, expected a "
            f"whole number of factors, {' or '.join(map(repr, RULES))}; 'group' and 'next' are for "
            "data with groups."
        )
    elif most < 2:
        raise UnbraidError(
            f"{owner}: the rule {rule!r} needs two factors that can be changed, found {most}: "
            "use rule 1, which is pairs='one' of a method (--pairs one)."
        )
    else:
        sizes = rng.integers(1, most, count)
        if rule == REDRAW:
            sizes = np.where(rng.integers(2, size=count) == 0, 1, sizes)
    return _drawn_sets(movable, sizes, rng)


@dataclass(frozen=True, eq=False)
class FactorIndex:
    """Rows of a data set by their factors.

    Args:
        levels: (N, F), each factor as a level 0, 1, ...; -1 where it is unknown.
        sizes: how many levels each factor has.
        keys: (M,) one number for each combination, ascending; None if there are too many.
        rows: (M,) the rows of ``keys``, those with an unknown factor left out. Partners are among
            them.
    """

    levels: Ints
    sizes: tuple[int, ...]
    keys: Ints | None
    rows: Ints

    @cached_property
    def movable(self) -> Bools:
        """Which factors have several values, (F,)."""
        known = self.levels[self.rows]
        return np.asarray(known.max(axis=0) > known.min(axis=0))

    @cached_property
    def dense(self) -> bool:
        """Whether most combinations of the factors have a row."""
        return self.keys is not None and 2 * len(np.unique(self.keys)) > math.prod(self.sizes)

    def find(self, wanted: Ints, rng: np.random.Generator) -> Ints:
        """Return a row of each combination of levels (B, F), -1 where there is none."""
        if self.keys is None:
            return np.full(len(wanted), -1)
        asked = np.ravel_multi_index(tuple(wanted.T), self.sizes)
        first = np.searchsorted(self.keys, asked)
        count = np.searchsorted(self.keys, asked, side="right") - first
        place = first + (rng.random(len(asked)) * count).astype(np.int64)
        return np.where(count > 0, self.rows[np.minimum(place, len(self.rows) - 1)], -1)

    def search(self, row: int, mask: Bools, rule: Rule, rng: np.random.Generator) -> int:
        """Return a row that differs from one as ``mask`` says, -1 if there is none.

        Where no row differs in these factors, it is one that differs in as many others.
        """
        differs = self.levels[self.rows] != self.levels[row]
        if rule == REDRAW:
            fits = ~differs[:, ~mask].any(axis=1)
        else:
            fits = (differs == mask).all(axis=1)
            if not fits.any():
                fits = differs.sum(axis=1) == mask.sum()
        found = self.rows[fits]
        return int(found[rng.integers(len(found))]) if len(found) else -1


def index_of(data: Dataset, among: NDArray[np.int64] | None = None) -> FactorIndex:
    """Return the rows of a data set by their factors; those of ``among`` only, if it is given.

    Raises:
        UnbraidError: no factors are known.
    """
    factors = data.factors
    known = np.zeros(0, bool) if factors is None else ~np.isnan(factors).any(axis=1)
    if among is not None and len(known):
        known &= np.isin(np.arange(len(known)), among)
    if factors is None or not known.any():
        raise UnbraidError(
            f"{data.name}: pairs need images whose factors are known, and there are none: take "
            "data with factors."
        )
    columns, sizes = [], []
    for column, spec in zip(np.asarray(factors).T, data.specs, strict=True):
        if spec.values is not None:
            columns.append(np.nan_to_num(column, nan=-1).astype(np.int64))
            sizes.append(len(spec.values))
        else:
            values, levels = np.unique(column, return_inverse=True)
            columns.append(np.where(np.isnan(column), -1, levels))
            sizes.append(len(values))
    levels, rows = np.stack(columns, axis=1), np.flatnonzero(known)
    if math.prod(sizes) >= 1 << 62:
        return FactorIndex(levels, tuple(sizes), None, rows)
    keys = np.ravel_multi_index(tuple(levels[rows].T), tuple(sizes))
    order = np.argsort(keys, kind="stable")
    return FactorIndex(levels, tuple(sizes), keys[order], rows[order])


class Indices:
    """The indices of a data set's rows that were asked for last.

    Trainings at once, such as a fleet's, ask in turns, each for equal rows of its own.
    """

    def __init__(self) -> None:
        self._kept: list[tuple[Any, Ints | None, Any]] = []

    def of(self, data: Dataset, among: Ints | None, make: Callable[[Dataset, Any], T]) -> T:
        """Return ``make(data, among)``, kept from before if it was asked for lately."""
        for kind, rows, index in self._kept:
            if kind is make and rows is among:
                return cast(T, index)
        for place, (kind, rows, index) in enumerate(self._kept):
            if kind is not make or rows is None or among is None:
                continue
            if np.array_equal(rows, among):
                self._kept[place] = make, among, index
                return cast(T, index)
        made = make(data, among)
        self._kept = [*self._kept, (make, among, made)][-KEPT:]
        return made


def partner_rows(
    data: Dataset, index: FactorIndex, rows: NDArray[Any], rule: Rule, seed: Seed
) -> tuple[Ints, Bools]:
    """Return a row of the data set for each of ``rows``, and which factors differ, (B, F).

    Raises:
        UnbraidError: an unknown factor, or a row for which there is no other such row.
    """
    rng, rows = np.random.default_rng(seed), np.asarray(rows, np.int64)
    mask = choose(index.movable, len(rows), rule, rng, data.name)
    own = index.levels[rows]
    for row in rows[(own < 0).any(axis=1)][:1]:
        raise UnbraidError(
            f"{data.name}: a factor of row {row} is unknown, but pairs need rows whose factors "
            "are known: leave it out."
        )
    found, left = np.full(len(rows), -1), np.arange(len(rows))
    for attempt in range(2 * TRIES):
        wanted = _redrawn(own[left], mask[left], index.sizes, rule, rng)
        found[left] = index.find(wanted, rng)
        left = left[found[left] < 0]
        if not len(left) or (attempt == TRIES - 1 and not index.dense):
            break
        if attempt >= TRIES - 1:  # most combinations exist, but none of these: other factors
            mask[left] = _drawn_sets(index.movable, mask[left].sum(axis=1), rng)
    for at in left:
        found[at] = index.search(int(rows[at]), mask[at], rule, rng)
        if found[at] < 0:
            raise UnbraidError(
                f"{data.name}: no image differs from that of row {rows[at]} in exactly "
                f"{mask[at].sum()} of its factors: ask for another number, or take data that has "
                "more combinations of them."
            )
    return found, index.levels[found] != own


def _drawn_sets(movable: Bools, sizes: Ints, rng: np.random.Generator) -> Bools:
    """Return a random set of factors of each size (B,), (B, F)."""
    order = np.where(movable, rng.random((len(sizes), len(movable))), np.inf)
    return np.asarray(order.argsort(axis=1).argsort(axis=1) < sizes[:, None])


def _redrawn(
    own: Ints, mask: Bools, sizes: tuple[int, ...], rule: Rule, rng: np.random.Generator
) -> Ints:
    """Return levels with those under ``mask`` drawn again; never the same but for ``REDRAW``."""
    count = np.array(sizes)
    if rule == REDRAW:
        drawn = rng.integers(count, size=own.shape)
    else:
        drawn = (own + rng.integers(1, np.maximum(count, 2), size=own.shape)) % count
    return np.where(mask, drawn, own)
