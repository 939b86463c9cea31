"""InfoMEC: modularity, explicitness and compactness, from mutual and predictive information.

Hsu et al. 2023, "Disentanglement via Latent Quantization", section 4. With the normalised mutual
information ``n_ij = I(code i; factor j) / H_j`` over the L active codes,
``InfoM = (mean_i max_j n_ij / sum_j n_ij - 1/F) / (1 - 1/F)``,
``InfoC = (mean_j max_i n_ij / sum_i n_ij - 1/L) / (1 - 1/L)``, and
``InfoE = mean_j (1 - H(v_j | z) / log K_j)`` with the log loss of an unpenalised, class-balanced
linear classifier on all codes in place of the conditional entropy. A categorical or quantised code
has plug-in information and enters the classifier as a one-hot block.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression

from unbraid.metrics._evidence import MIN_ROWS, Evidence, one_hot
from unbraid.metrics._information import (
    KNN_BLOCKS,
    Information,
    InformationOptions,
    information,
    level_information,
)
from unbraid.metrics._linear import logistic, r2_rows, standardised
from unbraid.metrics._options import at_least
from unbraid.metrics._resampling import jackknife_error, mean_error
from unbraid.metrics._score import Estimate, Score, settings

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Config:
    """How InfoMEC is found.

    Args:
        discrete_codes: all codes are levels: plug-in information and one-hot inputs instead of
            nearest neighbours and standardised ones. So are, without this, codes that are known
            to be categorical or quantised.
        neighbours: k of the nearest-neighbour estimate.
        range_share: a code is active if its range exceeds this share of the largest range (0
            if ``discrete_codes``). A discrete code is active if it is not constant.
        silent_codes: an active code that shares nothing with any factor has no largest share,
            0/0. ``exclude`` leaves it out of InfoM, ``uniform`` gives it the share 1/F, and
            ``undefined`` makes InfoM NaN, as the authors' code does.
        max_iterations: of the classifier's solver.
        factor_bins: quantile bins of a factor stored as reals, for the information.
        max_rows: more rows than that are thinned at random; None keeps all.
    """

    discrete_codes: bool = False
    neighbours: int = 10
    range_share: float = 1 / 20
    silent_codes: Literal["exclude", "uniform", "undefined"] = "exclude"
    max_iterations: int = 100
    factor_bins: int = 20
    max_rows: int | None = 20_000

    def __post_init__(self) -> None:
        at_least(self, neighbours=1, max_iterations=1, factor_bins=2, max_rows=MIN_ROWS)


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return InfoMEC: InfoM is the value, all three are parts, each 0 to 1 (best).

    >>> import numpy as np
    >>> from unbraid.metrics import gather
    >>> factors = np.random.default_rng(0).integers(0, 4, (600, 2))
    >>> compute(gather(factors, factors), Config(), seed=0).value > 0.95
    True
    """
    evidence = evidence.thin(config.max_rows, seed)
    info = _information(evidence, config, seed)
    width = np.ptp(evidence.codes, axis=0)
    discrete = _discrete(evidence, config)
    real = ~evidence.latents.discrete
    share = 0.0 if config.discrete_codes else config.range_share
    # the range of a code's numbers says nothing where they name categories or levels
    active = np.where(real, width > share * width[real].max(initial=0.0), width > 0)
    shares = info.normalised[:, active]
    modularity = largest_share(shares, 2, config.silent_codes)
    compactness = largest_share(shares, 1, "undefined")
    factors = len(evidence.specs)
    rows = np.stack([_explicit_rows(evidence, j, config) for j in range(factors)], axis=1)
    parts = {
        "InfoM": Estimate(float(modularity[0]), float(jackknife_error(modularity))),
        "InfoC": Estimate(float(compactness[0]), float(jackknife_error(compactness))),
        "InfoE": Estimate(float(rows.mean()), mean_error(rows.mean(axis=1))),
    }
    kind = "discrete codes" if discrete.all() else f"{config.neighbours} neighbours"
    return Score(
        "infomec",
        f"{kind}, silent codes: {config.silent_codes}",
        parts["InfoM"].value,
        parts["InfoM"].standard_error,
        settings(
            evidence.sizes,
            config,
            seed,
            "block jackknife; InfoE: spread over rows, predictors held fixed",
            "scikit-learn",
        ),
        parts=parts,
        per_factor=rows.mean(axis=0),
        matrix=info.normalised[0],
        factor_names=evidence.names,
        detail={"active": active},
        notes=_notes(evidence, info, active, config) + _unknown_errors(parts),
    )


def _discrete(evidence: Evidence, config: Config) -> NDArray[np.bool_]:
    """Return which codes are discrete, (D,)."""
    return evidence.latents.discrete | config.discrete_codes


