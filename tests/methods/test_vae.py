"""The evidence lower bound against its closed form and a plain estimate."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unbraid.methods import Batch, Context, build, configure, vae

PIXELS = torch.rand(8, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def model_of(**options: float) -> vae.Model:
    torch.manual_seed(0)
    model = build(configure("vae", latent_dim=3, net="mlp", **options), (1, 16, 16)).eval()
    assert isinstance(model, vae.Model)
    return model


@torch.no_grad()
def test_terms_are_those_of_equation_10() -> None:
    model = model_of()
    mean, logvar = (part.numpy() for part in model.posterior(PIXELS))
    kl = 0.5 * (mean**2 + np.exp(logvar) - 1 - logvar).sum(1).mean()
    epsilon = torch.randn(8, 3, generator=torch.Generator().manual_seed(7)).numpy()
    z = torch.from_numpy(mean + np.exp(0.5 * logvar) * epsilon)
    p = torch.sigmoid(model.decoder(z)).double().numpy()
    x = PIXELS.double().numpy()
    reconstruction = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum((1, 2, 3)).mean()

    terms = model.terms(Batch(PIXELS), Context(torch.Generator().manual_seed(7), 0.0, 100))
    assert terms.keys() == {"loss", "reconstruction", "kl"}
    assert float(terms["kl"]) == pytest.approx(kl, rel=1e-4)
    assert float(terms["reconstruction"]) == pytest.approx(reconstruction, rel=1e-4)
    assert float(terms["loss"]) == pytest.approx(reconstruction + kl, rel=1e-4)


@torch.no_grad()
def test_warm_up_weighs_the_kl_and_shows_it_unweighted() -> None:
    terms = [
        model_of(warmup=warmup).terms(
            Batch(PIXELS), Context(torch.Generator().manual_seed(7), 1.0, 100)
        )
        for warmup in (0.0, 4.0)
    ]
    assert float(terms[0]["kl"]) == float(terms[1]["kl"])
    loss = float(terms[1]["reconstruction"]) + 0.25 * float(terms[1]["kl"])
    assert float(terms[1]["loss"]) == pytest.approx(loss, rel=1e-5)


@torch.no_grad()
def test_draws_follow_the_posterior() -> None:
    model = model_of()
    one = PIXELS[:1].expand(4000, -1, -1, -1)
    z = model.draw(one, torch.Generator().manual_seed(0))
    mean, logvar = model.posterior(PIXELS[:1])
    torch.testing.assert_close(z.mean(0), mean[0], atol=0.15, rtol=0.05)
    torch.testing.assert_close(z.var(0), logvar[0].exp(), atol=0.05, rtol=0.1)


def test_extreme_posteriors_stay_finite() -> None:
    model = model_of()
    with torch.no_grad():
        model.encoder[-1].bias.copy_(torch.tensor([0, 0, 0, 500.0, -500.0, 0]))
    terms = model.terms(Batch(PIXELS), Context(torch.Generator().manual_seed(7), 0.0, 100))
    terms["loss"].backward()
    assert torch.isfinite(terms["loss"])


def test_a_learned_variance_can_come_back_from_next_to_nothing() -> None:
    torch.manual_seed(0)
    config = configure("vae", net="mlp", likelihood="gaussian-learned", sigma=1e-5)
    model = build(config, (1, 16, 16))
    assert isinstance(model, vae.Model)
    assert float(torch.as_tensor(model.pixel_log_variance()).detach()) >= 2 * np.log(1e-3)
    model.terms(Batch(PIXELS), Context(torch.Generator().manual_seed(7), 0.0, 100))[
        "loss"
    ].backward()
    assert model.pixel_logvar.grad is not None
    assert float(model.pixel_logvar.grad) < 0  # the variance is to grow
