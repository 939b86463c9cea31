"""SAP, separated attribute predictability: how much better is the best code than the next?

Kumar et al. 2018, "Variational Inference of Disentangled Latent Concepts from Unlabeled
Observations" (DIP-VAE), section 3: ``SAP = mean_j (S_(1)j - S_(2)j)`` over codes, where S_ij is
the accuracy of a linear support vector machine on code i alone for a factor of levels, and the
share of variance that a linear fit explains (squared correlation) for a factor of reals. A
categorical code is alone as a one-hot block.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import LinearSVC

from unbraid.metrics._evidence import MIN_ROWS, Evidence
from unbraid.metrics._information import gap, lone_code
from unbraid.metrics._options import SEEDS, at_least, positive
from unbraid.metrics._resampling import blocks, jackknife_error
from unbraid.metrics._score import Score, settings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TINY = np.finfo(np.float64).tiny
FAR = 10  # standard deviations
USUAL_ROWS = 1000  # below, C grows as rows get fewer


@dataclass(frozen=True)
class Config:
    """How SAP is found.

    Args:
        kind: ``svm``: test accuracy of a linear SVM for levels, r2 for reals. ``r2``: share of
            variance explained for all factors, on all rows: squared correlation for numbers,
            circular correlation for angles, correlation ratio for categories.
        penalty: C of the SVM; below 1,000 training rows it is C times 1,000 over their number.
        test_fraction: share of the rows kept for testing, if no test rows are given.
        max_rows: more rows than that are thinned at random for the SVM; None keeps all.
        blocks: jackknife blocks for the standard error.
    """

    kind: Literal["svm", "r2"] = "svm"
    penalty: float = 0.01
    test_fraction: float = 1 / 3
    max_rows: int | None = 15_000
    blocks: int = 50

    def __post_init__(self) -> None:
        at_least(self, max_rows=MIN_ROWS, blocks=2)
        positive(self, "penalty")


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return SAP, 0 (worst) to 1.

    A linear SVM on one ordered code can only win the end values of a factor, so with ``svm``
    perfect codes score about 2 / K for K values; with ``r2`` they reach 1.

    >>> import numpy as np
    >>> from unbraid.metrics import gather
    >>> factors = np.random.default_rng(0).integers(0, 8, (2000, 2))
    >>> compute(gather(factors, factors), Config(kind="r2"), seed=0).value > 0.97
    True
    """
    if config.kind == "svm":
        evidence = evidence.thin(config.max_rows, seed)
    train, test = evidence.split(config.test_fraction, seed)
    by_svm = [config.kind == "svm" and not evidence.is_real(j) for j in range(len(evidence.specs))]
    # one number of blocks for all factors, of which no block is empty
    count = min(config.blocks, len(test.codes)) if any(by_svm) else config.blocks
    groups = blocks(len(evidence.codes), count, seed)
    test_groups = blocks(len(test.codes), count, seed)
    by_factor = [
        _accuracies(train, test, j, config.penalty, test_groups, seed)
        if by_svm[j]
        else _shares(evidence, j, groups)
        for j in range(len(evidence.specs))
    ]
    matrices = np.stack(by_factor, axis=2)  # (G + 1, D, F)
    gaps = gap(matrices, axis=1)
    values = gaps.mean(axis=1)
    notes = evidence.notes() + lone_code(evidence)
    far = np.flatnonzero(_far(train))
    if config.kind == "svm" and len(far):
        notes += (f"codes far from 0 were centred for the SVM: {', '.join(map(str, far))}",)
    error = "block jackknife over test rows (svm, predictors held fixed) or all rows (r2)"
    return Score(
        "sap",
        f"linear SVM, C={config.penalty:g}" if config.kind == "svm" else "share of variance",
        float(values[0]),
        float(jackknife_error(values)),
        settings(evidence.sizes, config, seed, error, "scikit-learn"),
        per_factor=gaps[0],
        matrix=matrices[0],
        factor_names=evidence.names,
        detail={"best_code": matrices[0].argmax(axis=0)},
        notes=notes,
    )


