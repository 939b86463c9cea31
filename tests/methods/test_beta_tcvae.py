"""Each of the three terms has its weight, and at weights of one they are the VAE's KL, sampled."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from unbraid.methods import Batch, Context, Terms, beta_tcvae, build, configure
from unbraid.nn.decomposition import log_importance_weights, minibatch_decomposition
from unbraid.nn.distributions import gaussian_log_density, gaussian_sample

PIXELS = torch.rand(16, 1, 16, 16, generator=torch.Generator().manual_seed(0))
PARTS = ("index_code_mi", "total_correlation", "dimwise_kl")


def model_of(**options: Any) -> beta_tcvae.Model:
    torch.manual_seed(0)
    config = configure("beta-tcvae", latent_dim=3, net="mlp", **options)
    model = build(config, (1, 16, 16)).eval()
    assert isinstance(model, beta_tcvae.Model)
    return model


@torch.no_grad()
def terms_of(epoch: float = 0.0, **options: Any) -> Terms:
    context = Context(torch.Generator().manual_seed(7), epoch, total=5000)
    return model_of(**options).terms(Batch(PIXELS), context)


@pytest.mark.parametrize("estimator", ["mss", "mws"])
@pytest.mark.parametrize("weights", [(1, 1, 1), (1, 6, 1), (0, 4, 0.5), (2, 0, 3)])
def test_equation_4(estimator: str, weights: tuple[float, float, float]) -> None:
    alpha, beta, gamma = weights
    found = terms_of(alpha=alpha, beta=beta, gamma=gamma, estimator=estimator)
    weighed = sum(weight * found[name] for weight, name in zip(weights, PARTS, strict=True))
    torch.testing.assert_close(found["loss"], found["reconstruction"] + weighed)


@pytest.mark.parametrize("estimator", ["mss", "mws"])
@torch.no_grad()
def test_the_parts_are_those_of_the_batch_and_sum_to_its_sampled_kl(estimator: Any) -> None:
    found = terms_of(estimator=estimator)
    mean, logvar = model_of().posterior(PIXELS)
    z = gaussian_sample(mean, logvar, torch.Generator().manual_seed(7))
    weights = log_importance_weights(16, 5000, estimator)
    for name, value in minibatch_decomposition(z, mean, logvar, weights).items():
        torch.testing.assert_close(found[name], value)
    zero = torch.zeros(())
    sampled = gaussian_log_density(z, mean, logvar) - gaussian_log_density(z, zero, zero)
    total = sum(found[name] for name in PARTS)
    torch.testing.assert_close(total, sampled.sum(1).mean(), atol=1e-4, rtol=0)


def test_defaults_weigh_the_total_correlation_alone() -> None:
    config = beta_tcvae.Config()
    assert (config.alpha, config.gamma, config.estimator) == (1, 1, "mss")
    assert config.beta > 1


def test_warm_up_weighs_all_three() -> None:
    found = terms_of(epoch=1.0, warmup=4.0, beta=6.0)
    weighed = 0.25 * (found["index_code_mi"] + 6 * found["total_correlation"] + found["dimwise_kl"])
    torch.testing.assert_close(found["loss"], found["reconstruction"] + weighed)
