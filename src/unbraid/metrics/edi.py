"""EDI, exclusivity: does each code encode one factor only, and is each factor in one code only?

After Julka, Wang & Granitzer 2024, "Towards an Improved Metric for Evaluating Disentangled
Representations", which scores modularity, compactness and explicitness by *exclusivity*. The
convention here, on the normalised mutual information ``n_ij = I_ij / H_j``: the exclusivity of a
vector a is ``e(a) = sqrt(max(0, a_(1)^2 - sum of the other a^2))``; modularity is
``sum_i e(n_i.) / sum_i max_j n_ij``, compactness ``sum_j e(n_.j) / sum_j max_i n_ij``,
explicitness ``mean_j max_i n_ij``, and EDI their mean. The authors' own estimator of how codes
bear on factors is not reproduced: figures of theirs are not comparable with these.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unbraid.metrics._evidence import Evidence
from unbraid.metrics._information import InformationOptions, information
from unbraid.metrics._resampling import jackknife_error
from unbraid.metrics._score import Estimate, Score, settings

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Config(InformationOptions):
    """EDI takes the options of the mutual information alone."""


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return EDI, 0 to 1 (best), with its three parts; NaN with a single factor or code.

    >>> import numpy as np
    >>> from unbraid.metrics import gather
    >>> factors = np.random.default_rng(0).integers(0, 8, (2000, 2))
    >>> compute(gather(factors, factors), Config(), seed=0).value > 0.97
    True
    """
    info = information(evidence, config, seed)
    n = info.normalised
    modularity, compactness = exclusivity(n, axis=2), exclusivity(n, axis=1)
    explicitness = n.max(axis=1).mean(axis=1)
    stacked = np.stack(
        [(modularity + compactness + explicitness) / 3, modularity, compactness, explicitness]
    )
    notes = evidence.notes()
    if len(evidence.specs) < 2:
        notes += ("with a single factor no code can mix factors: modularity and EDI are undefined",)
        stacked[:2] = math.nan
    if evidence.codes.shape[1] < 2:
        notes += (
            "with a single code no factor can be spread out: compactness and EDI are undefined",
        )
        stacked[[0, 2]] = math.nan
    labels = ("EDI", "modularity", "compactness", "explicitness")
    parts = {
        label: Estimate(float(values[0]), float(jackknife_error(values)))
        for label, values in zip(labels, stacked, strict=True)
    }
    return Score(
        "edi",
        f"on normalised information, {config.variant}",
        parts["EDI"].value,
        parts["EDI"].standard_error,
        settings(evidence.sizes, config, seed, "block jackknife", "scipy"),
        parts=parts,
        per_factor=n[0].max(axis=0),
        matrix=n[0],
        factor_names=evidence.names,
        notes=notes,
    )


def exclusivity(shares: Floats, axis: int) -> Floats:
    """Return the exclusivity of all vectors along an axis, weighted by their largest entry.

    >>> exclusivity(np.array([[[0.5, 0.3], [0.0, 0.0]]]), axis=2)
    array([0.8])
    """
    largest = shares.max(axis=axis)
    others = np.square(shares).sum(axis=axis) - np.square(largest)
    exclusive = np.sqrt(np.maximum(np.square(largest) - others, 0.0)).sum(axis=1)
    total = largest.sum(axis=1)
    scores: Floats = np.where(total > 0, exclusive / np.where(total > 0, total, 1), 0.0)
    return scores
