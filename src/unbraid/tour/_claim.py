"""The claim under test: better reconstruction with similar disentanglement, at each beta.

Each seed trains both methods; its differences are what is averaged, so that what a seed does to
both falls out. Intervals are percentiles of the bootstrap over seeds (Efron 1979, "Bootstrap
Methods: Another Look at the Jackknife").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 10_000
LEVEL = 0.95
MARGIN = 0.05  # a score lower by less than that counts as similar; scores reach from 0 to 1


@dataclass(frozen=True)
class Interval:
    """A mean over seeds and the interval that holds it."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """beta-TCVAE less beta-VAE at one beta, over seeds.

    Args:
        beta: of both.
        reconstruction: nats per image; below 0 is better.
        scores: of each metric; above 0 is better.
    """

    beta: int
    reconstruction: Interval
    scores: Mapping[str, Interval]

    @property
    def better(self) -> bool:
        """Whether the reconstruction is better, the whole interval says so."""
        return self.reconstruction.high < 0

    @property
    def why_not(self) -> str:
        """What the claim fails by, empty if it holds."""
        if not self.better:
            surely = "worse" if self.reconstruction.low > 0 else "not surely better"
            return f"the reconstruction is {surely}"
        lower = [name for name, score in self.scores.items() if score.high <= -MARGIN]
        perhaps = [name for name, score in self.scores.items() if score.low <= -MARGIN < score.high]
        parts = [
            f"{' and '.join(names)} {verb} lower by {MARGIN:g} or more"
            for names, verb in ((lower, "is" if len(lower) < 2 else "are"), (perhaps, "may be"))
            if names
        ]
        return f"it is better, but {', and '.join(parts)}" if parts else ""

    @property
    def similar(self) -> bool:
        """Whether no score may be lower by as much as the margin."""
        return all(score.low > -MARGIN for score in self.scores.values())


def bootstrap(differences: Sequence[float], seed: int = 0) -> Interval:
    """Return the mean of paired differences, one a seed, and its bootstrap interval.

    >>> bootstrap([1.0, 1.0, 1.0])
    Interval(mean=1.0, low=1.0, high=1.0)
    """
    values = np.asarray(differences, np.float64)
    means = _means(values[None], np.random.default_rng(seed), DRAWS)[0]
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(values.mean()), float(low), float(high))


def _means(
    samples: NDArray[np.float64], rng: np.random.Generator, draws: int
) -> NDArray[np.float64]:
    """Return the means of ``draws`` resamples of each row of samples, (len(samples), draws)."""
    count = samples.shape[1]
    weights = rng.multinomial(count, np.full(count, 1 / count), size=draws) / count  # (draws, n)
    means: NDArray[np.float64] = samples @ weights.T
    return means


def coverage(seeds: int, trials: int = 4000) -> float:
    """Return how often such an interval of normal differences holds the true mean.

    With few seeds that is less often than the interval's level says.
    """
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(trials, seeds))
    means = _means(samples, rng, 1000)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1)
    return float(((low <= 0) & (high >= 0)).mean())


def verdict(found: Sequence[Comparison], seeds: int) -> tuple[str, str]:
    """Return the answer, in a word or two and as a sentence that says why.

    The claim is confirmed at a beta if the reconstruction is better and the scores are similar:
    both intervals say so. It is confirmed if that holds at every beta, not confirmed if it holds at
    none, and else confirmed only where it holds.
    """
    if seeds < 2:
        return "not decided", "One training of each is no test of two methods: take more seeds."
    holds = [each.beta for each in found if each.better and each.similar]
    reasons = [f"at β = {each.beta} {each.why_not}" for each in found if each.why_not]
    if found and len(holds) == len(found):
        return "confirmed", "At every β the reconstruction is better and the scores are similar."
    if not holds:
        return "not confirmed", _sentence(reasons)
    return f"confirmed only in this range: β = {ranges(holds, found)}", _sentence(reasons)


def ranges(holds: Sequence[int], found: Sequence[Comparison]) -> str:
    """Write the betas that hold, neighbours joined: ``2 to 4 and 16``."""
    known = [each.beta for each in found]
    parts: list[list[int]] = []
    for beta in holds:
        if parts and known.index(beta) == known.index(parts[-1][-1]) + 1:
            parts[-1].append(beta)
        else:
            parts.append([beta])
    return " and ".join(f"{p[0]} to {p[-1]}" if len(p) > 1 else str(p[0]) for p in parts)


def _sentence(reasons: Sequence[str]) -> str:
    text = "; ".join(reasons)
    return text[:1].upper() + text[1:] + "." if text else ""


def at_equal_reconstruction(
    one: Mapping[int, tuple[float, float]], other: Mapping[int, tuple[float, float]]
) -> float | None:
    """Return how much higher one seed's curve runs than another, both against reconstruction.

    Args:
        one: (reconstruction, score) by beta.
        other: the same of the method it is held against.

    Returns:
        The mean gap over the reconstructions that both curves reach, points joined by straight
        lines; None if there are none.
    """
    curves = [np.array(sorted(each.values())) for each in (one, other)]
    low = max(curve[0, 0] for curve in curves)
    high = min(curve[-1, 0] for curve in curves)
    if not low < high:
        return None
    grid = np.linspace(low, high, 201)
    first, second = (np.interp(grid, curve[:, 0], curve[:, 1]) for curve in curves)
    return float((first - second).mean())
