"""Estimation of the linear-Gaussian model from the codes and factors of labelled images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unbraid.control.linear_gaussian import categorical_links, inference
from unbraid.control.linear_gaussian.ard_regression import MIN_EXPLAINED, regress
from unbraid.control.linear_gaussian.categorical_links import CategoricalLink
from unbraid.control.linear_gaussian.design_matrix import DesignMatrix
from unbraid.control.linear_gaussian.parameters import Parameters
from unbraid.core.errors import UnbraidError
from unbraid.methods import Method

Array = NDArray[np.float64]

MIN_LABELS = 10  # labelled images of each factor
IMPUTATIONS = 5  # rounds of filling in missing labels


def estimate(
    model: Method, codes: ArrayLike, factors: ArrayLike, design: DesignMatrix
) -> Parameters:
    """Return the parameters estimated from codes (N, D) and factors (N, F) of labelled images.

    Missing labels (NaN) are replaced by their expectation given the codes. A factor without any
    label explains no latent.

    Raises:
        UnbraidError: arrays whose shapes do not match, or too few labels.
    """
    rows, labels = _checked(model, codes, factors, design)
    continuous = rows[:, sum(model.layout.categories) :]
    values = categorical_values(rows, model.layout.categories)
    pairs = zip(values, model.layout.categories, strict=True)
    links = tuple(
        categorical_links.find_link(value, count, labels, design) for value, count in pairs
    )
    regressors, free = design(labels), _free_moments(model, continuous)
    if not any(len(np.unique(column[~np.isnan(column)])) > 1 for column in regressors.T):
        raise UnbraidError(
            "no factor has several values in the labelled images, so that there is nothing to "
            "control: take data whose factors vary."
        )
    regressors[:, np.isnan(regressors).all(0)] = 0.0
    missing = np.isnan(regressors)
    filled = np.where(missing, np.nanmean(regressors, 0), regressors)
    params = _fit(continuous, filled, design, links, free)
    if missing.any():
        params = _with_noise_of_labelled(params, continuous, filled, ~np.isnan(labels))
    for _ in range(IMPUTATIONS if missing.any() else 0):
        expected = inference.posterior(design, params, values, continuous)
        params = _fit(continuous, np.where(missing, expected, regressors), design, links, free)
    return params


def _with_noise_of_labelled(
    params: Parameters, codes: Array, regressors: Array, known: NDArray[np.bool_]
) -> Parameters:
    """Return parameters whose noise is estimated on images without missing labels.

    The variance that a missing factor explains would count as noise. Here the noise of each latent
    is measured on the images in which all factors that explain it are known.
    """
    residual = codes - params.code_mean - (regressors - params.phi_mean) @ params.weights
    scale = np.ones(len(params.code_mean))
    for latent in np.flatnonzero(params.informative):
        labelled = known[:, params.explained_variance[latent] > MIN_EXPLAINED].all(1)
        if labelled.sum() >= MIN_LABELS:
            noise = np.square(residual[labelled, latent]).mean() / params.noise_cov[latent, latent]
            scale[latent] = np.sqrt(min(noise, 1.0))
    return replace(params, noise_cov=params.noise_cov * np.outer(scale, scale))


def categorical_values(codes: Array, categories: Sequence[int]) -> list[NDArray[np.int64]]:
    """Return the value of each categorical latent of codes (N, D), (N,) each."""
    starts = np.cumsum((0, *categories))[:-1]
    return [codes[:, i : i + k].argmax(1) for i, k in zip(starts, categories, strict=True)]


def _free_moments(model: Method, codes: Array) -> Array:
    """Return mean and standard deviation of free latents (2, D), of the prior if there is one."""
    if model.prior_kind == "gaussian":
        return np.stack([np.zeros(codes.shape[1]), np.ones(codes.shape[1])])
    return np.stack([codes.mean(0), codes.std(0)])  # without a prior, use those of the codes


def _fit(
    codes: Array,
    regressors: Array,
    design: DesignMatrix,
    links: tuple[CategoricalLink, ...],
    free: Array,
) -> Parameters:
    """Fit the model of continuous latents (N, D) given regressors (N, P) without NaN."""
    code_mean, phi_mean = codes.mean(0), regressors.mean(0)
    centred, phi = codes - code_mean, regressors - phi_mean
    found = regress(centred, phi, [block.columns for block in design.blocks])
    informative = found.informative
    explained = np.zeros((codes.shape[1], len(design.specs)))
    for block, share in zip(design.blocks, found.explained_variance.T, strict=True):
        explained[informative, block.factor] += share[informative]
    return Parameters(
        phi_mean=phi_mean,
        phi_cov=phi.T @ phi / len(phi),
        code_mean=code_mean,
        weights=found.weights,
        noise_cov=np.where(np.outer(informative, informative), found.noise_cov, 0.0),
        informative=informative,
        free_moments=free,
        explained_variance=explained,
        links=links,
        label_count=len(codes),
    )


def _checked(
    model: Method, codes: ArrayLike, factors: ArrayLike, design: DesignMatrix
) -> tuple[Array, Array]:
    """Return codes (N, D) and factors (N, F) as floats, without rows that have no label at all."""
    rows, labels = np.asarray(codes, np.float64), np.asarray(factors, np.float64)
    if rows.ndim != 2 or rows.shape[1] != model.latent_dim or not np.isfinite(rows).all():
        raise UnbraidError(
            f"codes have shape {rows.shape} or are not all finite, expected "
            f"(N, {model.latent_dim}), as model.encode returns them."
        )
    if labels.shape != (len(rows), len(design.specs)):
        raise UnbraidError(
            f"factors have shape {labels.shape}, expected ({len(rows)}, {len(design.specs)}): one "
            "row per code, one column per factor."
        )
    labelled = ~np.isnan(labels).all(1)
    counts = np.isfinite(labels).sum(0)
    for spec, count in zip(design.specs, counts, strict=True):
        if (count or not counts.any()) and count < MIN_LABELS:
            raise UnbraidError(
                f"'{spec.name}' is labelled in {count} images, but control needs at least "
                f"{MIN_LABELS} and works well with 100 or more: give more labels."
            )
    return rows[labelled], labels[labelled]
