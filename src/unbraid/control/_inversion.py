"""From codes back to factors: the most probable ones under the model that ``fitting`` learnt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unbraid.control import _links
from unbraid.control._basis import Basis

if TYPE_CHECKING:
    from unbraid.control._learning import Fit

Array = NDArray[np.float64]

SWEEPS = 3  # over the categories, each given the others
STEPS = 8  # of Gauss-Newton
RIDGE = 1e-6  # of the variance that regressors have, where labels leave them without any


def read(basis: Basis, found: Fit, values: list[NDArray[np.int64]], codes: Array) -> Array:
    """Return the most probable factors of codes, (N, F).

    Args:
        basis: of the factors.
        found: what ``fit`` learnt.
        values: (N,) for each categorical latent.
        codes: (N, D), the continuous latents.
    """
    expected = posterior(basis, found, values, codes)
    levels = [expected[:, basis.block(k)].argmax(1) for k in basis.categorical]
    if not basis.numeric:
        return basis.factors(levels, np.zeros((len(codes), 0)))
    u = _starting_at(basis, expected)
    return basis.factors(levels, _refine(basis, found, values, codes, levels, u))


def posterior(basis: Basis, found: Fit, values: list[NDArray[np.int64]], codes: Array) -> Array:
    """Return E[phi | z], (N, P), with lines and bends taken for Gaussian: levels' probabilities.

    With a single category and W the same for all its levels this is exact; several are read in
    turn, each given the others' probabilities.
    """
    carried = found.carried
    weights, noise = found.weights[:, carried], found.noise[np.ix_(carried, carried)]
    rest = codes[:, carried] - found.mean[carried]  # from the codes' mean
    expected = np.tile(found.middle, (len(codes), 1))
    curves = basis.curves
    slack = noise + weights[curves].T @ _prior(found, curves) @ weights[curves]
    for _ in range(SWEEPS if len(basis.categorical) > 1 else 1):
        for k in basis.categorical:
            own = basis.block(k)
            others = np.setdiff1d(basis.levels, np.r_[own])
            left = rest - (expected[:, others] - found.middle[others]) @ weights[others]
            log_odds = np.log(np.maximum(found.middle[own], 1e-9))
            log_odds = log_odds + _evidence(left, weights[own], found.middle[own], slack)
            for value, link in zip(values, found.links, strict=False):  # none: of no latent
                if link.factor == k:
                    log_odds = log_odds + np.log(link.table[:, value]).T
            odds = np.exp(log_odds - log_odds.max(1, keepdims=True))
            expected[:, own] = odds / odds.sum(1, keepdims=True)
    levels = basis.levels
    left = rest - (expected[:, levels] - found.middle[levels]) @ weights[levels]
    gain = np.linalg.solve(slack, weights[curves].T @ _prior(found, curves))
    expected[:, curves] = found.middle[curves] + left @ gain
    return expected


def consistent(basis: Basis, found: Fit, factors: Array, rest: Array) -> Array:
    """Return residuals (N, D) without what would make the codes read as other factors.

    Of numbers, what moves their most probable value goes; the rest of the residual stays whole.
    Where another category would still be read, all of it is made smaller until it is not.

    Args:
        basis: of the factors.
        found: what ``fit`` learnt.
        factors: (N, F), that are asked for.
        rest: (N, D), drawn around the codes' means given the factors.
    """
    carried = found.carried
    if not carried.any():
        return rest
    weights, noise = found.weights[:, carried], found.noise[np.ix_(carried, carried)]
    kept = rest[:, carried]
    if basis.numeric:
        u, curves, owners = basis.coordinates(factors), basis.curves, basis.owners()
        jacobian = basis.slopes(u)[:, :, None] * np.eye(u.shape[1])[owners]  # (N, curves, Q)
        seen = np.einsum("ncq,cs->nqs", jacobian, weights[curves])  # (N, Q, S)
        sharp = np.linalg.solve(noise, seen.transpose(0, 2, 1))  # (N, S, Q)
        known = seen @ sharp + np.eye(u.shape[1])  # u has a variance of about 1 before
        shift = np.linalg.solve(known, np.einsum("nsq,ns->nq", sharp, kept)[:, :, None])
        kept = kept - np.einsum("nqs,nq->ns", seen, shift[:, :, 0])
    made = found.mean + (basis(factors) - found.middle) @ found.weights
    size = np.ones(len(factors))
    for smaller in (0.75, 0.5, 0.25, 0.0) if basis.categorical else ():
        codes = made.copy()
        codes[:, carried] += size[:, None] * kept
        read_as = posterior(basis, found, [], codes)
        wrong = np.zeros(len(factors), bool)
        for k in basis.categorical:
            wrong |= read_as[:, basis.block(k)].argmax(1) != factors[:, k].round()
        size[wrong] = smaller
    out = rest.copy()
    out[:, carried] = size[:, None] * kept
    return out


def _evidence(rest: Array, weights: Array, middle: Array, slack: Array) -> Array:
    """Return log N(rest; (e_level - middle) W, slack) up to a constant, (N, levels)."""
    if not len(slack):
        return np.zeros((len(rest), len(weights)))
    centres = weights - middle @ weights  # (levels, S)
    solved = np.linalg.solve(slack, centres.T)  # (S, levels)
    return np.asarray(rest @ solved - 0.5 * np.sum(centres.T * solved, 0))


def _prior(found: Fit, columns: NDArray[np.int64]) -> Array:
    """Return the covariance of some regressors, invertible."""
    spread = found.spread[np.ix_(columns, columns)]
    return np.asarray(spread + RIDGE * np.eye(len(columns)))


def _starting_at(basis: Basis, expected: Array) -> Array:
    """Return the coordinates (N, Q) whose lines are nearest to the expected ones."""
    columns = []
    for k in basis.numeric:
        line = expected[:, basis.block(k)]
        circle = line.shape[1] == 2
        columns.append(np.arctan2(line[:, 0], line[:, 1]) if circle else line[:, 0].clip(-1, 1))
    return np.stack(columns, 1)


def _refine(
    basis: Basis,
    found: Fit,
    values: list[NDArray[np.int64]],
    codes: Array,
    levels: list[NDArray[np.int64]],
    u: Array,
) -> Array:
    """Return the most probable coordinates (N, Q) by Gauss-Newton, bends and all.

    The prior of the lines is Gaussian, with the mean and covariance that labels have; what a
    categorical latent says of a number multiplies it.
    """
    carried, curves, owners = found.carried, basis.curves, basis.owners()
    weights, noise = found.weights[:, carried], found.noise[np.ix_(carried, carried)]
    target = codes[:, carried] - found.mean[carried] + found.middle @ weights
    for k, level in zip(basis.categorical, levels, strict=True):
        target = target - weights[basis.block(k)][level]
    slopes_of = np.eye(u.shape[1])[owners]  # (curves, Q): which column each curve moves
    precision = np.linalg.inv(noise)
    lines = np.flatnonzero(np.isin(curves, basis.lines))
    prior_mean, prior = _prior_of_lines(basis, found, values, len(u))
    for _ in range(STEPS):
        phi, slope = basis.bent(u), basis.slopes(u)
        jacobian = slope[:, :, None] * slopes_of  # (N, curves, Q)
        seen = np.einsum("ncq,cs->nqs", jacobian, weights[curves])  # (N, Q, S)
        along = jacobian[:, lines]  # (N, lines, Q)
        rest = target - phi @ weights[curves]
        away = phi[:, lines] - prior_mean
        pull = np.einsum("nlm,nm->nl", prior, away)
        gradient = np.einsum("nqs,ns->nq", seen, rest @ precision)
        gradient -= np.einsum("nlq,nl->nq", along, pull)
        hessian = seen @ precision @ seen.transpose(0, 2, 1)
        hessian += along.transpose(0, 2, 1) @ prior @ along
        hessian += 1e-9 * np.eye(u.shape[1])
        step = np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
        u = u + np.clip(step, -0.5, 0.5)
    return u


def _prior_of_lines(
    basis: Basis, found: Fit, values: list[NDArray[np.int64]], count: int
) -> tuple[Array, Array]:
    """Return the lines' prior mean (N, L) and precision (N, L, L) for each code."""
    lines = basis.lines
    precision = np.tile(np.linalg.inv(_prior(found, lines)), (count, 1, 1))
    pull = precision @ found.middle[lines]
    for value, link in zip(values, found.links, strict=True):
        if link.factor not in basis.numeric:
            continue
        own = np.flatnonzero(np.isin(lines, np.r_[basis.block(link.factor)]))
        middle, part = _bin_lines(basis, link.factor)
        mean = link.table.mean(0)
        given = (link.table / link.table.shape[0] / mean).T[value]  # p(bin | value), (N, bins)
        for column, line in zip(own, middle.T, strict=True):
            before = np.array([line.mean(), line.var() + part])
            expected = given @ line
            spread = given @ line**2 - expected**2 + part
            more = np.maximum(1 / spread - 1 / before[1], 0)
            precision[:, column, column] += more
            pull[:, column] += more * expected
    return np.asarray(np.linalg.solve(precision, pull[:, :, None])[:, :, 0]), precision


def _bin_lines(basis: Basis, factor: int) -> tuple[Array, float]:
    """Return the lines at the middle of each bin, (bins, columns), and the variance within one."""
    part = (np.arange(_links.BINS) + 0.5) / _links.BINS
    if basis.specs[factor].kind == "periodic":
        angle = 2 * np.pi * part
        return np.stack([np.sin(angle), np.cos(angle)], 1), (2 * np.pi / _links.BINS) ** 2 / 24
    return (2 * part - 1)[:, None], (2 / _links.BINS) ** 2 / 12
