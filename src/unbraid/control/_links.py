"""Categorical latents: which factor each goes with, if any, and how likely its values then are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from unbraid.control._basis import Basis

Array = NDArray[np.float64]

BINS = 6  # of a factor that is no category
STRENGTHS = 10.0 ** np.arange(-3, 4)  # of the prior counts; the evidence chooses
CLEAR = 5.0  # nats of evidence that a factor must add


@dataclass(frozen=True)
class Link:
    """A categorical latent and the factor it goes with.

    Args:
        factor: its column; -1 if it goes with none.
        table: (bins, V), p(value | bin of the factor); a single row where there is no factor.
        gain: log evidence above that of no factor, nats.
    """

    factor: int
    table: Array
    gain: float = 0.0


def bins(basis: Basis, factor: int, factors: Array) -> NDArray[np.int64]:
    """Return the bin of a factor for each row of factors (N, F): its level, or one of six."""
    if factor in basis.categorical:
        return factors[:, factor].round().astype(np.int64)
    u = basis.coordinates(factors)[:, basis.numeric.index(factor)]
    circle = basis.specs[factor].kind == "periodic"
    part = u / (2 * np.pi) % 1 if circle else (u + 1) / 2
    return np.clip(np.floor(part * BINS), 0, BINS - 1).astype(np.int64)


def bin_count(basis: Basis, factor: int) -> int:
    """Return how many bins a factor has."""
    return len(basis.specs[factor].values or ()) if factor in basis.categorical else BINS


def link(values: NDArray[np.int64], count: int, factors: Array, basis: Basis) -> Link:
    """Return the factor that a categorical latent goes with.

    The table of each factor has a Dirichlet-multinomial evidence; the best is taken if it adds
    enough to that of values drawn alike for all.

    Args:
        values: (N,), the latent's value for each image.
        count: V, how many values it can have.
        factors: (N, F), NaN where unknown.
        basis: of the factors.

    >>> from unbraid.factors import FactorSpec
    >>> basis = Basis([FactorSpec("kind", "categorical", values=("a", "b"))])
    >>> kinds = np.arange(40) % 2
    >>> link(1 - kinds, 2, kinds[:, None].astype(float), basis).table.round(2).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    overall = (np.bincount(values, minlength=count) + 1.0) / (len(values) + count)
    best = Link(-1, overall[None])
    for factor in range(len(basis.specs)):
        known = ~np.isnan(factors[:, factor])
        if not known.any():
            continue
        rows = bins(basis, factor, factors[known])
        counts = np.zeros((bin_count(basis, factor), count))
        np.add.at(counts, (rows, values[known]), 1)
        nothing = float(counts.sum(0) @ np.log(overall))
        evidence = np.array([_evidence(counts, strength * overall) for strength in STRENGTHS])
        gain = float(evidence.max()) - nothing
        if gain > max(best.gain, CLEAR):
            prior = STRENGTHS[evidence.argmax()] * overall
            table = counts + prior
            best = Link(factor, table / table.sum(1, keepdims=True), gain)
    return best


def _evidence(counts: Array, prior: Array) -> float:
    """Return the log evidence of counts (bins, V) under Dirichlet priors of counts (V,)."""
    total = gammaln(prior.sum()) - gammaln(prior.sum() + counts.sum(1))
    each = gammaln(counts + prior) - gammaln(prior)
    return float(total.sum() + each.sum())
