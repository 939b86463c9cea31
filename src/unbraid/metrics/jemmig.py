"""JEMMIG: MIG that also requires that the code encodes nothing but its factor.

Do & Tran 2020, "Theory and Evaluation Metrics for Learning Disentangled Representations":
``JEMMIG_j = H(z*, v_j) - I(z*, v_j) + I(z', v_j)`` with z* and z' the two codes that tell most
of factor j. It is 0 at best and at most H(v_j) + log(bins), so the normalised score
``1 - JEMMIG_j / (H(v_j) + log(bins))`` runs from 0 to 1. The bins of a categorical or quantised
code are its values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unbraid.core.errors import UnbraidError
from unbraid.metrics._evidence import Evidence
from unbraid.metrics._information import InformationOptions, gap, information, lone_code
from unbraid.metrics._resampling import jackknife_error
from unbraid.metrics._score import Estimate, Score, settings


@dataclass(frozen=True)
class Config(InformationOptions):
    """JEMMIG needs joint entropies and so the histogram."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.estimator != "histogram":
            raise UnbraidError(
                f"jemmig needs the joint entropy of binned codes, which estimator="
                f"'{self.estimator}' does not give: use 'histogram'."
            )


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return the normalised JEMMIG, 0 (worst) to 1; the part ``nats`` is the raw mean.

    >>> import numpy as np
    >>> from unbraid.metrics import gather
    >>> factors = np.random.default_rng(0).integers(0, 8, (2000, 2))
    >>> compute(gather(factors, factors), Config(), seed=0).value > 0.97
    True
    """
    info = information(evidence, config, seed)
    assert info.code_entropy is not None  # the histogram has it
    best = info.mutual.argmax(axis=1)[:, None, :]
    joint = info.code_entropy[:, :, None] + info.factor_entropy[:, None, :] - info.mutual
    raw = np.take_along_axis(joint, best, axis=1)[:, 0] - gap(info.mutual, axis=1)
    highest = info.factor_entropy + np.log(info.code_levels)[best[:, 0]]
    scores = 1 - raw / highest
    values, nats = scores.mean(axis=1), raw.mean(axis=1)
    normalised = Estimate(float(values[0]), float(jackknife_error(values)))
    return Score(
        "jemmig",
        config.variant,
        normalised.value,
        normalised.standard_error,
        settings(evidence.sizes, config, seed, "block jackknife", "scipy"),
        parts={
            "normalised": normalised,
            "nats": Estimate(float(nats[0]), float(jackknife_error(nats))),
        },
        per_factor=scores[0],
        matrix=info.mutual[0],
        factor_names=evidence.names,
        detail={"best_code": best[0, 0], "joint_entropy": joint[0]},
        notes=evidence.notes() + lone_code(evidence),
    )
