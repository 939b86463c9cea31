"""Scores that need no labels, against quadrature, closed forms and brute force."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.stats import multivariate_normal, norm

from unbraid.metrics import Score, evaluate
from unbraid.metrics._density import log_aggregate
from unbraid.metrics.udr import agreement

RNG = np.random.default_rng(0)


def posteriors() -> tuple[np.ndarray, np.ndarray]:
    """Return 60 correlated two-dimensional posteriors."""
    rng = np.random.default_rng(1)
    mean = rng.standard_normal((60, 2)) @ np.array([[1.0, 0.6], [0.0, 0.5]])
    return mean, rng.uniform(-3, -1, (60, 2))


def test_log_densities_against_scipy() -> None:
    mean, logvar = posteriors()
    z = RNG.standard_normal((20, 2))
    joint, marginal = log_aggregate(z, mean, logvar)
    parts = [
        multivariate_normal(m, np.diag(np.exp(v))).pdf(z) for m, v in zip(mean, logvar, strict=True)
    ]
    np.testing.assert_allclose(joint, np.log(np.mean(parts, axis=0)), atol=1e-9)
    for d in range(2):
        single = norm(mean[:, d], np.exp(logvar[:, d] / 2)).pdf(z[:, d, None]).mean(axis=1)
        np.testing.assert_allclose(marginal[:, d], np.log(single), atol=1e-9)


def test_total_correlation_against_quadrature() -> None:
    mean, logvar = posteriors()
    axis = np.linspace(-7, 7, 700)
    step = axis[1] - axis[0]
    x, y = np.meshgrid(axis, axis, indexing="ij")
    joint, marginal = log_aggregate(np.stack([x.ravel(), y.ravel()], axis=1), mean, logvar)
    weight = np.exp(joint) * step**2
    assert weight.sum() == pytest.approx(1, abs=1e-9)
    prior = norm.logpdf(x.ravel()) + norm.logpdf(y.ravel())
    own = -0.5 * (logvar + np.log(2 * np.pi) + 1).sum(axis=1).mean()
    exact = {
        "total correlation": weight @ (joint - marginal.sum(axis=1)),
        "mutual information": own - weight @ joint,
        "dimension-wise KL": weight @ (marginal.sum(axis=1) - prior),
    }
    options = {"total-correlation": {"samples": 20_000}}
    score = evaluate(mean, logvar=logvar, metrics="total-correlation", options=options)
    parts = score["total-correlation"].parts
    for name, value in exact.items():
        assert abs(parts[name].value - value) < 4 * parts[name].standard_error
        assert parts[name].standard_error < 0.01
    # Chen et al. (2018), eq. 2: the three terms make the KL.
    assert sum(exact.values()) == pytest.approx(parts["total KL"].value, abs=1e-9)
    assert sum(parts[name].value for name in exact) == pytest.approx(
        parts["total KL"].value, abs=1e-9
    )


def test_information_cannot_exceed_log_n() -> None:
    mean = RNG.standard_normal((500, 8))
    parts = evaluate(mean, logvar=np.full(mean.shape, -8.0), metrics="total-correlation")
    assert parts["total-correlation"].parts["mutual information"].value == pytest.approx(
        np.log(500), abs=0.01
    )


@pytest.mark.parametrize(("rows", "samples"), [(200, 2000), (200, 10_000), (1000, 1000)])
def test_the_error_of_the_density_estimate_is_what_other_rows_change(
    rows: int, samples: int
) -> None:
    """Draws of one posterior are alike, so that more of them than rows leave the error."""
    scores = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        factors = rng.integers(0, 3, (rows, 2))
        mean = factors + 0.7 * rng.standard_normal((rows, 2))
        options = {"mig": {"estimator": "density", "samples": samples}}
        logvar = np.full(mean.shape, np.log(0.09))
        scores.append(evaluate(mean, factors, metrics="mig", logvar=logvar, options=options)["mig"])
    spread = np.std([score.value for score in scores], ddof=1)
    told = np.mean([score.standard_error for score in scores])
    assert 0.6 < told / spread < 1.9


def test_density_mig_of_clear_posteriors() -> None:
    factors = RNG.integers(0, 4, (2000, 2))
    codes = 2.0 * factors[:, ::-1] + 0.05 * RNG.standard_normal((2000, 2))
    wide = np.full(codes.shape, -3.0)
    score = evaluate(codes, factors, protocol="chen2018", logvar=wide)["mig"]
    assert score.value > 0.98
    assert "posterior density, 10000 samples" in score.name
    blurred = evaluate(codes, factors, metrics="mig", logvar=wide + 6, protocol="chen2018")
    assert blurred["mig"].value < 0.3


def test_active_units() -> None:
    codes = RNG.standard_normal((1000, 4)) * [1.0, 0.2, 0.05, 0.0]
    score = evaluate(codes, metrics="active-units")["active-units"]
    assert score.value == 2
    assert score.parts["share"].value == 0.5
    assert score.standard_error == 0  # no variance is near 0.01
    close = evaluate(RNG.standard_normal((1000, 4)) * 0.1, metrics="active-units")["active-units"]
    assert close.standard_error > 0.3


def gaussian(codes: Any, **given: Any) -> Score:
    return evaluate(codes, metrics="gaussian-correlation", **given)["gaussian-correlation"]


def test_gaussian_correlations_of_known_codes() -> None:
    spread = np.array([1.0, 3.0, 0.5])
    matrix = np.array([[1, 0.6, 0], [0.6, 1, -0.3], [0, -0.3, 1]]) * np.outer(spread, spread)
    codes = np.random.default_rng(0).multivariate_normal(np.ones(3), matrix, 50_000)
    score = gaussian(codes)
    diagonal = np.diag(np.diag(matrix))
    root = sqrtm(np.sqrt(diagonal) @ matrix @ np.sqrt(diagonal)).real
    distance = np.trace(matrix + diagonal - 2 * root)
    exact = {
        "total correlation": 0.5 * np.log(np.linalg.det(diagonal) / np.linalg.det(matrix)),
        "Wasserstein": distance,
        "Wasserstein normalised": distance / np.trace(matrix),
    }
    assert score.value == score.parts["total correlation"].value
    for name, value in exact.items():
        part = score.parts[name]
        assert abs(part.value - value) < 3 * part.standard_error < 0.05 * value
    scaled = gaussian(codes * [10, -0.1, 1] + 5)
    assert scaled.value == pytest.approx(score.value, abs=1e-9)


def test_the_gaussian_total_correlation_of_few_rows_is_unbiased() -> None:
    """The maximum-likelihood value of 8 independent codes and 50 rows is .30 nats."""
    rng = np.random.default_rng(0)
    found = np.array([gaussian(rng.standard_normal((50, 8))).value for _ in range(300)])
    assert abs(found.mean()) < 3 * found.std() / np.sqrt(len(found))
    mixing = np.eye(4) + 0.3
    scores = [gaussian(rng.standard_normal((500, 4)) @ mixing) for _ in range(100)]
    said = np.mean([score.standard_error for score in scores])
    assert said == pytest.approx(np.std([score.value for score in scores]), rel=0.25)


def test_gaussian_correlations_where_codes_say_nothing_new() -> None:
    z = RNG.standard_normal((200, 2))
    doubled = gaussian(np.column_stack([z, z[:, 0] - z[:, 1]]))
    assert np.isnan(doubled.value)
    assert "the total correlation is infinite" in doubled.notes[-1]
    assert doubled.parts["Wasserstein normalised"].value > 0.1
    constant = gaussian(np.column_stack([z[:, 0], np.ones(200)]))
    assert (constant.value, constant.notes) == (0, ("constant codes: 1",))
    categories = np.column_stack([np.arange(200) % 3, z])
    alone, beside = gaussian(z), gaussian(categories, categories=[3])
    assert beside.value == alone.value
    assert beside.notes == ("categorical codes are left out: 0",)


@pytest.mark.parametrize("relation", ["lasso", "spearman"])
def test_udr_ranks_the_odd_run_last(relation: str) -> None:
    z = RNG.standard_normal((1000, 3))
    rotated = z @ (2 / 3 - np.eye(3))
    runs = [z, np.hstack([-z[:, [2, 0, 1]], np.zeros((1000, 1))]), z[:, ::-1] ** 3, rotated]
    options = {"udr": {"relation": relation}}
    per_run = evaluate(runs=runs, metrics="udr", options=options)["udr"].detail["per_run"]
    assert per_run.argmin() == 3
    if relation == "spearman":
        assert per_run[:3].min() > 0.9


def test_udr_by_hand() -> None:
    # Columns: 0.8^2 / 1 and 0.6^2 / 0.6; rows: 0.8^2 / 0.8 and 0.6^2 / 0.8.
    relation = np.array([[0.8, 0.0], [0.2, 0.6]])
    expected = (0.64 + 0.6 + 0.8 + 0.45) / 4
    assert agreement(relation) == pytest.approx(expected)
    # Not the mean of the means of rows and of columns, which differs where their numbers do.
    assert agreement(np.array([[0.8], [0.2]])) == pytest.approx((0.64 + 0.8 + 0.2) / 3)
    assert agreement(np.zeros((0, 2))) == 0


def test_udr_of_a_collapsed_run_is_zero() -> None:
    z = RNG.standard_normal((200, 2))
    score = evaluate(runs=[z, np.zeros((200, 2)), -z], metrics="udr")["udr"]
    assert score.detail["per_run"][1] == 0
    assert score.notes == ("runs without an active code: 1",)


def test_reconstruction_by_hand() -> None:
    x = np.array([[0.0, 1.0, 0.5, 0.1], [1.0, 0.25, 0.0, 1.0]])
    logits = np.array([[-3.0, 2.0, 0.0, -40.0], [90.0, 1.0, -90.0, 0.5]])
    nll = np.array(
        [[0.04858735157374206, 0.1269280110429727, 0.6931471805599453, 4.0], [0, 0, 0, 0]]
    )
    nll[1] = [0.0, np.log1p(np.e) - 0.25, 0.0, np.log1p(np.exp(-0.5))]
    options = {"reconstruction": {"logits": True}}
    score = evaluate(images=x, reconstructions=logits, options=options)["reconstruction"]
    assert score.parts["BCE per image"].value == pytest.approx(nll.sum(axis=1).mean(), abs=1e-12)
    assert score.value == pytest.approx(nll.mean(), abs=1e-12)
    floor = 0.6931471805599453 + 0.3250829733914482 + 0.5623351446188083  # of 0.5, 0.1 and 0.25
    excess = score.parts["BCE excess per image"].value
    assert excess == pytest.approx((nll.sum() - floor) / 2, abs=1e-12)


def test_reconstruction_from_probabilities() -> None:
    x = RNG.random((60, 1, 4, 4))
    score = evaluate(images=x, reconstructions=x, metrics="reconstruction")["reconstruction"]
    assert score.parts["BCE excess per dimension"].value == pytest.approx(0, abs=1e-12)
    assert score.variant == "Bernoulli"  # no unit: each part names its own
    assert score.parts["squared error per image"].value == 0
    assert score.value > 0.3  # grey pixels have a floor
    off = evaluate(images=x, reconstructions=x * 0 + 0.5, metrics="reconstruction")
    assert off["reconstruction"].value == pytest.approx(np.log(2))
    expected = np.square(x - 0.5).mean()
    assert off["reconstruction"].parts["squared error per dimension"].value == pytest.approx(
        expected
    )


def test_log_likelihood_of_a_linear_gaussian_model() -> None:
    # p(z) = N(0, 1), p(x|z) = N(z, 1), so p(x) = N(0, 2); the proposal is a little too wide.
    rng = np.random.default_rng(0)
    x = rng.standard_normal(2000) * np.sqrt(2)
    z = x[:, None] / 2 + rng.standard_normal((2000, 200))
    weights = norm.logpdf(z) + norm.logpdf(x[:, None], z) - norm.logpdf(z, x[:, None] / 2)
    options = {"log-likelihood": {"dimensions": 4}}
    score = evaluate(log_weights=weights, options=options)["log-likelihood"]
    exact = norm.logpdf(x, scale=np.sqrt(2)).mean()
    assert score.value == pytest.approx(exact, abs=0.01)
    assert score.parts["ELBO"].value < score.value
    assert 1 < score.parts["effective samples"].value < 200
    assert score.parts["log-likelihood per dimension"].value == score.value / 4


@pytest.mark.parametrize(("width", "samples"), [(60, 100), (40, 100), (100, 300), (10, 1000)])
def test_the_error_of_the_total_correlation_with_many_latents(width: int, samples: int) -> None:
    """It is about the spread over seeds, also where there are as many controls as draws.

    It may be larger, since no posterior is drawn twice before all are drawn.
    """
    rng = np.random.default_rng(0)
    mean, logvar = rng.standard_normal((300, width)), np.full((300, width), -0.5)
    options = {"total-correlation": {"samples": samples}}
    found = [
        evaluate(mean, logvar=logvar, metrics="total-correlation", seed=seed, options=options)
        for seed in range(20)
    ]
    scores = [each["total-correlation"] for each in found]
    spread = np.std([score.value for score in scores], ddof=1)
    assert 0.6 < np.mean([score.standard_error for score in scores]) / spread < 2


@pytest.mark.parametrize("scale", [1e-85, 1e-30, 1e49])
def test_the_scale_of_codes_changes_no_gaussian_correlation(scale: float) -> None:
    codes = np.random.default_rng(0).standard_normal((2000, 3))
    codes[:, 1] = 0.6 * codes[:, 0] + 0.8 * codes[:, 1]
    usual, scaled = gaussian(codes).parts, gaussian(codes * scale).parts
    for name in ("total correlation", "Wasserstein normalised"):
        assert scaled[name].value == pytest.approx(usual[name].value)
    distance = usual["Wasserstein"].value * scale**2
    assert scaled["Wasserstein"].value == pytest.approx(distance, rel=1e-6)


@pytest.mark.parametrize("metric", ["dci", "downstream"])
def test_trees_see_codes_that_are_tiny(metric: str) -> None:
    """LightGBM takes values of 1e-35 and less for 0."""
    rng = np.random.default_rng(0)
    factors = rng.integers(0, 5, (600, 2))
    codes = factors + 0.01 * rng.standard_normal(factors.shape)
    options = {metric: {"rounds": 20}}
    usual, tiny = (
        evaluate(codes * scale, factors, metrics=metric, options=options)[metric].value
        for scale in (1, 1e-40)
    )
    assert usual > 0.9
    assert tiny == pytest.approx(usual, abs=0.03)
