"""Factors as regressors: indicators of levels, polynomials of numbers, harmonics of angles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unbraid.core.factors import FactorSpec

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """Columns with the same prior variance; ``kind`` is levels, linear or higher_order."""

    factor: int
    columns: slice
    kind: str


class DesignMatrix:
    """Regressors phi of factors (N, F), in blocks, and the coordinates they are functions of.

    A categorical factor has an indicator for each level. Any other factor has a coordinate u: its
    position in its range on [-1, 1], or its angle in radians if it is periodic. Its ``linear``
    regressors are u itself, or sine and cosine; its ``higher_order`` regressors are the next two
    Legendre polynomials, or the next harmonic.

    Args:
        specs: of the factors.

    >>> design = DesignMatrix([FactorSpec("x", "continuous", range=(-9, 9))])
    >>> design(np.array([[-9.0], [0.0]]))[:, 0].tolist()
    [-1.0, 0.0]
    """

    def __init__(self, specs: Sequence[FactorSpec]) -> None:
        self.specs = tuple(specs)
        self.categorical = [k for k, spec in enumerate(specs) if spec.kind == "categorical"]
        self.numeric = [k for k, spec in enumerate(specs) if spec.kind != "categorical"]
        self.blocks: list[Block] = []
        width = 0
        for kind in ("levels", "linear", "higher_order"):  # columns of a kind are contiguous
            for k in self.categorical if kind == "levels" else self.numeric:
                size = len(specs[k].values or ()) if kind == "levels" else self._size(k, kind)
                self.blocks.append(Block(k, slice(width, width + size), kind))
                width += size
        self.width = width
        self.level_columns = self._columns_of_kind("levels")
        self.linear_columns = self._columns_of_kind("linear")
        self.numeric_columns = self._columns_of_kind("linear", "higher_order")

    def columns_of(self, factor: int) -> slice:
        """Return the columns of a factor's levels or linear regressors."""
        return next(block.columns for block in self.blocks if block.factor == factor)

    def __call__(self, factors: Array) -> Array:
        """Return the regressors of factors (N, F), (N, P); NaN where a factor is unknown."""
        found = np.zeros((len(factors), self.width))
        for k in self.categorical:
            column = factors[:, k]
            levels = np.arange(len(self.specs[k].values or ()))
            indicators = (column[:, None].round() == levels).astype(float)
            indicators[np.isnan(column)] = np.nan
            found[:, self.columns_of(k)] = indicators
        found[:, self.numeric_columns] = self.numeric_regressors(self.coordinates(factors))
        return found

    def coordinates(self, factors: Array) -> Array:
        """Return the coordinate u of each numeric factor, (N, Q)."""
        columns = []
        for k in self.numeric:
            low, length = self.origin_and_length(k)
            part = (factors[:, k] - low) / length
            columns.append(2 * np.pi * part if self.is_periodic(k) else 2 * part - 1)
        return np.stack(columns, 1) if columns else np.zeros((len(factors), 0))

    def factors(self, levels: Sequence[NDArray[np.int64]], coordinates: Array) -> Array:
        """Return the factors (N, F) of levels (N,) per categorical factor and coordinates (N, Q).

        Values are rounded to the nearest level, round the circle if they are periodic, or clipped
        to the range.
        """
        found = np.zeros((len(coordinates), len(self.specs)))
        for k, chosen in zip(self.categorical, levels, strict=True):
            found[:, k] = chosen
        for k, u in zip(self.numeric, coordinates.T, strict=True):
            spec, (low, length) = self.specs[k], self.origin_and_length(k)
            if self.is_periodic(k):
                value = low + length * ((u / (2 * np.pi)) % 1)
            else:
                value = low + length * (np.clip(u, -1, 1) + 1) / 2
            if spec.values is not None:
                wraps = self.is_periodic(k) & (value >= spec.wrap_level)
                value = np.where(wraps, 0.0, value.round().clip(max=len(spec.values) - 1))
            found[:, k] = value
        return found

    def numeric_regressors(self, coordinates: Array) -> Array:
        """Return the regressors of coordinates (N, Q), linear and of higher order, (N, R)."""
        return self._numeric(coordinates, derivative=False)

    def numeric_derivatives(self, coordinates: Array) -> Array:
        """Return the derivative of each of ``numeric_regressors`` by its coordinate, (N, R)."""
        return self._numeric(coordinates, derivative=True)

    def coordinate_of_column(self) -> NDArray[np.int64]:
        """Return the coordinate that each of ``numeric_regressors`` is a function of, (R,)."""
        found = [
            np.full(block.columns.stop - block.columns.start, self.numeric.index(block.factor))
            for block in self.blocks
            if block.kind != "levels"
        ]
        return np.concatenate([np.zeros(0, int), *found]).astype(np.int64)

    def _columns_of_kind(self, *kinds: str) -> NDArray[np.int64]:
        found = [np.r_[block.columns] for block in self.blocks if block.kind in kinds]
        return np.concatenate([np.zeros(0, np.int64), *found])

    def _numeric(self, coordinates: Array, derivative: bool) -> Array:
        parts: list[Array] = []
        for kind in ("linear", "higher_order"):
            for k, u in zip(self.numeric, coordinates.T, strict=True):
                if self.is_periodic(k):
                    n = 1 if kind == "linear" else 2
                    sine, cosine = np.sin(n * u), np.cos(n * u)
                    parts += [n * cosine, -n * sine] if derivative else [sine, cosine]
                elif kind == "linear":
                    parts.append(np.ones_like(u) if derivative else u)
                elif derivative:
                    parts += [3 * u, 7.5 * u**2 - 1.5]
                else:
                    parts += [1.5 * u**2 - 0.5, 2.5 * u**3 - 1.5 * u]
        return np.stack(parts, 1) if parts else np.zeros((len(coordinates), 0))

    def _size(self, factor: int, kind: str) -> int:
        return 2 if self.is_periodic(factor) or kind == "higher_order" else 1

    def is_periodic(self, factor: int) -> bool:
        """Whether a factor is an angle or another number of a circle."""
        return self.specs[factor].kind == "periodic"

    def origin_and_length(self, factor: int) -> tuple[float, float]:
        """Return the lowest stored value, and the length of the range or of a period."""
        spec = self.specs[factor]
        if spec.values is not None:
            last = float(max(len(spec.values) - 1, 1))
            return 0.0, spec.stored_turn or last if self.is_periodic(factor) else last
        assert spec.range is not None  # FactorSpec has it where it has no values
        low, high = spec.range
        return float(low), float(spec.period or max(high - low, 1e-12))
