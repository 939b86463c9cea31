"""Regression of codes on factors with automatic relevance determination (ARD) by groups.

The weights of each block of regressors have a prior N(0, tau_k I), and tau_k and the noise variance
maximise the evidence (Tipping 2001, "Sparse Bayesian Learning and the Relevance Vector Machine",
equations 16 to 18, by MacKay's fixed point). The weights of a factor that is unrelated to a code
shrink to 0 without a threshold; those of a factor that determines it are not shrunk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MIN_EVIDENCE = 5.0  # nats above no factor, plus the logarithm of the number of codes
MIN_EXPLAINED = 0.01  # share of a code's variance; less counts as not explained
MIN_SCALE = 1e-5  # standard deviation; less counts as a constant latent
MIN_NOISE = 1e-6  # share of a code's variance
ITERATIONS = 200
FOLDS = 5
SHRINKAGE_GRID = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 0.9999, 0.99999)


@dataclass(frozen=True)
class Regression:
    """A regression of D codes on P regressors in K blocks.

    Args:
        weights: (P, D); 0 for codes that no factor explains.
        noise_cov: (D, D), covariance of the residuals, corrected for the degrees of freedom.
        informative: (D,), whether factors explain part of a code.
        explained_variance: (D, K), share of a code's variance that each block explains.
    """

    weights: Array
    noise_cov: Array
    informative: NDArray[np.bool_]
    explained_variance: Array


def regress(codes: Array, regressors: Array, blocks: Sequence[slice]) -> Regression:
    """Regress codes (N, D) on regressors (N, P), both with mean 0.

    The regression is done once along the latents and once along the principal axes of the
    residuals, and the one with the higher evidence is returned, so that factors in directions
    oblique to the latents are found too.

    >>> rng = np.random.default_rng(0)
    >>> regressors = rng.standard_normal((100, 2))
    >>> codes = regressors[:, :1] + 0.1 * rng.standard_normal((100, 1))
    >>> found = regress(codes, regressors, [slice(0, 1), slice(1, 2)])
    >>> found.explained_variance.round(1).tolist()
    [[1.0, 0.0]]
    """
    if not codes.shape[1]:
        return Regression(
            np.zeros((regressors.shape[1], 0)),
            np.zeros((0, 0)),
            np.zeros(0, bool),
            np.zeros((0, len(blocks))),
        )
    scale = np.maximum(codes.std(0), MIN_SCALE)
    scaled, axes = codes / scale, np.eye(codes.shape[1])
    found = []
    for _ in range(2):
        weights, noise, evidence = _independent(scaled @ axes, regressors, blocks)
        rest = scaled - regressors @ weights @ axes.T
        correlation = shrunk_correlation(rest @ axes)
        evidence -= 0.5 * len(codes) * np.linalg.slogdet(correlation)[1]
        left = np.sqrt(np.outer(noise, noise)) * correlation
        found.append((evidence, weights @ axes.T, axes @ left @ axes.T))
        axes = np.linalg.eigh(rest.T @ rest)[1]
    _, weights, noise = max(found, key=lambda one: one[0])
    parts = [np.square(regressors[:, block] @ weights[block]).mean(0) for block in blocks]
    explained = np.stack(parts, 1) if parts else np.zeros((codes.shape[1], 0))
    informative = explained.sum(1) > MIN_EXPLAINED
    weights = np.where(informative, weights, 0.0)
    return Regression(weights * scale, noise * np.outer(scale, scale), informative, explained)


def _independent(
    codes: Array, regressors: Array, blocks: Sequence[slice]
) -> tuple[Array, Array, float]:
    """Regress each code separately; return weights (P, D), noise (D,) and the total evidence."""
    gram = regressors.T @ regressors
    found = [_single(code, regressors.T @ code, gram, blocks) for code in codes.T]
    total = np.maximum(np.square(codes).mean(0), MIN_SCALE**2)
    gain = np.array([gain for _, _, gain in found])
    clear = gain > MIN_EVIDENCE + np.log(max(len(gain), 1))
    weights = np.where(clear, np.stack([weights for weights, _, _ in found], 1), 0.0)
    noise = np.where(clear, np.array([noise for _, noise, _ in found]), total)
    evidence = -0.5 * len(codes) * (np.log(total) + 1).sum() + gain[clear].sum()
    return weights, noise, float(evidence)


def _single(
    code: Array, moment: Array, gram: Array, blocks: Sequence[slice]
) -> tuple[Array, float, float]:
    """Return weights (P,), noise variance and evidence gain of one code (N,)."""
    count, square = len(code), float(code @ code)
    total = square / count
    if total < MIN_SCALE**2:
        return np.zeros(len(gram)), total, 0.0
    sizes = np.array([block.stop - block.start for block in blocks])
    # each tau starts large enough to explain the code alone; a tau of 0 would stay 0
    power = np.array([max(float(np.trace(gram[b, b])) / count, 1e-12) for b in blocks])
    tau, noise = total / power, total / 2
    for _ in range(ITERATIONS):
        root = np.repeat(np.sqrt(tau), sizes)
        inner = root[:, None] * gram * root
        inverse = np.linalg.inv(inner + noise * np.eye(len(gram)))
        weights = root * (inverse @ (root * moment))
        used = 1 - noise * np.diag(inverse)
        gamma = np.array([used[b].sum() for b in blocks])
        before, squares = np.append(tau, noise), np.array([weights[b] @ weights[b] for b in blocks])
        tau = np.clip(squares / np.maximum(gamma, 1e-9), 1e-12 * total / power, 1e6 * total / power)
        rest = square - 2 * moment @ weights + weights @ gram @ weights
        noise = max(rest / max(count - gamma.sum(), 1.0), MIN_NOISE * total)
        after = np.append(tau, noise)
        if np.abs(np.log(after / before))[after > 1e-9 * total / power.max()].max() < 1e-3:
            break
    root = np.repeat(np.sqrt(tau), sizes)
    inner = root[:, None] * gram * root / noise
    solved = np.linalg.solve(inner + np.eye(len(gram)), root * moment / noise)
    determinant = np.linalg.slogdet(inner + np.eye(len(gram)))[1]
    fit = (square - moment @ (root * solved)) / noise
    evidence = -0.5 * (count * np.log(noise) + determinant + fit)
    nothing = -0.5 * count * (np.log(total) + 1)
    return root * solved, float(noise), float(evidence - nothing)


def shrunk_correlation(rest: Array) -> Array:
    """Return the correlation matrix of residuals (N, D), shrunk towards the identity.

    The shrinkage weight maximises the likelihood in five-fold cross-validation. The grid is fine
    near 1 because the inverse is used: several latents that determine a factor together have
    residual correlations near 1, which must not be lost.
    """
    scaled = rest / np.maximum(np.sqrt(np.square(rest).mean(0)), 1e-12)
    fold = np.arange(len(scaled)) % FOLDS
    scores = np.zeros(len(SHRINKAGE_GRID))
    for out in range(FOLDS):
        inside, outside = scaled[fold != out], scaled[fold == out]
        correlation = inside.T @ inside / len(inside)
        scores += [_likelihood(_shrunk(correlation, weight), outside) for weight in SHRINKAGE_GRID]
    return _shrunk(scaled.T @ scaled / len(scaled), SHRINKAGE_GRID[scores.argmax()])


def _shrunk(correlation: Array, weight: float) -> Array:
    return np.asarray(weight * correlation + (1 - weight) * np.diag(np.diag(correlation)))


def _likelihood(covariance: Array, rows: Array) -> float:
    """Return log N(rows; 0, covariance) up to a constant; minus infinity where it is singular."""
    sign, determinant = np.linalg.slogdet(covariance)
    if sign <= 0:
        return -np.inf
    return float(
        -0.5 * (len(rows) * determinant + np.sum(rows * np.linalg.solve(covariance, rows.T).T))
    )
