"""Reconstruction: Bernoulli negative log-likelihood and squared error, per image and per dimension.

The Bernoulli term is that of Kingma & Welling 2014, "Auto-Encoding Variational Bayes", appendix
C.1: ``-sum x log p + (1 - x) log(1 - p)``. For grey pixels it cannot go below the entropy of x;
``excess`` is what lies above that floor, KL(x || p).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr, xlogy

from unbraid.core.errors import UnbraidError
from unbraid.metrics._evidence import Evidence
from unbraid.metrics._resampling import mean_error
from unbraid.metrics._score import SINGLE, Estimate, Score, settings

NEEDS = ("images", "reconstructions")
LOWER_IS_BETTER = True

Floats = NDArray[np.float64]

ROUNDING = 1e-5  # float32 and a resized image leave values this far outside [0, 1]


@dataclass(frozen=True)
class Config:
    """How reconstructions are read.

    Args:
        logits: reconstructions are logits, so that no probability is ever rounded to 0 or 1.
        clip: probabilities are kept this far from 0 and 1.
    """

    logits: bool = False
    clip: float = 1e-6

    def __post_init__(self) -> None:
        if not 0 <= self.clip < 0.5:
            raise UnbraidError(f"clip must be at least 0 and below 0.5, but it is {self.clip:g}.")


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return the Bernoulli negative log-likelihood in nats per dimension (0 is best).

    >>> import numpy as np
    >>> from unbraid.metrics import gather
    >>> x = np.random.default_rng(0).integers(0, 2, (60, 1, 4, 4)).astype(float)
    >>> compute(gather(images=x, reconstructions=x), Config(), seed=0).value < 1e-5
    True
    """
    assert evidence.images is not None  # NEEDS says so
    assert evidence.reconstructions is not None
    x = evidence.images.reshape(len(evidence.images), -1)
    y = evidence.reconstructions.reshape(len(x), -1)
    x = _in_range(x, "images")
    if config.logits:
        nll, p = np.logaddexp(0, y) - x * y, 1 / (1 + np.exp(-np.clip(y, -500, 500)))
    else:
        y = _in_range(y, "reconstructions")
        p = np.clip(y, config.clip, 1 - config.clip)
        nll = -xlogy(x, p) - xlogy(1 - x, 1 - p)
    excess = nll - entr(x) - entr(1 - x)
    squared = np.square(x - p if config.logits else x - y)
    dims = x.shape[1]
    parts = {
        f"{label} per {unit}": _estimate(values.sum(axis=1) / (1 if unit == "image" else dims))
        for label, values in (("BCE", nll), ("BCE excess", excess), ("squared error", squared))
        for unit in ("dimension", "image")
    }
    return Score(
        "reconstruction",
        "Bernoulli",
        parts["BCE per dimension"].value,
        parts["BCE per dimension"].standard_error,
        settings({"rows": len(x), "dimensions": dims}, config, seed, "spread over images", "scipy"),
        parts=parts,
        notes=SINGLE if len(x) == 1 else (),
    )


def _estimate(rows: Floats) -> Estimate:
    return Estimate(float(rows.mean()), mean_error(rows))


def _in_range(values: Floats, name: str) -> Floats:
    """Return values within [0, 1]; what rounding put outside is moved to the edge."""
    low, high = float(values.min()), float(values.max())
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise UnbraidError(
            f"{name} range over {low:.7g}..{high:.7g}, expected 0..1: divide bytes "
            "by 255, and say logits=True for reconstructions before the sigmoid."
        )
    return np.clip(values, 0.0, 1.0)
