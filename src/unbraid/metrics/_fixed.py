"""Batches of codes that share one factor: from any table of rows, or freshly encoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.metrics._arrays import finite, matrix
from unbraid.metrics._evidence import Encoder, Evidence

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REDRAWS = 20
SINGLE = ("the score was found once (repeats=1), so its standard error is unknown",)


class Sampler(Protocol):
    """Draws codes, as columns (see ``Latents``), with a factor held fixed."""

    def batches(self, factor: Ints, size: int, rng: np.random.Generator) -> Floats:
        """Return codes (len(factor), size, W): batch b shares one value of factor[b]."""

    def pairs(self, factor: Ints, size: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return two arrays like ``batches``: pair by pair they share a value of factor[b]."""


@dataclass(frozen=True)
class Plan:
    """Where the batches of a metric come from.

    Args:
        sources: for each repeat the samplers of its training and of its test batches. From rows,
            these draw different rows: what is special about some rows must not be learnt from
            and then be tested on.
        factors: indices of those that can be held fixed.
        group: how many rows of a level a batch has.
        levels_used: (F,) levels with as many rows, a mean over the samplers.
        overlap: how alike the repeats are, for ``repeats_error``.
        error: what the standard error covers.
        notes: what was left out.
    """

    sources: list[tuple[Sampler, Sampler]]
    factors: Ints
    group: int
    levels_used: Floats
    overlap: float
    error: str
    notes: tuple[str, ...] = ()


def plan(
    evidence: Evidence, repeats: int, factor_bins: int, group: int, least: int, seed: int
) -> Plan:
    """Return the samplers: of the evidence's encoder if it has one, else of its rows.

    Batches have as many rows whichever factor is fixed, or their size could tell which one. Where
    levels have too few rows they are smaller; a level with fewer rows than that is left out.

    Args:
        evidence: codes and factors, at least two.
        repeats: how often the metric is found.
        factor_bins: quantile bins of a factor stored as reals.
        group: rows of a level that a batch should have.
        least: rows that it must have.
        seed: of the splits into training and test rows.
    """
    if evidence.encoder is not None:
        fresh = FreshSampler(evidence, evidence.encoder)
        counts = np.array([len(values) for values in fresh.values], float)
        everything = np.arange(len(counts))
        single = SINGLE if repeats == 1 else ()
        return Plan([(fresh, fresh)] * repeats, everything, group, counts, 0.0, "repeats", single)
    levels = evidence.levels(factor_bins, "quantile")
    if evidence.test is not None:
        test = evidence.test
        halves = [
            (evidence.columns(), levels),
            (test.columns(), test.levels(factor_bins, "quantile")),
        ]
        overlap, error = 0.0, "repeats of the sampling, rows held fixed"
    else:
        halves = []
        for repeat in range(repeats):
            order = np.random.default_rng([seed, repeat, 1]).permutation(len(levels))
            for rows in np.array_split(order, 2):
                halves.append((evidence.columns()[rows], levels[rows]))
        overlap, error = 1.0, "repeats on random halves of the rows (Nadeau & Bengio)"
    sizes = [level_sizes(rows) for _, rows in halves]  # of each row's level, (rows, F)
    factors = np.flatnonzero(np.min([half.max(axis=0) for half in sizes], axis=0) >= least)
    # of a size that nine rows in ten can be held fixed in
    common = np.min([np.quantile(half[:, factors], 0.1, axis=0) for half in sizes], initial=group)
    group = max(least, int(common))
    samplers = [TableSampler(columns, rows, group) for columns, rows in halves]
    pairs = list(zip(samplers[::2], samplers[1::2], strict=True))
    used = np.mean([sampler.levels_used for sampler in samplers], axis=0)
    notes = _left_out(evidence, levels.max(axis=0) + 1, used, factors, (group, least))
    if repeats == 1:
        notes += SINGLE
    if evidence.test is not None:
        pairs *= repeats
    return Plan([*pairs], factors, group, used, overlap, error, notes)


def level_sizes(levels: Ints) -> Ints:
    """Return how many rows share each row's level, (N, F).

    >>> level_sizes(np.array([[0], [1], [0]])).ravel().tolist()
    [2, 1, 2]
    """
    return np.stack([np.bincount(level)[level] for level in levels.T], axis=1)


def _left_out(
    evidence: Evidence, levels: Ints, used: Floats, factors: Ints, needed: tuple[int, int]
) -> tuple[str, ...]:
    where = "in the training and test rows" if evidence.test else "in each half of the rows"
    group, least = needed
    notes = []
    for j, name in enumerate(evidence.names):
        if j not in factors:
            notes.append(
                f"factor '{name}' is left out: no level of it has {least} rows {where}, the "
                "least that holding it fixed needs"
            )
        elif used[j] < levels[j]:
            notes.append(
                f"levels of factor '{name}' with fewer than {group} rows {where} are left out: "
                f"on average {used[j]:.4g} of {levels[j]} are used"
            )
    if len(factors) < 2:
        notes.append("fewer than two factors can be held fixed, so the score is undefined")
    return tuple(notes)


def different(counts: Ints, size: int, rng: np.random.Generator) -> Ints:
    """Return ``size`` different numbers below each count, (len(counts), size).

    All sets are equally likely. By Floyd's algorithm (Bentley and Floyd 1987, "A sample of
    brilliance"), which takes no longer for large counts.

    >>> different(np.array([3, 1000]), 3, np.random.default_rng(0))[0].tolist()
    [0, 1, 2]
    """
    found = np.empty((len(counts), size), np.int64)
    for k in range(size):
        last = counts - size + k
        number = rng.integers(last + 1)
        taken = (found[:, :k] == number[:, None]).any(1)
        found[:, k] = np.where(taken, last, number)
    return found


