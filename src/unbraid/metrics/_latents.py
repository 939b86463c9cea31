"""Columns of codes: a number is one, a categorical code its one-hot block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Latents:
    """Which codes are discrete, and how codes become columns that have distances and means.

    Args:
        count: D, all codes.
        orders: for each of the first codes, those that are categorical, the place (K,) of each
            category in the one-hot block. Places follow the first appearance of a category in
            the data, so that no result depends on which integer names it.
        quantised: how many of the codes that follow are quantised: ordered, with finitely many
            values.
    """

    count: int
    orders: tuple[Ints, ...] = ()
    quantised: int = 0

    @property
    def widths(self) -> Ints:
        """How many columns each code has, (D,)."""
        return np.array([*map(len, self.orders), *[1] * (self.count - len(self.orders))], int)

    @property
    def owners(self) -> Ints:
        """The code that each column belongs to, (W,)."""
        return np.repeat(np.arange(self.count), self.widths)

    @property
    def categorical(self) -> NDArray[np.bool_]:
        """Which codes are categorical, (D,)."""
        return np.arange(self.count) < len(self.orders)

    @property
    def discrete(self) -> NDArray[np.bool_]:
        """Which codes are categorical or quantised, (D,): their values need no bins."""
        return np.arange(self.count) < len(self.orders) + self.quantised

    def columns(self, codes: Floats) -> Floats:
        """Return codes (..., D) as columns (..., W).

        >>> Latents(2, (np.array([1, 0]),)).columns(np.array([[0.0, 0.7], [1.0, -3.0]]))
        array([[ 0. ,  1. ,  0.7],
               [ 1. ,  0. , -3. ]])
        """
        if not self.orders:
            return codes
        parts = [
            np.eye(len(order))[order[codes[..., i].astype(np.int64)]]
            for i, order in enumerate(self.orders)
        ]
        return np.concatenate([*parts, codes[..., len(parts) :]], axis=-1)

    def levels(self, codes: Floats) -> Ints:
        """Return every code (N, D) as levels 0, 1, ... of its different values."""
        levels = [order[codes[:, i].astype(np.int64)] for i, order in enumerate(self.orders)]
        rest = codes[:, len(levels) :].T
        levels += [np.unique(code, return_inverse=True)[1] for code in rest]
        return np.stack(levels, axis=1)

    def total(self, columns: Floats) -> Floats:
        """Return the sum over each code's columns: (..., W) to (..., D).

        >>> Latents(2, (np.array([0, 1]),)).total(np.array([1.0, 2.0, 5.0]))
        array([3., 5.])
        """
        if not self.orders:
            return columns
        widths = self.widths
        sums: Floats = np.add.reduceat(columns, np.cumsum(widths) - widths, axis=-1)
        return sums

    def lengths(self, columns: Floats) -> Floats:
        """Return the Euclidean length of each code's columns, |z| of a real code: (..., D)."""
        return np.sqrt(self.total(np.square(columns))) if self.orders else np.abs(columns)


def appearance(code: Floats, size: int) -> Ints:
    """Return the places (K,) of a code's categories by first appearance, the absent ones last.

    >>> appearance(np.array([2.0, 0.0, 2.0]), 4)
    array([1, 2, 0, 3])
    """
    present, first = np.unique(code.astype(np.int64), return_index=True)
    when = np.full(size, len(code))
    when[present] = first
    places = np.empty(size, np.int64)
    places[np.argsort(when, kind="stable")] = np.arange(size)
    return places