def _unknown_errors(parts: dict[str, Estimate]) -> tuple[str, ...]:
    left_out = [
        label
        for label, part in parts.items()
        if math.isnan(part.standard_error) and not math.isnan(part.value)
    ]
    return tuple(
        f"{label} is undefined once some rows are left out, so its standard error is unknown"
        for label in left_out
    )


def _notes(
    evidence: Evidence, info: Information, active: NDArray[np.bool_], config: Config
) -> tuple[str, ...]:
    notes = evidence.notes()
    narrow = np.flatnonzero(~active & (np.ptp(evidence.codes, axis=0) > 0))
    if len(narrow):
        notes += (
            f"codes left out as inactive, their range being too small beside the largest: "
            f"{', '.join(map(str, narrow))} (range_share={config.range_share:g})",
        )
    silent = np.flatnonzero(active & (info.mutual[0].sum(axis=1) == 0))
    if len(silent):
        notes += (
            f"active codes that share nothing with any factor: {', '.join(map(str, silent))} "
            f"(silent_codes='{config.silent_codes}')",
        )
    unheard = np.flatnonzero(info.mutual[0][active].sum(axis=0) == 0)
    if len(unheard) and active.any():
        names = ", ".join(evidence.names[j] for j in unheard)
        notes += (f"no active code shares anything with {names}, so InfoC is undefined",)
    if len(evidence.specs) < 2:
        notes += ("with a single factor no code can mix factors, so InfoM is undefined",)
    if active.sum() == 1:
        notes += ("with a single active code no factor can be spread out, so InfoC is undefined",)
    return notes


def _information(evidence: Evidence, config: Config, seed: int) -> Information:
    options = InformationOptions(
        estimator="knn",
        neighbours=config.neighbours,
        factor_bins=config.factor_bins,
        blocks=KNN_BLOCKS,
    )
    if config.discrete_codes:
        return level_information(evidence, options, seed)
    return information(evidence, options, seed)


def largest_share(shares: Floats, axis: int, silent: str) -> Floats:
    """Return InfoM (axis 2) or InfoC (axis 1) of stacked matrices (G + 1, L, F): (G + 1,).

    >>> largest_share(np.array([[[1.0, 0.0], [0.5, 0.5]]]), 2, "exclude")
    array([0.5])
    """
    count = shares.shape[axis]
    if count == 0 or shares.shape[3 - axis] == 0:
        return np.zeros(len(shares))
    if count == 1:
        return np.full(len(shares), math.nan)
    total = shares.sum(axis=axis)
    empty = 1 / count if silent == "uniform" else math.nan
    part = np.where(total > 0, shares.max(axis=axis) / np.where(total > 0, total, 1), empty)
    if silent == "exclude":
        present = total > 0
        mean = np.where(present, part, 0).sum(axis=1) / np.maximum(present.sum(axis=1), 1)
        mean = np.where(present.any(axis=1), mean, 1 / count)
    else:
        mean = part.mean(axis=1)
    scaled: Floats = (mean - 1 / count) / (1 - 1 / count)
    return scaled


def _inputs(evidence: Evidence, config: Config) -> Floats:
    """Return what predictors see of the codes, (N, W): discrete ones one-hot.

    Columns are standardised unless all codes are discrete.
    """
    latents, columns = evidence.latents, evidence.columns()
    discrete = _discrete(evidence, config)
    # a categorical code is a one-hot block already
    expanded = discrete if discrete.all() else discrete & ~latents.categorical
    levels = latents.levels(evidence.codes)
    parts = [
        one_hot(levels[:, i]) if expanded[i] else columns[:, latents.owners == i]
        for i in range(latents.count)
    ]
    inputs = np.concatenate(parts, axis=1)
    return inputs if discrete.all() else standardised(inputs)


def _explicit_rows(evidence: Evidence, j: int, config: Config) -> Floats:
    """Return each row's share (n,) of factor j's explicitness: their mean is the score."""
    key = ("infomec inputs", config.discrete_codes)
    inputs = evidence.shared(key, lambda: _inputs(evidence, config))
    if evidence.is_real(j):
        target = evidence.coordinates(j)
        return r2_rows(target, LinearRegression().fit(inputs, target).predict(inputs))
    classes = np.unique(evidence.factors[:, j], return_inverse=True)[1]
    model = logistic(inputs, classes, np.inf, config.max_iterations, balanced=True)
    chance = model.predict_proba(inputs)[np.arange(len(classes)), classes]
    loss = -np.log(np.maximum(chance, np.finfo(float).eps))
    rows: Floats = 1 - loss / np.log(classes.max() + 1)
    return rows
