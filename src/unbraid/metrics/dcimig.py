"""DCIMIG (3CharM): is there a code for each factor that encodes it and no other factor?

Sepliarskaia et al. 2019, "How to Not Measure Disentanglement": a code i belongs to
the factor it tells most of, with gap ``g_i = I_i(1) - I_i(2)`` over factors; a factor gets the
largest gap among its codes, and ``DCIMIG = sum_j max_i g_i / sum_j H_j``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from unbraid.metrics._evidence import Evidence
from unbraid.metrics._information import InformationOptions, gap, information
from unbraid.metrics._resampling import jackknife_error
from unbraid.metrics._score import Score, settings


@dataclass(frozen=True)
class Config(InformationOptions):
    """DCIMIG takes the options of the mutual information alone."""


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return DCIMIG, 0 (worst) to 1; NaN with a single factor.

    >>> import numpy as np
    >>> from unbraid.metrics import gather
    >>> factors = np.random.default_rng(0).integers(0, 8, (2000, 2))
    >>> compute(gather(factors, factors), Config(), seed=0).value > 0.97
    True
    """
    info = information(evidence, config, seed)
    gaps = gap(info.mutual, axis=2)[:, :, None]
    owner = info.mutual.argmax(axis=2)[:, :, None] == np.arange(len(evidence.specs))
    best = np.where(owner, gaps, 0.0).max(axis=1)
    values = best.sum(axis=1) / info.factor_entropy.sum(axis=1)
    value, error, notes = float(values[0]), float(jackknife_error(values)), evidence.notes()
    if len(evidence.specs) < 2:
        value, error = math.nan, math.nan
        notes += ("with a single factor no code can mix factors, so DCIMIG is undefined",)
    return Score(
        "dcimig",
        config.variant,
        value,
        error,
        settings(evidence.sizes, config, seed, "block jackknife", "scipy"),
        per_factor=best[0] / info.factor_entropy[0],
        per_code=gaps[0, :, 0],
        matrix=info.mutual[0],
        factor_names=evidence.names,
        notes=notes,
    )
