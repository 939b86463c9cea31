"""MIG-sup: does each code encode one factor and no other? The complement of MIG.

Li et al. 2020, "Progressive Learning and Disentanglement of Hierarchical Representations":
``MIG-sup = mean_i (n_i(1) - n_i(2))``, the two largest over factors of n_ij = I_ij / H_j.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from unbraid.metrics._evidence import Evidence
from unbraid.metrics._information import InformationOptions, gap, information
from unbraid.metrics._resampling import jackknife_error
from unbraid.metrics._score import Score, settings


@dataclass(frozen=True)
class Config(InformationOptions):
    """Codes below ``min_std`` are left out of the mean; at 0, the default, dead ones count."""


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return MIG-sup, 0 (worst) to 1; NaN with a single factor.

    >>> import numpy as np
    >>> from unbraid.metrics import gather
    >>> factors = np.random.default_rng(0).integers(0, 8, (2000, 2))
    >>> compute(gather(factors, factors), Config(), seed=0).value > 0.97
    True
    """
    info = information(evidence, config, seed)
    notes = evidence.notes()
    gaps = gap(info.normalised, axis=2)
    counted = gaps[:, info.alive]
    if len(evidence.specs) < 2:
        value, error = math.nan, math.nan
        notes += ("with a single factor no code can mix factors, so MIG-sup is undefined",)
    elif not counted.size:
        value, error = 0.0, 0.0
    else:
        values = counted.mean(axis=1)
        value, error = float(values[0]), float(jackknife_error(values))
    return Score(
        "mig-sup",
        config.variant,
        value,
        error,
        settings(evidence.sizes, config, seed, "block jackknife", "scipy"),
        per_code=gaps[0],
        matrix=info.normalised[0],
        factor_names=evidence.names,
        detail={"best_factor": info.normalised[0].argmax(axis=1), "counted": info.alive},
        notes=notes,
    )
