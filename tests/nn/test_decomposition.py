"""The KL decomposition against exact values, and a proof that the usual mistake would show.

``data/kl_decomposition`` holds N = 20,000 posteriors in two dimensions with values by quadrature
(``low``), and one batch of 16 posteriors in ten dimensions (``high``), all computed apart from
this code. What needs many posteriors in many dimensions is compared with plain numpy here.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import logsumexp
from torch import Tensor

from unbraid.core.errors import UnbraidError
from unbraid.nn import decomposition as dec
from unbraid.nn.distributions import gaussian_kl, gaussian_log_density, gaussian_sample

DATA = Path(__file__).parent.parent / "data"
EXACT: dict[str, Any] = json.loads((DATA / "kl_decomposition.json").read_text())
TERMS = ("index_code_mi", "total_correlation", "dimwise_kl")
Estimator = Literal["mss", "mws"]


@pytest.fixture(scope="module")
def stored() -> dict[str, Tensor]:
    with np.load(DATA / "kl_decomposition.npz") as file:
        arrays = {name: torch.from_numpy(file[name]) for name in file.files}
    rows = arrays["low_batch_index"]
    arrays["low_batch_mean"] = arrays["low_mean"][rows]
    arrays["low_batch_logvar"] = arrays["low_logvar"][rows]
    return {k: v if v.dtype == torch.int64 else v.double() for k, v in arrays.items()}


def column_zero_weights(batch: int, total: int) -> Tensor:
    """Return the log weights of the widely copied code, whose stride misses the diagonal."""
    others = batch - 1
    weights = torch.full((batch, batch), 1 / others, dtype=torch.float64)
    weights.view(-1)[:: others + 1] = 1 / total
    weights.view(-1)[1 :: others + 1] = (total - others) / (total * others)
    weights[others - 1, 0] = (total - others) / (total * others)
    return weights.log()


# -- weights --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("batch", "total"), [(2, 2), (2, 100), (16, 20_000), (64, 64), (256, 300)])
def test_mss_weights_are_a_mixture_with_the_own_image_on_the_diagonal(
    batch: int, total: int
) -> None:
    weights = dec.log_importance_weights(batch, total, "mss").exp()
    torch.testing.assert_close(weights.sum(1), torch.ones(batch, dtype=torch.float64))
    torch.testing.assert_close(
        weights.diagonal(), torch.full((batch,), 1 / total, dtype=torch.float64)
    )
    # each other image is drawn as often as the next, so the columns must weigh the same too
    torch.testing.assert_close(weights.sum(0), torch.ones(batch, dtype=torch.float64))


def test_mws_weights_are_one_over_nm() -> None:
    weights = dec.log_importance_weights(5, 100, "mws").exp()
    torch.testing.assert_close(weights, torch.full((5, 5), 1 / 500, dtype=torch.float64))


def test_mss_needs_two_images() -> None:
    with pytest.raises(UnbraidError, match="at least 2 images, found 1"):
        dec.log_importance_weights(1, 100, "mss")
    with pytest.raises(UnbraidError, match="the batch has 64 images and the data set 50"):
        dec.log_importance_weights(64, 50, "mss")


def test_mss_estimates_the_density_without_bias() -> None:
    noise = np.random.default_rng(0)
    density = noise.gamma(0.3, size=40)  # q(z|n) of N = 40 posteriors at the code of number 0
    weights = dec.log_importance_weights(8, 40, "mss")[0].exp().numpy()
    others = np.array([1 + noise.permutation(39)[:7] for _ in range(40_000)])
    estimates = weights[0] * density[0] + density[others] @ weights[1:]
    error = estimates.std() / math.sqrt(len(estimates))
    assert abs(estimates.mean() - density.mean()) < 4 * error


# -- fixed batches --------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["low", "high"])
@pytest.mark.parametrize("estimator", ["mss", "mws"])
def test_log_q_of_each_code_of_a_fixed_batch(
    stored: dict[str, Tensor], case: str, estimator: Estimator
) -> None:
    z, mean, logvar = (stored[f"{case}_batch_{name}"] for name in ("z", "mean", "logvar"))
    density = gaussian_log_density(z[:, None], mean[None], logvar[None])
    weights = dec.log_importance_weights(16, EXACT[case]["N"], estimator)
    log_q_z, log_q_zj = dec.minibatch_log_q(density, weights)
    expected = stored[f"{case}_batch_{estimator}_log_qz"]
    torch.testing.assert_close(log_q_z, expected, atol=1e-9, rtol=0)
    expected = stored[f"{case}_batch_{estimator}_log_qzj"]
    torch.testing.assert_close(log_q_zj, expected, atol=1e-9, rtol=0)
    single = dec.minibatch_log_q(density.float(), weights.float())
    torch.testing.assert_close(single[0].double(), log_q_z, atol=1e-3, rtol=0)

    terms = dec.minibatch_decomposition(z, mean, logvar, weights)
    exact = EXACT[case]["fixed_batch_16"][estimator]
    for name in TERMS:
        assert float(terms[name]) == pytest.approx(exact[name], abs=1e-9)
    assert sum(map(float, terms.values())) == pytest.approx(exact["sampled_kl"], abs=1e-9)


@pytest.mark.parametrize("case", ["low", "high"])
def test_the_column_zero_mistake_would_fail_on_a_fixed_batch(
    stored: dict[str, Tensor], case: str
) -> None:
    z, mean, logvar = (stored[f"{case}_batch_{name}"] for name in ("z", "mean", "logvar"))
    weights = column_zero_weights(16, EXACT[case]["N"])
    assert (weights.exp().sum(1) - 1).abs().max() > 0.05  # a row that sums to more than one
    terms = dec.minibatch_decomposition(z, mean, logvar, weights)
    exact = EXACT[case]["fixed_batch_16"]
    for name in TERMS:  # it is the mistake as others have made it ...
        assert float(terms[name]) == pytest.approx(exact["mss_col0_bug"][name], abs=1e-9)
    missed = abs(float(terms["index_code_mi"]) - exact["mss"]["index_code_mi"])
    assert missed > 1e8 * 1e-9  # ... and it is far outside the tolerance above


@pytest.mark.parametrize("estimator", ["mss", "mws"])
def test_the_terms_sum_to_the_sampled_kl(estimator: Estimator) -> None:
    mean, logvar, z, _ = random_posteriors(64, 7, -3.0)
    weights = dec.log_importance_weights(64, 5000, estimator)
    terms = dec.minibatch_decomposition(z, mean, logvar, weights)
    zero = torch.zeros((), dtype=torch.float64)
    sampled = gaussian_log_density(z, mean, logvar) - gaussian_log_density(z, zero, zero)
    assert float(sum(terms.values())) == pytest.approx(float(sampled.sum(1).mean()), abs=1e-9)


def test_mws_is_off_by_its_constants_alone() -> None:
    mean, logvar, z, _ = random_posteriors(64, 7, -3.0)
    plain = torch.full((64, 64), -math.log(64), dtype=torch.float64)
    mean_terms = dec.minibatch_decomposition(z, mean, logvar, plain)
    mws = dec.minibatch_decomposition(z, mean, logvar, dec.log_importance_weights(64, 5000, "mws"))
    for name, constant in zip(TERMS, (1, 6, -7), strict=True):
        shift = float(mws[name] - mean_terms[name])
        assert shift == pytest.approx(constant * math.log(5000), abs=1e-9)


def test_gradients_are_those_of_plain_log_sum_exp() -> None:
    mean, logvar, z, _ = random_posteriors(16, 3, -1.0)
    weights = dec.log_importance_weights(16, 100, "mss")
    leaves = [value.requires_grad_() for value in (z, mean, logvar)]
    terms = dec.minibatch_decomposition(*leaves, weights)
    loss = terms["index_code_mi"] + 6 * terms["total_correlation"] + terms["dimwise_kl"]
    found = torch.autograd.grad(loss, leaves)
    density = gaussian_log_density(z[:, None], mean[None], logvar[None])
    log_q_z = torch.logsumexp(weights + density.sum(2), 1)
    log_q_zj = torch.logsumexp(weights[:, :, None] + density, 1).sum(1)
    zero = torch.zeros((), dtype=torch.float64)
    own = density.diagonal().sum(0) - log_q_z
    prior = gaussian_log_density(z, zero, zero).sum(1)
    plain = (own + 6 * (log_q_z - log_q_zj) + log_q_zj - prior).mean()
    for one, other in zip(found, torch.autograd.grad(plain, leaves), strict=True):
        torch.testing.assert_close(one, other)


# -- minibatch estimates in expectation -----------------------------------------------------------


def minibatch_means(
    mean: Tensor, logvar: Tensor, log_weights: Tensor, batches: int = 200
) -> dict[str, tuple[float, float]]:
    """Return the mean and standard error of each term over random batches."""
    noise = torch.Generator().manual_seed(1)
    found: dict[str, list[float]] = {name: [] for name in TERMS}
    for _ in range(batches):
        rows = torch.randperm(len(mean), generator=noise)[: len(log_weights)]
        z = gaussian_sample(mean[rows], logvar[rows], noise)
        terms = dec.minibatch_decomposition(z, mean[rows], logvar[rows], log_weights)
        for name in TERMS:
            found[name].append(float(terms[name]))
    return {
        name: (float(np.mean(v)), float(np.std(v, ddof=1) / math.sqrt(batches)))
        for name, v in found.items()
    }


@pytest.mark.parametrize("batch", [64, 256])
@pytest.mark.parametrize("estimator", ["mss", "mws"])
def test_minibatch_means_over_200_batches(
    stored: dict[str, Tensor], batch: int, estimator: Estimator
) -> None:
    weights = dec.log_importance_weights(batch, EXACT["low"]["N"], estimator)
    found = minibatch_means(stored["low_mean"], stored["low_logvar"], weights)
    for name in TERMS:
        exact = EXACT["low"]["minibatch_200"][str(batch)][estimator][name]
        tolerance = 4 * math.hypot(found[name][1], exact["se_of_mean"]) + 1e-3
        assert found[name][0] == pytest.approx(exact["mean"], abs=tolerance), name


def test_where_posteriors_are_narrow_only_the_right_weights_find_log_n() -> None:
    total, batch = 3000, 64
    mean, logvar, *_ = random_posteriors(total, 10, -3.0)
    right = minibatch_means(mean, logvar, dec.log_importance_weights(batch, total, "mss"), 40)
    wrong = minibatch_means(mean, logvar, column_zero_weights(batch, total), 40)
    exact = reference(mean, logvar, 400)  # mutual information 8.005, near log N; correlation 7.45
    for name, near, far in (("index_code_mi", 0.01, 3.5), ("total_correlation", 1.0, 2.5)):
        assert abs(right[name][0] - exact[name][0]) < near
        assert abs(wrong[name][0] - exact[name][0]) > far
    assert wrong["index_code_mi"][0] < math.log(batch) + 0.1  # its ceiling


# -- the monitor ----------------------------------------------------------------------------------


def random_posteriors(
    total: int, latent_dim: int, logvar: float, spread: float = 1.0
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return mean, logvar and one code of each posterior, and the rows they came from."""
    noise = torch.Generator().manual_seed(3)
    mean = spread * torch.randn(total, latent_dim, generator=noise, dtype=torch.float64)
    logvars = logvar + 0.3 * torch.randn(total, latent_dim, generator=noise, dtype=torch.float64)
    return mean, logvars, gaussian_sample(mean, logvars, noise), torch.arange(total)


