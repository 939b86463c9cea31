"""Inference of factors from codes under the linear-Gaussian model: posterior and MAP estimate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from unbraid.control.linear_gaussian import categorical_links
from unbraid.control.linear_gaussian.design_matrix import DesignMatrix
from unbraid.control.linear_gaussian.parameters import Parameters

Array = NDArray[np.float64]

SWEEPS = 3  # of mean-field updates, if there are several categorical factors
STEPS = 8  # of Gauss-Newton
RIDGE = 1e-6  # added to the variance of regressors, which may be 0 on few labels


def infer_factors(
    design: DesignMatrix, params: Parameters, values: list[NDArray[np.int64]], codes: Array
) -> Array:
    """Return the maximum a posteriori factors of codes, (N, F).

    Args:
        design: of the factors.
        params: of the model.
        values: (N,) of each categorical latent.
        codes: (N, D), the continuous latents.
    """
    expected = posterior(design, params, values, codes)
    levels = [expected[:, design.columns_of(k)].argmax(1) for k in design.categorical]
    if not design.numeric:
        return design.factors(levels, np.zeros((len(codes), 0)))
    u = _initial_coordinates(design, expected)
    return design.factors(levels, _refine(design, params, values, codes, levels, u))


def posterior(
    design: DesignMatrix, params: Parameters, values: list[NDArray[np.int64]], codes: Array
) -> Array:
    """Return E[phi | z], (N, P): probabilities of levels, and means of numeric regressors.

    Numeric regressors are treated as jointly Gaussian. With a single categorical factor the result
    is exact under this model; several are updated in turn, each given the expected others.
    """
    informative = params.informative
    weights, noise = (
        params.weights[:, informative],
        params.noise_cov[np.ix_(informative, informative)],
    )
    centred = codes[:, informative] - params.code_mean[informative]
    expected = np.tile(params.phi_mean, (len(codes), 1))
    numeric = design.numeric_columns
    phi_cov = regularised_cov(params, numeric)
    marginal_covariance = noise + weights[numeric].T @ phi_cov @ weights[numeric]
    for _ in range(SWEEPS if len(design.categorical) > 1 else 1):
        for k in design.categorical:
            own = design.columns_of(k)
            others = np.setdiff1d(design.level_columns, np.r_[own])
            residual = centred - (expected[:, others] - params.phi_mean[others]) @ weights[others]
            logits = np.log(np.maximum(params.phi_mean[own], 1e-9)) + _log_likelihood(
                residual, weights[own], params.phi_mean[own], marginal_covariance
            )
            for value, link in zip(values, params.links, strict=False):  # values may be empty
                if link.factor == k:
                    logits = logits + np.log(link.table[:, value]).T
            odds = np.exp(logits - logits.max(1, keepdims=True))
            expected[:, own] = odds / odds.sum(1, keepdims=True)
    levels = design.level_columns
    residual = centred - (expected[:, levels] - params.phi_mean[levels]) @ weights[levels]
    gain = np.linalg.solve(marginal_covariance, weights[numeric].T @ phi_cov)
    expected[:, numeric] = params.phi_mean[numeric] + residual @ gain
    return expected


def consistent_residuals(
    design: DesignMatrix, params: Parameters, factors: Array, residuals: Array
) -> Array:
    """Return residuals (N, D) changed so that the codes are still read as the given factors.

    The component that would move the MAP estimate of numeric factors is removed. If a code would
    still be read as another category, its whole residual is shrunk until it is not.

    Args:
        design: of the factors.
        params: of the model.
        factors: (N, F), requested.
        residuals: (N, D), random, from the mean of codes given the factors.
    """
    informative = params.informative
    if not informative.any():
        return residuals
    weights, noise = (
        params.weights[:, informative],
        params.noise_cov[np.ix_(informative, informative)],
    )
    kept = residuals[:, informative]
    if design.numeric:
        u = design.coordinates(factors)
        slopes = design.numeric_derivatives(u)[:, :, None]
        phi_jacobian = slopes * np.eye(u.shape[1])[design.coordinate_of_column()]  # (N, R, Q)
        jacobian = np.einsum("nrq,rs->nqs", phi_jacobian, weights[design.numeric_columns])
        scaled = np.linalg.solve(noise, jacobian.transpose(0, 2, 1))  # (N, S, Q)
        precision = jacobian @ scaled + np.eye(u.shape[1])  # u has a prior variance of about 1
        shift = np.linalg.solve(precision, np.einsum("nsq,ns->nq", scaled, kept)[:, :, None])
        kept = kept - np.einsum("nqs,nq->ns", jacobian, shift[:, :, 0])
    mean = params.code_mean + (design(factors) - params.phi_mean) @ params.weights
    shrinkage = np.ones(len(factors))
    labelled = [k for k in design.categorical if params.labelled(design.columns_of(k))]
    for smaller in (0.75, 0.5, 0.25, 0.0) if labelled else ():
        codes = mean.copy()
        codes[:, informative] += shrinkage[:, None] * kept
        inferred = posterior(design, params, [], codes)
        wrong = np.zeros(len(factors), bool)
        for k in labelled:
            wrong |= inferred[:, design.columns_of(k)].argmax(1) != factors[:, k].round()
        shrinkage[wrong] = smaller
    out = residuals.copy()
    out[:, informative] = shrinkage[:, None] * kept
    return out


def _log_likelihood(residual: Array, weights: Array, phi_mean: Array, covariance: Array) -> Array:
    """Return log N(residual; (e_level - phi_mean) W, covariance) up to a constant, (N, levels)."""
    if not len(covariance):
        return np.zeros((len(residual), len(weights)))
    centres = weights - phi_mean @ weights  # (levels, S)
    solved = np.linalg.solve(covariance, centres.T)  # (S, levels)
    return np.asarray(residual @ solved - 0.5 * np.sum(centres.T * solved, 0))


def regularised_cov(params: Parameters, columns: NDArray[np.int64]) -> Array:
    """Return the covariance of some regressors, made invertible."""
    covariance = params.phi_cov[np.ix_(columns, columns)]
    return np.asarray(covariance + RIDGE * np.eye(len(columns)))


def _initial_coordinates(design: DesignMatrix, expected: Array) -> Array:
    """Return the coordinates (N, Q) whose linear regressors are nearest to the expected ones."""
    columns = []
    for k in design.numeric:
        linear = expected[:, design.columns_of(k)]
        periodic = linear.shape[1] == 2
        angle_or_u = np.arctan2(*linear.T) if periodic else linear[:, 0].clip(-1, 1)
        columns.append(angle_or_u)
    return np.stack(columns, 1)


def _refine(
    design: DesignMatrix,
    params: Parameters,
    values: list[NDArray[np.int64]],
    codes: Array,
    levels: list[NDArray[np.int64]],
    u: Array,
) -> Array:
    """Return the MAP coordinates (N, Q) by Gauss-Newton, with regressors of higher order.

    The prior of the linear regressors is Gaussian with the mean and covariance of the labels,
    multiplied by the likelihood of categorical latents that are linked to numeric factors.
    """
    informative, numeric = params.informative, design.numeric_columns
    weights, noise = (
        params.weights[:, informative],
        params.noise_cov[np.ix_(informative, informative)],
    )
    target = codes[:, informative] - params.code_mean[informative] + params.phi_mean @ weights
    for k, level in zip(design.categorical, levels, strict=True):
        target = target - weights[design.columns_of(k)][level]
    selector = np.eye(u.shape[1])[design.coordinate_of_column()]  # (R, Q)
    precision = np.linalg.inv(noise)
    linear = np.flatnonzero(np.isin(numeric, design.linear_columns))
    prior_mean, prior_precision = _linear_prior(design, params, values, len(u))
    for _ in range(STEPS):
        phi = design.numeric_regressors(u)
        phi_jacobian = design.numeric_derivatives(u)[:, :, None] * selector  # (N, R, Q)
        jacobian = np.einsum("nrq,rs->nqs", phi_jacobian, weights[numeric])  # (N, Q, S)
        linear_jacobian = phi_jacobian[:, linear]  # (N, L, Q)
        residual = target - phi @ weights[numeric]
        prior_gradient = np.einsum("nlm,nm->nl", prior_precision, phi[:, linear] - prior_mean)
        gradient = np.einsum("nqs,ns->nq", jacobian, residual @ precision)
        gradient -= np.einsum("nlq,nl->nq", linear_jacobian, prior_gradient)
        hessian = jacobian @ precision @ jacobian.transpose(0, 2, 1)
        hessian += linear_jacobian.transpose(0, 2, 1) @ prior_precision @ linear_jacobian
        hessian += 1e-9 * np.eye(u.shape[1])
        step = np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
        u = u + np.clip(step, -0.5, 0.5)
    return u


def _linear_prior(
    design: DesignMatrix, params: Parameters, values: list[NDArray[np.int64]], count: int
) -> tuple[Array, Array]:
    """Return prior mean (N, L) and precision (N, L, L) of the linear regressors of each code."""
    linear = design.linear_columns
    precision = np.tile(np.linalg.inv(regularised_cov(params, linear)), (count, 1, 1))
    information = precision @ params.phi_mean[linear]  # precision times mean
    for value, link in zip(values, params.links, strict=True):
        if link.factor not in design.numeric:
            continue
        for column, added, expected in link_evidence(design, link):
            precision[:, column, column] += added[value]
            information[:, column] += (added * expected)[value]
    return np.asarray(np.linalg.solve(precision, information[:, :, None])[:, :, 0]), precision


def link_evidence(
    design: DesignMatrix, link: categorical_links.CategoricalLink
) -> Iterator[tuple[int, Array, Array]]:
    """Yield what each value of a categorical latent says of a numeric factor's regressors.

    Yields:
        The column among the linear regressors, the precision that each value adds (V,), and the
        regressor's expectation given each value (V,).
    """
    own = np.flatnonzero(np.isin(design.linear_columns, np.r_[design.columns_of(link.factor)]))
    centres, within = _bin_regressors(design, link.factor)
    mean = link.table.mean(0)
    given = (link.table / link.table.shape[0] / mean).T  # p(bin | value), (V, bins)
    for column, phi in zip(own, centres.T, strict=True):
        expected = given @ phi
        variance = given @ phi**2 - expected**2 + within
        yield int(column), np.maximum(1 / variance - 1 / (phi.var() + within), 0), expected


def _bin_regressors(design: DesignMatrix, factor: int) -> tuple[Array, float]:
    """Return linear regressors at the centre of each bin, (bins, L), and the variance in a bin."""
    centre = (np.arange(categorical_links.BINS) + 0.5) / categorical_links.BINS
    if design.specs[factor].kind == "periodic":
        angle = 2 * np.pi * centre
        return np.stack([np.sin(angle), np.cos(angle)], 1), (
            2 * np.pi / categorical_links.BINS
        ) ** 2 / 24
    return (2 * centre - 1)[:, None], (2 / categorical_links.BINS) ** 2 / 12
