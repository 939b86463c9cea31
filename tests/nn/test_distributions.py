"""Likelihoods and divergences against reference values computed apart from this code."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from unbraid.nn import distributions as dist

ORACLE: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "data/likelihood.json").read_text()
)


def double(values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_gaussian_kl() -> None:
    oracle = ORACLE["gaussian_kl"]
    kl = dist.gaussian_kl(double(oracle["mean"]), double(oracle["logvar"]))
    torch.testing.assert_close(kl, double(oracle["kl_elementwise"]), atol=1e-10, rtol=0)
    torch.testing.assert_close(kl.sum(1), double(oracle["kl_per_sample_sum"]), atol=1e-10, rtol=0)


def test_bernoulli_log_likelihood_up_to_extreme_logits() -> None:
    oracle = ORACLE["bernoulli"]
    x, logits = double(oracle["x"]), double(oracle["logits"])
    each = dist.bernoulli_log_likelihood(logits.reshape(-1, 1, 1, 1), x.reshape(-1, 1, 1, 1))
    expected = double(oracle["log_likelihood_elementwise"]).flatten()
    torch.testing.assert_close(each, expected, atol=1e-10, rtol=0)
    images = dist.bernoulli_log_likelihood(logits[:, None, None], x[:, None, None])
    expected = double(oracle["log_likelihood_per_image_sum"])
    torch.testing.assert_close(images, expected, atol=1e-10, rtol=0)
    single = dist.bernoulli_log_likelihood(logits[:, None, None].float(), x[:, None, None].float())
    torch.testing.assert_close(single, expected.float(), atol=1e-4, rtol=0)


def test_bernoulli_entropy_is_the_floor() -> None:
    oracle = ORACLE["bernoulli"]
    x, logits = double(oracle["x"])[:, None, None], double(oracle["logits"])[:, None, None]
    floor = dist.bernoulli_entropy(x)
    expected = double(oracle["entropy_floor_per_image_sum"])
    torch.testing.assert_close(floor, expected, atol=1e-10, rtol=0)
    excess = -dist.bernoulli_log_likelihood(logits, x) - floor
    expected = double(oracle["excess_over_floor_per_image_sum"])
    torch.testing.assert_close(excess, expected, atol=1e-10, rtol=0)


@pytest.mark.parametrize("sd", [1.0, 0.1])
def test_gaussian_log_likelihood_has_its_constants(sd: float) -> None:
    oracle = ORACLE["gaussian_likelihood"]
    mean, x = double(oracle["mean"])[:, None, None], double(oracle["x"])[:, None, None]
    expected = double([oracle["log_likelihood_sum_for_sd"][str(sd)]])
    for log_variance in (2 * math.log(sd), double(2 * math.log(sd))):
        found = dist.gaussian_log_likelihood(mean, x, log_variance)
        torch.testing.assert_close(found, expected, atol=1e-10, rtol=0)


def test_gaussian_log_density_agrees_with_torch() -> None:
    z, mean, logvar = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0)).double()
    normal = torch.distributions.Normal(mean, torch.exp(0.5 * logvar))
    torch.testing.assert_close(dist.gaussian_log_density(z, mean, logvar), normal.log_prob(z))


def test_gaussian_samples_have_their_moments_and_carry_gradients() -> None:
    mean = torch.tensor([1.0, -2.0], requires_grad=True)
    logvar = torch.tensor([0.0, -2.0], requires_grad=True)
    noise = torch.Generator().manual_seed(0)
    z = dist.gaussian_sample(mean.expand(100_000, 2), logvar.expand(100_000, 2), noise)
    np.testing.assert_allclose(z.mean(0).tolist(), [1, -2], atol=0.015)
    np.testing.assert_allclose(z.var(0).tolist(), [1, math.exp(-2)], atol=0.02)
    z.square().mean(0).sum().backward()  # E z^2 = mean^2 + var
    assert mean.grad is not None
    assert logvar.grad is not None
    np.testing.assert_allclose(mean.grad.tolist(), [2, -4], atol=0.03)
    np.testing.assert_allclose(logvar.grad.tolist(), [1, math.exp(-2)], atol=0.03)


def test_categorical_kl_from_uniform() -> None:
    oracle = ORACLE["discrete_kl_uniform"]
    kl = dist.categorical_kl(double(oracle["logits"]))
    torch.testing.assert_close(kl, double(oracle["kl_per_row"]), atol=1e-10, rtol=0)
    zeros = double(oracle["probabilities_with_exact_zeros"]).log()
    expected = double(oracle["kl_with_exact_zeros"])
    torch.testing.assert_close(dist.categorical_kl(zeros), expected, atol=1e-10, rtol=0)


def test_gumbel_softmax_draws_categories_by_their_probability() -> None:
    logits = torch.tensor(ORACLE["gumbel_softmax"]["logits"])
    noise = torch.Generator().manual_seed(0)
    y = dist.gumbel_softmax_sample(logits.expand(50_000, 3), 0.67, noise)
    torch.testing.assert_close(y.sum(1), torch.ones(50_000))
    # the largest of logits + Gumbel noise is a category of softmax(logits), at any temperature
    shares = torch.bincount(y.argmax(1), minlength=3) / 50_000
    torch.testing.assert_close(shares, torch.softmax(logits, 0), atol=0.01, rtol=0)
