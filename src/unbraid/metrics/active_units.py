"""Active units: how many latents vary with the image?

Burda et al. 2016, "Importance Weighted Autoencoders": a code is active if the
variance of its posterior mean over images exceeds 0.01. A categorical code's is that of its one-hot
vector, ``1 - sum_k p_k^2``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unbraid.metrics._evidence import Evidence
from unbraid.metrics._latents import Latents
from unbraid.metrics._options import at_least
from unbraid.metrics._resampling import blocks
from unbraid.metrics._score import Estimate, Score, settings

NEEDS = ("codes",)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Config:
    """How units are counted.

    Args:
        min_variance: a code of higher variance is active.
        resamples: bootstrap samples of blocks of rows, for the standard error.
    """

    min_variance: float = 0.01
    resamples: int = 200

    def __post_init__(self) -> None:
        at_least(self, min_variance=0, resamples=2)


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return the number of active codes; ``per_code`` holds the variances.

    >>> import numpy as np
    >>> from unbraid.metrics import gather
    >>> z = np.random.default_rng(0).standard_normal((500, 3)) * [1, 1, 0.01]
    >>> compute(gather(z), Config(), seed=0).value
    2.0
    """
    columns = evidence.columns() - evidence.columns().mean(axis=0)
    variance = evidence.latents.total(columns.var(axis=0))
    active = variance > config.min_variance
    error = _bootstrap_error(evidence.latents, columns, config, seed)
    count = len(active)
    return Score(
        "active-units",
        f"variance > {config.min_variance:g}",
        float(active.sum()),
        error,
        settings(evidence.sizes, config, seed, "block bootstrap"),
        parts={
            "count": Estimate(float(active.sum()), error),
            "share": Estimate(float(active.mean()), error / count),
        },
        per_code=variance,
        detail={"active": active},
        notes=evidence.notes(),
    )


def _bootstrap_error(latents: Latents, codes: Floats, config: Config, seed: int) -> float:
    """Return the standard error of the count; blocks of rows are drawn with replacement."""
    groups = blocks(len(codes), min(50, len(codes)), seed)
    count = int(groups.max()) + 1
    first = np.stack([codes[groups == g].sum(axis=0) for g in range(count)])
    second = np.stack([np.square(codes[groups == g]).sum(axis=0) for g in range(count)])
    drawn = np.random.default_rng(seed).multinomial(
        count, np.full(count, 1 / count), size=config.resamples
    )
    rows = (drawn @ np.bincount(groups))[:, None]
    variance = drawn @ second / rows - np.square(drawn @ first / rows)
    return float((latents.total(variance) > config.min_variance).sum(axis=1).std(ddof=1))
