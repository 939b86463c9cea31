"""Real images with the nearest factors, for data that have no image of every request."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from unbraid.control.assessment.judge_data import MAX_LEVELS
from unbraid.control.assessment.random_requests import Distribution, sample_rows
from unbraid.control.assessment.units import FactorUnits
from unbraid.core.factors import FactorSpec
from unbraid.datasets import ImageSource

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

CATEGORY_DISTANCE = 4.0  # of two categories, in half-widths of a number
ORDER = 0x5EA1  # key of the random streams that choose and order images


class Nearest:
    """A source of real images for any data: the image with the nearest factors, then the next.

    A category has more weight than any number. Images at equal distance come in a random order.

    Args:
        parts: images with their factors (N, F) as stored; requests are drawn from the first part,
            which has no training images.
        specs: of the factors.
        groups: numbers of images that belong together, of all parts, (N,); None if none do.
    """

    exact = heard = False
    relative: tuple[str, ...] = ()

    def __init__(
        self,
        parts: Sequence[tuple[ImageSource, Floats]],
        specs: Sequence[FactorSpec],
        groups: Ints | None = None,
    ) -> None:
        self.specs, self.factor_units = tuple(specs), FactorUnits(specs)
        self.images, self.groups = [images for images, _ in parts], groups
        self.starts = np.cumsum([0, *(len(rows) for _, rows in parts)])
        self.rows, self.first = np.concatenate([rows for _, rows in parts]), parts[0][1]
        self.units: dict[str, str] = {}
        self.capped: dict[str, float] = {}
        known = self.rows[~np.isnan(self.rows).any(1)]
        self.repeats = len(np.unique(known, axis=0)) < len(known)
        values = self.factor_units.values(self.rows)
        self.widths = np.maximum(np.sqrt(3) * np.nanstd(values, axis=0), 1e-9)
        self.middles = np.nanmean(values, axis=0)
        tie_break = np.random.default_rng([ORDER, 0]).random((len(self.rows), 1))
        self.tree = cKDTree(np.hstack([self._coordinates(self.rows), 1e-6 * tie_break]))

    def requests(self, count: int, seed: int, distribution: Distribution) -> Floats:
        """Return random requests: rows of images not trained on, or each factor independently.

        A factor that is unknown in a row is drawn independently, see ``counted``.
        """
        rows = sample_rows(self.first, count, seed)
        rng = np.random.default_rng([seed, 4])
        for column in range(rows.shape[1]):
            unknown = np.isnan(rows[:, column]) | (distribution == "independent")
            rows[unknown, column] = rng.choice(self._known(column), int(unknown.sum()))
        return rows

    def counted(self, requests: Floats, seed: int, distribution: Distribution) -> Bools:
        """Return which factors of requests count: known, and not only in other categories, (N, F).

        A factor that no image of a requested category has, such as the angle of a disc, may be
        undefined there, whichever value a request has.

        Args:
            requests: those of this seed and distribution, or with changed factors.
            seed: of the requests.
            distribution: of the requests.
        """
        found = np.ones(requests.shape, bool)
        if distribution == "joint":
            found = ~np.isnan(sample_rows(self.first, len(requests), seed))
        known = ~np.isnan(self.rows)
        for column, spec in enumerate(self.specs):
            if spec.kind != "categorical":
                continue
            levels, images = np.unique(self.rows[:, column], return_inverse=True)
            having = np.zeros((len(levels), known.shape[1]), bool)
            np.logical_or.at(having, images, known)
            at = np.minimum(np.searchsorted(levels, requests[:, column]), len(levels) - 1)
            nowhere = ~having[at] & (levels[at] == requests[:, column])[:, None]
            nowhere[:, column] = False
            found &= ~nowhere
        return found

    def changed(self, requests: Floats, column: int, seed: int) -> Floats | None:
        """Return requests with one factor drawn again from its distribution in the data."""
        rng = np.random.default_rng([seed, 1, column])
        rows, known = requests.copy(), self._known(column)
        levels = np.unique(known)
        if len(levels) < 2:
            return None
        if self.specs[column].values is None:
            rows[:, column] = rng.choice(known, len(rows))
            return rows
        at = np.searchsorted(levels, rows[:, column])
        step = rng.integers(1, len(levels), len(rows))
        rows[:, column] = levels[(at + step) % len(levels)]
        return rows

    def real(self, factors: Floats, seed: Sequence[int]) -> tuple[Any, Floats]:
        """Return the image at the k-th smallest distance; k is the last number of the seed."""
        chosen = self._chosen(factors, seed)
        part = np.searchsorted(self.starts, chosen, "right") - 1
        pixels = np.empty((len(chosen), *self.images[0].shape[1:]), np.uint8)
        for index, images in enumerate(self.images):
            here = np.flatnonzero(part == index)
            if len(here):
                pixels[here] = images[chosen[here] - self.starts[index]]
        return pixels, self.rows[chosen]

    def together(self, factors: Floats, seed: Sequence[int]) -> Ints | None:
        """Return the group of the real image of each request, None if there are no groups."""
        return None if self.groups is None else self.groups[self._chosen(factors, seed)]

    def _chosen(self, factors: Floats, seed: Sequence[int]) -> Ints:
        """Return the rows of the real images of requests, see ``real``."""
        tie_break = np.random.default_rng(list(seed[:-1])).random((len(factors), 1))
        points = np.hstack([self._coordinates(factors), 1e-6 * tie_break])
        _, found = self.tree.query(points, [int(seed[-1]) + 1])
        chosen: Ints = np.minimum(found[:, 0], len(self.rows) - 1)
        return chosen

    def _known(self, column: int) -> Floats:
        """Return a factor's known values in the first part, or in all parts if it has none."""
        for rows in (self.first, self.rows):
            values: Floats = rows[~np.isnan(rows[:, column]), column]
            if len(values):
                return values
        return np.zeros(1)

    def _coordinates(self, rows: Floats) -> Floats:
        """Return factors as coordinates for distances, (N, K); unknown factors are at the mean."""
        values = self.factor_units.values(rows)
        parts = []
        for column, spec in enumerate(self.specs):
            value = values[:, column]
            period = self.factor_units.period(column)
            if spec.kind == "categorical":
                if len(spec.values or ()) > MAX_LEVELS:  # such as an identity
                    continue
                levels = np.arange(len(spec.values or ()))
                parts.append(CATEGORY_DISTANCE / math.sqrt(2) * (value[:, None] == levels))
            elif period:
                angle = value * (2 * math.pi / period)
                parts.append(np.nan_to_num(np.stack([np.sin(angle), np.cos(angle)], 1)))
            else:
                scaled = (value - self.middles[column]) / self.widths[column]
                parts.append(np.nan_to_num(scaled)[:, None])
        return np.hstack(parts).astype(np.float64)
