"""Methods of pairs: what is shared and how it is averaged, and how latents are held slow."""

from __future__ import annotations

import math
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from unbraid.core.errors import UnbraidError
from unbraid.methods import Batch, Context, Method, ada_gvae, build, configure
from unbraid.methods.ada_gvae import divergences, shared_latents
from unbraid.methods.slow_vae import laplace_cross_entropy
from unbraid.nn.distributions import gaussian_kl

NOISE = torch.Generator().manual_seed(0)
PIXELS = torch.rand(8, 1, 16, 16, generator=NOISE)
OTHERS = torch.rand(8, 1, 16, 16, generator=NOISE)


def model_of(name: str, **options: Any) -> Any:
    torch.manual_seed(0)
    return build(configure(name, latent_dim=3, net="mlp", **options), (1, 16, 16)).eval()


@torch.no_grad()
def terms_of(model: Method, images: Tensor = PIXELS, others: Tensor = OTHERS) -> dict[str, Tensor]:
    context = Context(torch.Generator().manual_seed(7), 0.0, total=5000)
    changed = torch.zeros(len(images), 2).bool()  # never looked at
    return model.terms(Batch(images, pairs=(others, changed)), context)


def test_divergences_are_of_the_first_from_the_second() -> None:
    mean, logvar = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, math.log(4)]])
    zero = torch.zeros(1, 2)
    torch.testing.assert_close(divergences(mean, logvar, zero, zero), gaussian_kl(mean, logvar))
    back = divergences(zero, zero, mean, logvar)
    torch.testing.assert_close(back[0, 1], torch.tensor(0.5 * (0.25 - 1 + math.log(4))))


def test_all_but_the_factor_that_differs_are_shared() -> None:
    found = shared_latents(torch.tensor([[0.1, 9.0, 0.2], [0.0, 0.0, 0.0], [1.0, 2.0, 3.0]]))
    assert found[0].tolist() == [True, False, True]
    assert found[1].tolist() == [False] * 3  # of equal images nothing
    assert found[2].tolist() == [True, False, False]  # the middle itself is not


def test_averages_by_hand() -> None:
    means = torch.tensor([[[0.0]], [[3.0]]])
    logvars = torch.tensor([[[1.0]], [[0.5]]]).log()
    expected = {
        "ada-gvae": (1.5, 0.75),
        "ada-ml-vae": (2.0, 1 / 3),  # 1/v = 1/1 + 1/.5, mean = v (0/1 + 3/.5)
    }
    for name, (mean, variance) in expected.items():
        found = model_of(name).average(means, logvars)
        assert [float(found[0]), float(found[1].exp())] == pytest.approx([mean, variance])
    found = model_of("ada-ml-vae", variance="harmonic").average(means, logvars)
    assert [float(found[0]), float(found[1].exp())] == pytest.approx([2.0, 2 / 3])


@pytest.mark.parametrize("name", ["ada-gvae", "ada-ml-vae"])
def test_both_of_a_pair_have_the_same_posterior_where_they_share(name: str) -> None:
    model = cast(ada_gvae.Model, model_of(name))
    seen: dict[str, Tensor] = {}

    def remember(images: Tensor, mean: Tensor, logvar: Tensor, noise: torch.Generator) -> Tensor:
        seen.update(mean=mean, logvar=logvar)
        return torch.zeros(len(images))

    model.reconstructed = remember  # type: ignore[method-assign]
    found = terms_of(model)
    with torch.no_grad():
        first, second = model.posterior(PIXELS), model.posterior(OTHERS)
    shared = shared_latents(divergences(*first, *second))
    assert 0 < float(shared.float().mean()) < 1
    for given, own, other in zip(seen.values(), first, second, strict=True):
        one, two = given.chunk(2)
        assert torch.equal(one[shared], two[shared])
        torch.testing.assert_close(one[~shared], own[~shared])
        torch.testing.assert_close(two[~shared], other[~shared])
    kl = gaussian_kl(seen["mean"], seen["logvar"]).sum(1).mean()
    torch.testing.assert_close(found["kl"], kl)  # of the averaged posteriors
    assert float(found["shared"]) == pytest.approx(float(shared.float().sum(1).mean()))


@pytest.mark.parametrize("name", ["ada-gvae", "ada-ml-vae"])
def test_the_loss_of_equal_images_is_the_vaes(name: str) -> None:
    model = model_of(name, beta=3.0)
    found = terms_of(model, PIXELS, PIXELS)
    assert float(found["shared"]) == 0
    with torch.no_grad():
        kl = gaussian_kl(*model.posterior(PIXELS)).sum(1).mean()
    torch.testing.assert_close(found["loss"], found["reconstruction"] + 3 * kl)


def test_a_cross_entropy_with_laplace_is_its_average_over_draws() -> None:
    away, logvar = torch.tensor([-1.0, 0.0, 0.3, 2.0]), torch.tensor([0.0, 1.0, -2.0, 0.5])
    z = away + torch.exp(0.5 * logvar) * torch.randn((200_000, 4), generator=NOISE)
    drawn = 6.0 * z.abs() - math.log(6.0 / 2)
    error = float(drawn.std(0).max()) / math.sqrt(len(drawn))
    found = laplace_cross_entropy(away, logvar, 6.0)
    torch.testing.assert_close(found, drawn.mean(0), atol=4 * error, rtol=0)


@pytest.mark.parametrize("published", [False, True])
def test_slow_vae_is_the_bound_of_two_successive_images(published: bool) -> None:
    model = model_of("slow-vae", beta=2.0, gamma=3.0, rate=5.0, as_published=published)
    found = terms_of(model)
    with torch.no_grad():
        (mean, logvar), (other, other_logvar) = model.posterior(PIXELS), model.posterior(OTHERS)
    cross = laplace_cross_entropy(mean - other, logvar, 5.0).sum(1).mean()
    cross = cross + laplace_cross_entropy(other - mean, other_logvar, 5.0).sum(1).mean()
    widths = torch.cat([logvar, other_logvar])
    entropy = 0.5 * (widths + math.log(2 * math.pi * math.e)).sum(1).mean()
    if published:  # 2 reconstruction + beta KL + gamma (cross-entropies of both - entropy), halved
        expected = found["reconstruction"] + 2 / 2 * found["kl"] + 3 / 2 * (cross - entropy)
    else:
        # of both directions of time: one image has the prior's KL, the other the Laplace's
        kl, others_kl = gaussian_kl(mean, logvar).sum(1).mean(), gaussian_kl(other, other_logvar)
        laplace = cross / 2 - entropy
        each_way = 2 * (kl + others_kl.sum(1).mean()) / 2 + 3 * laplace
        expected = found["reconstruction"] + each_way / 2
        torch.testing.assert_close(found["slowness"], cross / 2 - entropy)
    torch.testing.assert_close(found["loss"], expected)


def test_slowness_is_a_divergence_and_so_not_below_0() -> None:
    model = model_of("slow-vae")
    assert float(terms_of(model, PIXELS, PIXELS)["slowness"]) > 0


def test_a_rule_is_kept_and_pairs_are_asked_for() -> None:
    assert model_of("ada-gvae", pairs="one").pair_rule == 1
    assert model_of("slow-vae").pair_rule == "uniform"
    with pytest.raises(UnbraidError, match="learns from pairs"):
        model_of("ada-gvae").terms(Batch(PIXELS), Context(NOISE, 0.0, total=10))
