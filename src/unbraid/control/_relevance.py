"""Regression of codes on factors that finds out which factors matter to which code.

Automatic relevance determination by groups: the weights of each block of regressors have a prior
N(0, tau_k I) of their own, and tau_k and the noise are those of highest evidence (Tipping 2001,
"Sparse Bayesian Learning and the Relevance Vector Machine", equations 16 to 18, by MacKay's fixed
point). A factor that tells nothing of a code gets tau_k = 0, without a threshold; one that tells
all of it is not shrunk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CLEAR = 5.0  # nats of evidence above none, and the logarithm of how many codes there are
LITTLE = 0.01  # of a code's variance: carries nothing
DEAD = 1e-5  # standard deviation of a latent that is constant
LEAST_NOISE = 1e-6  # of a code's variance
ROUNDS = 200
FOLDS = 5
KEPT = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 0.9999, 0.99999)


@dataclass(frozen=True)
class Regression:
    """What was found, for D codes and P regressors in K blocks.

    Args:
        weights: (P, D); 0 for codes that no factor is clearly carried by.
        noise: (D, D), covariance of what is left, what the fit itself took corrected for.
        carried: (D,), whether a code clearly carries something.
        shares: (D, K), of a code's variance that each block explains.
    """

    weights: Array
    noise: Array
    carried: NDArray[np.bool_]
    shares: Array


def regress(codes: Array, regressors: Array, blocks: Sequence[slice]) -> Regression:
    """Regress codes (N, D) on regressors (N, P), both with mean 0.

    It is done for each code by itself, and for each of the directions in which what is left of
    them is uncorrelated; the one with the higher evidence is taken, so that factors that lie askew
    in the codes are found whole.

    >>> rng = np.random.default_rng(0)
    >>> regressors = rng.standard_normal((100, 2))
    >>> codes = regressors[:, :1] + 0.1 * rng.standard_normal((100, 1))
    >>> regress(codes, regressors, [slice(0, 1), slice(1, 2)]).shares.round(1).tolist()
    [[1.0, 0.0]]
    """
    if not codes.shape[1]:
        return Regression(
            np.zeros((regressors.shape[1], 0)),
            np.zeros((0, 0)),
            np.zeros(0, bool),
            np.zeros((0, len(blocks))),
        )
    scale = np.maximum(codes.std(0), DEAD)
    scaled, axes = codes / scale, np.eye(codes.shape[1])
    found = []
    for _ in range(2):
        weights, noise, evidence = _each(scaled @ axes, regressors, blocks)
        rest = scaled - regressors @ weights @ axes.T
        correlation = shrunk_correlation(rest @ axes)
        evidence -= 0.5 * len(codes) * np.linalg.slogdet(correlation)[1]
        left = np.sqrt(np.outer(noise, noise)) * correlation
        found.append((evidence, weights @ axes.T, axes @ left @ axes.T))
        axes = np.linalg.eigh(rest.T @ rest)[1]
    _, weights, noise = max(found, key=lambda one: one[0])
    parts = [np.square(regressors[:, block] @ weights[block]).mean(0) for block in blocks]
    shares = np.stack(parts, 1) if parts else np.zeros((codes.shape[1], 0))
    carried = shares.sum(1) > LITTLE
    weights = np.where(carried, weights, 0.0)
    return Regression(weights * scale, noise * np.outer(scale, scale), carried, shares)


def _each(codes: Array, regressors: Array, blocks: Sequence[slice]) -> tuple[Array, Array, float]:
    """Return weights (P, D) and noise (D,) of each code by itself, and the evidence of all."""
    gram = regressors.T @ regressors
    found = [_one(code, regressors.T @ code, gram, blocks) for code in codes.T]
    total = np.maximum(np.square(codes).mean(0), DEAD**2)
    gain = np.array([gain for _, _, gain in found])
    clear = gain > CLEAR + np.log(max(len(gain), 1))
    weights = np.where(clear, np.stack([weights for weights, _, _ in found], 1), 0.0)
    noise = np.where(clear, np.array([noise for _, noise, _ in found]), total)
    evidence = -0.5 * len(codes) * (np.log(total) + 1).sum() + gain[clear].sum()
    return weights, noise, float(evidence)


def _one(
    code: Array, moment: Array, gram: Array, blocks: Sequence[slice]
) -> tuple[Array, float, float]:
    """Return weights (P,), noise and gain of one code (N,)."""
    count, square = len(code), float(code @ code)
    total = square / count
    if total < DEAD**2:
        return np.zeros(len(gram)), total, 0.0
    sizes = np.array([block.stop - block.start for block in blocks])
    # each block starts able to explain all of it: one that starts at 0 would stay there
    power = np.array([max(float(np.trace(gram[b, b])) / count, 1e-12) for b in blocks])
    tau, noise = total / power, total / 2
    for _ in range(ROUNDS):
        root = np.repeat(np.sqrt(tau), sizes)
        inner = root[:, None] * gram * root
        inverse = np.linalg.inv(inner + noise * np.eye(len(gram)))
        weights = root * (inverse @ (root * moment))
        used = 1 - noise * np.diag(inverse)
        gamma = np.array([used[b].sum() for b in blocks])
        before, squares = np.append(tau, noise), np.array([weights[b] @ weights[b] for b in blocks])
        tau = np.clip(squares / np.maximum(gamma, 1e-9), 1e-12 * total / power, 1e6 * total / power)
        rest = square - 2 * moment @ weights + weights @ gram @ weights
        noise = max(rest / max(count - gamma.sum(), 1.0), LEAST_NOISE * total)
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
    """Return the correlations of residuals (N, D), each times what held-out residuals bear out.

    The factor between 0 and 1 is that of highest likelihood in five-fold cross-validation. It is
    the inverse that is used: a few latents that together hold a factor exactly must not be blurred.
    """
    scaled = rest / np.maximum(np.sqrt(np.square(rest).mean(0)), 1e-12)
    fold = np.arange(len(scaled)) % FOLDS
    scores = np.zeros(len(KEPT))
    for out in range(FOLDS):
        inside, outside = scaled[fold != out], scaled[fold == out]
        correlation = inside.T @ inside / len(inside)
        scores += [_likelihood(_kept(correlation, kept), outside) for kept in KEPT]
    return _kept(scaled.T @ scaled / len(scaled), KEPT[scores.argmax()])


def _kept(correlation: Array, kept: float) -> Array:
    return np.asarray(kept * correlation + (1 - kept) * np.diag(np.diag(correlation)))


def _likelihood(covariance: Array, rows: Array) -> float:
    """Return log N(rows; 0, covariance) up to a constant; minus infinity where it is singular."""
    sign, determinant = np.linalg.slogdet(covariance)
    if sign <= 0:
        return -np.inf
    return float(
        -0.5 * (len(rows) * determinant + np.sum(rows * np.linalg.solve(covariance, rows.T).T))
    )
