"""What the scores of a study say: variance components, chances, rank correlations, choices."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from scipy.stats import t as student_t

Floats = NDArray[np.float64]
PARTS = ("method", "setting", "seed")
DRAWS = 2000  # of the bootstrap
LEVEL = 0.95  # of intervals


class Interval(NamedTuple):
    """A mean over seeds and its t interval, whose ends are NaN where there is a single seed."""

    mean: float
    low: float
    high: float


def interval(values: Sequence[float] | Floats) -> Interval:
    """Return the mean of values, one a seed, and its 95% interval by Student's t.

    >>> [round(each, 2) for each in interval([1.0, 2.0, 3.0])]
    [2.0, -0.48, 4.48]
    """
    found = np.asarray(values, np.float64)
    mean = float(found.mean())
    if len(found) < 2:
        return Interval(mean, float("nan"), float("nan"))
    error = float(found.std(ddof=1)) / len(found) ** 0.5
    reach = float(student_t.ppf((1 + LEVEL) / 2, len(found) - 1)) * error
    return Interval(mean, mean - reach, mean + reach)


@dataclass(frozen=True)
class Components:
    """Variances of method, setting within method, and seed within setting.

    Args:
        values: of the three, in the order of ``PARTS``; one that is near 0 may be below it.
        shares: of their sum.
        low, high: of the shares' 95% intervals.
    """

    values: Floats
    shares: Floats
    low: Floats
    high: Floats


def variance_components(
    values: Sequence[float],
    methods: Sequence[Hashable],
    settings: Sequence[Hashable],
    draws: int = DRAWS,
    seed: int = 0,
) -> Components:
    """Return the variance components of scores under nested methods, settings and seeds.

    Searle, Casella and McCulloch 1992, "Variance Components", chapter 3: mean squares are set
    equal to their expectations, which is unbiased for any number of seeds. The share of a plain
    R^2 is not: the means of five seeds vary too, and that is counted as the settings' variance.

    The intervals are of a bootstrap over seeds, with methods and settings held fixed: they tell
    what other seeds would have given. Residuals are scaled by sqrt(n / (n - 1)), since those of n
    seeds are too small, and what resampled means vary too much is taken off the draws. A setting
    of a single seed has no residuals of its own: it draws from those of all other settings.

    Args:
        values: (N,), one a run.
        methods: (N,).
        settings: (N,), a setting is one of its method alone.
        draws: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        ValueError: fewer than 2 methods, no method with 2 settings, or no setting with 2 seeds;
            scores that do not vary.

    >>> rng = np.random.default_rng(0)
    >>> names = [(m, s) for m in range(6) for s in range(3) for _ in range(5)]
    >>> scores = rng.standard_normal(90)  # of seeds alone
    >>> found = variance_components(scores, *zip(*names), draws=200)
    >>> bool(found.low[2] < 1 < found.high[2])
    True
    """
    nesting = _Nesting(methods, settings)
    y = np.asarray(values, np.float64)
    groups = [y[rows] for rows in nesting.rows]
    means = np.array([group.mean() for group in groups])
    squares = np.array([np.square(group - group.mean()).sum() for group in groups])
    found = nesting.components(means[None], squares[None])[0]
    if not found.sum() > 0:
        raise ValueError("the scores do not vary, so that there is nothing to share out")
    rng = np.random.default_rng(seed)
    own = [_residuals(group) for group in groups]
    pooled = np.concatenate([each for each in own if len(each) > 1])
    drawn_means, drawn_squares = (np.empty((draws, len(groups))) for _ in range(2))
    for index, group in enumerate(groups):
        count = len(group)
        residuals = own[index] if count > 1 else pooled
        draw = residuals[rng.integers(0, len(residuals), (draws, count))]
        drawn_means[:, index] = group.mean() + draw.mean(axis=1)
        drawn_squares[:, index] = np.square(draw - draw.mean(axis=1, keepdims=True)).sum(axis=1)
    resampled = nesting.components(drawn_means, drawn_squares)
    resampled += found - resampled.mean(axis=0)
    shares = found / found.sum()
    spread = resampled / resampled.sum(axis=1, keepdims=True)
    low, high = np.quantile(spread, [0.025, 0.975], axis=0)
    return Components(found, shares, low, high)


def _residuals(group: Floats) -> Floats:
    """Return what a setting's scores are away from their mean, with the variance of a new seed."""
    scaled: Floats = (group - group.mean()) * np.sqrt(len(group) / max(len(group) - 1, 1))
    return scaled


