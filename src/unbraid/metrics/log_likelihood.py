"""Importance-weighted estimate of the log-likelihood, from log weights.

Burda et al. 2016, "Importance Weighted Autoencoders", eq. 8: ``log p(x) >= E log 1/K sum_k
p(x, z_k) / q(z_k | x)``, tighter the larger K. With K = 1 it is the ELBO.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from unbraid.metrics._evidence import Evidence
from unbraid.metrics._options import at_least
from unbraid.metrics._resampling import mean_error
from unbraid.metrics._score import SINGLE, Estimate, Score, settings

NEEDS = ("log_weights",)


@dataclass(frozen=True)
class Config:
    """How the likelihood is reported.

    Args:
        dimensions: dimensions of an image, to report nats per dimension too; 0 for no.
    """

    dimensions: int = 0

    def __post_init__(self) -> None:
        at_least(self, dimensions=0)


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return the mean bound on log p(x) in nats per image.

    ``effective samples`` is the mean of ``(sum w)^2 / sum w^2``: near 1, one sample carries the
    whole sum and the bound is loose.

    >>> import numpy as np
    >>> from unbraid.metrics import gather
    >>> compute(gather(log_weights=np.full((60, 5), -3.0)), Config(), seed=0).value
    -3.0
    """
    assert evidence.log_weights is not None  # NEEDS says so
    weights = evidence.log_weights
    samples = weights.shape[1]
    total = logsumexp(weights, axis=1)
    bound = total - np.log(samples)
    effective = np.exp(2 * total - logsumexp(2 * weights, axis=1))
    rows = {"log-likelihood": bound, "ELBO": weights.mean(axis=1), "effective samples": effective}
    if config.dimensions:
        rows["log-likelihood per dimension"] = bound / config.dimensions
    parts = {label: Estimate(float(v.mean()), mean_error(v)) for label, v in rows.items()}
    return Score(
        "log-likelihood",
        f"{samples} importance samples",
        parts["log-likelihood"].value,
        parts["log-likelihood"].standard_error,
        settings(
            {"rows": len(weights), "samples": samples}, config, seed, "spread over images", "scipy"
        ),
        parts=parts,
        notes=SINGLE if len(weights) == 1 else (),
    )