def numpy_log_q(
    z: NDArray[np.float64], mean: NDArray[np.float64], logvar: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return log q(z) (S,) and log q(z_j) (S, D) of codes under all posteriors, code by code."""
    joint, each = [], []
    for code in z:
        density = -0.5 * (np.log(2 * np.pi) + logvar + (code - mean) ** 2 * np.exp(-logvar))
        joint.append(logsumexp(density.sum(1)) - np.log(len(mean)))
        each.append(logsumexp(density, 0) - np.log(len(mean)))
    return np.array(joint), np.array(each)


def reference(mean: Tensor, logvar: Tensor, samples: int) -> dict[str, tuple[float, float]]:
    """Return the three terms and their standard errors, computed in plain numpy."""
    noise = np.random.default_rng(5)
    means, logvars = mean.numpy(), logvar.numpy()
    rows = noise.integers(0, len(means), samples)
    epsilon = noise.normal(size=(samples, means.shape[1]))
    z = means[rows] + np.exp(0.5 * logvars[rows]) * epsilon
    log_q_z, log_q_zj = numpy_log_q(z, means, logvars)
    own = -0.5 * (np.log(2 * np.pi) + logvars[rows] + epsilon**2).sum(1)
    prior = -0.5 * (np.log(2 * np.pi) + z**2).sum(1)
    values = (own - log_q_z, log_q_z - log_q_zj.sum(1), log_q_zj.sum(1) - prior)
    return {
        name: (float(value.mean()), float(value.std(ddof=1) / math.sqrt(samples)))
        for name, value in zip(TERMS, values, strict=True)
    }


def test_monitor_scores_codes_against_every_posterior(stored: dict[str, Tensor]) -> None:
    log_q_z, log_q_zj = dec._mixture_log_densities(
        stored["low_check_z"], stored["low_mean"], stored["low_logvar"]
    )
    torch.testing.assert_close(log_q_z, stored["low_check_log_qz"], atol=1e-5, rtol=0)
    torch.testing.assert_close(log_q_zj, stored["low_check_log_qzj"], atol=1e-5, rtol=0)


@pytest.mark.parametrize("seed", [0, 1])
def test_monitor_agrees_with_the_exact_values(stored: dict[str, Tensor], seed: int) -> None:
    found = dec.monitor(stored["low_mean"], stored["low_logvar"], samples=4000, seed=seed)
    exact = EXACT["low"]
    for name in TERMS:
        value, error = getattr(found, name)
        assert 0 < error < 0.03
        assert abs(value - exact[name]) < 4 * error, name
    assert found.kl == pytest.approx(exact["total_kl"], abs=1e-9)
    assert found.dimwise == pytest.approx(exact["dimwise_kl_per_latent"], abs=0.03)
    total = sum(getattr(found, name)[0] for name in TERMS)
    assert total == pytest.approx(found.kl, abs=0.05)
    assert "ceiling" not in found.explain()


@pytest.mark.parametrize(
    ("logvar", "spread"), [(0.0, 1.0), (-4.0, 1.0), (-12.0, 1.0), (-20.0, 30.0), (-30.0, 100.0)]
)
def test_monitor_stays_exact_however_narrow_the_posteriors(logvar: float, spread: float) -> None:
    mean, logvars, z, _ = random_posteriors(1000, 5, logvar, spread)
    log_q_z, log_q_zj = dec._mixture_log_densities(z[:100], mean, logvars)
    joint, each = numpy_log_q(z[:100].numpy(), mean.numpy(), logvars.numpy())
    np.testing.assert_allclose(log_q_z.numpy(), joint, atol=5e-5)
    np.testing.assert_allclose(log_q_zj.numpy(), each, atol=5e-5)


def test_monitor_agrees_with_numpy_in_ten_dimensions() -> None:
    mean, logvar, *_ = random_posteriors(2000, 10, -2.0)
    found, expected = dec.monitor(mean, logvar, samples=1000), reference(mean, logvar, 1000)
    for name in TERMS:
        (value, error), (other, other_error) = getattr(found, name), expected[name]
        assert abs(value - other) < 4 * math.hypot(error, other_error), name
    assert found.kl == pytest.approx(float(gaussian_kl(mean, logvar).sum(1).mean()))


def test_monitor_says_when_mutual_information_is_at_its_ceiling() -> None:
    mean, logvar, *_ = random_posteriors(500, 10, -8.0)
    text = dec.monitor(mean, logvar, samples=200).explain()
    assert "at its ceiling log N = 6.21 nats" in text


def test_monitor_computes_in_full_precision_under_autocast() -> None:
    mean, logvar, *_ = random_posteriors(500, 4, -2.0)
    with torch.autocast("cpu", torch.bfloat16):
        inside = dec.monitor(mean.float(), logvar.float(), samples=200)
    assert inside == dec.monitor(mean.float(), logvar.float(), samples=200)


def test_monitor_takes_more_samples_than_images() -> None:
    mean, logvar, *_ = random_posteriors(30, 3, -1.0)
    found = dec.monitor(mean, logvar, samples=1000)
    assert (found.images, found.samples) == (30, 1000)