def _accuracies(
    train: Evidence, test: Evidence, j: int, penalty: float, groups: Ints, seed: int
) -> Floats:
    """Return each code's test accuracy for factor j: all rows, then each block left out."""
    count = int(groups.max()) + 1
    right = np.zeros((len(test.codes), test.codes.shape[1]))
    target = train.factors[:, j]
    owners = train.latents.owners
    offset = np.where(_far(train), train.codes.mean(axis=0), 0.0)[owners]
    # C weighs the sum over rows: of a few dozen, it would leave the penalty alone to count.
    strength = penalty * max(1.0, USUAL_ROWS / len(target))
    if len(np.unique(target)) > 1:
        for i in range(right.shape[1]):
            # The published setting; "balanced" weighs only the positive examples of each
            # one-vs-rest problem, as liblinear has it.
            model = LinearSVC(
                C=strength, class_weight="balanced", dual=False, random_state=seed % SEEDS
            )
            own = owners == i
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # many levels are no regression
                model.fit((train.columns() - offset)[:, own], target)
            predicted = model.predict((test.columns() - offset)[:, own])
            right[:, i] = predicted == test.factors[:, j]
    per_block = np.stack([right[groups == g].sum(axis=0) for g in range(count)])
    total, sizes = per_block.sum(axis=0), np.bincount(groups)[:, None]
    with np.errstate(invalid="ignore"):  # a single test row has no error
        left_out = (total - per_block) / (len(right) - sizes)
    return np.concatenate([total[None] / len(right), left_out])


def _far(evidence: Evidence) -> NDArray[np.bool_]:
    """Return which codes (D,) are too far from 0 for the SVM, which penalises its intercept."""
    away = np.abs(evidence.codes.mean(axis=0)) > FAR * evidence.codes.std(axis=0)
    varies = np.ptp(evidence.codes, axis=0) > 0
    far: NDArray[np.bool_] = away & varies & ~evidence.latents.categorical
    return far


def _shares(evidence: Evidence, j: int, groups: Ints) -> Floats:
    """Return the share of variance for each code and factor j, (G + 1, D).

    Of a categorical code it is the share of the factor's variance, summed over its coordinates,
    that the category explains: the correlation ratio for a number.
    """
    coordinates = evidence.coordinates(j)
    shares = r_squared(coordinates, evidence.codes, groups)
    owners = evidence.latents.owners
    for i in np.flatnonzero(evidence.latents.categorical):
        block = evidence.columns()[:, owners == i]
        explained, variance = explained_variance(block, coordinates, groups)
        shares[:, i] = explained.sum(axis=1) / np.maximum(variance.sum(axis=1), TINY)
    return np.clip(shares, 0.0, 1.0)


def r_squared(coordinates: Floats, codes: Floats, groups: Ints) -> Floats:
    """Return the share of each code's variance that is linear in a factor's coordinates.

    For one coordinate it is the squared correlation, for cosine and sine the circular-linear
    correlation (Mardia 1976), for one-hot coordinates the correlation ratio.

    Args:
        coordinates: (N, q).
        codes: (N, D).
        groups: (N,) block of each row.

    Returns:
        (G + 1, D): of all rows, then with each block left out.
    """
    explained, variance = explained_variance(coordinates, codes, groups)
    shares: Floats = np.where(variance > 0, explained / np.maximum(variance, TINY), 0.0)
    return np.clip(shares, 0.0, 1.0)


def explained_variance(x: Floats, z: Floats, groups: Ints) -> tuple[Floats, Floats]:
    """Return how much of the variance of columns z (N, D) is linear in columns x (N, q), and all.

    Both are (G + 1, D), sums of squares of all rows, then with each block left out; 0 where
    rounding is all there is.
    """
    count = int(groups.max()) + 1
    alive = np.ptp(z, axis=0) > 0
    # Moments are taken about the mean, so that an offset costs no digits.
    x, z = x - x.mean(axis=0), np.where(alive, z - z.mean(axis=0), 0.0)
    columns = np.concatenate([np.ones((len(x), 1)), x, z], axis=1)
    per_block = np.stack([columns[groups == g].T @ columns[groups == g] for g in range(count)])
    total = per_block.sum(axis=0)
    moments = np.concatenate([total[None], total - per_block])
    # Covariances of coordinates and codes, of each set of rows.
    sums, rows = moments[:, 0, 1:], moments[:, 0, 0]
    centred = sums[:, :, None] * sums[:, None, :] / rows[:, None, None]
    covariance = moments[:, 1:, 1:] - centred
    q = x.shape[1]
    xx, xz = covariance[:, :q, :q], covariance[:, :q, q:]
    variance = np.diagonal(covariance[:, q:, q:], axis1=1, axis2=2)
    explained = np.einsum("gqd,gqr,grd->gd", xz, np.linalg.pinv(xx, hermitian=True), xz)
    there = variance > 1e-12 * np.square(z).sum(axis=0)
    return np.where(there, explained, 0.0), np.where(there, variance, 0.0)
