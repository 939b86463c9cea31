"""IRS, interventional robustness: does a code stay constant when other factors change?

Suter et al. 2019, "Robustly Disentangled Causal Mechanisms". Among the rows of equal
factor j, the q-quantile of code i's distance from its mean there, averaged over the factor's
values, is d_ij; over code i's largest distance from its overall mean M_i it gives
``IRS_ij = 1 - d_ij / M_i``, and ``IRS = sum_i M_i max_j IRS_ij / sum_i M_i``. A categorical code's
distances are those of its one-hot vectors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.metrics._bins import equal_width
from unbraid.metrics._evidence import MIN_ROWS, Evidence
from unbraid.metrics._latents import Latents
from unbraid.metrics._options import at_least
from unbraid.metrics._resampling import half_samples
from unbraid.metrics._score import Score, settings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEW = 10  # rows of a level, below which their 0.99 quantile is far from that of many


@dataclass(frozen=True)
class Config:
    """How IRS is found.

    Args:
        quantile: of the distances within a group; 1 is the paper's maximum, 0.99 the usual.
        bin_levels: bin factors of levels too, into ``factor_bins`` equal widths, as
            disentanglement_lib does, which merges values of factors that have more.
        factor_bins: quantile bins of a factor stored as reals.
        max_rows: more rows than that are thinned at random; None keeps all.
        resamples: random halves of the rows, for the standard error.
    """

    quantile: float = 0.99
    bin_levels: bool = False
    factor_bins: int = 20
    max_rows: int | None = 100_000
    resamples: int = 10

    def __post_init__(self) -> None:
        if not 0 < self.quantile <= 1:
            raise UnbraidError(f"quantile must be in (0, 1], but it is {self.quantile}.")
        at_least(self, factor_bins=2, max_rows=MIN_ROWS, resamples=0)


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return IRS, about 0 to 1 (best); constant codes are left out, 0 if no code is left.

    NaN if no two rows share a level of some factor.

    >>> import numpy as np
    >>> from unbraid.metrics import gather
    >>> factors = np.random.default_rng(0).integers(0, 4, (600, 2))
    >>> compute(gather(factors, factors), Config(), seed=0).value
    1.0
    """
    evidence = evidence.thin(config.max_rows, seed)
    if config.bin_levels:
        levels = np.stack([equal_width(v, config.factor_bins) for v in evidence.factors.T], axis=1)
        levels = np.stack([np.unique(v, return_inverse=True)[1] for v in levels.T], axis=1)
    else:
        levels = evidence.levels(config.factor_bins, "quantile")
    value, matrix, largest = robustness(evidence, levels, config.quantile)
    halves = half_samples(len(levels), config.resamples, seed)
    spread = [robustness(evidence.take(h), levels[h], config.quantile)[0] for h in halves]
    half_undefined: tuple[str, ...] = ()
    if np.isnan(spread).any() and not math.isnan(value):
        half_undefined = ("half of the rows have too few of a level, so the error is unknown",)
    grouped = f"factors in {config.factor_bins} bins" if config.bin_levels else "factors as given"
    return Score(
        "irs",
        f"{config.quantile:g} quantile, {grouped}",
        value,
        float(np.std(spread, ddof=1)) if len(spread) > 1 else float("nan"),
        settings(evidence.sizes, config, seed, "half-samples of the rows"),
        per_code=matrix.max(axis=1),
        matrix=matrix,
        factor_names=evidence.names,
        detail={"largest_deviation": largest},
        notes=evidence.notes() + _few_rows(evidence.names, levels) + half_undefined,
    )


def robustness(evidence: Evidence, levels: Ints, quantile: float) -> tuple[float, Floats, Floats]:
    """Return the score, its matrix (D, F) and each code's largest deviation M (D,).

    A column of the matrix is NaN, and so is the score, where no two rows share a level.

    Args:
        evidence: codes (N, D).
        levels: (N, F), integers from 0.
        quantile: q.
    """
    latents, columns = evidence.latents, evidence.columns()
    largest = latents.lengths(columns - columns.mean(axis=0)).max(axis=0)
    largest[evidence.constant_codes] = 0.0
    scale = np.where(largest > 0, largest, np.inf)
    within = [_group_quantiles(latents, columns, level, quantile) for level in levels.T]
    scores = np.where(largest[:, None] > 0, 1 - np.stack(within, axis=1) / scale[:, None], 0.0)
    total = largest.sum()
    return (float(largest @ scores.max(axis=1) / total) if total > 0 else 0.0), scores, largest


def _group_quantiles(latents: Latents, columns: Floats, level: Ints, quantile: float) -> Floats:
    """Return d (D,): the quantile of |z - group mean| in each group, averaged over groups.

    A row that is alone with its level is its own mean and so tells nothing: it is left out.
    """
    counts = np.bincount(level)
    groups = np.split(columns[np.argsort(level, kind="stable")], np.cumsum(counts)[:-1])
    away = [latents.lengths(group - group.mean(axis=0)) for group in groups if len(group) > 1]
    if not away:
        return np.full(latents.count, math.nan)
    average: Floats = np.mean([np.quantile(group, quantile, axis=0) for group in away], axis=0)
    return average


def _few_rows(names: tuple[str, ...], levels: Ints) -> tuple[str, ...]:
    """Return notes on factors whose levels have few rows."""
    notes = []
    for name, level in zip(names, levels.T, strict=True):
        counts = np.bincount(level)
        single = int((counts == 1).sum())
        if single:
            left = "so IRS is undefined" if counts.max() == 1 else "they are left out"
            notes.append(f"{single} of {len(counts)} levels of '{name}' have a single row: {left}")
        if 1 < np.median(counts[level]) < FEW:
            notes.append(
                f"most levels of '{name}' have fewer than {FEW} rows, of which the quantile is too "
                "small: noise looks robust"
            )
    return tuple(notes)