class TableSampler:
    """Draws rows that have equal values of the fixed factor; no grid of factors is needed.

    All rows of a batch, and the two of a pair, are different ones. Values are as frequent as in the
    data; those of fewer than ``group`` rows are never fixed.

    Args:
        columns: (N, W).
        levels: (N, F), integers from 0.
        group: least number of rows of a level.
    """

    def __init__(self, columns: Floats, levels: Ints, group: int) -> None:
        self.columns = columns
        self.all_levels = levels
        self.rows: list[Ints] = []  # for each factor its usable rows, sorted by level,
        self.levels: list[Ints] = []  # their levels,
        self.starts: list[Ints] = []  # where each one's level starts,
        self.sizes: list[Ints] = []  # and how long it is
        for level, size in zip(levels.T, level_sizes(levels).T, strict=True):
            usable = np.flatnonzero(size >= group)
            rows = usable[np.argsort(level[usable], kind="stable")]
            own = np.unique(level[rows], return_inverse=True)[1]
            counts = np.bincount(own)
            self.rows.append(rows)
            self.levels.append(own)
            self.starts.append((np.cumsum(counts) - counts)[own])
            self.sizes.append(counts[own])

    @property
    def levels_used(self) -> Ints:
        """How many levels of each factor can be held fixed, (F,)."""
        return np.array([level.max(initial=-1) + 1 for level in self.levels])

    def batches(self, factor: Ints, size: int, rng: np.random.Generator) -> Floats:
        """Return batches of different rows that share a value, and of one factor only if possible.

        In a small batch another factor may be constant by chance. Which of the two was fixed
        nothing could tell, so such a batch is drawn again.
        """
        drawn = self._drawn(factor, size, rng)
        for _ in range(REDRAWS):
            levels = self.all_levels[drawn]
            shared = (levels == levels[:, :1]).all(axis=1).sum(axis=1)
            again = np.flatnonzero(shared > 1)
            if not len(again):
                break
            drawn[again] = self._drawn(factor[again], size, rng)
        return self.columns[drawn]

    def _drawn(self, factor: Ints, size: int, rng: np.random.Generator) -> Ints:
        """Return rows (len(factor), size)."""
        drawn = np.empty((len(factor), size), np.int64)
        for j in np.unique(factor):
            own = np.flatnonzero(factor == j)
            place = rng.integers(len(self.rows[j]), size=len(own))
            chosen = different(self.sizes[j][place], size, rng)
            drawn[own] = self.rows[j][self.starts[j][place][:, None] + chosen]
        return drawn

    def pairs(self, factor: Ints, size: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return pairs of different rows that share a value."""
        first = np.empty((len(factor), size), np.int64)
        second = np.empty_like(first)
        for j in np.unique(factor):
            own = np.flatnonzero(factor == j)
            place = rng.integers(len(self.rows[j]), size=(len(own), size))
            start, count = self.starts[j][place], self.sizes[j][place]
            further = 1 + (rng.random(place.shape) * (count - 1)).astype(np.int64)
            first[own] = self.rows[j][place]
            second[own] = self.rows[j][start + (place - start + further) % count]
        return self.columns[first], self.columns[second]


class FreshSampler:
    """Draws factors uniformly from the values they have in the evidence and encodes them.

    This is the published protocol: independent factors and fresh noise in every code.
    """

    def __init__(self, evidence: Evidence, encoder: Encoder) -> None:
        self.values = [np.unique(column) for column in evidence.factors.T]
        self.encoder = encoder
        self.latents = evidence.latents

    def _factors(self, rows: int, rng: np.random.Generator) -> Floats:
        return np.stack([rng.choice(values, rows) for values in self.values], axis=1)

    def free(self, rows: int, rng: np.random.Generator) -> Floats:
        """Return codes (rows, W) of random factors."""
        return self._encode(self._factors(rows, rng), rng)

    def batches(self, factor: Ints, size: int, rng: np.random.Generator) -> Floats:
        """Return encoded batches that share a value."""
        drawn = self._factors(len(factor) * size, rng).reshape(len(factor), size, -1)
        each = np.arange(len(factor))
        drawn[each, :, factor] = drawn[each, 0, factor][:, None]
        return self._encode(drawn, rng)

    def pairs(self, factor: Ints, size: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return encoded pairs that share a value."""
        shape = (len(factor), size, len(self.values))
        first = self._factors(len(factor) * size, rng).reshape(shape)
        second = self._factors(len(factor) * size, rng).reshape(shape)
        each = np.arange(len(factor))
        second[each, :, factor] = first[each, :, factor]
        return self._encode(first, rng), self._encode(second, rng)

    def _encode(self, drawn: Floats, rng: np.random.Generator) -> Floats:
        factors = drawn.reshape(-1, drawn.shape[-1])
        name = "the encoder's codes"
        codes = finite(matrix(self.encoder(factors, rng), name), name)
        if codes.shape != (len(factors), self.latents.count):
            raise UnbraidError(
                f"the encoder made codes of shape {codes.shape} of {len(factors)} rows of factors, "
                f"expected ({len(factors)}, {self.latents.count})."
            )
        for i, order in enumerate(self.latents.orders):
            if not np.isin(codes[:, i], np.arange(len(order))).all():
                raise UnbraidError(
                    f"code {i} of the encoder is categorical, so it must hold whole numbers 0 to "
                    f"{len(order) - 1}."
                )
        return self.latents.columns(codes.reshape(*drawn.shape[:-1], -1))
