"""FactorVAE score: does the code that varies least tell which factor was held fixed?

Kim & Mnih 2018, "Disentangling by Factorising", section 4: hold one factor fixed in a batch, note
the code whose variance, relative to its variance over all data, is smallest, and predict the
factor from that code by majority vote.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unbraid.metrics._evidence import Evidence
from unbraid.metrics._fixed import Sampler, sampler
from unbraid.metrics._options import at_least
from unbraid.metrics._resampling import mean_error
from unbraid.metrics._score import Score, settings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Config:
    """How the FactorVAE score is found.

    Args:
        min_std: codes whose standard deviation over all data is lower take no part, 0.05 as in
            Locatello et al. (2019). At 0 a constant code is left out all the same; the
            published code lets it win every vote.
        batch: rows that share a factor, for one vote.
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
        at_least(self, min_std=0, batch=2, train=1, test=1, variance_rows=2, repeats=1)


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return the FactorVAE score, 1 / F (chance) to 1; 0 if every code is dead.

    >>> import numpy as np
    >>> from unbraid.metrics import gather
    >>> factors = np.random.default_rng(0).integers(0, 4, (600, 2))
    >>> compute(gather(factors, factors), Config(repeats=2), seed=0).value
    1.0
    """
    source = sampler(evidence, config.factor_bins)
    results = [
        _repeat(source, evidence, config, np.random.default_rng([seed, repeat]))
        for repeat in range(config.repeats)
    ]
    scores = np.array([score for score, _, _ in results])
    votes = np.sum([votes for _, votes, _ in results], axis=0)
    alive = results[0][2]
    return Score(
        "factorvae",
        f"codes of sd >= {config.min_std:g}, majority vote",
        float(scores.mean()),
        mean_error(scores) if len(scores) > 1 else float("nan"),
        settings(evidence.sizes, config, seed, "repeats of the sampling, rows held fixed")
        | {"source": type(source).__name__, "active_codes": int(alive.sum())},
        matrix=votes / np.maximum(votes.sum(axis=0), 1),
        factor_names=evidence.names,
        detail={"repeats": scores, "active": alive},
        notes=evidence.notes(),
    )


def _repeat(
    source: Sampler, evidence: Evidence, config: Config, rng: np.random.Generator
) -> tuple[float, Floats, NDArray[np.bool_]]:
    """Return the score, the training votes (D, F) and which codes took part (D,)."""
    everything = evidence.codes
    if evidence.encoder is not None:
        everything = source.free(config.variance_rows, rng)
    variance = everything.var(axis=0, ddof=1)
    alive = (np.sqrt(variance) >= config.min_std) & (np.ptp(everything, axis=0) > 0)
    factors = len(evidence.specs)
    votes = np.zeros((len(variance), factors))
    if not alive.any():
        return 0.0, votes, alive
    fixed = rng.integers(factors, size=config.train + config.test)
    code = _votes(source, fixed, variance, alive, config.batch, rng)
    train, test = slice(None, config.train), slice(config.train, None)
    np.add.at(votes, (code[train], fixed[train]), 1)
    guess = votes.argmax(axis=1)[code[test]]
    return float(np.mean(guess == fixed[test])), votes, alive


# Batches drawn at a time: bounds memory at a few tens of MB.
AT_ONCE = 500


def _votes(
    source: Sampler,
    fixed: Ints,
    variance: Floats,
    alive: NDArray[np.bool_],
    batch: int,
    rng: np.random.Generator,
) -> Ints:
    """Return for each fixed factor the code that varies least in a batch, relative to all."""
    scale = np.where(alive, variance, np.inf)
    chosen = []
    for start in range(0, len(fixed), AT_ONCE):
        codes = source.batches(fixed[start : start + AT_ONCE], batch, rng)
        ratio = np.where(alive, codes.var(axis=1, ddof=1) / scale, np.inf)
        chosen.append(ratio.argmin(axis=1))
    return np.concatenate(chosen)
