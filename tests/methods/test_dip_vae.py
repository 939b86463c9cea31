"""DIP-VAE: the covariance is the batch's, both triangles count, and II adds variances on it."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from unbraid.methods import Batch, Context, build, configure, dip_vae_i, dip_vae_ii
from unbraid.methods.dip_vae_i import covariance, penalties

PIXELS = torch.rand(16, 1, 16, 16, generator=torch.Generator().manual_seed(0))
# means 0, variances 2.5 and 1, covariance 1.5
MEANS = torch.tensor([[2.0, 1.0], [-2.0, -1.0], [1.0, 1.0], [-1.0, -1.0]])


def model_of(name: str, **options: Any) -> dip_vae_i.Model:
    torch.manual_seed(0)
    model = build(configure(name, latent_dim=3, net="mlp", **options), (1, 16, 16)).eval()
    assert isinstance(model, dip_vae_i.Model)
    return model


def matrix_of(name: str, mean: Tensor, logvar: Tensor) -> Tensor:
    return model_of(name).covariances(mean, logvar)


def test_by_hand() -> None:
    found = covariance(MEANS)
    torch.testing.assert_close(found, torch.tensor([[2.5, 1.5], [1.5, 1.0]]))
    off, on = penalties(found)
    assert float(off) == pytest.approx(2 * 1.5**2)  # both triangles
    assert float(on) == pytest.approx(1.5**2)


def test_the_covariance_is_of_rows_about_their_mean() -> None:
    """Not across latents, as in an implementation that takes the other axis."""
    shifted = MEANS + torch.tensor([5.0, -7.0])
    torch.testing.assert_close(covariance(shifted), covariance(MEANS))
    assert covariance(torch.rand(7, 3)).shape == (3, 3)


def test_two_adds_the_posteriors_variances_to_the_diagonal_alone() -> None:
    """An implementation that adds their mean to the whole matrix makes covariances of nothing."""
    logvar = torch.log(torch.tensor([[0.5, 0.1]] * 4))
    extra = matrix_of("dip-vae-ii", MEANS, logvar) - matrix_of("dip-vae-i", MEANS, logvar)
    torch.testing.assert_close(extra, torch.diag(torch.tensor([0.5, 0.1])))


def test_two_is_0_for_an_aggregate_posterior_of_unit_covariance() -> None:
    means = torch.tensor([[0.6, 0.8], [0.6, -0.8], [-0.6, 0.8], [-0.6, -0.8]])
    logvar = torch.log(1 - torch.tensor([[0.36, 0.64]] * 4))
    for value in penalties(matrix_of("dip-vae-ii", means, logvar)):
        assert float(value) == pytest.approx(0, abs=1e-6)
    assert float(penalties(matrix_of("dip-vae-i", means, logvar))[1]) > 0.5


@pytest.mark.parametrize("name", ["dip-vae-i", "dip-vae-ii"])
@torch.no_grad()
def test_the_loss_weighs_both(name: str) -> None:
    context = Context(torch.Generator().manual_seed(7), 0.0, total=5000)
    found = model_of(name, off_diagonal=3.0, diagonal=7.0).terms(Batch(PIXELS), context)
    expected = found["reconstruction"] + found["kl"]
    expected = expected + 3 * found["off_diagonal"] + 7 * found["diagonal"]
    torch.testing.assert_close(found["loss"], expected)


def test_defaults_are_of_the_published_sweep() -> None:
    assert dip_vae_i.Config().diagonal == 10 * dip_vae_i.Config().off_diagonal
    assert dip_vae_ii.Config().diagonal == dip_vae_ii.Config().off_diagonal
    assert math.isclose(dip_vae_i.Config().off_diagonal, 10)
