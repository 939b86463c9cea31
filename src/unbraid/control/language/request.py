"""A request: the factors that images should have, as values that a controller can draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unbraid.control.factor_distance import factor_distance
from unbraid.control.language.terms import factor_terms
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec

MAX_IMAGES = 1_000_000  # of one request
BANDWIDTH = 0.08  # of a factor's range, of the kernel that weights examples by their distance
WIDER = 1.25  # times the bandwidth, where too few examples are within it
WIDEST = 0.25  # bandwidth that is not widened further
VARIED = 12.0  # effective number of examples that is enough for different images of a request


@dataclass(frozen=True)
class Request:
    """Values of some factors, or changes of them; the other factors are free.

    Args:
        values: stored values by factor name: the index of a level, otherwise a number.
        steps: changes by factor name, for edits: (scale, offset), which turn a number into
            ``number * scale + offset``.
        understood: a description of each requested factor.
        free: names of the factors that are not requested.
    """

    values: Mapping[str, float]
    steps: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    understood: tuple[str, ...] = field(default=(), compare=False)
    free: tuple[str, ...] = field(default=(), compare=False)

    def describe(self, rest: str = "free") -> str:
        """Return the requested factors with values and units, and the names of the others.

        Args:
            rest: what the other factors are called: free, or kept.

        >>> from unbraid.control import build_request
        >>> build_request([FactorSpec("x", "continuous", range=(-9, 9), unit="pixels")]).describe()
        'no factor; x is free'
        """
        requested = ", ".join(self.understood) or "no factor"
        if not self.free:
            return requested
        *others, last = self.free
        if not others:
            return f"{requested}; {last} is {rest}"
        return f"{requested}; {', '.join(others)} and {last} are {rest}"

    def rows(
        self,
        specs: Sequence[FactorSpec],
        count: int,
        seed: int = 0,
        examples: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Return rows of factors (count, F) with the requested values and random free factors.

        Without examples, free factors are uniform over their range or levels, and each depends
        only on the seed and the row, not on the other factors. With examples, each row takes its
        free factors from an example that is drawn with a probability that decreases with its
        distance from the request, so that correlated factors stay correlated.

        Args:
            specs: of the factors.
            count: number of rows.
            seed: of the free factors.
            examples: rows of factors (K, F) from their joint distribution, NaN where unknown.

        Raises:
            UnbraidError: a count below 1 or too large, or a seed below 0.

        >>> from unbraid.control import build_request
        >>> specs = [FactorSpec("x", "continuous", range=(-9, 9))]
        >>> build_request(specs, x=3).rows(specs, 2).tolist()
        [[3.0], [3.0]]
        """
        if count < 1:
            raise UnbraidError(f"n is {count}, expected 1 or more images.")
        if count > MAX_IMAGES:
            raise UnbraidError(f"n is {count}, expected {MAX_IMAGES:,} images or fewer at once.")
        if seed < 0:
            raise UnbraidError(f"seed is {seed}, but a seed is 0 or more.")
        rows = np.empty((count, len(specs)))
        nearby = self._nearby_examples(specs, count, seed, examples)
        for column, spec in enumerate(specs):
            rng = np.random.default_rng([seed, column])
            if spec.name in self.values:
                rows[:, column] = self.values[spec.name]
            elif spec.values is not None:
                rows[:, column] = rng.integers(len(spec.values), size=count)
            else:
                rows[:, column] = rng.uniform(*(spec.range or (0.0, 0.0)), size=count)
            if spec.name not in self.values and nearby is not None:
                known = ~np.isnan(nearby[:, column])
                rows[known, column] = nearby[known, column]
        return rows

    def _nearby_examples(
        self,
        specs: Sequence[FactorSpec],
        count: int,
        seed: int,
        examples: NDArray[np.float64] | None,
    ) -> NDArray[np.float64] | None:
        """Return examples drawn by their distance from the request, (count, F)."""
        if examples is None or not len(examples):
            return None
        unlike = np.zeros(len(examples))  # requested categories that an example does not have
        squared = np.zeros(len(examples))
        for column, spec in enumerate(specs):
            if spec.name not in self.values:
                continue
            here = examples[:, [column]]
            wanted = np.full_like(here, self.values[spec.name])
            unknown = np.isnan(here[:, 0])
            found = factor_distance([spec], wanted, np.where(unknown[:, None], wanted, here))
            found = np.where(unknown, 1.0, found)  # unknown counts as far away
            if spec.kind == "categorical":
                unlike += found > 0
            else:
                squared += found**2
        # no closeness in other factors makes up for another category
        alike = np.flatnonzero(unlike == unlike.min())
        rng = np.random.default_rng([seed, len(specs)])
        return examples[alike[rng.choice(len(alike), count, p=_weights(squared[alike]))]]

    def applied(
        self, specs: Sequence[FactorSpec], factors: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return rows of factors (N, F) with values and changes applied, within their ranges."""
        changed = np.array(factors, np.float64)
        for column, terms in enumerate(factor_terms(specs)):
            if terms.name in self.values:
                changed[:, column] = self.values[terms.name]
            elif terms.name in self.steps:
                changed[:, column] = terms.changed(changed[:, column], *self.steps[terms.name])
        return changed


def _weights(squared: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability of each example, of a Gaussian kernel of its distance.

    A request for several factors has hardly any example within the bandwidth, and all its images
    would have the free factors of the nearest one. The bandwidth is therefore widened until the
    effective number of examples (Kish 1965), 1 / sum p^2, is enough or half of all there are, but
    not beyond ``WIDEST``, from which on examples say little of the request.

    Args:
        squared: squared distances (K,).
    """
    enough = min(VARIED, len(squared) / 2)
    nearest, bandwidth = squared - squared.min(), BANDWIDTH
    while True:
        weights: NDArray[np.float64] = np.exp(-0.5 * nearest / bandwidth**2)
        weights /= weights.sum()
        if 1 / (weights**2).sum() >= enough or bandwidth > WIDEST:
            return weights
        bandwidth *= WIDER
