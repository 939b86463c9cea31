"""FactorVAE: two steps that leave each other's weights alone, and a discriminator that is right."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from unbraid.methods import Batch, Context, build, configure, factor_vae
from unbraid.methods.factor_vae import discriminator, discriminator_loss, permuted

PIXELS = torch.rand(16, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def model_of(**options: Any) -> factor_vae.Model:
    torch.manual_seed(0)
    small = {"latent_dim": 3, "net": "mlp", "discriminator_hidden": 32, **options}
    model = build(configure("factor-vae", **small), (1, 16, 16))
    assert isinstance(model, factor_vae.Model)
    return model


def context(phase: str) -> Context:
    return Context(torch.Generator().manual_seed(7), 0.0, total=5000, phase=phase)


@pytest.mark.parametrize("phase", ["vae", "discriminator"])
def test_a_step_gives_the_other_networks_no_gradient(phase: str) -> None:
    """Public code leaves the codes attached, or lets the VAE's step into the discriminator."""
    model = model_of()
    model.terms(Batch(PIXELS), context(phase))["loss"].backward()  # type: ignore[no-untyped-call]
    for name, weight in model.named_parameters():
        moved = weight.grad is not None and bool(weight.grad.any())
        assert moved == (name.startswith("discriminator") == (phase == "discriminator")), name


def test_the_phases_share_all_weights_out() -> None:
    model = model_of()
    sets = [{id(p) for p in phase.parameters} for phase in model.phases().values()]
    assert not sets[0] & sets[1]
    assert sets[0] | sets[1] == {id(p) for p in model.parameters()}


def test_permutation_is_of_each_column_by_itself() -> None:
    """Not of columns within a row, as in a public implementation."""
    codes = torch.arange(200.0).view(50, 4)
    found = permuted(codes, torch.Generator().manual_seed(0))
    assert torch.equal(found.sort(0).values, codes)
    rows = found[:, 0] // 4
    assert not torch.equal(rows, found[:, 1] // 4)


def test_the_discriminator_learns_from_both_kinds_of_codes_alike() -> None:
    """Its loss and gradients are those of codes and permuted codes passed one after the other."""
    model = model_of()
    model.terms(Batch(PIXELS), context("discriminator"))["loss"].backward()  # type: ignore[no-untyped-call]
    found = [weight.grad for weight in model.discriminator.parameters()]
    noise = context("discriminator").noise
    with torch.no_grad():
        codes = model.draw(PIXELS, noise)
        shuffled = permuted(codes, noise)
    odds = [model.discriminator(each)[:, 0] for each in (codes, shuffled)]
    loss = discriminator_loss(*odds)
    assert not torch.equal(codes, shuffled)
    expected = torch.autograd.grad(loss, list(model.discriminator.parameters()))
    torch.testing.assert_close(found, list(expected))


@torch.no_grad()
def test_equation_2() -> None:
    model = model_of(gamma=5.0).eval()
    found = model.terms(Batch(PIXELS), context("vae"))
    expected = found["reconstruction"] + found["kl"] + 5 * found["total_correlation"]
    torch.testing.assert_close(found["loss"], expected)


def test_a_discriminator_that_cannot_tell_loses_log_2() -> None:
    zero = torch.zeros(8)
    assert float(discriminator_loss(zero, zero)) == pytest.approx(math.log(2))
    assert float(discriminator_loss(zero + 50, zero - 50)) == pytest.approx(0)


def test_the_ratio_is_the_total_correlation_of_gaussians() -> None:
    """Two codes of correlation .8 have -1/2 log(1 - .8^2) = .511 nats."""
    torch.manual_seed(0)
    net, noise = discriminator(2, 64, 3), torch.Generator().manual_seed(1)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)

    def draw(count: int) -> torch.Tensor:
        codes = torch.randn((count, 2), generator=noise)
        codes[:, 1] = 0.8 * codes[:, 0] + 0.6 * codes[:, 1]
        return codes

    steps = 1200
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 2e-3 * (1 - step / steps)
        codes = draw(512)
        loss = discriminator_loss(net(codes)[:, 0], net(permuted(codes, noise))[:, 0])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    with torch.no_grad():
        found = float(net(draw(50_000)).mean())
    assert found == pytest.approx(-0.5 * math.log(1 - 0.8**2), rel=0.05)


def test_the_discriminator_stays_in_single_precision() -> None:
    model = model_of()
    with torch.autocast("cpu", torch.bfloat16):
        assert model.log_odds(torch.randn(4, 3)).dtype == torch.float32
