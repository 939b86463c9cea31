"""Modularity: does each code encode one factor only?

Ridgeway & Mozer 2018, "Learning Deep Disentangled Embeddings with the F-Statistic Loss":
code i scores ``1 - (sum_j I_ij^2 - max_j I_ij^2) / ((F - 1) max_j I_ij^2)``; the mean is taken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unbraid.metrics._evidence import Evidence
from unbraid.metrics._information import InformationOptions, information
from unbraid.metrics._resampling import jackknife_error
from unbraid.metrics._score import Score, settings


@dataclass(frozen=True)
class Config(InformationOptions):
    """Codes below ``min_std`` are left out of the mean.

    At 0, the default and the published setting, a dead code counts fully: an exactly constant
    one with 0, a noise code with whatever chance gives it.
    """


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return the modularity, 0 to 1 (best); NaN with a single factor.

    >>> import numpy as np
    >>> from unbraid.metrics import gather
    >>> factors = np.random.default_rng(0).integers(0, 8, (2000, 2))
    >>> compute(gather(factors, factors), Config(), seed=0).value > 0.97
    True
    """
    info = information(evidence, config, seed)
    per_code = _modularity(info.mutual)
    counted = per_code[:, info.alive]
    notes = evidence.notes()
    if len(evidence.specs) < 2:
        value, error = math.nan, math.nan
        notes += ("with a single factor no code can mix factors, so modularity is undefined",)
    elif not counted.size:
        value, error = 0.0, 0.0
    else:
        values = counted.mean(axis=1)
        value, error = float(values[0]), float(jackknife_error(values))
    return Score(
        "modularity",
        config.variant,
        value,
        error,
        settings(evidence.sizes, config, seed, "block jackknife", "scipy"),
        per_code=per_code[0],
        matrix=info.mutual[0],
        factor_names=evidence.names,
        detail={"counted": info.alive},
        notes=notes,
    )


def _modularity(mutual: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each code's modularity, (G + 1, D); codes without information get 0."""
    squared = np.square(mutual)
    largest = squared.max(axis=2)
    others = squared.sum(axis=2) - largest
    bound = (mutual.shape[2] - 1) * largest
    scores: NDArray[np.float64] = np.where(
        bound > 0, 1 - others / np.where(bound > 0, bound, 1), 0.0
    )
    return scores
