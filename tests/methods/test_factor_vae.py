"""FactorVAE: two losses that leave each other's weights alone, and a right discriminator."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from unbraid.methods import Batch, Context, build, configure, factor_vae
from unbraid.methods.factor_vae import discriminator, discriminator_loss, permuted
from unbraid.nn.distributions import gaussian_kl, gaussian_sample
from unbraid.training.optimizers import Optimizers

PIXELS = torch.rand(16, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def model_of(**options: Any) -> factor_vae.Model:
    torch.manual_seed(0)
    small = {"latent_dim": 3, "net": "mlp", "discriminator_hidden": 32, **options}
    model = build(configure("factor-vae", **small), (1, 16, 16))
    assert isinstance(model, factor_vae.Model)
    return model


def context() -> Context:
    return Context(torch.Generator().manual_seed(7), 0.0, total=5000)


def gradients(loss: torch.Tensor, model: factor_vae.Model) -> dict[str, bool]:
    """Return which weights have a gradient of a loss that is not 0."""
    names, weights = zip(*model.named_parameters(), strict=True)
    found = torch.autograd.grad(loss, weights, allow_unused=True)
    return {
        name: each is not None and bool(each.any()) for name, each in zip(names, found, strict=True)
    }


@pytest.mark.parametrize("term", ["vae", "discriminator"])
def test_a_loss_gives_the_other_network_no_gradient(term: str) -> None:
    """Public code leaves the codes attached, or lets the VAE's step into the discriminator."""
    model = model_of()
    found = gradients(model.terms(Batch(PIXELS), context())[term], model)
    for name, moved in found.items():
        assert moved == (name.startswith("discriminator") == (term == "discriminator")), name


def test_the_discriminator_has_its_own_learning_rate_and_betas() -> None:
    model = model_of(discriminator_lr=0.25)
    optimizer = Optimizers(model, model.phases(), 1e-3, torch.device("cpu"))["model"]
    assert optimizer.groups[1]["betas"] == (0.5, 0.9)
    judges = {id(p) for p in model.discriminator.parameters()}
    assert {id(p) for p in optimizer.groups[1]["params"]} == judges
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    optimizer.step(model.terms(Batch(PIXELS), context())["loss"], 1.0)
    for name, weight in model.named_parameters():  # Adam's first step is the learning rate
        most = float((weight.detach() - before[name]).abs().max())
        rate = 2.5e-4 if name.startswith("discriminator") else 1e-3
        assert most == pytest.approx(rate, rel=0.02), name


def test_permutation_is_of_each_column_by_itself() -> None:
    """Not of columns within a row, as in a public implementation."""
    codes = torch.arange(200.0).view(50, 4)
    found = permuted(codes, torch.Generator().manual_seed(0))
    assert torch.equal(found.sort(0).values, codes)
    rows = found[:, 0] // 4
    assert not torch.equal(rows, found[:, 1] // 4)


def test_one_pass_back_serves_both_losses() -> None:
    """Gradients are those of the two losses, each computed by a pass of its own."""
    model = model_of(gamma=3.0)
    terms = model.terms(Batch(PIXELS), context())
    judges = list(model.discriminator.parameters())
    others = [p for p in model.parameters() if all(p is not judge for judge in judges)]
    found = torch.autograd.grad(terms["loss"], [*others, *judges])

    noise = context().noise
    mean, logvar = model.posterior(PIXELS)
    codes = gaussian_sample(mean, logvar, noise)
    shuffled = permuted(codes.detach(), noise)
    assert not torch.equal(codes, shuffled)
    ratio = model.discriminator(codes).mean()
    own = -model.log_likelihood(codes, PIXELS).mean() + gaussian_kl(mean, logvar).sum(1).mean()
    odds = [model.discriminator(each)[:, 0] for each in (codes.detach(), shuffled)]
    expected = [
        *torch.autograd.grad(own + 3 * ratio, others),
        *torch.autograd.grad(discriminator_loss(*odds), judges),
    ]
    torch.testing.assert_close(list(found), expected)


@torch.no_grad()
def test_equation_2() -> None:
    model = model_of(gamma=5.0).eval()
    found = model.terms(Batch(PIXELS), context())
    expected = found["reconstruction"] + found["kl"] + 5 * found["total_correlation"]
    torch.testing.assert_close(found["vae"], expected)
    torch.testing.assert_close(found["loss"], expected + found["discriminator"])


def test_many_models_at_once_have_the_gradients_of_each() -> None:
    """As fleets derive them: forward within vmap, back outside of it."""
    nets = [model_of(discriminator_hidden=8).discriminator for _ in range(3)]
    torch.manual_seed(5)
    for each in nets:
        for weight in each.parameters():
            nn.init.normal_(weight, std=0.3)
    codes = torch.randn(3, 16, 3)
    stacked = [
        torch.stack(same).detach().requires_grad_()
        for same in zip(*(each.parameters() for each in nets), strict=True)
    ]
    inputs = codes.clone().requires_grad_()
    odds = torch.vmap(lambda z, *w: factor_vae._LogOdds.apply(z, *w)[:2])(inputs, *stacked)  # type: ignore[no-untyped-call]
    loss = odds[0].square().sum() + F.softplus(odds[1]).sum()
    found = torch.autograd.grad(loss, [inputs, *stacked])
    for k, each in enumerate(nets):
        alone = codes[k].clone().requires_grad_()
        by_codes = torch.autograd.grad(each(alone).square().sum(), alone)
        by_weights = torch.autograd.grad(F.softplus(each(codes[k])).sum(), list(each.parameters()))
        torch.testing.assert_close([every[k] for every in found], [*by_codes, *by_weights])


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
        assert {each.dtype for each in model.log_odds(torch.randn(4, 3))} == {torch.float32}
    codes = torch.randn(8, 3, requires_grad=True)
    by_codes, by_weights = model.log_odds(codes)
    weights = list(model.discriminator.parameters())
    expected = torch.autograd.grad(
        (by_codes + by_weights).sum(), [codes, *weights], retain_graph=True
    )
    with torch.autocast("cpu", torch.bfloat16):  # a loop of one's own may go back within it
        found = torch.autograd.grad((by_codes + by_weights).sum(), [codes, *weights])
    assert all(map(torch.equal, found, expected))
