"""Gaussian total correlation and Wasserstein correlation: are codes uncorrelated?

Locatello et al. 2019, "Challenging Common Assumptions in the Unsupervised Learning of Disentangled
Representations": with N(m, S) fitted to the codes and D the diagonal of S,
``KL(N(m, S) || N(m, D)) = 0.5 (sum_d log S_dd - log det S)``, and the squared 2-Wasserstein
distance ``tr(S) + tr(D) - 2 tr((D^0.5 S D^0.5)^0.5)`` of the same two, as it is and divided by
tr(S).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import psi

from unbraid.metrics._evidence import Evidence
from unbraid.metrics._options import at_least
from unbraid.metrics._resampling import blocks, jackknife_error
from unbraid.metrics._score import Estimate, Score, settings

NEEDS = ("codes",)
LOWER_IS_BETTER = True
PARTS = ("total correlation", "Wasserstein", "Wasserstein normalised")
ROUNDING = 1e-12  # of sums of squares, relative to those of all rows
SINGULAR = 1e-10  # a correlation matrix with a smaller eigenvalue has no logarithm

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Config:
    """How the standard error is found.

    Args:
        resamples: blocks of rows left out in turn.
    """

    resamples: int = 20

    def __post_init__(self) -> None:
        at_least(self, resamples=2)


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return the total correlation in nats (0 is best), with the Wasserstein ones as parts.

    Wasserstein correlations are in squared units of the codes, and from 0 to 2 where normalised.

    >>> import numpy as np
    >>> from unbraid.metrics import gather
    >>> z = np.random.default_rng(0).standard_normal((5000, 2))
    >>> z[:, 1] = 0.6 * z[:, 0] + 0.8 * z[:, 1]
    >>> round(compute(gather(z), Config(), seed=0).value, 1)  # -0.5 log(1 - 0.6 ** 2)
    0.2
    """
    categorical = np.flatnonzero(evidence.latents.categorical)
    notes = evidence.notes()
    if len(categorical):
        notes = (*notes, f"categorical codes are left out: {', '.join(map(str, categorical))}")
    used = np.setdiff1d(np.arange(evidence.codes.shape[1]), categorical)
    used = np.setdiff1d(used, evidence.constant_codes)
    codes = evidence.codes[:, used]
    found = _left_out(codes, min(config.resamples, len(codes)), seed)
    if math.isnan(found[0, 0]):
        notes = (*notes, "codes depend on each other linearly: the total correlation is infinite")
    errors = jackknife_error(found)
    parts = {
        name: Estimate(float(value), float(error))
        for name, value, error in zip(PARTS, found[0], errors, strict=True)
    }
    return Score(
        "gaussian-correlation",
        f"{len(used)} codes",
        parts["total correlation"].value,
        parts["total correlation"].standard_error,
        settings(evidence.sizes, config, seed, "block jackknife", "scipy"),
        parts=parts,
        notes=notes,
    )


def _left_out(codes: Floats, count: int, seed: int) -> Floats:
    """Return the three numbers, (1 + count, 3), of all rows and with each block left out."""
    groups = blocks(len(codes), count, seed)
    centred = codes - codes.mean(axis=0)
    # at one size, since products of four codes would leave the range of numbers
    size = float(np.abs(centred).max(initial=0.0)) or 1.0
    centred /= size
    counts = np.bincount(groups, minlength=count)
    sums = np.stack([centred[groups == g].sum(axis=0) for g in range(count)])
    products = np.stack([centred[groups == g].T @ centred[groups == g] for g in range(count)])
    found = [_correlations(products.sum(axis=0), len(codes))]
    for left, total, product in zip(counts, sums, products, strict=True):
        rows = len(codes) - left
        scatter = products.sum(axis=0) - product - np.outer(total, total) / rows
        # a code that varies within the block alone is constant now, but for rounding
        varies = np.flatnonzero(np.diag(scatter) > ROUNDING * np.diag(products.sum(axis=0)))
        found.append(_correlations(scatter[np.ix_(varies, varies)], int(rows)))
    return np.array(found) * [1.0, size**2, 1.0]


def _correlations(scatter: Floats, rows: int) -> tuple[float, float, float]:
    """Return the three numbers from the sum of products of centred codes, (D, D).

    The scatter of Gaussian codes is Wishart, so that the expectation of its log determinant and
    of its diagonal's logarithms is known (Anderson 2003, "An Introduction to Multivariate
    Statistical Analysis", section 7.5): what they add to the total correlation is taken off.
    """
    count = len(scatter)
    if count < 2:
        return 0.0, 0.0, 0.0
    covariance = scatter / (rows - 1)
    deviations = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(deviations, deviations)
    eigenvalues = np.linalg.eigvalsh(correlation)
    total = math.nan
    if rows > count and eigenvalues[0] > SINGULAR:
        degrees = (rows - np.arange(1, count + 1)) / 2
        bias = 0.5 * float((psi(degrees[0]) - psi(degrees)).sum())
        total = -0.5 * float(np.log(eigenvalues).sum()) - bias
    # D^0.5 S D^0.5 is symmetric, so the trace of its root is the sum of its eigenvalues' roots
    mixed = covariance * np.outer(deviations, deviations)
    roots = np.sqrt(np.maximum(np.linalg.eigvalsh(mixed), 0)).sum()
    trace = float(np.trace(covariance))
    distance = max(2 * trace - 2 * float(roots), 0.0)
    return total, distance, distance / trace
