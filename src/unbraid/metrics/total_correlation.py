"""Total correlation and index-code mutual information of the aggregate posterior.

Chen et al. 2018, "Isolating Sources of Disentanglement in VAEs", eq. 2: with q(z) the mean of
the N posteriors, ``mean KL(q(z|n) || p) = I(z; n) + KL(q(z) || prod_d q(z_d)) + sum_d KL(q(z_d) ||
p(z_d))``. Every log density is taken against all N components, so nothing is biased by
minibatches; what is left is the noise of the z drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unbraid.metrics._density import draw, log_aggregate
from unbraid.metrics._evidence import MIN_ROWS, Evidence
from unbraid.metrics._options import at_least
from unbraid.metrics._score import Estimate, Score, settings

NEEDS = ("codes", "logvar")
LOWER_IS_BETTER = True
SEMANTICS = 2  # standard errors of many latents, and controls that no offset changes

Floats = NDArray[np.float64]
MOST_CONTROLS = 0.5  # for each draw: more fit the draws by chance


@dataclass(frozen=True)
class Config:
    """How the terms are found.

    Args:
        samples: draws from the aggregate posterior.
        max_rows: more posteriors than that are thinned at random; None keeps all. The terms
            depend on N: the mutual information cannot exceed log N.
    """

    samples: int = 1000
    max_rows: int | None = 100_000

    def __post_init__(self) -> None:
        at_least(self, samples=100, max_rows=MIN_ROWS)


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return the total correlation in nats (0 is best), with the other terms as parts.

    The prior is a standard normal.

    >>> import numpy as np
    >>> from unbraid.metrics import gather
    >>> mean = np.random.default_rng(0).standard_normal((500, 2))
    >>> score = compute(gather(mean, logvar=np.full((500, 2), -1.0)), Config(), seed=0)
    >>> list(score.parts)[:2]
    ['total correlation', 'mutual information']
    """
    evidence = evidence.thin(config.max_rows, seed)
    assert evidence.logvar is not None  # NEEDS says so
    mean, logvar = evidence.codes, evidence.logvar
    z, index = draw(mean, logvar, config.samples, seed)
    own = _log_normal(z, mean[index], logvar[index])
    prior = _log_normal(z, np.zeros(1), np.zeros(1))
    joint, marginal = log_aggregate(z, mean, logvar)
    # Means of these are known exactly, so that their chance deviations can be taken off.
    # About the codes' own middle, so that an offset of the codes changes no estimate.
    middle = mean.mean(axis=0)
    variance = (np.square(mean - middle) + np.exp(logvar)).mean(axis=0)
    blocks = [
        own + 0.5 * (logvar.mean(axis=0) + np.log(2 * np.pi) + 1),
        z - middle,
        np.square(z - middle) - variance,
    ]
    if sum(block.shape[1] for block in blocks) > len(z) * MOST_CONTROLS:
        blocks = [block.sum(axis=1, keepdims=True) for block in blocks]
    controls = np.concatenate(blocks, axis=1)
    parts = {
        "total correlation": _controlled(joint - marginal.sum(axis=1), controls),
        "mutual information": _controlled(own.sum(axis=1) - joint, controls),
        "dimension-wise KL": _controlled((marginal - prior).sum(axis=1), controls),
        "total KL": Estimate(float(kl(mean, logvar).sum(axis=1).mean()), 0.0),
    }
    return Score(
        "total-correlation",
        f"all {len(mean)} posteriors, {config.samples} samples",
        parts["total correlation"].value,
        parts["total correlation"].standard_error,
        settings(
            evidence.sizes, config, seed, "Monte Carlo over z, posteriors held fixed", "scipy"
        ),
        parts=parts,
        per_code=kl(mean, logvar).mean(axis=0),
        notes=evidence.notes(),
    )


def kl(mean: Floats, logvar: Floats) -> Floats:
    """Return KL(N(mean, exp(logvar)) || N(0, 1)) in nats, elementwise.

    >>> float(kl(np.array([1.0]), np.array([0.0]))[0])
    0.5
    """
    divergence: Floats = 0.5 * (np.square(mean) + np.exp(logvar) - 1 - logvar)
    return divergence


def _log_normal(z: Floats, mean: Floats, logvar: Floats) -> Floats:
    density: Floats = -0.5 * (np.square(z - mean) / np.exp(logvar) + logvar + np.log(2 * np.pi))
    return density


def _controlled(terms: Floats, controls: Floats) -> Estimate:
    """Return the mean of ``terms`` (M,) regressed on ``controls`` (M, C), whose means are 0."""
    # At one size, or those of codes far from 0 would drown the constant.
    size = np.sqrt(np.square(controls).mean(axis=0))
    controls = controls / np.where(size > 0, size, 1)
    inputs = np.concatenate([np.ones((len(terms), 1)), controls], axis=1)
    inverse = np.linalg.pinv(inputs, rcond=len(terms) * np.finfo(float).eps)
    weights = np.linalg.lstsq(inputs, terms, rcond=None)[0]
    left = terms - inputs @ weights
    variance = left @ left / max(len(terms) - inputs.shape[1], 1)
    # of the constant, which depends on the controls: more than a mean's
    return Estimate(float(weights[0]), float(np.sqrt(variance * (inverse[0] @ inverse[0]))))
