"""The factor that each categorical latent depends on, and the probabilities of its values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from unbraid.control.linear_gaussian.design_matrix import DesignMatrix

Array = NDArray[np.float64]

BINS = 6  # of a factor that is not categorical
CONCENTRATIONS = 10.0 ** np.arange(-3, 4)  # of the Dirichlet prior; the evidence selects one
MIN_GAIN = 5.0  # nats of evidence


@dataclass(frozen=True)
class CategoricalLink:
    """The dependence of a categorical latent on a factor.

    Args:
        factor: column of the factor; -1 for none.
        table: (bins, V), p(value | bin of the factor); a single row if there is no factor.
        gain: log evidence relative to no factor, in nats.
    """

    factor: int
    table: Array
    gain: float = 0.0


def factor_bins(design: DesignMatrix, factor: int, factors: Array) -> NDArray[np.int64]:
    """Return the bin of a factor for each row of factors (N, F): its level, or one of ``BINS``."""
    if factor in design.categorical:
        return factors[:, factor].round().astype(np.int64)
    u = design.coordinates(factors)[:, design.numeric.index(factor)]
    periodic = design.specs[factor].kind == "periodic"
    part = u / (2 * np.pi) % 1 if periodic else (u + 1) / 2
    return np.clip(np.floor(part * BINS), 0, BINS - 1).astype(np.int64)


def bin_count(design: DesignMatrix, factor: int) -> int:
    """Return the number of bins of a factor."""
    return len(design.specs[factor].values or ()) if factor in design.categorical else BINS


def find_link(
    values: NDArray[np.int64], count: int, factors: Array, design: DesignMatrix
) -> CategoricalLink:
    """Return the link of a categorical latent to the factor with the highest evidence.

    The evidence of each factor is Dirichlet-multinomial. There is no link if it does not exceed
    that of values independent of all factors by ``MIN_GAIN``.

    Args:
        values: (N,), the latent's value for each image.
        count: V, the number of its values.
        factors: (N, F), NaN where unknown.
        design: of the factors.

    >>> from unbraid.core.factors import FactorSpec
    >>> design = DesignMatrix([FactorSpec("kind", "categorical", values=("a", "b"))])
    >>> kinds = np.arange(40) % 2
    >>> find_link(1 - kinds, 2, kinds[:, None].astype(float), design).table.round(2).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    overall = (np.bincount(values, minlength=count) + 1.0) / (len(values) + count)
    best = CategoricalLink(-1, overall[None])
    for factor in range(len(design.specs)):
        known = ~np.isnan(factors[:, factor])
        if not known.any():
            continue
        rows = factor_bins(design, factor, factors[known])
        counts = np.zeros((bin_count(design, factor), count))
        np.add.at(counts, (rows, values[known]), 1)
        independent = float(counts.sum(0) @ np.log(overall))
        evidence = np.array(
            [_evidence(counts, concentration * overall) for concentration in CONCENTRATIONS]
        )
        gain = float(evidence.max()) - independent
        if gain > max(best.gain, MIN_GAIN):
            prior = CONCENTRATIONS[evidence.argmax()] * overall
            table = counts + prior
            best = CategoricalLink(factor, table / table.sum(1, keepdims=True), gain)
    return best


def _evidence(counts: Array, prior: Array) -> float:
    """Return the log evidence of counts (bins, V) under a Dirichlet prior (V,) for each bin."""
    total = gammaln(prior.sum()) - gammaln(prior.sum() + counts.sum(1))
    each = gammaln(counts + prior) - gammaln(prior)
    return float(total.sum() + each.sum())
