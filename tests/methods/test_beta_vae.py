"""beta weighs the KL term and nothing else."""

from __future__ import annotations

import pytest
import torch

from unbraid.methods import Batch, Context, Terms, build, configure


@torch.no_grad()
def terms_of(name: str, epoch: float = 0.0, **options: float) -> Terms:
    torch.manual_seed(0)
    model = build(configure(name, latent_dim=3, net="mlp", **options), (1, 16, 16)).eval()
    pixels = torch.rand(8, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    return model.terms(Batch(pixels), Context(torch.Generator().manual_seed(7), epoch, 100))


@pytest.mark.parametrize("beta", [0.0, 1.0, 8.0])
def test_equation_4(beta: float) -> None:
    found, plain = terms_of("beta-vae", beta=beta), terms_of("vae")
    assert found["kl"] == plain["kl"]
    assert found["reconstruction"] == plain["reconstruction"]
    torch.testing.assert_close(found["loss"], plain["reconstruction"] + beta * plain["kl"])


def test_warm_up_ends_at_beta() -> None:
    for epoch, weight in ((0.0, 0.0), (1.0, 2.0), (4.0, 8.0), (9.0, 8.0)):
        found = terms_of("beta-vae", epoch, beta=8.0, warmup=4.0)
        torch.testing.assert_close(found["loss"], found["reconstruction"] + weight * found["kl"])
