"""UDR, unsupervised disentanglement ranking: do several trainings find the same codes?

Duan et al. 2020, "Unsupervised Model Selection for Variational Disentangled Representation
Learning". With R_ab the strength of the relation of code a of one run and code b of
another, ``UDR = 1/(d_a + d_b) (sum_b r_b^2 / sum_a R_ab + sum_a r_a^2 / sum_b R_ab)`` where r is
the largest entry of its column or row and the sums run over active codes. A run's score is the
median over the other runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.linear_model import Lasso

from unbraid.errors import UnbraidError
from unbraid.metrics._evidence import MIN_ROWS, Evidence
from unbraid.metrics._options import at_least
from unbraid.metrics._resampling import mean_error
from unbraid.metrics._score import Score, settings

NEEDS = ("runs",)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Config:
    """How UDR is found.

    Args:
        relation: ``lasso`` (absolute weights of a Lasso regression, UDR_L) or ``spearman``
            (absolute rank correlation, UDR_S).
        penalty: of the Lasso on standardised codes.
        min_std: codes whose standard deviation over images is lower are inactive. The paper
            asks for a KL of at least 0.01, which codes alone do not tell.
        max_rows: more rows than that are thinned at random; None keeps all.
    """

    relation: Literal["lasso", "spearman"] = "lasso"
    penalty: float = 0.1
    min_std: float = 0.1
    max_rows: int | None = 10_000

    def __post_init__(self) -> None:
        at_least(self, penalty=0, min_std=0, max_rows=MIN_ROWS)


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return the mean UDR of the runs, 0 to 1 (best); ``detail["per_run"]`` ranks them.

    >>> import numpy as np
    >>> from unbraid.metrics import gather
    >>> z = np.random.default_rng(0).standard_normal((500, 3))
    >>> score = compute(gather(runs=[z, -z[:, ::-1]]), Config(relation="spearman"), seed=0)
    >>> score.value > 0.9
    True
    """
    if len(evidence.runs) < 2:
        raise UnbraidError(
            f"udr compares trainings and found {len(evidence.runs)}: give the codes of at least 2."
        )
    rows = np.arange(len(evidence.runs[0]))
    if config.max_rows is not None and len(rows) > config.max_rows:
        rows = np.random.default_rng(seed).choice(rows, config.max_rows, replace=False)
    active = [z[rows][:, z[rows].std(axis=0) >= config.min_std] for z in evidence.runs]
    runs = [(z - z.mean(axis=0)) / np.where(z.std(axis=0) > 0, z.std(axis=0), 1) for z in active]
    pairs = np.full((len(runs), len(runs)), np.nan)
    for a, first in enumerate(runs):
        for b, second in enumerate(runs):
            if a != b:
                pairs[a, b] = agreement(_relation(first, second, config))
    per_run = np.nanmedian(pairs, axis=0)
    dead = [str(i) for i, z in enumerate(active) if z.shape[1] == 0]
    return Score(
        "udr",
        f"{config.relation}, codes of sd >= {config.min_std:g}",
        float(per_run.mean()),
        mean_error(per_run),
        settings({"rows": len(rows), "runs": len(runs)}, config, seed, "spread over runs"),
        detail={"per_run": per_run, "pairs": pairs},
        notes=(f"runs without an active code: {', '.join(dead)}",) if dead else (),
    )


def _relation(first: Floats, second: Floats, config: Config) -> Floats:
    """Return R (d_a, d_b) of two runs' standardised active codes."""
    if not first.shape[1] or not second.shape[1]:
        return np.zeros((first.shape[1], second.shape[1]))
    if config.relation == "lasso":
        weights = Lasso(alpha=config.penalty).fit(first, second).coef_
        strength: Floats = np.abs(weights.reshape(second.shape[1], first.shape[1]).T)
        return strength
    ranks = rankdata(np.concatenate([first, second], axis=1), axis=0)
    correlation: Floats = np.abs(np.corrcoef(ranks, rowvar=False))
    return correlation[: first.shape[1], first.shape[1] :]


def agreement(relation: Floats) -> float:
    """Return the UDR of one pair of runs from its relation matrix (d_a, d_b).

    >>> agreement(np.eye(3))
    1.0
    """
    if not relation.size:
        return 0.0
    total = 0.0
    for axis in (0, 1):
        sums = relation.sum(axis=axis)
        total += float((relation.max(axis=axis)[sums > 0] ** 2 / sums[sums > 0]).sum())
    return total / sum(relation.shape)
