"""Factors as regressors: indicators of a category, a line and its bend for a number, a circle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unbraid.factors import FactorSpec

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """Columns that stand or fall together: ``kind`` is ``levels``, ``line`` or ``bend``."""

    factor: int
    columns: slice
    kind: str


class Basis:
    """Regressors of factors (N, F), by blocks, and the coordinates they are functions of.

    A category has an indicator a level. Any other factor has a coordinate u: its place in its
    range on [-1, 1], or its angle in radians where it is periodic. Its ``line`` is u itself, or
    sine and cosine; its ``bend`` the next two Legendre polynomials, or the next harmonic.

    Args:
        specs: of the factors.

    >>> basis = Basis([FactorSpec("x", "continuous", range=(-9, 9))])
    >>> basis(np.array([[-9.0], [0.0]]))[:, 0].tolist()
    [-1.0, 0.0]
    """

    def __init__(self, specs: Sequence[FactorSpec]) -> None:
        self.specs = tuple(specs)
        self.categorical = [k for k, spec in enumerate(specs) if spec.kind == "categorical"]
        self.numeric = [k for k, spec in enumerate(specs) if spec.kind != "categorical"]
        self.blocks: list[Block] = []
        width = 0
        for kind in ("levels", "line", "bend"):  # so that each kind's columns are together
            for k in self.categorical if kind == "levels" else self.numeric:
                size = len(specs[k].values or ()) if kind == "levels" else self._size(k, kind)
                self.blocks.append(Block(k, slice(width, width + size), kind))
                width += size
        self.width = width
        self.levels = self._columns("levels")
        self.lines = self._columns("line")
        self.curves = self._columns("line", "bend")

    def block(self, factor: int) -> slice:
        """Return the columns of a factor's levels or line."""
        return next(block.columns for block in self.blocks if block.factor == factor)

    def __call__(self, factors: Array) -> Array:
        """Return the regressors of factors (N, F), (N, P); NaN where a factor is unknown."""
        found = np.zeros((len(factors), self.width))
        for k in self.categorical:
            column = factors[:, k]
            levels = np.arange(len(self.specs[k].values or ()))
            indicators = (column[:, None].round() == levels).astype(float)
            indicators[np.isnan(column)] = np.nan
            found[:, self.block(k)] = indicators
        found[:, self.curves] = self.bent(self.coordinates(factors))
        return found

    def coordinates(self, factors: Array) -> Array:
        """Return the coordinate u of each numeric factor, (N, Q)."""
        columns = []
        for k in self.numeric:
            low, length = self._ends(k)
            part = (factors[:, k] - low) / length
            columns.append(2 * np.pi * part if self._circle(k) else 2 * part - 1)
        return np.stack(columns, 1) if columns else np.zeros((len(factors), 0))

    def factors(self, levels: Sequence[NDArray[np.int64]], coordinates: Array) -> Array:
        """Return the factors (N, F) of levels (N,) by category and coordinates (N, Q).

        What has levels is brought to the nearest; what has a range is kept within.
        """
        found = np.zeros((len(coordinates), len(self.specs)))
        for k, chosen in zip(self.categorical, levels, strict=True):
            found[:, k] = chosen
        for k, u in zip(self.numeric, coordinates.T, strict=True):
            spec, (low, length) = self.specs[k], self._ends(k)
            if self._circle(k):
                value = low + length * ((u / (2 * np.pi)) % 1)
            else:
                value = low + length * (np.clip(u, -1, 1) + 1) / 2
            if spec.values is not None:
                count = len(spec.values)
                value = value.round() % count if self._circle(k) else value.round()
            found[:, k] = value
        return found

    def bent(self, coordinates: Array) -> Array:
        """Return the lines and bends of coordinates (N, Q), (N, those columns)."""
        return self._curves(coordinates, derivative=False)

    def slopes(self, coordinates: Array) -> Array:
        """Return the derivatives of lines and bends by their own coordinate, as ``bent``."""
        return self._curves(coordinates, derivative=True)

    def owners(self) -> NDArray[np.int64]:
        """Return which coordinate each of the lines and bends is a function of."""
        found = [
            np.full(block.columns.stop - block.columns.start, self.numeric.index(block.factor))
            for block in self.blocks
            if block.kind != "levels"
        ]
        return np.concatenate([np.zeros(0, int), *found]).astype(np.int64)

    def _columns(self, *kinds: str) -> NDArray[np.int64]:
        found = [np.r_[block.columns] for block in self.blocks if block.kind in kinds]
        return np.concatenate([np.zeros(0, np.int64), *found])

    def _curves(self, coordinates: Array, derivative: bool) -> Array:
        parts: list[Array] = []
        for kind in ("line", "bend"):
            for k, u in zip(self.numeric, coordinates.T, strict=True):
                if self._circle(k):
                    n = 1 if kind == "line" else 2
                    pair = (
                        (n * np.cos(n * u), -n * np.sin(n * u))
                        if derivative
                        else (
                            np.sin(n * u),
                            np.cos(n * u),
                        )
                    )
                    parts += pair
                elif kind == "line":
                    parts.append(np.ones_like(u) if derivative else u)
                elif derivative:
                    parts += [3 * u, 7.5 * u**2 - 1.5]
                else:
                    parts += [1.5 * u**2 - 0.5, 2.5 * u**3 - 1.5 * u]
        return np.stack(parts, 1) if parts else np.zeros((len(coordinates), 0))

    def _size(self, factor: int, kind: str) -> int:
        return 2 if self._circle(factor) or kind == "bend" else 1

    def _circle(self, factor: int) -> bool:
        return self.specs[factor].kind == "periodic"

    def _ends(self, factor: int) -> tuple[float, float]:
        """Return the lowest value as stored, and the length of the range or of a turn."""
        spec = self.specs[factor]
        if spec.values is not None:
            count = len(spec.values)
            return 0.0, float(count if self._circle(factor) else max(count - 1, 1))
        assert spec.range is not None  # FactorSpec has it where it has no values
        low, high = spec.range
        return float(low), float(spec.period or max(high - low, 1e-12))
