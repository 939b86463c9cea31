"""Densities of the aggregate posterior, a mixture of one Gaussian for each data point."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from unbraid.metrics._resampling import blocks as random_blocks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK = 4_000_000  # elements of the largest temporary array: 32 MB


def draw(mean: Floats, logvar: Floats, samples: int, seed: int) -> tuple[Floats, Ints]:
    """Draw z (M, D) from the aggregate posterior, and say which component n each came from.

    No component is drawn twice until every one was drawn.
    """
    rng = np.random.default_rng(seed)
    rounds = -(-samples // len(mean))
    index = np.concatenate([rng.permutation(len(mean)) for _ in range(rounds)])[:samples]
    noise: Floats = rng.standard_normal((samples, mean.shape[1]))
    z: Floats = mean[index] + np.exp(0.5 * logvar[index]) * noise
    return z, index


def component_log_densities(
    z: Floats, mean: Floats, logvar: Floats
) -> Iterator[tuple[slice, int, Floats]]:
    """Yield (rows of z, d, log q(z_d | n) for those rows against all N): (rows, N) arrays.

    All d of one slice of rows come before the next slice.
    """
    size = max(1, CHUNK // len(mean))
    precision, constant = np.exp(-logvar), 0.5 * (logvar + np.log(2 * np.pi))
    for start in range(0, len(z), size):
        rows = slice(start, min(start + size, len(z)))
        for d in range(z.shape[1]):
            away = z[rows, d, None] - mean[:, d]
            yield rows, d, -0.5 * np.square(away) * precision[:, d] - constant[:, d]


def log_aggregate(z: Floats, mean: Floats, logvar: Floats) -> tuple[Floats, Floats]:
    """Return log q(z) (M,) and log q(z_d) (M, D) in nats, against all N components."""
    joint, marginal = np.empty(len(z)), np.empty(z.shape)
    total = np.empty((0, 0))
    log_n = np.log(len(mean))
    for rows, d, log_density in component_log_densities(z, mean, logvar):
        marginal[rows, d] = logsumexp(log_density, axis=1) - log_n
        total = log_density if d == 0 else total + log_density
        if d == z.shape[1] - 1:
            joint[rows] = logsumexp(total, axis=1) - log_n
    return joint, marginal


def density_information(
    mean: Floats, logvar: Floats, levels: Ints, samples: int, blocks: int, seed: int
) -> Floats:
    """Return I(z_i; v_j) in nats, Chen et al. (2018), appendix C: (blocks + 1, D, F).

    It is E[log q(z_i | v_j) - log q(z_i)] over the aggregate posterior; q(z_i | v_j) mixes the
    posteriors of the points that share the sample's value of factor j. The first entry uses
    all samples, each further one leaves out those of a block of the points. The own component is
    part of both mixtures, as in the paper: with few points of narrow posteriors the estimate is too
    large.
    """
    z, index = draw(mean, logvar, samples, seed)
    gains = np.empty((samples, mean.shape[1], levels.shape[1]))
    one_hot = [np.eye(int(level.max()) + 1)[level] for level in levels.T]
    for rows, d, log_density in component_log_densities(z, mean, logvar):
        peak = log_density.max(axis=1, keepdims=True)
        density = np.exp(log_density - peak)
        overall = np.log(density.mean(axis=1))
        for j, membership in enumerate(one_hot):
            own = levels[index[rows], j]
            within = np.take_along_axis(density @ membership, own[:, None], axis=1)[:, 0]
            gains[rows, d, j] = np.log(within / membership.sum(axis=0)[own]) - overall
    blocks = min(blocks, samples, len(mean))
    # Samples of one point are alike: it is in one block with all of them.
    groups = (
        random_blocks(samples, blocks, seed)
        if samples <= len(mean)
        else random_blocks(len(mean), blocks, seed)[index]
    )
    sums = np.stack([gains[groups == g].sum(axis=0) for g in range(blocks)])
    sizes = np.bincount(groups)[:, None, None]
    left_out = (sums.sum(axis=0) - sums) / (samples - sizes)
    stacked: Floats = np.concatenate([gains.mean(axis=0)[None], left_out])
    return np.maximum(stacked, 0.0)
