"""Mutual information gap: is each factor encoded by one code and no other?

Chen et al. 2018, "Isolating Sources of Disentanglement in VAEs", eq. 6:
``MIG = mean_j (I_(1)j - I_(2)j) / H_j``, the two largest mutual informations over codes.
"""

from __future__ import annotations

from dataclasses import dataclass

from unbraid.metrics._evidence import Evidence
from unbraid.metrics._information import InformationOptions, gap, information, lone_code
from unbraid.metrics._resampling import jackknife_error
from unbraid.metrics._score import Score, settings


@dataclass(frozen=True)
class Config(InformationOptions):
    """MIG takes the options of the mutual information alone."""


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return the mutual information gap, 0 (worst) to 1.

    A histogram can only reach 1 if every factor has no more values than there are bins; with
    ``estimator="knn"`` perfect codes reach 1.

    >>> import numpy as np
    >>> from unbraid.metrics import gather
    >>> factors = np.random.default_rng(0).integers(0, 8, (2000, 2))
    >>> compute(gather(factors, factors), Config(), seed=0).value > 0.97
    True
    """
    info = information(evidence, config, seed)
    gaps = gap(info.normalised, axis=1)
    values = gaps.mean(axis=1)
    return Score(
        "mig",
        config.variant,
        float(values[0]),
        float(jackknife_error(values)),
        settings(evidence.sizes, config, seed, "block jackknife", "scipy"),
        per_factor=gaps[0],
        matrix=info.mutual[0],
        factor_names=evidence.names,
        detail={
            "per_factor_standard_error": jackknife_error(gaps),
            "best_code": info.mutual[0].argmax(axis=0),
            "factor_entropy": info.factor_entropy[0],
        },
        notes=evidence.notes() + lone_code(evidence),
    )
