"""FactorVAE score: does the code of least variance predict which factor was fixed?

Kim & Mnih 2018, "Disentangling by Factorising", section 4: hold one factor fixed in a batch, note
the code whose variance, relative to its variance over all data, is smallest, and predict the
factor from that code by majority vote. The variance of a categorical code is that of its one-hot
vector.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.metrics._evidence import Evidence
from unbraid.metrics._fixed import FreshSampler, Plan, Sampler
from unbraid.metrics._fixed import plan as make_plan
from unbraid.metrics._options import at_least
from unbraid.metrics._resampling import repeats_error
from unbraid.metrics._score import Score, settings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST = 5  # rows of a batch: a variance of fewer is little more than chance


@dataclass(frozen=True)
class Config:
    """How the FactorVAE score is found.

    Args:
        min_std: codes whose standard deviation over all data is lower take no part, 0.05 as in
            Locatello et al. (2019). At 0 a constant code is left out all the same; the
            published code lets it win every vote.
        batch: rows that share a factor, for one vote; fewer, but at least 5, if levels of the
            factors have fewer.
        train: votes that set the majority classifier.
        test: votes that are scored.
        variance_rows: draws for the variance over all data, if codes come from an encoder.
        repeats: the whole is repeated and averaged.
        factor_bins: quantile bins of a factor stored as reals.
    """

    min_std: float = 0.05
    batch: int = 64
    train: int = 2000
    test: int = 1000
    variance_rows: int = 10_000
    repeats: int = 10
    factor_bins: int = 20

    def __post_init__(self) -> None:
        at_least(self, min_std=0, batch=2, train=1, test=1)
        at_least(self, variance_rows=2, repeats=1, factor_bins=2)


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return the FactorVAE score, 1 / F (chance) to 1; 0 if every code is dead.

    NaN if fewer than two factors can be held fixed.

    >>> import numpy as np
    >>> from unbraid.metrics import gather
    >>> factors = np.random.default_rng(0).integers(0, 4, (600, 2))
    >>> compute(gather(factors, factors), Config(repeats=2), seed=0).value
    1.0
    """
    notes, plan = evidence.notes(), None
    scores, votes = np.full(1, math.nan), np.zeros((evidence.codes.shape[1], len(evidence.specs)))
    alive = evidence.deviations() >= config.min_std
    if len(evidence.specs) < 2:
        notes += ("with a single factor there is nothing to tell apart",)
    else:
        least = min(LEAST, config.batch)
        plan = make_plan(evidence, config.repeats, config.factor_bins, config.batch, least, seed)
        notes += plan.notes
    if plan and len(plan.factors) > 1:
        results = [
            _repeat(sources, evidence, plan, config, np.random.default_rng([seed, repeat]))
            for repeat, sources in enumerate(plan.sources)
        ]
        scores = np.array([score for score, _, _ in results])
        votes = np.sum([votes for _, votes, _ in results], axis=0)
        alive = results[0][2]
        if alive.sum() == 1:
            notes += ("with a single active code every vote is the same: the score is chance",)
    found: dict[str, Any] = {"source": "encoder" if evidence.encoder else "rows"}
    found |= {"active_codes": int(alive.sum())} | (
        {"group": plan.group, "fixed_factors": len(plan.factors)} if plan else {}
    )
    error = plan.error if plan else "none"
    return Score(
        "factorvae",
        f"codes of sd >= {config.min_std:g}, majority vote",
        float(scores.mean()),
        repeats_error(scores, plan.overlap if plan else 0.0),
        settings(evidence.sizes, config, seed, error) | found,
        matrix=votes / np.maximum(votes.sum(axis=0), 1),
        factor_names=evidence.names,
        detail={"repeats": scores, "active": alive}
        | ({"levels_used": plan.levels_used} if plan else {}),
        notes=notes,
    )


def _repeat(
    sources: tuple[Sampler, Sampler],
    evidence: Evidence,
    plan: Plan,
    config: Config,
    rng: np.random.Generator,
) -> tuple[float, Floats, NDArray[np.bool_]]:
    """Return the score, the training votes (D, F) and which codes took part (D,)."""
    everything = evidence.columns()
    if isinstance(sources[0], FreshSampler):
        everything = sources[0].free(config.variance_rows, rng)
    variance = evidence.latents.total(everything.var(axis=0, ddof=1))
    constant = evidence.latents.total(np.ptp(everything, axis=0)) == 0
    alive = (np.sqrt(variance) >= config.min_std) & ~constant
    votes = np.zeros((len(variance), len(evidence.specs)))
    if not alive.any():
        return 0.0, votes, alive
    fixed = plan.factors[rng.integers(len(plan.factors), size=config.train + config.test)]
    train, test = fixed[: config.train], fixed[config.train :]
    scale = np.where(alive, variance, np.inf)
    codes = [
        _votes(source, evidence, factor, scale, plan.group, rng)
        for source, factor in zip(sources, (train, test), strict=True)
    ]
    np.add.at(votes, (codes[0], train), 1)
    guess = votes.argmax(axis=1)[codes[1]]
    return float(np.mean(guess == test)), votes, alive


# Batches drawn at a time: bounds memory at a few tens of MB.
AT_ONCE = 500


def _votes(
    source: Sampler,
    evidence: Evidence,
    fixed: Ints,
    scale: Floats,
    group: int,
    rng: np.random.Generator,
) -> Ints:
    """Return for each fixed factor the code that varies least in a batch, relative to all.

    Args:
        source: of the batches.
        evidence: whose codes they are.
        fixed: (n,) factors.
        scale: (D,) variances over all data, infinite for codes that take no part.
        group: rows of a batch.
        rng: of the draws.
    """
    chosen = []
    for start in range(0, len(fixed), AT_ONCE):
        codes = source.batches(fixed[start : start + AT_ONCE], group, rng)
        variance = evidence.latents.total(codes.var(axis=1, ddof=1))
        chosen.append(np.where(np.isinf(scale), np.inf, variance / scale).argmin(axis=1))
    return np.concatenate(chosen)
