"""Batches of codes that share one factor: from any table of rows, or freshly encoded."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unbraid.errors import UnbraidError
from unbraid.metrics._evidence import Encoder, Evidence

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Sampler(Protocol):
    """Draws codes with a factor held fixed."""

    def free(self, rows: int, rng: np.random.Generator) -> Floats:
        """Return codes (rows, D), no factor fixed."""

    def batches(self, factor: Ints, size: int, rng: np.random.Generator) -> Floats:
        """Return codes (len(factor), size, D): batch b shares one value of factor[b]."""

    def pairs(self, factor: Ints, size: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return two arrays like ``batches``: pair by pair they share a value of factor[b]."""


def sampler(evidence: Evidence, factor_bins: int) -> Sampler:
    """Return the sampler of the evidence: its encoder if it has one, else its rows."""
    if evidence.encoder is not None:
        return FreshSampler(evidence, evidence.encoder)
    return TableSampler(evidence, factor_bins)


class TableSampler:
    """Draws rows that have equal values of the fixed factor; no grid of factors is needed.

    The value is that of a random row, so values are as frequent as in the data. Reals are
    binned first. A row that is alone with its value is paired with itself.
    """

    def __init__(self, evidence: Evidence, factor_bins: int) -> None:
        self.codes = evidence.codes
        levels = evidence.levels(factor_bins, "quantile")
        for j, name in enumerate(evidence.names):
            if np.bincount(levels[:, j]).max() < 2:
                raise UnbraidError(
                    f"no two rows share a value of factor '{name}', so it cannot be held fixed: "
                    "give more rows, or declare it continuous so that it is binned."
                )
        # Row numbers sorted by level, and where the level of each row starts and how long it is.
        self.order = np.argsort(levels, axis=0, kind="stable")
        counts = [np.bincount(level) for level in levels.T]
        self.sizes = np.stack([c[level] for c, level in zip(counts, levels.T, strict=True)], 1)
        self.starts = np.stack(
            [(np.cumsum(c) - c)[level] for c, level in zip(counts, levels.T, strict=True)], 1
        )

    def _mates(self, rows: Ints, factor: Ints, rng: np.random.Generator) -> Ints:
        """Return for each row a random row of the same value of its factor (same shape)."""
        size, start = self.sizes[rows, factor], self.starts[rows, factor]
        mates: Ints = self.order[start + (rng.random(rows.shape) * size).astype(int), factor]
        return mates

    def free(self, rows: int, rng: np.random.Generator) -> Floats:
        """Return codes of random rows."""
        return self.codes[rng.integers(len(self.codes), size=rows)]

    def batches(self, factor: Ints, size: int, rng: np.random.Generator) -> Floats:
        """Return batches of rows that share a value."""
        rows = np.repeat(rng.integers(len(self.codes), size=len(factor))[:, None], size, axis=1)
        return self.codes[self._mates(rows, np.repeat(factor[:, None], size, axis=1), rng)]

    def pairs(self, factor: Ints, size: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return pairs of rows that share a value."""
        rows = rng.integers(len(self.codes), size=(len(factor), size))
        mates = self._mates(rows, np.repeat(factor[:, None], size, axis=1), rng)
        return self.codes[rows], self.codes[mates]


class FreshSampler:
    """Draws factors uniformly from the values they have in the evidence and encodes them.

    This is the published protocol: independent factors and fresh noise in every code.
    """

    def __init__(self, evidence: Evidence, encoder: Encoder) -> None:
        self.values = [np.unique(column) for column in evidence.factors.T]
        self.encoder = encoder

    def _factors(self, rows: int, rng: np.random.Generator) -> Floats:
        return np.stack([rng.choice(values, rows) for values in self.values], axis=1)

    def free(self, rows: int, rng: np.random.Generator) -> Floats:
        """Return codes of random factors."""
        return self.encoder(self._factors(rows, rng), rng)

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
        codes = self.encoder(drawn.reshape(-1, drawn.shape[2]), rng)
        return codes.reshape(*drawn.shape[:2], -1)
