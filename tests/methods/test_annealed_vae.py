"""The annealed VAE: the capacity rises by steps, and the distance is of the batch's mean KL."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from unbraid.methods import Batch, Context, annealed_vae, build, configure
from unbraid.nn.distributions import gaussian_kl

PIXELS = torch.rand(16, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def model_of(**options: Any) -> annealed_vae.Model:
    torch.manual_seed(0)
    model = build(configure("annealed-vae", latent_dim=3, net="mlp", **options), (1, 16, 16)).eval()
    assert isinstance(model, annealed_vae.Model)
    return model


def test_the_capacity_rises_evenly_and_stays() -> None:
    model = model_of(capacity=25.0, threshold=100_000)
    at = [Context(torch.Generator(), 0.0, 100, step=s) for s in (0, 50_000, 100_000, 200_000)]
    assert [model.capacity_at(context) for context in at] == [0, 12.5, 25, 25]
    assert model_of(threshold=0).capacity_at(at[0]) == 25


@pytest.mark.parametrize("step", [0, 300, 10_000])
@torch.no_grad()
def test_equation_8(step: int) -> None:
    model = model_of(gamma=3.0, capacity=2.0, threshold=600)
    context = Context(torch.Generator().manual_seed(7), 0.0, total=5000, step=step)
    found = model.terms(Batch(PIXELS), context)
    kl = gaussian_kl(*model.posterior(PIXELS)).sum(1).mean()
    torch.testing.assert_close(found["kl"], kl)
    away = (kl - min(2.0, 2.0 * step / 600)).abs()
    torch.testing.assert_close(found["loss"], found["reconstruction"] + 3 * away)


@torch.no_grad()
def test_the_distance_is_not_taken_image_by_image() -> None:
    """Images may say more or less than C as long as they say C on average."""
    model = model_of(gamma=1000.0, threshold=0)
    per_image = gaussian_kl(*model.posterior(PIXELS)).sum(1)
    assert float(per_image.std()) > 0
    model = model_of(gamma=1000.0, capacity=float(per_image.mean()), threshold=0)
    found = model.terms(Batch(PIXELS), Context(torch.Generator().manual_seed(7), 0.0, total=5000))
    torch.testing.assert_close(found["loss"], found["reconstruction"], atol=1e-2, rtol=0)