class _Nesting:
    """Which runs belong to which setting and method, and what mean squares are expected to be."""

    def __init__(self, methods: Sequence[Hashable], settings: Sequence[Hashable]) -> None:
        cells: dict[tuple[Hashable, Hashable], list[int]] = {}
        for row, key in enumerate(zip(methods, settings, strict=True)):
            cells.setdefault(key, []).append(row)
        self.rows = [np.array(rows) for rows in cells.values()]
        kinds = list(dict.fromkeys(method for method, _ in cells))
        self.owner = np.array([kinds.index(method) for method, _ in cells])  # of each setting
        self.counts = np.array([len(rows) for rows in self.rows], np.float64)
        self.of_method = np.bincount(self.owner, self.counts)
        self.total = self.counts.sum()
        self.freedom = (
            len(kinds) - 1,
            len(self.counts) - len(kinds),
            int(self.total) - len(self.counts),
        )
        if min(self.freedom) < 1:
            raise ValueError("variances need 2 methods, 2 settings of one and 2 seeds of one")
        within = np.bincount(self.owner, self.counts**2) / self.of_method
        first, second, _ = self.freedom
        self.k1 = (self.total - within.sum()) / second
        self.k2 = (within.sum() - np.square(self.counts).sum() / self.total) / first
        self.k3 = (self.total - np.square(self.of_method).sum() / self.total) / first

    def components(self, means: Floats, squares: Floats) -> Floats:
        """Return the three components, (B, 3), of means and sums of squares of settings, (B, S)."""
        indicator = np.eye(len(self.of_method))[self.owner]  # (S, M)
        by_method = (means * self.counts) @ indicator / self.of_method
        grand = (by_method * self.of_method).sum(axis=1, keepdims=True) / self.total
        first, second, third = self.freedom
        of_method = (self.of_method * np.square(by_method - grand)).sum(axis=1) / first
        away = means - by_method[:, self.owner]
        of_setting = (self.counts * np.square(away)).sum(axis=1) / second
        of_seed = squares.sum(axis=1) / third
        setting = (of_setting - of_seed) / self.k1
        method = (of_method - of_seed - self.k2 * setting) / self.k3
        return np.stack([method, setting, of_seed], axis=1)


def chance_of_beating(
    first: Sequence[float], second: Sequence[float], lower_is_better: bool = False
) -> float:
    """Return the chance that a random score of the first beats a random one of the second.

    Ties count half: the Mann-Whitney statistic over the number of pairs. A run that diverged has
    the score minus infinity, or infinity where lower is better. NaN where either has no score;
    scores that are NaN are left out.

    >>> chance_of_beating([1.0, 3.0], [2.0, 2.0])
    0.5
    >>> chance_of_beating([1.0, float("-inf")], [0.5])
    0.5
    """
    a, b = (np.asarray(scores, np.float64) for scores in (first, second))
    a, b = a[~np.isnan(a)][:, None], b[~np.isnan(b)][None]
    if lower_is_better:
        a, b = -a, -b
    if not a.size or not b.size:
        return float("nan")
    return float(((a > b) + 0.5 * (a == b)).mean())


def rank_correlations(table: Floats) -> Floats:
    """Return Spearman's rank correlation of each two columns of (N, M), over rows with both.

    NaN where there are fewer than 3 rows, or a column is constant.
    """
    count = table.shape[1]
    found = np.full((count, count), np.nan)
    for i in range(count):
        for j in range(i, count):
            both = table[~np.isnan(table[:, [i, j]]).any(axis=1)][:, [i, j]]
            if len(both) >= 3 and (np.ptp(both, axis=0) > 0).all():
                found[i, j] = found[j, i] = spearmanr(both[:, 0], both[:, 1]).statistic
    return found


@dataclass(frozen=True)
class Choice:
    """What choosing one of many runs by few labels gives, in the score with many labels.

    Args:
        chosen: the score of the run that is best by few labels; the mean of several that are.
        best: that of the best.
        median: that of the median run, which a random choice gives.
        correlation: rank correlation of the scores by few and by many labels.
    """

    chosen: float
    best: float
    median: float
    correlation: float


def choice_by(
    few: Sequence[float],
    many: Sequence[float],
    diverged: int = 0,
    lower_is_better: bool = False,
) -> Choice:
    """Return what choosing by the first scores gives in the second, (N,) each.

    Args:
        few: scores to choose by.
        many: scores of the same runs to judge by.
        diverged: further runs, without scores, which are worse than all others.
        lower_is_better: of both scores.

    >>> choice_by([0.1, 0.3, 0.2], [0.2, 0.4, 0.5]).chosen
    0.4
    """
    both = np.array([few, many], np.float64)
    sign = -1.0 if lower_is_better else 1.0
    both = sign * both[:, ~np.isnan(both).any(axis=0)]  # of which higher is better
    if not both.size:
        return Choice(*[float("nan")] * 4)
    correlation = rank_correlations(both.T)[0, 1]
    scores: Any = both[1]
    return Choice(
        sign * float(scores[both[0] == both[0].max()].mean()),
        sign * float(scores.max()),
        sign * float(np.median([*scores, *[-np.inf] * diverged])),
        float(correlation),
    )
