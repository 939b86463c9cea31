"""What a controller learns from the codes and labels of a few images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unbraid.control import _inversion, _links
from unbraid.control._basis import Basis
from unbraid.control._relevance import LITTLE, regress
from unbraid.errors import UnbraidError
from unbraid.methods import Method

Array = NDArray[np.float64]

LEAST = 10  # labelled images; fewer tell nothing
ROUNDS = 5  # of filling in labels that are missing


@dataclass(frozen=True)
class Fit:
    """What was learnt, as arrays; everything a control.safetensors holds.

    Args:
        middle: (P,), mean of the regressors phi.
        spread: (P, P), their covariance.
        mean: (D,), of the continuous latents.
        weights: (P, D), W; 0 for latents outside S.
        noise: (D, D), C; 0 but for S.
        carried: (D,), whether a latent is in S.
        free: (2, D), mean and standard deviation of latents outside S.
        shares: (D, F), of a latent's variance that each factor explains.
        links: of each categorical latent.
        labels: how many labelled images it was learnt from.
    """

    middle: Array
    spread: Array
    mean: Array
    weights: Array
    noise: Array
    carried: NDArray[np.bool_]
    free: Array
    shares: Array
    links: tuple[_links.Link, ...] = ()
    labels: int = 0


def learn(model: Method, codes: ArrayLike, factors: ArrayLike, basis: Basis) -> Fit:
    """Return what codes (N, D) and factors (N, F) of labelled images tell of a model.

    Labels that are missing (NaN) are filled in with what is expected of them given the codes.

    Raises:
        UnbraidError: arrays that do not fit each other or the model, or too few labels.
    """
    rows, labels = _checked(model, codes, factors, basis)
    continuous = rows[:, sum(model.layout.categories) :]
    values = values_of(rows, model.layout.categories)
    pairs = zip(values, model.layout.categories, strict=True)
    links = tuple(_links.link(value, count, labels, basis) for value, count in pairs)
    regressors, free = basis(labels), _free(model, continuous)
    missing = np.isnan(regressors)
    filled = np.where(missing, np.nanmean(regressors, 0), regressors)
    found = _fit(continuous, filled, basis, links, free)
    if missing.any():
        found = _sharpened(found, continuous, filled, ~np.isnan(labels))
    for _ in range(ROUNDS if missing.any() else 0):
        expected = _inversion.posterior(basis, found, values, continuous)
        found = _fit(continuous, np.where(missing, expected, regressors), basis, links, free)
    return found


def _sharpened(found: Fit, codes: Array, regressors: Array, known: NDArray[np.bool_]) -> Fit:
    """Return a fit to means in place of missing labels, with the noise that labels leave.

    Where a factor is missing all that it explains counts as noise; here each latent's is measured
    on the images whose factors that matter to it are known.
    """
    rest = codes - found.mean - (regressors - found.middle) @ found.weights
    factor = np.ones(len(found.mean))
    for latent in np.flatnonzero(found.carried):
        told = known[:, found.shares[latent] > LITTLE].all(1)
        if told.sum() >= LEAST:
            noise = np.square(rest[told, latent]).mean() / found.noise[latent, latent]
            factor[latent] = np.sqrt(min(noise, 1.0))
    return replace(found, noise=found.noise * np.outer(factor, factor))


def values_of(codes: Array, categories: Sequence[int]) -> list[NDArray[np.int64]]:
    """Return the most probable value of each categorical latent of codes (N, D), (N,) each."""
    starts = np.cumsum((0, *categories))[:-1]
    return [codes[:, i : i + k].argmax(1) for i, k in zip(starts, categories, strict=True)]


def _free(model: Method, codes: Array) -> Array:
    """Return mean and deviation of what is drawn freely, (2, D): the prior's, if there is one."""
    if model.prior_kind == "gaussian":
        return np.stack([np.zeros(codes.shape[1]), np.ones(codes.shape[1])])
    return np.stack([codes.mean(0), codes.std(0)])  # what the codes themselves do


def _fit(
    codes: Array, regressors: Array, basis: Basis, links: tuple[_links.Link, ...], free: Array
) -> Fit:
    """Fit the continuous latents (N, D) given the regressors (N, P), none missing."""
    mean, middle = codes.mean(0), regressors.mean(0)
    centred, phi = codes - mean, regressors - middle
    found = regress(centred, phi, [block.columns for block in basis.blocks])
    carried = found.carried
    shares = np.zeros((codes.shape[1], len(basis.specs)))
    for block, share in zip(basis.blocks, found.shares.T, strict=True):
        shares[carried, block.factor] += share[carried]
    noise = np.where(np.outer(carried, carried), found.noise, 0.0)
    spread = phi.T @ phi / len(phi)
    count = len(codes)
    return Fit(middle, spread, mean, found.weights, noise, carried, free, shares, links, count)


def _checked(
    model: Method, codes: ArrayLike, factors: ArrayLike, basis: Basis
) -> tuple[Array, Array]:
    """Return codes (N, D) and factors (N, F) as floats; rows without any label are left out."""
    rows, labels = np.asarray(codes, np.float64), np.asarray(factors, np.float64)
    if rows.ndim != 2 or rows.shape[1] != model.latent_dim or not np.isfinite(rows).all():
        raise UnbraidError(
            f"codes have shape {rows.shape} or are not all finite, expected "
            f"(N, {model.latent_dim}), as model.encode gives them."
        )
    if labels.shape != (len(rows), len(basis.specs)):
        raise UnbraidError(
            f"factors have shape {labels.shape}, expected ({len(rows)}, {len(basis.specs)}): a row "
            "a code, a column a factor."
        )
    told = ~np.isnan(labels).all(1)
    for spec, column in zip(basis.specs, labels.T, strict=True):
        if np.isfinite(column).sum() < LEAST:
            raise UnbraidError(
                f"'{spec.name}' is known of {np.isfinite(column).sum()} images, but control needs "
                f"{LEAST} at least and works well from 100 on: give more labels."
            )
    return rows[told], labels[told]
