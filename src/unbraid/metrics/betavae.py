"""BetaVAE score: do differences of codes tell which factor two images share?

Higgins et al. 2017, "beta-VAE", section 3: average |z1 - z2| over a batch of pairs that share one
factor, and predict the factor from that average with a linear classifier.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unbraid.metrics._evidence import Evidence
from unbraid.metrics._fixed import Sampler, sampler
from unbraid.metrics._linear import logistic
from unbraid.metrics._options import at_least
from unbraid.metrics._resampling import mean_error
from unbraid.metrics._score import Estimate, Score, settings

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Config:
    """How the BetaVAE score is found.

    Args:
        batch: pairs averaged for one point.
        train: points that fit the logistic regression.
        test: points that are scored.
        penalty: C of the logistic regression.
        repeats: the whole is repeated and averaged.
        factor_bins: quantile bins of a factor stored as reals.
    """

    batch: int = 64
    train: int = 2000
    test: int = 1000
    penalty: float = 1.0
    repeats: int = 10
    factor_bins: int = 20

    def __post_init__(self) -> None:
        at_least(self, batch=1, train=50, test=1, repeats=1)


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return the BetaVAE score, 1 / F (chance) to 1; NaN with a single factor.

    It is lenient: it is 1 even if one factor is not encoded at all, since that one is known
    by the absence of any effect.

    >>> import numpy as np
    >>> from unbraid.metrics import gather
    >>> factors = np.random.default_rng(0).integers(0, 4, (600, 2))
    >>> compute(gather(factors, factors), Config(repeats=2), seed=0).value
    1.0
    """
    notes = evidence.notes()
    if len(evidence.specs) < 2:
        scores = np.full((2, 2), np.nan)
        notes += ("with a single factor there is nothing to tell apart",)
    else:
        source = sampler(evidence, config.factor_bins)
        scores = np.array(
            [
                _repeat(source, len(evidence.specs), config, np.random.default_rng([seed, repeat]))
                for repeat in range(config.repeats)
            ]
        )
    errors = [mean_error(column) if len(scores) > 1 else float("nan") for column in scores.T]
    parts = {
        "on test points": Estimate(float(scores[:, 1].mean()), errors[1]),
        "on training points": Estimate(float(scores[:, 0].mean()), errors[0]),
    }
    return Score(
        "betavae",
        f"logistic regression on {config.batch} pairs",
        parts["on test points"].value,
        parts["on test points"].standard_error,
        settings(
            evidence.sizes,
            config,
            seed,
            "repeats of the sampling, rows held fixed",
            "scikit-learn",
        )
        | {"source": "encoder" if evidence.encoder else "rows"},
        parts=parts,
        factor_names=evidence.names,
        detail={"repeats": scores[:, 1]},
        notes=notes,
    )


# Batches drawn at a time: bounds memory at a few tens of MB.
AT_ONCE = 500


def _repeat(
    source: Sampler, factors: int, config: Config, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the accuracy on training and on test points."""
    fixed = rng.integers(factors, size=config.train + config.test)
    points = []
    for start in range(0, len(fixed), AT_ONCE):
        first, second = source.pairs(fixed[start : start + AT_ONCE], config.batch, rng)
        points.append(np.abs(first - second).mean(axis=1))
    difference = np.concatenate(points)
    train, test = slice(None, config.train), slice(config.train, None)
    model = logistic(difference[train], fixed[train], config.penalty, 100)
    return model.score(difference[train], fixed[train]), model.score(difference[test], fixed[test])
