"""Mutual information of a continuous code and discrete levels by nearest neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# What rounding may leave where the truth is 0, which ratios such as modularity would blow up.
ROUNDING = 1e-12


def jittered(codes: Floats, seed: int) -> Floats:
    """Return the codes (N, D) at unit scale with ties broken by noise of relative size 1e-10."""
    spread = np.where(np.ptp(codes, axis=0) > 0, codes.std(axis=0), 1.0)
    # Centred: the noise, in proportion to the numbers' size, must not grow with an offset.
    scaled: Floats = (codes - codes.mean(axis=0)) / spread
    size = 1e-10 * np.maximum(1.0, np.abs(scaled).mean(axis=0))
    # Drawn code by code: a code's noise does not depend on how many others follow it.
    noise: Floats = np.random.default_rng(seed).standard_normal(codes.T.shape).T
    scaled += size * noise
    return scaled


def ross(code: Floats, levels: Ints, neighbours: int) -> float:
    """Return I(code; level) in nats, the estimate of Ross (2014), at least 0.

    ``psi(N) + <psi(k_n)> - <psi(N_n)> - <psi(m_n)>``, with N_n the points that share point n's
    level, k_n = min(k, N_n - 1), and m_n the points of any level no further from it than its
    k_n-th neighbour of the same level. Levels with a single point are left out.

    Args:
        code: (N,), without ties (see ``jittered``).
        levels: (N,), integers from 0.
        neighbours: k.
    """
    counts = np.bincount(levels)
    keep = counts[levels] > 1
    if not keep.any():
        return 0.0
    code, levels = code[keep], levels[keep]
    by_level = np.lexsort((code, levels))
    sizes = np.bincount(levels)[levels[by_level]]
    ends = np.cumsum(np.bincount(levels))[levels[by_level]]
    z = code[by_level]
    k = np.minimum(neighbours, sizes - 1)
    distance = _kth_distance(z, ends - sizes, ends, k)
    # The k-th neighbour itself lies on the rim and is not to be counted: shrink by more than
    # the rounding of z +- distance.
    reach = np.maximum(distance - 4 * np.spacing(np.abs(z).max()), 0.0)
    everyone = np.sort(code)
    inside = np.searchsorted(everyone, z + reach, "right")
    inside -= np.searchsorted(everyone, z - reach, "left")
    estimate = digamma(len(z)) + np.mean(digamma(k) - digamma(sizes) - digamma(inside))
    return float(estimate) if estimate > ROUNDING else 0.0


def _kth_distance(z: Floats, starts: Ints, ends: Ints, k: Ints) -> Floats:
    """Return each point's distance to its k-th neighbour within z[start:end], sorted there.

    The k neighbours and the point itself are k + 1 consecutive values: the nearest such window
    is the answer.
    """
    index = np.arange(len(z))
    best = np.full(len(z), np.inf)
    for before in range(int(k.max()) + 1):
        left, right = index - before, index - before + k
        fits = (before <= k) & (left >= starts) & (right < ends)
        left, right = np.where(fits, left, 0), np.where(fits, right, 0)
        width = np.where(fits, np.maximum(z - z[left], z[right] - z), np.inf)
        np.minimum(best, width, out=best)
    return best
