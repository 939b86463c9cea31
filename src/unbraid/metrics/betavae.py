"""BetaVAE score: do differences of codes predict which factor two images share?

Higgins et al. 2017, "beta-VAE", section 3: average |z1 - z2| over a batch of pairs that share one
factor, and predict the factor from that average with a linear classifier. For a categorical code
|z1 - z2| is the distance of one-hot vectors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unbraid.metrics._evidence import Evidence
from unbraid.metrics._fixed import Plan, Sampler
from unbraid.metrics._fixed import plan as make_plan
from unbraid.metrics._linear import logistic
from unbraid.metrics._options import at_least, positive
from unbraid.metrics._resampling import repeats_error
from unbraid.metrics._score import Estimate, Score, settings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


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
        at_least(self, batch=1, train=50, test=1, repeats=1, factor_bins=2)
        positive(self, "penalty", infinite=True)


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return the BetaVAE score, 1 / F (chance) to 1; NaN if fewer than two factors can be fixed.

    It is lenient: it is 1 even if one factor is not encoded at all, since that one is known
    by the absence of any effect.

    >>> import numpy as np
    >>> from unbraid.metrics import gather
    >>> factors = np.random.default_rng(0).integers(0, 4, (600, 2))
    >>> compute(gather(factors, factors), Config(repeats=2), seed=0).value
    1.0
    """
    notes, scores, plan = evidence.notes(), np.full((2, 2), math.nan), None
    if len(evidence.specs) < 2:
        notes += ("with a single factor there is nothing to tell apart",)
    else:
        plan = make_plan(evidence, config.repeats, config.factor_bins, 2, 2, seed)
        notes += plan.notes
    if plan and len(plan.factors) > 1:
        scores = np.array(
            [
                _repeat(sources, evidence, plan, config, np.random.default_rng([seed, repeat]))
                for repeat, sources in enumerate(plan.sources)
            ]
        )
    errors = [repeats_error(column, plan.overlap if plan else 0.0) for column in scores.T]
    parts = {
        "on test points": Estimate(float(scores[:, 1].mean()), errors[1]),
        "on training points": Estimate(float(scores[:, 0].mean()), errors[0]),
    }
    source = "encoder" if evidence.encoder else "rows"
    return Score(
        "betavae",
        f"logistic regression on {config.batch} pairs",
        parts["on test points"].value,
        parts["on test points"].standard_error,
        settings(evidence.sizes, config, seed, plan.error if plan else "none", "scikit-learn")
        | {"source": source, "fixed_factors": len(plan.factors) if plan else 0},
        parts=parts,
        factor_names=evidence.names,
        detail={"repeats": scores[:, 1]} | ({"levels_used": plan.levels_used} if plan else {}),
        notes=notes,
    )


# Batches drawn at a time: bounds memory at a few tens of MB.
AT_ONCE = 500


def _repeat(
    sources: tuple[Sampler, Sampler],
    evidence: Evidence,
    plan: Plan,
    config: Config,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Return the accuracy on training and on test points."""
    fixed = plan.factors[rng.integers(len(plan.factors), size=config.train + config.test)]
    train, test = fixed[: config.train], fixed[config.train :]
    points = [
        _points(source, evidence, factor, config.batch, rng)
        for source, factor in zip(sources, (train, test), strict=True)
    ]
    model = logistic(points[0], train, config.penalty, 100)
    return model.score(points[0], train), model.score(points[1], test)


def _points(
    source: Sampler, evidence: Evidence, fixed: Ints, batch: int, rng: np.random.Generator
) -> Floats:
    """Return for each fixed factor the mean distance (D,) of the codes of pairs that share it."""
    points = []
    for start in range(0, len(fixed), AT_ONCE):
        first, second = source.pairs(fixed[start : start + AT_ONCE], batch, rng)
        points.append(evidence.latents.lengths(first - second).mean(axis=1))
    return np.concatenate(points)
