"""UDR, unsupervised disentanglement ranking: do trainings with other seeds find the same codes?

Duan et al. 2020, "Unsupervised Model Selection for Variational Disentangled Representation
Learning". With R_ab the strength of the relation of code a of one run and code b of
another, ``UDR = 1/(d_a + d_b) (sum_b r_b^2 / sum_a R_ab + sum_a r_a^2 / sum_b R_ab)`` where r is
the largest entry of its column or row and the sums run over active codes. A run's score is the
median over the other runs.

A categorical code is a one-hot block, as is a quantised one: two trainings may have the values of
one factor in two orders. With the Lasso its R is the root of the squared weights, summed over the
block's columns as inputs and averaged over them as targets; with ranks it is the root mean square
canonical correlation (Cramer's V of two categories).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.linear_model import Lasso

from unbraid.core.errors import UnbraidError
from unbraid.metrics._evidence import MIN_ROWS, Evidence
from unbraid.metrics._latents import Latents
from unbraid.metrics._linear import standardised
from unbraid.metrics._options import at_least, positive
from unbraid.metrics._resampling import jackknife_error
from unbraid.metrics._score import Score, settings

NEEDS = ("runs",)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Config:
    """How UDR is found.

    Args:
        relation: ``lasso`` (absolute weights of a Lasso regression, UDR_L) or ``spearman``
            (absolute rank correlation, UDR_S).
        penalty: of the Lasso on standardised codes.
        min_std: codes whose standard deviation over images is lower are inactive. The paper
            asks for a KL of at least 0.01, which codes alone do not tell.
        max_rows: more rows than that are thinned at random; None keeps all.
    """

    relation: Literal["lasso", "spearman"] = "lasso"
    penalty: float = 0.1
    min_std: float = 0.1
    max_rows: int | None = 10_000

    def __post_init__(self) -> None:
        at_least(self, min_std=0, max_rows=MIN_ROWS)
        positive(self, "penalty")


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return the mean UDR of the runs, 0 to 1 (best); ``detail["per_run"]`` ranks them.

    >>> import numpy as np
    >>> from unbraid.metrics import gather
    >>> z = np.random.default_rng(0).standard_normal((500, 3))
    >>> score = compute(gather(runs=[z, -z[:, ::-1]]), Config(relation="spearman"), seed=0)
    >>> score.value > 0.9
    True
    """
    if len(evidence.runs) < 2:
        raise UnbraidError(
            f"udr compares trainings and found {len(evidence.runs)}: give the codes of at least 2."
        )
    rows = np.arange(len(evidence.runs[0]))
    if config.max_rows is not None and len(rows) > config.max_rows:
        rows = np.random.default_rng(seed).choice(rows, config.max_rows, replace=False)
    runs = [
        _active_blocks(z[rows], latents, config.min_std)
        for z, latents in zip(evidence.runs, evidence.run_latents, strict=True)
    ]
    if config.relation == "spearman":
        runs = [[_rank_basis(block) for block in blocks] for blocks in runs]
    pairs = np.full((len(runs), len(runs)), np.nan)
    for a, first in enumerate(runs):
        for b, second in enumerate(runs):
            if a != b:
                pairs[a, b] = agreement(_relation(first, second, config))
    per_run = np.nanmedian(pairs, axis=0)
    dead = [str(i) for i, blocks in enumerate(runs) if not blocks]
    notes: tuple[str, ...] = ()
    if dead:
        notes += (f"runs without an active code: {', '.join(dead)}",)
    if len(runs) < 3:
        notes += ("two runs make a single comparison, so the standard error is unknown",)
    return Score(
        "udr",
        f"{config.relation}, codes of sd >= {config.min_std:g}",
        float(per_run.mean()),
        _error(pairs),
        settings({"rows": len(rows), "runs": len(runs)}, config, seed, "jackknife over runs"),
        detail={"per_run": per_run, "pairs": pairs},
        notes=notes,
    )


def _error(pairs: Floats) -> float:
    """Return the jackknife's standard error of the mean UDR, NaN for two runs.

    Runs share their comparisons, so that the spread of their scores would be too small.
    """
    count = len(pairs)
    if count < 3:
        return math.nan
    kept = [np.arange(count)] + [np.delete(np.arange(count), run) for run in range(count)]
    means = [np.nanmedian(pairs[np.ix_(runs, runs)], axis=0).mean() for runs in kept]
    return float(jackknife_error(np.array(means)))


def _active_blocks(codes: Floats, latents: Latents, min_std: float) -> list[Floats]:
    """Return the standardised columns (N, k) of each active code: one, or a one-hot block."""
    columns = latents.columns(codes)
    deviation = np.sqrt(latents.total(columns.var(axis=0)))
    varies = np.ptp(codes, axis=0) > 0
    scaled = standardised(columns)
    active = np.flatnonzero((deviation >= min_std) & varies)
    return [scaled[:, latents.owners == i] for i in active]


def _relation(first: list[Floats], second: list[Floats], config: Config) -> Floats:
    """Return R (d_a, d_b) of two runs' active codes, given as blocks of columns."""
    if not first or not second:
        return np.zeros((len(first), len(second)))
    if config.relation == "spearman":
        return np.array([[_correlation(a, b) for b in second] for a in first])
    inputs, targets = np.concatenate(first, axis=1), np.concatenate(second, axis=1)
    weights = Lasso(alpha=config.penalty).fit(inputs, targets).coef_.reshape(len(targets.T), -1)
    squared = np.square(weights).T  # (inputs, targets)
    squared = np.add.reduceat(squared, _starts(first), axis=0)
    varying = np.add.reduceat((np.ptp(targets, axis=0) > 0).astype(float), _starts(second))
    relation: Floats = np.sqrt(np.add.reduceat(squared, _starts(second), axis=1) / varying)
    return relation


def _starts(blocks: list[Floats]) -> Ints:
    widths = np.array([block.shape[1] for block in blocks])
    starts: Ints = np.cumsum(widths) - widths
    return starts


def _rank_basis(block: Floats) -> Floats:
    """Return an orthonormal basis (N, r) of a code's centred ranks, or of a category's columns."""
    ranks = rankdata(block, axis=0) if block.shape[1] == 1 else block
    left, size, _ = np.linalg.svd(ranks - ranks.mean(axis=0), full_matrices=False)
    basis: Floats = left[:, size > 1e-9 * size[0]]
    return basis


def _correlation(a: Floats, b: Floats) -> float:
    """Return the root mean square canonical correlation of two bases.

    It is the absolute rank correlation of two numbers, the root of the correlation ratio of a
    number's ranks and a category, and Cramer's V of two categories.
    """
    return float(np.sqrt(np.square(a.T @ b).sum() / min(a.shape[1], b.shape[1])))


def agreement(relation: Floats) -> float:
    """Return the UDR of one pair of runs from its relation matrix (d_a, d_b).

    >>> agreement(np.eye(3))
    1.0
    """
    if not relation.size:
        return 0.0
    total = 0.0
    for axis in (0, 1):
        sums = relation.sum(axis=axis)
        total += float((relation.max(axis=axis)[sums > 0] ** 2 / sums[sums > 0]).sum())
    return total / sum(relation.shape)
